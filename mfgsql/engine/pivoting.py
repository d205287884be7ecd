"""A historian's long form (tag, ts, value) made wide."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import duckdb

from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.readings import Notation
from mfgsql.errors import OptionError, did_you_mean

_BAD = ("bad", "no data", "i/o timeout", "bad input", "digital state", "nan", "null", "")


@dataclass(frozen=True)
class Pivot:
    """A historian's long form to wide: a column for each tag.

    Attributes:
        every: length of a time bucket, as ``1 minute``; None keeps the times as they are.
        fill: ``last`` carries the last known value on, ``none`` leaves NULL.
        fill_limit: for how long at most, as ``1 hour``; None: without end. A sensor that fell silent is then NULL.
    """

    tag: str = "tag"
    ts: str = "ts"
    value: str = "value"
    entity: str | None = None
    every: str | None = None
    fill: str = "last"
    fill_limit: str | None = None


def check_column(name: str, types: dict[str, str], role: str) -> None:
    """Refuse a column that the rows lack."""
    if name not in types:
        raise OptionError(
            f"There is no column {name!r} ({role}); there is {', '.join(types)}.{did_you_mean(name, types)}"
        )


def pivot_rows(
    con: duckdb.DuckDBPyConnection,
    pivot: Pivot,
    types: dict[str, str],
    decimal: str | None,
    texts: Collection[str],
    notes: list[str],
) -> None:
    """Reshape ``__ml_load``: a row a time (and entity), a column a tag: the last value of a bucket, carried on.

    Args:
        decimal: the decimal sign, where it was told. texts: tags (lower case) whose comma numbers stay text.
    """
    for role in ("tag", "ts", "value", "entity"):
        if name := getattr(pivot, role):
            check_column(name, types, f"pivot {role}")
    _clean_values(con, pivot, notes)
    written = _read_tags(con, decimal, texts, notes)
    _check_names([*written, pivot.ts, *([pivot.entity] if pivot.entity else [])])
    for role in ("every", "fill_limit"):
        _check_interval(con, pivot, role, types[pivot.ts])
    ts = quote_identifier(pivot.ts)
    keys = [quote_identifier(pivot.entity)] if pivot.entity else []
    moment = f"time_bucket(INTERVAL {quote_literal(pivot.every)}, {ts})" if pivot.every else ts
    columns = [
        read(f"(last(__value ORDER BY {ts}) FILTER (__tag = {quote_literal(tag)} AND __value IS NOT NULL))")
        + f" AS {quote_identifier(tag)}"
        for tag, read in written.items()
    ]
    wide = f"SELECT {', '.join([*keys, f'{moment} AS {ts}', *columns])} FROM __ml_clean GROUP BY ALL"
    if pivot.fill == "last":
        partition = f"PARTITION BY {keys[0]} " if keys else ""
        over = f"OVER ({partition}ORDER BY {ts} ROWS UNBOUNDED PRECEDING)"
        names = [quote_identifier(tag) for tag in written]
        filled = [f"{_carried(n, ts, over, pivot.fill_limit)} AS {n}" for n in names]
        wide = f"SELECT {', '.join([*keys, ts, *filled])} FROM ({wide})"
    con.execute(f"CREATE OR REPLACE TEMP TABLE __ml_wide AS {wide} ORDER BY ALL")
    con.execute("DROP TABLE __ml_load; DROP TABLE __ml_clean")
    con.execute("ALTER TABLE __ml_wide RENAME TO __ml_load")


def _check_names(names: list[str]) -> None:
    """Refuse columns that SQL can't tell apart."""
    seen: dict[str, str] = {}
    for name in names:
        if other := seen.get(name.lower()):
            raise OptionError(
                f"The pivot would have two columns {other!r} and {name!r}, which SQL can't tell apart.",
                remedy="Rename a tag in the file, or load the long form without --pivot and pivot a part of it.",
            )
        seen[name.lower()] = name


def _check_interval(con: duckdb.DuckDBPyConnection, pivot: Pivot, role: str, ts_type: str) -> None:
    if (text := getattr(pivot, role)) is None:
        return
    option = role.replace("_", "-")
    if not ts_type.startswith("TIMESTAMP") and (role, ts_type) != ("every", "DATE"):
        raise OptionError(f"--{option} needs times; {pivot.ts!r} is {ts_type}.", remedy=f"Say --epoch {pivot.ts}.")
    row = con.execute("SELECT TRY_CAST(? AS INTERVAL) IS NOT NULL", [text]).fetchone()
    if not row or not row[0]:
        raise OptionError(f"--{option} {text!r} is no length of time; write it as '1 minute' or '1 hour'.")


def _carried(column: str, ts: str, over: str, limit: str | None) -> str:
    """The last known value, unless it is older than the limit."""
    last = f"last_value({column} IGNORE NULLS) {over}"
    if limit is None:
        return last
    since = f"last_value(CASE WHEN {column} IS NOT NULL THEN {ts} END IGNORE NULLS) {over}"
    return f"CASE WHEN {ts} - {since} <= INTERVAL {quote_literal(limit)} THEN {last} END"


def _clean_values(con: duckdb.DuckDBPyConnection, pivot: Pivot, notes: list[str]) -> None:
    """``__ml_clean``, with a historian's words for no value as NULL."""
    tag, value = quote_identifier(pivot.tag), quote_identifier(pivot.value)
    bad = ", ".join(map(quote_literal, _BAD))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE __ml_clean AS SELECT *, {tag}::VARCHAR AS __tag, "
        f"CASE WHEN lower(trim({value}::VARCHAR)) IN ({bad}) THEN NULL ELSE {value}::VARCHAR END AS __value "
        f"FROM __ml_load WHERE {tag} IS NOT NULL"
    )
    lost = con.execute(f"SELECT count(*) FROM __ml_clean WHERE {value} IS NOT NULL AND __value IS NULL").fetchone()
    if lost and lost[0]:
        notes.append(f"{lost[0]} values such as 'Bad' are read as NULL.")


def _read_tags(
    con: duckdb.DuckDBPyConnection, decimal: str | None, texts: Collection[str], notes: list[str]
) -> dict[str, Callable[[str], str]]:
    """For each tag of ``__ml_clean`` the SQL that makes its texts a number, or leaves them."""
    notation = Notation(decimal)
    readings = notation.judge(con, "__ml_clean", "__value", by="__tag")
    point = "false" if decimal != "," else "contains(__value, '.')"  # what looks like 1.5 was told to be no number
    rows = con.execute(
        f"SELECT __tag, coalesce(bool_and(TRY_CAST(__value AS DOUBLE) IS NOT NULL AND NOT {point}) "
        "FILTER (__value IS NOT NULL), true) FROM __ml_clean GROUP BY 1 ORDER BY 1"
    ).fetchall()
    written: dict[str, Callable[[str], str]] = {}
    for tag, plain in rows:
        reading = readings.get(tag)
        written[tag] = "{}::DOUBLE".format if plain else "{}::VARCHAR".format
        if plain or reading is None or tag.lower() in texts:
            continue
        if reading.number:
            written[tag] = notation.number
        if reading.note:
            notes.append(f"{tag} {reading.note}")
    return written
