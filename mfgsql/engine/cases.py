"""Event logs as histories of cases: what is known of a case at each of its events, and for learning what followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import duckdb

from mfgsql.engine.kept import kept
from mfgsql.engine.planning import Args
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.sources import Source
from mfgsql.engine.underway import MADE, SO_FAR, so_far
from mfgsql.engine.windowing import POSITION
from mfgsql.errors import OptionError
from mfgsql.features import Cases
from mfgsql.features.profile import NUMERIC_TYPES, TIME_TYPES, base_type
from mfgsql.manifest import Manifest
from mfgsql.tasks import AT_LEAST, END, NEXT, REMAINING

_ALIAS = '"__ml log"'
_DAY = 86_400


def read_cases(args: Args, types: dict[str, str]) -> Cases:
    """The log's columns, as the statement names them.

    Raises:
        OptionError: the case or the time isn't named, or started or due is of another kind than the time.
    """
    for role, what, example in (("entity", "case", "order_no"), ("order_by", "time", "finished")):
        if not args.get(role):
            raise OptionError(
                f"A process needs the column of the {what}.", remedy=f"Name it: {role} := '{example}'."
            )
    timed = base_type(types[args["order_by"]]) in TIME_TYPES
    for role in ("started", "due"):
        kind = base_type(types[args[role]]) if args.get(role) else None
        if kind is not None and kind not in (TIME_TYPES if timed else NUMERIC_TYPES):
            name = args[role]
            raise OptionError(
                f"{role} is {name!r}, which is {types[name]}, and {args['order_by']!r} holds "
                f"{'times' if timed else 'numbers'}.",
                remedy=f"Cast it in the source: SELECT * REPLACE ({quote_identifier(name)}::TIMESTAMP AS "
                f"{quote_identifier(name)}) FROM ..." if timed else None,
            )  # fmt: skip
    return Cases(args["target"], args.get("started"), args.get("due"), bool(args.get("trend")), args.get("censored"))


def next_of(activity: str) -> str:
    """What the target is called."""
    return f"next_{activity}"


def warnings_of_log(con: duckdb.DuckDBPyConnection, table: str, cases: Cases, order_by: str) -> list[str]:
    """What one would want to know of a log's events."""
    activity, ended, started = (quote_identifier(n) for n in (cases.activity, order_by, cases.started or order_by))
    row: Any = con.execute(
        f"SELECT count(*), count(*) FILTER ({activity} IS NULL), count(*) FILTER ({started} > {ended}), "
        f"count(*) FILTER ({started} IS NULL) FROM {table}"
    ).fetchone()
    total, unnamed, turned, unstarted = row
    told = (
        (unnamed, f"have no {cases.activity}, which is read as missing."),
        (turned, f"have {cases.started} behind {order_by}: are the two mixed up?"),
        (unstarted, f"have no {cases.started}, and count as begun when they ended."),
    )
    return [f"{count:,} of {total:,} events {words}" for count, words in told if count]


