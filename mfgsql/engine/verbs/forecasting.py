"""``ml_forecast``: the steps to come of each series, and of sums of series; ``ml_backtest``: how good that was."""

from __future__ import annotations

from typing import Any

from mfgsql.catalog import Version
from mfgsql.engine.backtests import run_backtest
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.forecasts import AHEAD, lists_of, moment_sql, steps_of
from mfgsql.engine.histories import check_order
from mfgsql.engine.planning import Action, Args, acting_plan, actions, at_place, planners, read_names
from mfgsql.engine.profiling import visible_types
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.sources import Source, read_source
from mfgsql.engine.verbs.predicting import check_level, model_and_source, source_alias
from mfgsql.errors import OptionError
from mfgsql.manifest import Manifest
from mfgsql.metrics import LEVELS
from mfgsql.tasks import FORECAST

_FOLDS, _MOST_FOLDS = 4, 100
_PATHS = 400  # of each series, that are summed up
_LEVELS = f"[{', '.join(map(repr, LEVELS))}]::DOUBLE[]"


@planners.register("forecast")
def plan_forecast(engine: Engine, args: Args) -> str:
    """A row for each series, or sum of series, and step to come."""
    version, manifest, source = forecaster(engine, args)
    horizon = check_horizon(args.get("horizon"), manifest)
    level = check_level(args.get("level"))
    groups = read_groups(args.get("group_by"))
    alias = source_alias(version)
    time = f"{alias}.{quote_identifier(manifest.grid.order_by)}" if manifest.grid else ""
    also = [(name, f"arg_max({alias}.{quote_identifier(name)}, {time})") for name in groups]
    lists = lists_of(manifest, source, horizon, alias, also)
    steps = steps_of(
        version, manifest, lists, horizon, level=level, paths=_PATHS if args.get("group_by") is not None else 0,
        session=caller_id(), kept=groups,
    )  # fmt: skip
    if args.get("group_by") is None:
        return _each(manifest, steps)
    return _sums(manifest, steps, groups, level)


OUTPUTS = ("step", "lower", "upper", "quantiles", "fold", "seasonal", "ml_status", "ml_reason")
METRICS = {
    "fold": "INTEGER", "origin": "VARCHAR", "metric": "VARCHAR", "value": "DOUBLE", "baseline": "DOUBLE",
    "series": "BIGINT", "rows": "BIGINT",
}  # fmt: skip


@planners.register("backtest")
def plan_backtest(engine: Engine, args: Args) -> str:
    """A row for each fold and metric, or with ``details`` for each fold, series and step."""
    version, manifest, _ = forecaster(engine, args)
    args["horizon"] = check_horizon(args.get("horizon"), manifest)
    folds = args.get("folds")
    if folds is not None and (isinstance(folds, bool) or not isinstance(folds, int) or not 1 <= folds <= _MOST_FOLDS):
        raise OptionError(f"folds is a number from 1 to {_MOST_FOLDS}, not {folds!r}.")
    if args.get("details") not in (None, True, False):
        raise OptionError(f"details is TRUE or FALSE, not {args['details']!r}.")
    level = check_level(args.get("level"))
    told = {
        "model": version.name, "source": args["source"], "horizon": args["horizon"], "folds": folds or _FOLDS,
        "level": level, "details": bool(args.get("details")), "place": args.get("place"),
        "session": caller_id(),
    }  # fmt: skip
    assert manifest.grid is not None
    columns = _details(engine, manifest, args) if told["details"] else METRICS | {"origin": manifest.grid.type}
    return acting_plan("backtest", told, columns)


actions.register("backtest")(Action(METRICS, run_backtest))


def _details(engine: Engine, manifest: Manifest, args: Args) -> dict[str, str]:
    """Columns of the forecasts, beside what came, the names of series in the source's type."""
    grid, target = manifest.grid, manifest.target
    assert grid is not None
    assert target is not None
    named = {}
    if grid.entity:
        with engine.cursor() as cursor:
            types = visible_types(cursor, read_source(at_place(cursor, args), args["source"]).select)
        named = {grid.entity: types.get(grid.entity.lower(), "VARCHAR")}
    return {
        "fold": "INTEGER", **named, grid.order_by: grid.type, "step": "BIGINT", target.name: "DOUBLE",
        f"predicted_{target.column}": "DOUBLE", "lower": "DOUBLE", "upper": "DOUBLE", "seasonal": "DOUBLE",
    }  # fmt: skip


def forecaster(engine: Engine, args: Args) -> tuple[Version, Manifest, Source]:
    """The version that the statement is pinned to, which forecasts, and its source.

    Raises:
        OptionError: it does something else.
    """
    version, manifest, source = model_and_source(engine, args)
    if manifest.task != FORECAST:
        what = f"is a model of task '{manifest.task}'" if manifest.task else "is a base"
        raise OptionError(
            f"'{version.model}' {what}, and forecasts nothing.",
            remedy="Train one that does: FROM ml_finetune('demand', 'sales', task := 'forecast', target := 'qty', "
            "entity := 'sku', order_by := 'day');",
        )
    assert manifest.grid is not None
    for name in (manifest.grid.entity, manifest.grid.order_by):
        if name is not None and name.lower() in OUTPUTS:
            raise OptionError(
                f"'{version.model}' is told its series by a column {name!r}, a name that a column of the result takes.",
                remedy="Rename the column in a SELECT, and train again.",
            )
    with engine.cursor() as cursor:
        types = visible_types(at_place(cursor, args), source.select)
    if kind := types.get(manifest.grid.order_by.lower()):
        check_order(manifest.grid.order_by, kind)
    return version, manifest, source


