"""What texts and numbers of a loaded file mean: decimal commas are read, counts of seconds are pointed out."""

from __future__ import annotations

import re

import duckdb

from mfgsql.engine.profiling import describe
from mfgsql.engine.quoting import quote_identifier

_NUMBER = r"\s*[-+]?\d+(,\d+)?([eE][-+]?\d+)?\s*"
_THOUSANDS = r"\s*[-+]?\d{1,3},\d{3}\s*"  # or three decimals: who knows
_TIMELIKE = re.compile(r"(^|_)(ts|time|timestamp|epoch|millis|ms|date|datum|zeit)(_|$)", re.IGNORECASE)
_UNITS = (("seconds", 1.0), ("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9))
_FIRST, _LAST = 946_684_800, 4_102_444_800  # the years 2000 to 2100
_INTEGERS = ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE")


def read_decimal_commas(con: duckdb.DuckDBPyConnection, table: str, notes: list[str]) -> None:
    """Columns of text that hold nothing but numbers with a decimal comma become DOUBLE."""
    for name in _columns(con, table, ("VARCHAR",)):
        column = quote_identifier(name)
        row = con.execute(
            f"SELECT bool_and(regexp_full_match({column}, $number)), count(*) FILTER (contains({column}, ',')), "
            f"count(*) FILTER (contains({column}, ',') AND NOT regexp_full_match({column}, $thousands)) "
            f"FROM {table} WHERE trim({column}) <> ''",
            {"number": _NUMBER, "thousands": _THOUSANDS},
        ).fetchone()
        numbers, commas, plain = row if row else (False, 0, 0)
        if not numbers or not commas:
            continue
        if not plain:
            notes.append(f"{name} stays text: '1,234' may be 1.234 or 1234; say --decimal ',' or --decimal '.'.")
            continue
        number = f"replace(nullif(trim({column}), ''), ',', '.')::DOUBLE"
        con.execute(f"ALTER TABLE {table} ALTER {column} TYPE DOUBLE USING {number}")
        notes.append(f"{name} is read with a decimal comma.")


def point_out_epochs(con: duckdb.DuckDBPyConnection, table: str, notes: list[str]) -> None:
    """Numbers named like a time that lie in this century when read as seconds (or ms, us, ns) since 1970."""
    for name in _columns(con, table, _INTEGERS):
        if not _TIMELIKE.search(name):
            continue
        column = quote_identifier(name)
        ends = con.execute(f"SELECT min({column})::DOUBLE, max({column})::DOUBLE FROM {table}").fetchone()
        if ends is None or ends[0] is None:
            continue
        low, high = ends
        units = [unit for unit, per in _UNITS if low / per >= _FIRST and high / per <= _LAST]
        if units:
            notes.append(f"{name} looks like {units[0]} since 1970; to make it a time, load it with --epoch {name}.")


def _columns(con: duckdb.DuckDBPyConnection, table: str, types: tuple[str, ...]) -> list[str]:
    return [name for name, kind in describe(con, table).items() if kind in types]
