"""Event logs as histories of cases: what is known of a case at each of its events, and for learning what followed."""

from __future__ import annotations

from dataclasses import replace

from mfgsql.engine.kept import kept
from mfgsql.engine.planning import Args
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.sources import Source
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
    return Cases(args["target"], args.get("started"), args.get("due"), bool(args.get("trend")))


def next_of(activity: str) -> str:
    """What the target is called."""
    return f"next_{activity}"


class Events:
    """SQL over the events of a log.

    Args:
        entity, order_by: columns of the case, and of when an event's step ended. timed: whether that holds times.
        alias: of the source, quoted; DuckDB's error about a missing column shows it.
    """

    def __init__(self, cases: Cases, entity: str, order_by: str, *, timed: bool, alias: str = _ALIAS) -> None:
        self.cases, self.timed, self._alias = cases, timed, alias
        self.entity, self.activity = self._column(entity), self._column(cases.activity)
        self.ended = self._at(order_by)
        self.started = f"coalesce({self._at(cases.started)}, {self.ended})" if cases.started else self.ended
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

    def _at(self, name: str) -> str:
        """A moment in days, or as the number that it is; NULL where it is infinite."""
        column = self._column(name)
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
            found["(hour)"] = f"date_part('hour', {self._column(self._order_by)})"
            found["(weekday)"] = f"dayname({self._column(self._order_by)})"
        if self.cases.due:
            found["(slack)"] = f"{self._at(self.cases.due)} - {self.ended}"
        if self.cases.trend:
            found["(date)"] = self.ended
        return found

    def truth(self, open_cases: str | None) -> str:
        """SQL of the struct of what followed.

        Args:
            open_cases: BOOLEAN column of cases that are not over; None: all are.
        """
        is_open = f"coalesce(bool_or({self._column(open_cases)}) OVER __ml_whole, false)" if open_cases else "false"
        last = "lead(true) OVER __ml_case IS NULL"
        following = f"lead({self.activity}::VARCHAR) OVER __ml_case"
        return (
            f"{{{quote_literal(NEXT)}: CASE WHEN {last} THEN if({is_open}, NULL, {quote_literal(END)}) "
            f"ELSE {following} END, "
            f"{quote_literal(REMAINING)}: max({self.ended}) OVER __ml_whole - {self.ended}, "
            f"{quote_literal(AT_LEAST)}: {is_open}}}"
        )

    def made(self) -> list[str]:
        """Names of the columns that `read` adds."""
        return [*self.features(), next_of(self.cases.activity)]

    def read(self, source: Source, *, open_cases: str | None = None) -> Source:
        """The source with those columns beside its own, and what followed each event."""
        made = self.features() | {next_of(self.cases.activity): self.truth(open_cases)}
        columns = ", ".join(f"{sql} AS {quote_identifier(name)}" for name, sql in made.items())
        begun = f", {self.started}" if self.cases.started else ""
        order = f"PARTITION BY {self.entity} ORDER BY {self.ended}{begun}, {self.activity}"
        return replace(
            source,
            sql=f"(SELECT {columns}, {kept(made)} FROM {source.sql} AS {self._alias} WINDOW "
            f"__ml_whole AS (PARTITION BY {self.entity}), __ml_case AS ({order}), "
            f"__ml_so_far AS ({order} ROWS UNBOUNDED PRECEDING))",
        )

    def outputs(self, ml: str) -> list[tuple[str, str]]:
        """Columns beside the task's own, as SQL over the source's: when the case ends, and whether later than due."""
        order = quote_identifier(self._order_by)
        left = f'{ml}."value"'
        ends = f"{order} + to_microseconds(({left} * {_DAY} * 1e6)::BIGINT)" if self.timed else f"{order} + {left}"
        found = [("predicted_end", ends)]
        if self.cases.due:
            due = quote_identifier(self.cases.due)
            slack = f"epoch({due} - {order}) / {_DAY}" if self.timed else f"({due} - {order})"
            late = f"list_avg(list_transform({ml}.quantiles, lambda q: (q > {slack})::INTEGER))"
            found.append(("late_probability", f"CASE WHEN isfinite({due}) THEN {late} END"))
        return found
