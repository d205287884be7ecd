"""One look at a table: counts and ranges over all rows, shape and frequent values over a sample.

Said in ibis. The sample is the rows with the smallest hashes, so that it is uniform and the same each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import duckdb
import ibis
import ibis.backends.duckdb  # ibis would load it in the middle of a run, which nothing could cancel
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from mfgsql.engine.sources import Source
from mfgsql.errors import SourceError
from mfgsql.features import ColumnProfile
from mfgsql.features.numeric import find_sentinel
from mfgsql.features.pictures import HEAD, PATHS, looks_like_picture
from mfgsql.features.profile import NUMERIC_TYPES, TEXT_TYPES, TIME_TYPES, base_type

SAMPLE = 100_000
BLOBS = 1_000  # values of a BLOB that are looked at: each may be large
_TOGETHER = 64  # columns that one query looks at
_BEGINNING = 200  # characters in which words are counted
_UNQUOTED = re.compile(r"\s*([^\W\d]\w*)\s*\.\s*([^\W\d][\w]*(?: +\w+)+)\s*")  # a schema and a name of several words
_WORD = r"\p{Han}|[^\s\p{Han}]+"
STEPS = 256  # between the quantiles
TOP = 1_001  # frequent values kept
T = TypeVar("T")


def profile_columns(
    con: duckdb.DuckDBPyConnection, table: str, types: dict[str, str], *, order: str
) -> list[ColumnProfile]:
    """Profiles of the columns of a temporary table of ``con``.

    Args:
        types: DuckDB's type of each column to look at. order: column of row hashes.
    """
    backend = ibis.duckdb.from_connection(con)
    rows = backend.table(table, database=("temp", "main"))
    profiles = [p for some in _in_turns(list(types.items())) for p in _ranges(rows, dict(some))]
    sample = _sample(rows, order) if profiles and profiles[0].rows > SAMPLE else rows
    shaped = [p for some in _in_turns(profiles) for p in _shapes(sample, some)]
    blobs = [_blob_shape(rows, p, order) if p.base_type == "BLOB" else p for p in shaped]
    return [_top(rows, _without_sentinel(rows, sample, p)) for p in blobs]


def _in_turns(columns: Sequence[T]) -> Iterator[Sequence[T]]:
    """The columns, so many as one query looks at."""
    return (columns[start : start + _TOGETHER] for start in range(0, len(columns), _TOGETHER))


def _sample(rows: ir.Table, order: str) -> ir.Table:
    """The rows with the smallest hashes, and those equal to the last one."""
    last = _one_row(rows.select(order).order_by(order).limit(SAMPLE).aggregate(last=ibis._[order].max()))["last"]
    return rows.filter(rows[order] <= ibis.literal(last, rows[order].type()))


def _number(column: ir.Column, kind: str) -> ir.FloatingValue:
    """A column as finite DOUBLE, NULL elsewhere; times as seconds since 1970."""
    if kind in TIME_TYPES:
        return column.cast("timestamp").epoch_seconds().cast("float64")
    number = column.cast("float64")
    return ibis.ifelse(number.isnan() | number.isinf(), ibis.null("float64"), number)


def _ranges(rows: ir.Table, types: dict[str, str]) -> list[ColumnProfile]:
    """Counts and ranges of all columns by one aggregate query."""
    aggregates = [rows.count().name("rows")]
    for i, (name, type_name) in enumerate(types.items()):
        kind, column = base_type(type_name), rows[name]
        if kind in NUMERIC_TYPES or kind in TIME_TYPES:
            value = _number(column, kind)
            aggregates += [value.count().name(f"n{i}"), value.min().name(f"low{i}"), value.max().name(f"high{i}"),
                           value.mean().name(f"mean{i}"), value.std(how="pop").name(f"dev{i}"),
                           column.count().name(f"all{i}")]  # fmt: skip
        else:
            aggregates.append(column.count().name(f"n{i}"))
    found = _one_row(rows.aggregate(aggregates))
    return [_from_ranges(name, type_name, found, str(i)) for i, (name, type_name) in enumerate(types.items())]


def _from_ranges(name: str, type_name: str, found: dict[str, Any], i: str) -> ColumnProfile:
    return ColumnProfile(
        name,
        type_name,
        rows=found["rows"],
        nulls=found["rows"] - found["n" + i],
        minimum=found.get("low" + i),
        maximum=found.get("high" + i),
        mean=_rounded(found.get("mean" + i)),
        deviation=_rounded(found.get("dev" + i)),
        infinities=found.get("all" + i, found["n" + i]) - found["n" + i],
    )


def _rounded(value: float | None) -> float | None:
    """To 12 digits: sums in parallel differ in the last ones, and equal rows must give equal models."""
    return None if value is None else float(f"{value:.12g}")


def _shapes(sample: ir.Table, profiles: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """Distinct values, quantiles, and the like, of some columns of the sampled rows."""
    numeric = [p for p in profiles if p.base_type in NUMERIC_TYPES and p.minimum is not None]
    numbers = _sorted_numbers(sample, numeric) if numeric else {}
    asked = {p.name: _asked_of(sample[p.name], p.base_type) for p in profiles}
    aggregates = [value.name(f"{key}{i}") for i, p in enumerate(profiles) for key, value in asked[p.name].items()]
    found = _one_row(sample.aggregate(aggregates)) if aggregates else {}
    of_others = [{key: found[f"{key}{i}"] or 0 for key in asked[p.name]} for i, p in enumerate(profiles)]
    return [replace(p, **numbers.get(p.name, other)) for p, other in zip(profiles, of_others, strict=True)]


def _sorted_numbers(sample: ir.Table, profiles: Sequence[ColumnProfile]) -> dict[str, dict[str, Any]]:
    """Shapes of numbers by name, sorted here: DuckDB looks for each quantile anew."""
    table = sample.select(**{p.name: _number(sample[p.name], p.base_type) for p in profiles}).to_pyarrow()
    found = {}
    for profile in profiles:
        values = np.sort(table[profile.name].drop_null().to_numpy())
        ends = [v for v in (profile.minimum, profile.maximum) if v is not None]
        counts = [int(np.searchsorted(values, v, "right") - np.searchsorted(values, v, "left")) for v in ends]
        found[profile.name] = shape_of(values) | {"top": tuple(zip(map(repr, ends), counts, strict=True))}
    return found


def shape_of(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Of sorted numbers how many there are, how many different ones, and their quantiles, linear in between."""
    if not len(values):
        return {"quantiles": (), "distinct": 0, "sampled": 0}
    at = np.arange(STEPS + 1) / STEPS * (len(values) - 1)
    low, high, share = values[np.floor(at).astype(np.int64)], values[np.ceil(at).astype(np.int64)], at - np.floor(at)
    quantiles = low * (1 - share) + high * share
    distinct = 1 + int((values[1:] != values[:-1]).sum())
    return {"quantiles": tuple(quantiles.tolist()), "distinct": distinct, "sampled": len(values)}


