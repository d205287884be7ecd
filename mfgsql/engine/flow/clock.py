"""The clock of a shop: seconds in which something works, or could; nights and weekends take none."""

from __future__ import annotations

import duckdb

from mfgsql.engine.quoting import quote_literal
from mfgsql.errors import OptionError
from mfgsql.reporting.formats import epoch, plural

PERIODS = "__ml_periods"
_CLOSED = "__ml_closed"
EARLIER = "OVER (ORDER BY begin, stop ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
_MONDAY = 946_857_600  # midnight of a Monday in the year 2000, which weeks are counted from
_MOST_PERIODS = 100_000
_SHORT = 0.01  # of a usual operation: shorter periods tell nothing


def between(intervals: str) -> str:
    """SQL of the stretches, ``since`` and ``until``, between intervals of ``begin`` and ``stop``, which may overlap."""
    known = f"SELECT begin AS until, max(stop) {EARLIER} AS since FROM ({intervals})"
    return f"SELECT since, until FROM ({known}) WHERE until > since"


def on_the_wall(con: duckdb.DuckDBPyConnection, seconds: float, zone: str | None) -> float:
    """Seconds since 1970 as a clock on the wall of that zone counts them; without a zone as they are."""
    if zone is None:
        return seconds
    told = f"SELECT epoch(timezone({quote_literal(zone)}, to_timestamp({seconds!r}::DOUBLE)))"
    return float(con.execute(told).fetchall()[0][0])


def date_of(con: duckdb.DuckDBPyConnection, seconds: float, zone: str | None) -> str:
    """A moment in words, by the clock on the wall."""
    return epoch(on_the_wall(con, seconds, zone))


class ShopClock:
    """Stretches in which nothing works anywhere, taken out of time.

    Attributes:
        zero, end: the first and the last moment, in seconds since 1970. length: open seconds between them.
        note: what was taken out, in words; None: nothing.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, active: str, zero: float, end: float, least: float) -> None:
        """
        Args:
            active: SQL of when anything works: begin and stop. least: seconds of a stretch that counts.
        """
        self.con, self.zero, self.end = con, zero, end
        ends = f"SELECT {zero!r}::DOUBLE AS begin, {zero!r}::DOUBLE AS stop UNION ALL SELECT {end!r}, {end!r}"
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_CLOSED} AS SELECT since, until - since AS lasts, coalesce(sum(lasts) OVER "
            "(ORDER BY since ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before "
            f"FROM ({between(f'{active} UNION ALL {ends}')}) WHERE lasts > {least!r}"
        )
        count, closed = con.execute(f"SELECT count(*), coalesce(sum(lasts), 0) FROM {_CLOSED}").fetchall()[0]
        self.length = end - zero - float(closed)
        self.note = None
        if count:
            what = f"{plural(count, 'stretch')} of more than {least / 60:,.0f} minutes in which nothing worked"
            self.note = f"{what}, {closed / 3600:,.1f} h in all, count as closed time"

    def read(self, relation: str, *columns: str) -> str:
        """A relation whose columns of moments, in seconds since 1970, become seconds on this clock."""
        joins, told = "", []
        for number, name in enumerate(columns):
            gap, moment = f"gap_{number}", f"rows.{name}"
            joins += f" ASOF LEFT JOIN {_CLOSED} AS {gap} ON {moment} >= {gap}.since"
            out = f"coalesce({gap}.before + least({moment} - {gap}.since, {gap}.lasts), 0)"
            told.append(f"{moment} - {self.zero!r}::DOUBLE - {out} AS {name}")
        return f"SELECT rows.* REPLACE ({', '.join(told)}) FROM ({relation}) AS rows{joins}"

    def divide(self, each: float | None, zone: str | None, usual: float = 0.0) -> None:
        """Lay out the periods that results are told of, each with its beginning by the calendar and on this clock.

        Args:
            each: seconds of a period; None: all is one. zone: whose days they are; None: those of the times themselves.
            usual: seconds of a usual operation.

        Raises:
            OptionError: there would be too many, or they are too short to tell anything.
        """
        zero, end = f"{self.zero!r}::DOUBLE", f"{self.end!r}::DOUBLE"
        cut = f"SELECT 0 AS period, {zero} AS since, {zero} AS begin, {end} AS stop"
        if each is not None:
            first, last = (int((on_the_wall(self.con, at, zone) - _MONDAY) // each) for at in (self.zero, self.end))
            if last - first >= _MOST_PERIODS:
                raise OptionError(
                    f"each makes {last - first + 1:,} periods of this source, more than {_MOST_PERIODS:,}."
                )
            if each < _SHORT * usual:
                raise OptionError(
                    f"each is {each:,.3g} s, and a usual operation takes {usual / 60:,.3g} min: of so short a period "
                    "nothing can be told.",
                    remedy="As in: each := INTERVAL 1 DAY.",
                )
            wall = f"({_MONDAY} + i * {each!r}::DOUBLE)"
            if zone is not None:  # a day may have 23 hours, or 25
                wall = f"epoch(timezone({quote_literal(zone)}, make_timestamp(({wall} * 1e6)::BIGINT)))"
            laid = f"SELECT i AS period, {wall} AS since FROM range({first}, {last + 2}) AS t(i)"
            cut = (
                f"SELECT period, since, greatest(since, {zero}) AS begin, least(until, {end}) AS stop FROM ("
                f"SELECT *, lead(since) OVER (ORDER BY period) AS until FROM ({laid})) WHERE until IS NOT NULL"
            )
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {PERIODS} AS SELECT *, stop - begin AS lasts "
            f"FROM ({self.read(cut, 'begin', 'stop')}) WHERE stop > begin"
        )
