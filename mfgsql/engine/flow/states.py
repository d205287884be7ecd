"""A table of machines' states in DuckDB: a row holds until its station's next one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import numpy as np

from mfgsql.engine.flow.bottlenecks import EVEN, FULL, SPANS, fetched, put_spans, ranked, shares
from mfgsql.engine.flow.cleaning import leave_out_far
from mfgsql.engine.flow.clock import PERIODS, ShopClock
from mfgsql.engine.flow.roles import check_time, find_column
from mfgsql.engine.histories import moment
from mfgsql.engine.planning import Rows
from mfgsql.engine.profiling import read_columns
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.sources import Source
from mfgsql.errors import DataError, OptionError, did_you_mean, one_of
from mfgsql.flow.shifting import active_periods, shifting_bottleneck
from mfgsql.reporting.formats import plural

KINDS = ("working", "starved", "blocked", "failed", "changeover", "off")
_WORDS = {
    "working": "working work running run producing production producing busy processing active execute läuft laeuft",
    "starved": "starved starving waiting wait idle standby ready wartet",
    "blocked": "blocked blocking full blockiert",
    "failed": "failed failure fault faulted stopped stop down breakdown repair error alarm aborted störung stoerung",
    "changeover": "changeover setup set_up tooling rüsten ruesten",
    "off": "off closed break pause holiday unscheduled planned_stop aus",
}
_KNOWN = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_ACTIVE = ("working", "failed", "changeover")  # not made to wait by another machine
_TABLE = "__ml_states"
_OEE = "oee isn't known, and at most working: states tell neither how fast nor how well a machine works"
_CLOSED = 3600.0  # seconds in which all machines wait or are off, at least, to be called closed


def read_mapping(told: Any) -> dict[str, str]:
    """What states mean, as options give it.

    Raises:
        OptionError: it is no struct of the kinds there are.
    """
    if told is None:
        return {}
    if not isinstance(told, Mapping) or not all(isinstance(kind, str) for kind in told.values()):
        raise OptionError(f"states is a struct, as {{'states': {{'RUN': 'working'}}}}, not {told!r}.")
    for state, kind in told.items():
        if kind not in KINDS:
            raise OptionError(f"'{state}' is {one_of(KINDS)}, not {kind!r}.{did_you_mean(kind, KINDS)}")
    return {str(state).strip().lower(): kind for state, kind in told.items()}


class MachineStates:
    """States, read once into a temporary table; machines are numbered.

    Attributes:
        names: of stations, by number. zone: that moments are told in. notes: what was left out, in words. doubts: the
            same, of what may be otherwise.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, source: Source, roles: Mapping[str, str], mapping: Mapping[str, str],
        closed: float | None, zone: str | None,
    ) -> None:  # fmt: skip
        self.con, self.zone, self.notes, self.doubts = con, zone, list[str](), list[str]()
        self._read(source, roles, mapping)
        zero, end = con.execute(f"SELECT min(begin), max(stop) FROM {_TABLE}").fetchall()[0]
        if end <= zero:
            raise DataError("The states are of one moment: how long they last can't be told.")
        active = f"SELECT begin, stop FROM {_TABLE} WHERE kind NOT IN ('starved', 'off')"
        self.clock = ShopClock(con, active, zero, end, _CLOSED if closed is None else closed)
        self.notes += [self.clock.note] if self.clock.note else []
        con.execute(f"CREATE OR REPLACE TEMP TABLE {_TABLE} AS {self.clock.read(f'FROM {_TABLE}', 'begin', 'stop')}")

    def _read(self, source: Source, roles: Mapping[str, str], mapping: Mapping[str, str]) -> None:
        station, state = (quote_identifier(roles[role]) for role in ("station", "state"))
        at = moment(roles["order_by"], roles["type"])
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_TABLE} AS SELECT {station} AS station, {at} AS begin, "
            f"lower(trim({state}::VARCHAR)) AS state FROM {source.sql}"
        )
        lost, rows = self.con.execute(
            f"SELECT count(*) FILTER (station IS NULL OR begin IS NULL), count(*) FROM {_TABLE}"
        ).fetchall()[0]
        if lost == rows:
            why = f"none of {rows:,} rows has a station and a time" if rows else "the table is empty"
            raise DataError(f"There is no state: {why}.")
        self.notes += [f"{plural(lost, 'row')} without station or time left out"] if lost else []
        if far := leave_out_far(self.con, _TABLE, "row", self.zone):
            self.doubts.append(far)
        if torn := self._torn():
            self.doubts.append(torn)
        words = [
            r[0]
            for r in self.con.execute(
                f"SELECT DISTINCT state FROM {_TABLE} WHERE state IS NOT NULL ORDER BY 1"
            ).fetchall()
        ]
        kinds = {word: mapping.get(word, _KNOWN.get(word.replace(" ", "_"))) for word in words}
        if unknown := [word for word, kind in kinds.items() if kind is None]:
            example = ", ".join(f"'{word}': 'working'" for word in unknown[:3])
            raise OptionError(
                f"The state{'s' if len(unknown) > 1 else ''} {', '.join(map(repr, unknown[:10]))} can't be understood.",
                remedy=f"Say what each means: options := {{'states': {{{example}}}}}; it is {one_of(KINDS)}.",
            )
        cases = "".join(f" WHEN state = ${i} THEN '{kind}'" for i, kind in enumerate(kinds.values(), 1))
        kind = f"CASE{cases} END" if kinds else "NULL"
        # Of two rows of a moment the later one by its word counts: the order of a table is none.
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_TABLE} AS SELECT station, begin, "
            "dense_rank() OVER (ORDER BY station) - 1 AS number, "
            "coalesce(lead(begin) OVER (PARTITION BY station ORDER BY begin, state), max(begin) OVER ()) AS stop, "
            f"coalesce({kind}, 'off') AS kind FROM {_TABLE} WHERE station IS NOT NULL AND begin IS NOT NULL",
            list(kinds),
        )
        unsaid = self.con.execute(f"SELECT count(*) FROM {_TABLE} WHERE kind = 'off'").fetchall()[0][0]
        self.notes += [f"{plural(unsaid, 'row')} without a state, or off, left out of the time"] if unsaid else []
        named = self.con.execute(f"SELECT DISTINCT ON (number) station FROM {_TABLE} ORDER BY number").fetchall()
        self.names = [row[0] for row in named]

    def _torn(self) -> str | None:
        """Moments at which a station is in two states, in words."""
        count = self.con.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {_TABLE} WHERE station IS NOT NULL AND begin IS NOT NULL "
            "GROUP BY station, begin HAVING count(DISTINCT coalesce(state, '')) > 1)"
        ).fetchall()[0][0]
        if not count:
            return None
        return f"{plural(count, 'moment')} at which a station has several states: the last by the alphabet counts"

    def rows(self, each: float | None, gap: float | None, check: Callable[[], None]) -> Rows:
        """A row for each station and period, the one that limits the line first."""
        self.clock.divide(each, self.zone)
        kinds = ", ".join(f"'{kind}'" for kind in _ACTIVE)
        found = self.con.execute(
            f"SELECT number, begin, stop FROM {_TABLE} WHERE kind IN ({kinds}) AND stop > begin"
        ).fetchnumpy()
        number, begin, stop = (np.asarray(found[n]) for n in ("number", "begin", "stop"))
        gaps = np.full(len(self.names), 1e-6 if gap is None else gap)
        spans = {}
        if len(number):
            periods = active_periods(number.astype(np.int64), begin, stop, gaps)
            spans = dict(zip(("sole", "shifting"), shifting_bottleneck(periods, check), strict=True))
            put_spans(self.con, spans)
        else:
            raise DataError(
                "No machine works at any time.", remedy="Are states mapped rightly? options := {'states': {..}}."
            )
        self.con.execute(f"INSERT INTO {SPANS} SELECT kind, number, begin, stop, 1 FROM {_TABLE} WHERE stop > begin")
        rows = fetched(self.con, _measures())
        even = _alike(rows)
        for row in rows:
            row["station"] = self.names[row.pop("number")]
            doubts, count = self.doubts, even[row["period"]]
            if count > 1:
                doubts = [f"{count} machines never wait: which of them limits the line states can't tell", *doubts]
            row |= {"machines": 1, "ml_status": "doubtful" if doubts else "ok"}
            row["ml_reason"] = "; ".join([*doubts, *self.notes, _OEE])
        return ranked(rows, "bottleneck")


