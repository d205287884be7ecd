"""How a query hands series to the forecaster: a list of the latest rows of each, and of what is known of steps to come.

Rows behind a series' last known value are its steps to come: their target is NULL, and what they tell of other columns
is what is planned. Lists hold no more than the model reads.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.catalog import Version
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.sources import Source
from mfgsql.engine.windowing import TIME

if TYPE_CHECKING:  # plain SQL need not wait for torch
    from mfgsql.engine.engine import Engine
    from mfgsql.manifest import Manifest
    from mfgsql.scoring import Scorer
    from mfgsql.scoring.forecasting import Forecasts, Series
    from mfgsql.tasks.task import Array

VALUE = "__ml_value"
AHEAD = 20  # times the steps that a model forecasts at once, that can be asked for
_STEPS = "__ml_steps"  # a struct for each step to come
_TOGETHER = 512  # series that are forecast at a time


def lists_of(
    manifest: Manifest, source: Source, horizon: int, alias: str, also: Sequence[tuple[str, str]] = (), *, more: int = 0
) -> str:
    """A SELECT of a row for each series: its name ``__ml_entity``, its rows ``__ml_rows``, the latest moment of any
    series ``__ml_latest``, a key ``__ml_key``, and more.

    Args:
        alias: of the source, quoted; DuckDB's error about a missing column shows it.
        also: names and SQL of aggregates over the rows of a series. more: rows of each, than the model reads at once.
    """
    grid, target = manifest.grid, manifest.target
    assert grid is not None
    assert target is not None
    time = f"{alias}.{quote_identifier(grid.order_by)}"
    entity = f"{alias}.{quote_identifier(grid.entity)}" if grid.entity else "0"
    value = f"{alias}.{quote_identifier(target.name)}::DOUBLE"
    fields = {n: f"{alias}.{quote_identifier(n)}" for n in manifest.features.names}
    told = ", ".join(f"{quote_literal(n)}: {sql}" for n, sql in fields.items())
    row = f"{{{told}{', ' if told else ''}'{TIME}': {time}, '{VALUE}': CASE WHEN isfinite({value}) THEN {value} END}}"
    known = f"max({time}) FILTER (WHERE isfinite({value})) OVER (PARTITION BY {entity})"
    others = "".join(f", {sql} AS {quote_identifier(name)}" for name, sql in also)
    kept = "".join(f", {quote_identifier(name)}" for name, _ in also)
    return (
        f"WITH __ml_marked AS MATERIALIZED (SELECT {alias}.*, {row} AS __ml_row, {entity} AS __ml_entity, "
        f"{time} AS __ml_time, {known} AS __ml_last FROM {source.sql} AS {alias} "
        f"WHERE {entity} IS NOT NULL AND isfinite({time}{'' if grid.timed else '::DOUBLE'})) "
        "SELECT __ml_entity, "
        "list_concat(list_reverse(coalesce(__ml_past, [])), coalesce(__ml_ahead, [])) AS __ml_rows, "
        f"(SELECT max(__ml_last) FROM __ml_marked) AS __ml_latest, hash(__ml_entity::VARCHAR) AS __ml_key{kept} "
        f"FROM (SELECT __ml_entity, max_by(__ml_row, __ml_time, {grid.window + more}) "
        "FILTER (WHERE __ml_time <= __ml_last OR __ml_last IS NULL) AS __ml_past, "
        f"min_by(__ml_row, __ml_time, {horizon}) FILTER (WHERE __ml_time > __ml_last) AS __ml_ahead{others} "
        f"FROM __ml_marked AS {alias} GROUP BY __ml_entity)"
    )


def steps_of(
    version: Version, manifest: Manifest, lists: str, horizon: int, *, level: float, paths: int, session: str | None,
    kept: Sequence[str] = (),
) -> str:  # fmt: skip
    """A SELECT of a row for each series and step: ``__ml_entity`` and the struct ``__ml_steps``."""
    told = {"model": version.name, "horizon": horizon, "level": level, "paths": paths, "session": session}
    call = f"_ml_forecast(__ml_rows, __ml_latest, __ml_key, {quote_literal(json.dumps(told))})"
    columns = "".join(f", {quote_identifier(name)}" for name in kept)
    return f"SELECT __ml_entity{columns}, unnest({call}) AS {_STEPS} FROM ({lists})"


def moment_sql(manifest: Manifest) -> str:
    """SQL of a step's moment in the type of ``order_by``."""
    grid = manifest.grid
    assert grid is not None
    if not grid.timed:
        return f"{_STEPS}.at::{grid.type}"
    if grid.type == "TIMESTAMP WITH TIME ZONE":
        return f"make_timestamptz(CAST(round({_STEPS}.at * 1e6) AS BIGINT))"
    return f"make_timestamp(CAST(round({_STEPS}.at * 1e6) AS BIGINT))::{grid.type}"


