"""Rows of a log that are no operations, ends that were forgotten, and moments that can only be slips of the pen.

A slip is told by the log itself: what lies or lasts far beyond everything else. What is known is kept: an operation
whose end was forgotten, or is a slip, ends as its station's usually do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb

from mfgsql.engine.flow.clock import date_of
from mfgsql.errors import DataError
from mfgsql.reporting.formats import plural

_SOUND = "case_id IS NOT NULL AND station IS NOT NULL AND begin IS NOT NULL AND (stop IS NULL OR stop >= begin)"
_ENOUGH = 20  # rows, at least, by which one is told to lie far from all others
_EDGE = 0.05  # of the rows at either end say nothing of where the others are
_BEYOND = 10  # times as long as all others are: so far off is a slip
_SLIPS = 0.02  # share of the rows that are slips, at most; more are another stretch of work
_SHORT = 3  # rows that may be slips in any case
_LONG = 20  # times as long as operations usually are, and half as long as the log: no operation
_FORGOTTEN = 5  # times as long as any that ended there, while others began: it isn't running still


@dataclass
class Cleaning:
    """What was mended.

    Attributes:
        notes: in words. doubts: the same, of what may be otherwise than was assumed.
    """

    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def clean(con: duckdb.DuckDBPyConnection, raw: str, into: str, zone: str | None) -> Cleaning:
    """Put the operations among the rows of a table into another, with ``ended``: whether its end is known.

    Args:
        zone: that moments are told in.

    Raises:
        DataError: there is none.
    """
    told = Cleaning()
    _leave_out(con, raw, told)
    if far := leave_out_far(con, raw, "operation", zone):
        told.doubts.append(far)
    _forget_ends(con, raw, told, zone)
    _end(con, raw, into, told)
    return told


def leave_out_far(con: duckdb.DuckDBPyConnection, table: str, what: str, zone: str | None) -> str | None:
    """Delete rows whose ``begin`` lies far before or after all others; in words, or None."""
    low, high, rows = _rows(
        con,
        f"SELECT quantile_disc(begin, {_EDGE}), quantile_disc(begin, {1 - _EDGE}), count(begin) FROM {table} "
        "WHERE begin IS NOT NULL",
    )[0]
    if rows < _ENOUGH or high <= low:
        return None
    beyond = _BEYOND * (high - low)
    far = f"begin < {low - beyond!r} OR begin > {high + beyond!r}"
    count, first = _rows(con, f"SELECT count(*), min(begin) FROM {table} WHERE {far}")[0]
    if not 1 <= count <= max(_SHORT, _SLIPS * rows):
        return None
    con.execute(f"DELETE FROM {table} WHERE {far}")
    return f"{plural(count, what)} far from all others left out (as of {date_of(con, first, zone)}): mistyped?"


def _leave_out(con: duckdb.DuckDBPyConnection, raw: str, told: Cleaning) -> None:
    """Rows that are no operations, and those told twice."""
    rows, nameless, timeless, backwards, sound, twice = _rows(
        con, "SELECT count(*), count(*) FILTER (case_id IS NULL OR station IS NULL), count(*) FILTER (begin IS NULL), "
        f"count(*) FILTER (stop < begin), count(*) FILTER ({_SOUND}), "
        f"count(*) FILTER ({_SOUND}) - (SELECT count(*) FROM (SELECT DISTINCT * FROM {raw} WHERE {_SOUND})) FROM {raw}"
    )[0]  # fmt: skip
    if not sound:
        raise DataError(
            f"None of {plural(rows, 'row')} is an operation: {nameless:,} have no case or station, {timeless:,} no "
            f"start, {backwards:,} end before they start." if rows else "The log is empty: there is no operation.",
            remedy="Is the right column named by started and finished?" if rows else None,
        )  # fmt: skip
    for count, words in (
        (nameless, "without case or station left out"), (timeless, "without a start left out"),
        (backwards, "ending before it starts left out"), (twice, "told twice left out"),
    ):  # fmt: skip
        told.notes += [f"{plural(count, 'row')} {words}"] if count else []
    con.execute(f"CREATE OR REPLACE TEMP TABLE {raw} AS SELECT DISTINCT * FROM {raw} WHERE {_SOUND}")
    alike = _rows(
        con, f"SELECT list(DISTINCT station::VARCHAR ORDER BY station::VARCHAR) AS names FROM {raw} "
        "GROUP BY lower(trim(station::VARCHAR)) HAVING len(names) > 1 ORDER BY 1 LIMIT 3"
    )  # fmt: skip
    for (names,) in alike:
        told.notes.append(f"{' and '.join(map(repr, names))} count as {len(names)} stations: spelt alike they are one")


def _forget_ends(con: duckdb.DuckDBPyConnection, raw: str, told: Cleaning, zone: str | None) -> None:
    """Ends that make an operation longer than can be are as if they weren't told."""
    usual, length, rows = _rows(
        con,
        f"SELECT quantile_cont(stop - begin, {1 - _EDGE}), quantile_disc(begin, {1 - _EDGE}) - "
        f"quantile_disc(begin, {_EDGE}), count(stop) FROM {raw}",
    )[0]
    if rows < _ENOUGH or usual <= 0:
        return
    long = f"stop - begin > {max(_LONG * usual, length / 2)!r}"
    count, first = _rows(con, f"SELECT count(*), min(stop) FROM {raw} WHERE {long}")[0]
    if count:
        con.execute(f"UPDATE {raw} SET stop = NULL WHERE {long}")
        whose = "operation lasts" if count == 1 else "operations last"
        told.doubts.append(
            f"{count:,} {whose} as long as half the log or longer (to {date_of(con, first, zone)}): the end counts as "
            "forgotten"
        )


def _end(con: duckdb.DuckDBPyConnection, raw: str, into: str, told: Cleaning) -> None:
    """Give those without an end one: of what runs still the log's, of what can't the usual one.

    Whose case went on is done; so is what took far longer than any other at its station, where others began since.
    """
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {into} AS WITH seen AS (SELECT *, max(greatest(begin, coalesce(stop, begin))) "
        "OVER () AS now, min(begin) OVER (PARTITION BY case_id ORDER BY begin, stop NULLS FIRST, station, machine "
        "ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS following, "
        "median(stop - begin) OVER (PARTITION BY station) AS usual, "
        "max(stop - begin) OVER (PARTITION BY station) AS longest, "
        f"max(begin) OVER (PARTITION BY station) AS newest FROM {raw}), judged AS (SELECT *, stop IS NULL AND "
        f"(following IS NOT NULL OR (now - begin > {_FORGOTTEN} * longest AND newest > begin)) AS forgotten FROM seen) "
        "SELECT * EXCLUDE (now, following, usual, longest, newest) REPLACE (CASE WHEN stop IS NOT NULL THEN stop "
        "WHEN forgotten THEN least(begin + coalesce(usual, now - begin), coalesce(following, now)) ELSE now END "
        f"AS stop), stop IS NOT NULL OR forgotten AS ended FROM judged"
    )
    forgotten, running = _rows(con, f"SELECT count(*) FILTER (forgotten), count(*) FILTER (NOT ended) FROM {into}")[0]
    con.execute(f"ALTER TABLE {into} DROP COLUMN forgotten")
    if forgotten:
        told.notes.append(
            f"{plural(forgotten, 'operation')} without an end though the work went on: counted as long as usual "
            "there, up to the order's next one"
        )
    told.notes += [f"{plural(running, 'operation')} still running, up to the log's end"] if running else []


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()