def _asked_of(column: ir.Column, kind: str) -> dict[str, ir.Scalar]:
    """Aggregates of a column that holds no numbers; those of `ColumnProfile` by its names."""
    if kind in TIME_TYPES:
        return {"distinct": column.nunique(), "sampled": column.count()}
    if kind not in TEXT_TYPES and kind != "BOOLEAN":
        return {}
    text = column.cast("string")
    return {
        "distinct": column.nunique(),
        "sampled": column.count(),
        "longest": text.length().max(),
        "picture_paths": text.re_search(PATHS).mean(),
        "words": _extract_all(text.left(_BEGINNING), _WORD).length().mean(),
    }


@ibis.udf.scalar.builtin(name="regexp_extract_all")  # type: ignore[untyped-decorator]
def _extract_all(text: str, pattern: str) -> list[str]:  # type: ignore[empty-body]
    """Whatever matches."""


@ibis.udf.scalar.builtin(name="array_slice")  # type: ignore[untyped-decorator]
def _slice(value: bytes, first: int, last: int) -> bytes:  # type: ignore[empty-body]
    """Some bytes of a BLOB, counted from 1."""


def _blob_shape(rows: ir.Table, profile: ColumnProfile, order: str) -> ColumnProfile:
    """Different values of a few, by their hash, and how many begin as a picture does; only heads leave DuckDB."""
    filled = rows.filter(rows[profile.name].notnull())
    last = _one_row(filled.select(order).order_by(order).limit(BLOBS).aggregate(last=ibis._[order].max()))["last"]
    if last is None:
        return profile
    few = filled.filter(filled[order] <= ibis.literal(last, filled[order].type()))  # which sorts no BLOB
    shape = _one_row(few.aggregate(distinct=few[profile.name].hash().nunique(), sampled=few.count()))
    heads = few.group_by(head=_slice(few[profile.name], 1, HEAD)).aggregate(count=ibis._.count()).to_pyarrow()
    pairs = zip(heads["head"].to_pylist(), heads["count"].to_pylist(), strict=True)
    pictures = sum(count for head, count in pairs if looks_like_picture(head))
    return replace(profile, **shape, pictures=pictures / shape["sampled"])