def _alike(rows: Rows) -> Counter[int]:
    """By period how many machines never wait and are the bottleneck about as often as any."""
    most: dict[int, float] = {}
    for row in rows:
        most[row["period"]] = max(most.get(row["period"], 1e-9), row["bottleneck"])
    return Counter(
        row["period"] for row in rows if row["utilisation"] >= FULL and row["bottleneck"] >= EVEN * most[row["period"]]
    )


def _measures() -> str:
    """SQL of a row for each period and station; shares are of the time in which it was not off."""
    names = ("working", "starved", "blocked", "failed", "changeover")
    planned = " + ".join(names)
    told = ", ".join(f"coalesce({name} / nullif({planned}, 0), 0) AS {name}" for name in names)
    found = f"SELECT * REPLACE ({told}) FROM ({shares((*names, 'off', 'sole', 'shifting'))})"
    return (
        "SELECT * EXCLUDE (off, begin, stop, lasts), 1 - starved - blocked AS utilisation, "
        f"1 - failed - changeover AS availability FROM ({found}) JOIN {PERIODS} USING (period)"
    )


def read_state_roles(con: duckdb.DuckDBPyConnection, source: Source, args: Mapping[str, Any]) -> dict[str, str]:
    """Columns of station, time and state, and the type of the time.

    Raises:
        OptionError: one is missing, or is no time. SourceError: there is no such column.
    """
    types = read_columns(con, source)
    usual = {"station": "station", "order_by": "ts", "state": "state"}
    for role, name in usual.items():
        if args.get(role) is None:
            raise OptionError(f"{role} is missing: a table of states has station, time and state.",
                              remedy=f"As in: {role} := '{name}'.")  # fmt: skip
    roles = {role: find_column(types, role, args[role]) for role in usual}
    check_time("order_by", roles["order_by"], types)
    return roles | {"type": types[roles["order_by"]], "station_type": types[roles["station"]]}