class Events:
    """SQL over the events of a log.

    Args:
        entity, order_by: columns of the case, and of when an event's step ended. timed: whether that holds times.
        alias: of the source, quoted; DuckDB's error about a missing column shows it.
    """

    def __init__(self, cases: Cases, entity: str, order_by: str, *, timed: bool, alias: str = _ALIAS) -> None:
        self.cases, self.timed, self._alias = cases, timed, alias
        self.entity, self.activity = self._column(entity), self._column(cases.activity)
        self.ended = self._at(self._column(order_by))
        self.started = self.ended
        if cases.started:
            self.started = f"coalesce({self._at(self._column(cases.started))}, {self.ended})"
        self._order_by = order_by

    @classmethod
    def of(cls, manifest: Manifest, alias: str = _ALIAS) -> Events:
        """As a model reads them."""
        assert manifest.cases is not None
        assert manifest.history is not None
        assert manifest.history.entity is not None
        return cls(manifest.cases, manifest.history.entity, manifest.history.order_by, timed=manifest.history.timed,
                   alias=alias)  # fmt: skip

    def _column(self, name: str) -> str:
        return f"{self._alias}.{quote_identifier(name)}"

    def _at(self, column: str) -> str:
        """A moment in days, or as the number that it is; NULL where it is infinite."""
        if self.timed:
            return f"epoch(CASE WHEN isfinite({column}) THEN {column} END) / {_DAY}"
        return f"CASE WHEN isfinite({column}::DOUBLE) THEN {column}::DOUBLE END"

    def features(self) -> dict[str, str]:
        """SQL of what is known of the case at an event, by the column's name; times are in days."""
        before = f"lag({self.ended}) OVER __ml_case"
        found = {
            POSITION: "row_number() OVER __ml_case",
            "(elapsed)": f"{self.ended} - min({self.started}) OVER __ml_so_far",
            "(since the event before)": f"{self.ended} - coalesce({before}, {self.started})",
        }
        if self.cases.started:
            found["(duration)"] = f"{self.ended} - {self.started}"
            found["(waited)"] = f"coalesce({self.started} - {before}, 0)"
        if self.timed:
            utc = f"make_timestamp(epoch_us({self._column(self._order_by)}))"  # in whatever zone a session is
            found["(hour)"], found["(weekday)"] = f"date_part('hour', {utc})", f"dayname({utc})"
        if self.cases.due:
            found["(slack)"] = f"{self._at(self._column(self.cases.due))} - {self.ended}"
        if self.cases.trend:
            found["(date)"] = self.ended
        return found

    def truth(self, told: bool) -> str:
        """SQL of the struct of what followed.

        Args:
            told: whether the source says which cases are still open; else none is.
        """
        is_open = self._is_open() if told else "false"
        last = "lead(true) OVER __ml_case IS NULL"
        following = f"lead({self.activity}::VARCHAR) OVER __ml_case"
        return (
            f"{{{quote_literal(NEXT)}: CASE WHEN {last} THEN if({is_open}, NULL, {quote_literal(END)}) "
            f"ELSE {following} END, "
            f"{quote_literal(REMAINING)}: max({self.ended}) OVER __ml_whole - {self.ended}, "
            f"{quote_literal(AT_LEAST)}: {is_open}}}"
        )

    def _is_open(self) -> str:
        """SQL of whether the case is open, where the source says so."""
        assert self.cases.open is not None
        return f"coalesce(bool_or({self._column(self.cases.open)}) OVER __ml_whole, false)"

    def made(self) -> list[str]:
        """Names of the columns that `read` and plans of cases under way add."""
        return [*self.features(), next_of(self.cases.activity), *MADE]

    def read(self, source: Source, types: Mapping[str, str], *, under_way: bool = False) -> Source:
        """The source with those columns beside its own, and what followed each event.

        Args:
            types: of the source's columns, names in lower case, where they are known: who predicts may have no column
                of open cases.
            under_way: whether the cases' last events are asked about, and how long they have waited is to be told.

        Events of one moment lie by their start, their activity, and all else that is told of them, so that the order of
        the source changes nothing. Events without a moment belong to no case.
        """
        told = types.get((self.cases.open or "").lower()) == "BOOLEAN"
        made = self.features() | {next_of(self.cases.activity): self.truth(told)}
        if under_way:
            made[SO_FAR] = so_far(self.ended, self.started, self.activity, self._is_open() if told else "NULL")
        columns = ", ".join(f"{sql} AS {quote_identifier(name)}" for name, sql in made.items())
        case = f"PARTITION BY {self.entity}, {self.ended} IS NULL"
        order = f"{case} ORDER BY {self.ended}, {self.started}, {self.activity}, hash({self._alias})"
        return replace(
            source,
            sql=f"(SELECT {columns}, {kept(made)} FROM {source.sql} AS {self._alias} WINDOW "
            f"__ml_all AS (PARTITION BY {self.entity}), __ml_whole AS ({case}), __ml_case AS ({order}), "
            f"__ml_so_far AS ({order} ROWS UNBOUNDED PRECEDING))",
        )

    def outputs(self, ml: str, waited: str = "0") -> list[tuple[str, str]]:
        """Columns beside the task's own, as SQL over the source's: when the case ends, and whether later than due.

        Args:
            waited: SQL of how long it has waited since: what was due within is late.
        """
        order = quote_identifier(self._order_by)
        left = f'{ml}."value"'
        ends = f"{order} + to_microseconds(({left} * {_DAY} * 1e6)::BIGINT)" if self.timed else f"{order} + {left}"
        found = [("predicted_end", ends)]
        if self.cases.due:
            slack = f"{self._at(quote_identifier(self.cases.due))} - {self._at(order)}"
            known = f"list_filter({ml}.quantiles, lambda q: isfinite(q))"
            late = f"list_avg(list_transform({known}, lambda q: (q > {slack})::INTEGER))"
            late = f"if({slack} < {waited}, 1, {late})"
            found.append(("late_probability", f"CASE WHEN {slack} + {left} IS NOT NULL THEN {late} END"))
        return found