def _without_sentinel(rows: ir.Table, sample: ir.Table, profile: ColumnProfile) -> ColumnProfile:
    """Of numbers of which one stands for no value the profile of the others."""
    if profile.base_type not in NUMERIC_TYPES:
        return profile
    sentinel, profile = find_sentinel(profile), replace(profile, top=())
    if sentinel is None:
        return profile
    kept, some = (_number(t[profile.name], profile.base_type).nullif(sentinel) for t in (rows, sample))
    again = _one_row(
        rows.aggregate(minimum=kept.min(), maximum=kept.max(), mean=kept.mean(), deviation=kept.std(how="pop"))
    )
    again |= {k: _rounded(again[k]) for k in ("mean", "deviation")}
    return replace(profile, sentinel=sentinel, **again, **_quantiles(sample, some))


def _quantiles(rows: ir.Table, value: ir.FloatingValue) -> dict[str, Any]:
    return shape_of(np.sort(rows.select(value=value).to_pyarrow()["value"].drop_null().to_numpy()))


def _top(rows: ir.Table, profile: ColumnProfile) -> ColumnProfile:
    """Most frequent values, over all rows, as text."""
    if profile.base_type not in TEXT_TYPES and profile.base_type != "BOOLEAN":
        return profile
    top = value_counts(rows, profile.name)
    # Equal rows share a hash: of few different ones the sample may hold a part only.
    return replace(profile, top=top, distinct=max(profile.distinct, len(top)))


def counted_values(con: duckdb.DuckDBPyConnection, table: str, profiles: list[ColumnProfile]) -> list[ColumnProfile]:
    """The profiles, of numbers and times with their most frequent values; of times with quantiles, too."""
    rows = ibis.duckdb.from_connection(con).table(table, database=("temp", "main"))
    return [_counted(rows, profile) for profile in profiles]


def _counted(rows: ir.Table, profile: ColumnProfile) -> ColumnProfile:
    kind = profile.base_type
    if kind not in NUMERIC_TYPES and kind not in TIME_TYPES:
        return profile
    values = rows.select(value=_number(rows[profile.name], kind)).filter(ibis._.value.notnull())
    counts = values.group_by("value").aggregate(count=ibis._.count())
    shape = _one_row(counts.aggregate(distinct=ibis._.count()))
    if kind in TIME_TYPES:
        shape |= _quantiles(values, values.value) | shape
    top = counts.order_by([ibis.desc("count"), "value"]).limit(TOP).to_pyarrow()
    pairs = zip(map(repr, top["value"].to_pylist()), top["count"].to_pylist(), strict=True)
    return replace(profile, **shape, top=tuple(pairs))


def value_counts(rows: ir.Table, name: str) -> tuple[tuple[str, int], ...]:
    """Values as text with their counts, most frequent first, ties by value."""
    texts = rows.select(value=rows[name].cast("string")).filter(ibis._.value.notnull())
    counts = texts.group_by("value").aggregate(count=ibis._.count()).order_by([ibis.desc("count"), "value"]).limit(TOP)
    table = counts.to_pyarrow()
    return tuple(zip(table["value"].to_pylist(), table["count"].to_pylist(), strict=True))


def _one_row(expression: ir.Table) -> dict[str, Any]:
    row: dict[str, Any] = expression.to_pyarrow().to_pylist()[0]
    return row


def visible_types(con: duckdb.DuckDBPyConnection, select: str) -> dict[str, str]:
    """Types by names in lower case; none where the source can't be read here: maybe only the caller sees it."""
    try:
        return {name.lower(): kind for name, kind in describe(con, select).items()}
    except duckdb.Error:
        return {}


def describe(con: duckdb.DuckDBPyConnection, select: str) -> dict[str, str]:
    """Column names and types of a statement or a table, without running it."""
    rows: Sequence[tuple[Any, ...]] = con.execute(f"DESCRIBE {select}").fetchall()
    return {r[0]: r[1] for r in rows}


def read_columns(con: duckdb.DuckDBPyConnection, source: Source) -> dict[str, str]:
    """Names and types of a source's columns, as far as what is committed has them.

    Raises:
        SourceError: it can't be read.
    """
    try:
        return describe(con, source.select)
    except duckdb.Error as error:
        text, hint = str(error).split("\n")[0].rstrip("!.") + ".", None
        if isinstance(error, duckdb.CatalogException):
            near = re.search('Did you mean "([^"]+)"', str(error))
            text += f" Did you mean {near[1]!r}?" if near else ""
            hint = (
                "If it is a temporary table or not committed yet: only what is committed is read, so COMMIT first, "
                "or CREATE TABLE it."
            )
        if dotted := _UNQUOTED.fullmatch(source.text):
            hint = f"A name with blanks stands in quotes: '{dotted[1]}.\"{dotted[2]}\"'."
        raise SourceError(f"The source {source.text!r} can't be read: {text}", remedy=hint) from None
