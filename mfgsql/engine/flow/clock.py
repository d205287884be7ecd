"""The clock of a shop: seconds in which something works, or could; nights and weekends take none."""

from __future__ import annotations

import duckdb

from mfgsql.errors import OptionError
from mfgsql.reporting.formats import plural

PERIODS = "__ml_periods"
_CLOSED = "__ml_closed"
EARLIER = "OVER (ORDER BY begin, stop ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
_MONDAY = 946_857_600  # midnight of a Monday in the year 2000, which weeks are counted from
_MOST_PERIODS = 100_000


def between(intervals: str) -> str:
    """SQL of the stretches, ``since`` and ``until``, between intervals of ``begin`` and ``stop``, which may overlap."""
    known = f"SELECT begin AS until, max(stop) {EARLIER} AS since FROM ({intervals})"
    return f"SELECT since, until FROM ({known}) WHERE until > since"


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

    def divide(self, each: float | None) -> None:
        """Lay out the periods that results are told of, each with its beginning by the calendar and on this clock.

        Args:
            each: seconds of a period; None: all is one.

        Raises:
            OptionError: there would be too many.
        """
        zero, end = f"{self.zero!r}::DOUBLE", f"{self.end!r}::DOUBLE"
        cut = f"SELECT 0 AS period, {zero} AS since, {zero} AS begin, {end} AS stop"
        if each is not None:
            first, last = (int((at - _MONDAY) // each) for at in (self.zero, self.end))
            if last - first >= _MOST_PERIODS:
                raise OptionError(
                    f"each makes {last - first + 1:,} periods of this source, more than {_MOST_PERIODS:,}."
                )
            since = f"({_MONDAY} + i * {each!r}::DOUBLE)"
            cut = (
                f"SELECT i AS period, {since} AS since, greatest({since}, {zero}) AS begin, "
                f"least({since} + {each!r}::DOUBLE, {end}) AS stop FROM range({first}, {last + 1}) AS t(i)"
            )
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {PERIODS} AS SELECT *, stop - begin AS lasts "
            f"FROM ({self.read(cut, 'begin', 'stop')}) WHERE stop > begin"
        )
