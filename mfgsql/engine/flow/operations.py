"""Operations of a log in DuckDB, cleaned, on the clock of the shop: hours in which nothing worked are taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np

from mfgsql.engine.flow.cleaning import clean
from mfgsql.engine.flow.clock import ShopClock
from mfgsql.engine.flow.hours import LACKING, put_lacking
from mfgsql.engine.flow.roles import Roles
from mfgsql.engine.histories import moment
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.sources import Source
from mfgsql.errors import DataError, OptionError, did_you_mean
from mfgsql.flow.bottlenecks import Floats, Integers, Operations
from mfgsql.reporting.formats import plural

OPERATIONS = "__ml_operations"
_RAW = "__ml_log"
_SHORTEST_CLOSED = 3600.0  # seconds in which nothing works, at least, to be called closed
_LACKING = 0.1  # share of the log without any order that is worth a doubt whether it was open
_RARE = 0.01  # of the time of a station: more operations at once than that are slips of the log
_SELDOM, _LOADED = 0.1, 0.5  # so seldom, and with so much work for one machine less, they may be slips as well
_DAY = 86_400
Machines = int | Mapping[str, int] | None  # of each station, or of some by name; None: the log tells


class OperationLog:
    """A log, read once into temporary tables.

    Attributes:
        names: of stations, by number. clock: what its moments are told by, in seconds. machines: [stations], how many
            each has. usual: seconds of a usual operation. resolution: seconds that times are whole multiples of; 0
            where of none.
        notes: what was left out, in words. doubts: the same, of what may be otherwise than was assumed.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, source: Source, roles: Roles, closed: float | None, machines: Machines
    ) -> None:
        self.con, self.roles = con, roles
        self._read(source)
        self.clock = self._open(closed)
        self._settle()
        self.machines = self._count_machines(machines)

    def _read(self, source: Source) -> None:
        """All rows, with numbers for times; then only operations."""
        roles = self.roles
        times = [moment(name, roles.types[name]) for name in (roles.started, roles.finished)]
        released = "NULL::DOUBLE" if roles.released is None else moment(roles.released, roles.types[roles.released])
        machine = "NULL" if roles.machine is None else f"{quote_identifier(roles.machine)}::VARCHAR"
        good, energy = (
            "NULL::DOUBLE" if name is None else f"{quote_identifier(name)}::DOUBLE"
            for name in (roles.good, roles.energy)
        )
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_RAW} AS SELECT {quote_identifier(roles.case_id)}::VARCHAR AS case_id, "
            f"{quote_identifier(roles.station)} AS station, {times[0]} AS begin, {times[1]} AS stop, "
            f"{released} AS released, {machine} AS machine, {good} AS good, {energy} AS energy FROM {source.sql}"
        )
        told = clean(self.con, _RAW, OPERATIONS, roles.zone)
        self.notes, self.doubts = told.notes, told.doubts
        self.con.execute(f"DROP TABLE {_RAW}")
        self._zero, whole_minutes, whole_seconds = self._one(
            f"SELECT min(begin), bool_and(begin % 60 = 0 AND stop % 60 = 0), bool_and(begin % 1 = 0 AND stop % 1 = 0) "
            f"FROM {OPERATIONS}"
        )
        self.resolution = 60.0 if whole_minutes else 1.0 if whole_seconds else 0.0
        self._look_at_times()

    def _look_at_times(self) -> None:
        """Whether times tell how long operations take.

        Raises:
            DataError: they are dates, and most operations begin and end on one day.
        """
        days, none, self.usual = self._one(
            f"SELECT bool_and(begin % {_DAY} = 0 AND stop % {_DAY} = 0), coalesce(avg((stop = begin)::INTEGER), 0), "
            f"coalesce(median(stop - begin), 0) FROM {OPERATIONS} WHERE ended OR stop > begin"
        )
        if days and none > 0.5:
            raise DataError(
                f"{self.roles.started!r} and {self.roles.finished!r} are dates without a time of day: {none:.0%} of "
                "the operations take no time.",
                remedy="Name columns that tell the time of day as well.",
            )
        if days:
            self.doubts.append("dates without a time of day: how long operations take is told in whole days")
        elif none > 0.5:
            self.doubts.append(f"{none:.0%} of the operations take no time: does each of them have an end?")

    def _open(self, closed: float | None) -> ShopClock:
        """The clock of the shop, by all operations."""
        usual, end = self._one(f"SELECT median(stop - begin), max(stop) FROM {OPERATIONS}")
        active, least = f"SELECT begin, stop FROM {OPERATIONS}", closed
        if least is None:  # without a case under way nothing can work, whether the shop is open or not
            least = max(_SHORTEST_CLOSED, usual)
            lacking = put_lacking(self.con, OPERATIONS, least)
            active += f" UNION ALL SELECT begin, stop FROM {LACKING}"
            if lacking > _LACKING * (end - self._zero):
                self.doubts.append(
                    f"{lacking / 3600:,.1f} h without any order count as open, waiting for work: where it was closed, "
                    "options := {'closed': INTERVAL 1 HOUR} takes them out"
                )
        clock = ShopClock(self.con, active, self._zero, end, least)
        self.notes += [clock.note] if clock.note else []
        return clock

    def _settle(self) -> None:
        """Times on the clock of the shop, numbers of stations, and the operation before of each case."""
        clipped, opened = "stop", self.clock.read(f"FROM {OPERATIONS}", "begin", "stop", "released")
        if self.roles.machine is not None:
            following = "lead(begin) OVER (PARTITION BY station, machine ORDER BY begin, stop)"
            clipped = f"least(stop, coalesce({following}, stop))"
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {OPERATIONS} AS WITH opened AS ({opened}), "
            f"cut AS (SELECT * REPLACE ({clipped} AS stop), stop > {clipped} AS cut FROM opened), "
            "numbered AS (SELECT *, dense_rank() OVER (ORDER BY station) - 1 AS number, "
            "row_number() OVER (ORDER BY begin, stop, case_id, station, machine) - 1 AS row FROM cut) "
            "SELECT *, lag(row) OVER of_case AS before, lead(row) OVER of_case IS NULL AS last, "
            "least(begin, coalesce(lag(stop) OVER of_case, released, begin)) AS ready "
            "FROM numbered WINDOW of_case AS (PARTITION BY case_id ORDER BY row) ORDER BY row"
        )
        longest, cut = self._one(f"SELECT max(stop), count(*) FILTER (cut) FROM {OPERATIONS}")
        self.notes += [f"{plural(cut, 'operation')} clipped where the machine's next began"] if cut else []
        if not longest:
            raise DataError("All operations take no time: nothing can be told.", remedy="Is finished another column?")
        named = self.con.execute(f"SELECT DISTINCT ON (number) station FROM {OPERATIONS} ORDER BY number").fetchall()
        self.names = [row[0] for row in named]

    def _count_machines(self, told: Machines) -> Integers:
        """As told, as many as are named, or as many as work at once but for a few moments."""
        if isinstance(told, int):
            return np.full(len(self.names), told)
        by_name = self._told_machines(told or {})
        found = np.ones(len(self.names), np.int64)
        if self.roles.machine is not None:
            counts = f"SELECT number, count(DISTINCT coalesce(machine, '')) FROM {OPERATIONS} GROUP BY number"
            for number, machines in self.con.execute(counts).fetchall():
                found[number] = machines
            return found
        levels = (
            "SELECT number, at_once, sum(sum(lasts)) OVER so_far AS above, sum(count(*)) OVER so_far AS times, "
            "sum(sum(lasts * at_once)) OVER (PARTITION BY number) AS work, "
            f"sum(sum(lasts)) OVER (PARTITION BY number) AS busy FROM ({steps()}) WHERE at_once > 0 "
            "GROUP BY number, at_once WINDOW so_far AS (PARTITION BY number ORDER BY at_once DESC)"
        )
        counts = (
            "SELECT DISTINCT ON (number) number, at_once, above / busy, times, work "
            f"FROM ({levels}) WHERE above > {_RARE} * busy ORDER BY number, at_once DESC"
        )
        for number, machines, share, times, work in self.con.execute(counts).fetchall():
            found[number] = by_name.get(number, machines)
            if number not in by_name and machines > 1 and share < _SELDOM:
                loaded = work > _LOADED * (machines - 1) * self.clock.length
                (self.doubts if loaded else self.notes).append(self._overlapping(number, machines, times))
        return found

    def _told_machines(self, told: Mapping[str, int]) -> dict[int, int]:
        """How many there are, by the station's number.

        Raises:
            OptionError: there is no such station.
        """
        known = {str(name).lower(): number for number, name in enumerate(self.names)}
        for name in told:
            if name.lower() not in known:
                hint = did_you_mean(name, map(str, self.names))
                raise OptionError(f"machines names a station {name!r}, which the log does not have.{hint}")
        return {known[name.lower()]: count for name, count in told.items()}

    def _overlapping(self, number: int, machines: int, times: int) -> str:
        name = str(self.names[number])
        return (
            f"{name} counts as {plural(machines, 'machine')}, since operations there overlap {plural(times, 'time')}: "
            f"where it has fewer, options := {{'machines': {{{quote_literal(name)}: {machines - 1}}}}}"
        )

    def operations(self) -> Operations:
        """As arrays."""
        table = self.con.execute(
            f"SELECT begin, stop, number, coalesce(before, -1) AS before, last FROM {OPERATIONS} ORDER BY row"
        ).fetchnumpy()
        begin, stop, station, before, last = (
            np.asarray(table[n]) for n in ("begin", "stop", "number", "before", "last")
        )
        return Operations(begin, stop, station.astype(np.int64), before.astype(np.int64), last.astype(bool))

    def tolerance(self, gap: float | None, share: float) -> Floats:
        """Seconds that a station may stand still between two operations that follow each other, [stations]."""
        if gap is not None:
            return np.full(len(self.names), gap)
        asked = f"SELECT {share} * median(stop - begin) FROM {OPERATIONS} GROUP BY number ORDER BY number"
        return np.array([r[0] for r in self.con.execute(asked).fetchall()], np.float64) + self.resolution + 1e-6

    def _one(self, sql: str) -> tuple[Any, ...]:
        return tuple(self.con.execute(sql).fetchall()[0])


def steps() -> str:
    """How many operations are at work at each station, and how many wait there, from one change to the next."""
    changes = " UNION ALL ".join(
        f"SELECT number, {at} AS begin, {work} AS work, {wait} AS wait FROM {OPERATIONS}"
        for at, work, wait in (("ready", 0, 1), ("begin", 1, -1), ("stop", -1, 0))
    )
    return (
        "SELECT number, begin, lead(begin) OVER of_station AS stop, stop - begin AS lasts, "
        "sum(sum(work)) OVER of_station AS at_once, sum(sum(wait)) OVER of_station AS queue "
        f"FROM ({changes}) GROUP BY number, begin WINDOW of_station AS (PARTITION BY number ORDER BY begin)"
    )