def check_horizon(told: Any, manifest: Manifest) -> int:
    """Steps that are asked for; as many as the model forecasts at once where nothing is said."""
    assert manifest.grid is not None
    if told is None:
        return manifest.grid.horizon
    most = AHEAD * manifest.grid.horizon
    if isinstance(told, bool) or not isinstance(told, int) or not 1 <= told <= most:
        usual = manifest.grid.horizon
        raise OptionError(f"horizon is a number of steps from 1 to {most:,}, such as {usual}, not {told!r}.")
    return told


def read_groups(told: Any) -> list[str]:
    """Columns by which series are summed up; of an empty list all series are one sum."""
    form = "group_by is a list of columns, as ['region'], or [] for the sum of all"
    names = read_names(told, form)
    if not all(names):
        raise OptionError(f"{form}, not {told!r}.")
    return names


def _each(manifest: Manifest, steps: str) -> str:
    grid, target = manifest.grid, manifest.target
    assert grid is not None
    assert target is not None
    name = f"__ml_entity AS {quote_identifier(grid.entity)}, " if grid.entity else ""
    quantiles = f"CASE WHEN __ml_steps.quantiles IS NOT NULL THEN map({_LEVELS}, __ml_steps.quantiles) END"
    return (
        f"SELECT {name}{moment_sql(manifest)} AS {quote_identifier(grid.order_by)}, __ml_steps.step AS step, "
        f'__ml_steps.value AS {quote_identifier(f"predicted_{target.column}")}, __ml_steps.lower AS "lower", '
        f'__ml_steps.upper AS "upper", {quantiles} AS quantiles, __ml_steps.ml_status AS ml_status, '
        f"__ml_steps.ml_reason AS ml_reason FROM ({steps}) ORDER BY __ml_entity, __ml_steps.step"
    )


def _sums(manifest: Manifest, steps: str, groups: list[str], level: float) -> str:
    """Sums of series, step by step, but for those that have ended: means add up, and so do paths."""
    grid, target = manifest.grid, manifest.target
    assert grid is not None
    assert target is not None
    by = "".join(f"{quote_identifier(name)}, " for name in groups)
    tail = (1 - level) / 2
    shares = f"list_concat({_LEVELS}, [{tail!r}, {1 - tail!r}])"
    kept = "".join(f"__ml_sums.{quote_identifier(name)}, " for name in groups)
    lacking, status = "__ml_series - __ml_known", "__ml_known < __ml_series"
    return f"""
WITH __ml_each AS MATERIALIZED (SELECT {by}{moment_sql(manifest)} AS __ml_at, __ml_entity, __ml_steps FROM ({steps})),
__ml_members AS (
  SELECT {by}count(DISTINCT __ml_entity) AS __ml_series,
    count(DISTINCT __ml_entity) FILTER (WHERE __ml_steps.value IS NOT NULL AND __ml_steps.behind = 0) AS __ml_known
  FROM __ml_each {"GROUP BY ALL" if groups else ""}
),
__ml_there AS (
  SELECT *, __ml_steps.step AS __ml_step FROM __ml_each WHERE __ml_steps.value IS NOT NULL AND __ml_steps.behind = 0
),
__ml_sums AS (
  SELECT {by}__ml_step, max(__ml_at) AS __ml_at, sum(__ml_steps.value) AS __ml_value FROM __ml_there GROUP BY ALL
),
__ml_drawn AS (
  SELECT {by}__ml_step, unnest(__ml_steps.paths) AS __ml_v, generate_subscripts(__ml_steps.paths, 1) AS __ml_i
  FROM __ml_there
),
__ml_paths AS (SELECT {by}__ml_step, __ml_i, sum(__ml_v) AS __ml_v FROM __ml_drawn GROUP BY ALL),
__ml_spread AS (SELECT {by}__ml_step, quantile_cont(__ml_v, {shares}) AS __ml_q FROM __ml_paths GROUP BY ALL)
SELECT {kept}__ml_sums.__ml_at AS {quote_identifier(grid.order_by)}, __ml_sums.__ml_step AS step,
  __ml_value AS {quote_identifier(f"predicted_{target.column}")}, __ml_q[{len(LEVELS) + 1}] AS "lower",
  __ml_q[{len(LEVELS) + 2}] AS "upper", map({_LEVELS}, __ml_q[:{len(LEVELS)}]) AS quantiles,
  CASE WHEN {status} THEN 'missing' ELSE 'ok' END AS ml_status,
  CASE WHEN {status} THEN format('{{}} of {{}} series have ended, or have no forecast', {lacking}, __ml_series) END
    AS ml_reason
FROM __ml_sums JOIN __ml_spread ON {_same("__ml_spread", [*groups, "__ml_step"])}
JOIN __ml_members ON {_same("__ml_members", groups) or "true"}
ORDER BY {kept}__ml_sums.__ml_step
""".strip()


def _same(table: str, names: list[str]) -> str:
    quoted = map(quote_identifier, names)
    return " AND ".join(f"__ml_sums.{name} IS NOT DISTINCT FROM {table}.{name}" for name in quoted)