def answer_forecasts(engine: Engine, rows: pa.Array, latest: pa.Array, key: pa.Array, told: pa.Array) -> pa.Array:
    """Lists of step, at, value, lower, upper, quantiles, status, reason, paths."""
    asked = json.loads(told[0].as_py())
    if not len(rows):
        return pa.nulls(0, pa.list_(pa.struct([("step", pa.int64())])))
    with engine.scorer(asked["model"]) as scorer:
        parts = [_structs(scorer, part.found, asked) for part in forecasts_of(engine, scorer, rows, latest, key, asked)]
    structs = pa.concat_arrays(parts)
    offsets = np.arange(0, len(structs) + 1, asked["horizon"], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, structs)


@dataclass(frozen=True)
class Part:
    """Series of a call that are forecast together."""

    start: int
    series: Series
    found: Forecasts


def forecasts_of(
    engine: Engine, scorer: Scorer, rows: pa.Array, latest: pa.Array, key: pa.Array, asked: dict[str, Any]
) -> list[Part]:
    """Forecasts of all lists of a call, so many together."""
    from mfgsql.scoring.forecasting import forecast

    check = engine.cancellation(asked["session"]).check
    parts = []
    for start in range(0, len(rows), _TOGETHER):
        series = series_of(scorer, rows.slice(start, _TOGETHER), latest, key.slice(start, _TOGETHER))
        parts.append(Part(start, series, forecast(scorer, series, asked["horizon"], check)))
    return parts


def series_of(scorer: Scorer, rows: pa.Array, latest: pa.Array, key: pa.Array) -> Series:
    """The series in lists of rows; none of them is empty."""
    from mfgsql.engine.answering import check_times
    from mfgsql.scoring.forecasting import Series
    from mfgsql.scoring.histories import moments_of

    flat = rows.flatten()
    starts = np.append(0, np.cumsum(np.asarray(pc.list_value_length(rows))))[:-1].astype(np.int64)
    fields = {flat.type.field(i).name: column for i, column in enumerate(flat.flatten())}
    grid = scorer.model.manifest.grid
    assert grid is not None
    check_times(grid.order_by, fields[TIME].type, timed=grid.timed)
    values = pc.fill_null(fields[VALUE], float("nan")).to_numpy(zero_copy_only=False)
    columns = {name: fields[name] for name in scorer.model.manifest.features.names}
    end = moments_of(latest.slice(0, 1))[0] if len(latest) and latest[0].is_valid else None
    return Series(columns, values, fields[TIME], starts, key.to_numpy(), None if end is None else float(end))


def _structs(scorer: Scorer, found: Forecasts, asked: dict[str, Any]) -> pa.Array:
    """A struct for each series and step."""
    from mfgsql.scoring.forecasting import interval

    series, steps = found.mean.shape
    grid = scorer.model.manifest.grid
    assert grid is not None
    lower, upper = interval(found.quantiles, asked["level"], grid)
    void = found.status.void if found.status.void is not None else np.zeros(series, bool)
    no_value = np.repeat(void, steps)

    def column(values: Array) -> pa.Array:
        return pa.array(values.reshape(-1), mask=no_value if no_value.any() else None)

    repeat = pa.array(np.repeat(np.arange(series), steps))
    known = np.repeat(np.isfinite(found.moments[:, 0]), steps)
    structs = {
        "step": pa.array(np.tile(np.arange(1, steps + 1), series)),
        "at": pa.array(found.moments.reshape(-1), mask=~known),
        "value": column(found.mean),
        "lower": column(lower),
        "upper": column(upper),
        "quantiles": _lists(found.quantiles.reshape(series * steps, -1), no_value),
        "ml_status": found.status.status.dictionary_decode().take(repeat),
        "ml_reason": found.status.reason.take(repeat),
        "behind": pa.array(np.repeat(found.behind, steps)),
        "paths": _paths(found, asked["paths"], no_value),
    }
    return pa.StructArray.from_arrays(list(structs.values()), list(structs))


def _paths(found: Forecasts, count: int, void: Array) -> pa.Array:
    if not count:
        return pa.nulls(len(void), pa.list_(pa.float64()))
    drawn = np.swapaxes(found.path(count), 1, 2)
    return _lists(drawn.reshape(-1, count), void)


def _lists(values: Array, void: Array) -> pa.Array:
    """A list for each row of ``[rows, width]``, NULL where it is void."""
    # A NULL's offset is read as the next one: were its values kept, they would fall to the list before it.
    offsets = np.append(0, np.cumsum(np.where(void, 0, values.shape[1]))).astype(np.int32)
    told = pa.array(np.ascontiguousarray(values[~void]).reshape(-1))
    return pa.ListArray.from_arrays(pa.array(offsets, mask=np.append(void, False)), told)
