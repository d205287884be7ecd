"""Tables that look like event logs: cases of a few rows each, whose steps come in much the same order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

from mfgsql.engine.quoting import quote_identifier, quote_literal, render
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.features.profile import NUMERIC_TYPES, TEXT_TYPES, TIME_TYPES, base_type

_FEWEST_CASES, _FEWEST_STEPS, _MOST_STEPS = 20, 2, 100  # cases of a log; steps of a usual one, and kinds of them
_TRIED = 12  # pairs of columns
_ALIKE = 0.7  # share of cases that begin alike, and of steps that don't come twice in a case
_ORDERED = 0.99  # share of events that end after they began


@dataclass(frozen=True)
class EventLog:
    """A log's columns: what a case is, its steps, when each ended, and began where that is there."""

    case: str
    activity: str
    finished: str
    started: str | None
    cases: int
    steps: int

    @property
    def finding(self) -> str:
        """What it looks like."""
        counts = f"{self.cases:,} values of {self.case}, {self.steps} of {self.activity}"
        return f"it looks like an event log: {counts} in much the same order"

    def statement(self, source: str) -> str:
        """What learns from it."""
        roles = {"target": self.activity, "entity": self.case, "order_by": self.finished}
        named = ", ".join(f"{role} := {quote_literal(name)}" for role, name in roles.items())
        options = f", options := {render({'started': self.started})}" if self.started else ""
        return f"FROM ml_finetune('my_model', {quote_literal(source)}, task := 'process', {named}{options});"


def find_log(frozen: Frozen) -> EventLog | None:
    """The columns of an event log, where the source looks like one."""
    times = [n for n, kind in frozen.types.items() if base_type(kind) in TIME_TYPES]
    if not times:
        return None
    finished, started = _moments(frozen, times)
    for case, activity in list(_pairs(frozen))[:_TRIED]:
        if _alike(frozen, case, activity, finished):
            profiles = frozen.profiles
            return EventLog(case, activity, finished, started, profiles[case].distinct, profiles[activity].distinct)
    return None


def _pairs(frozen: Frozen) -> Iterator[tuple[str, str]]:
    """Columns that may name cases and their steps, by how often values come again."""
    named = [p for p in frozen.profiles.values() if p.base_type in TEXT_TYPES | NUMERIC_TYPES and p.sampled]
    cases = [p.name for p in named if p.distinct >= _FEWEST_CASES and 2 <= p.sampled / p.distinct <= _MOST_STEPS]
    steps = [p.name for p in named if p.base_type in TEXT_TYPES and _FEWEST_STEPS <= p.distinct <= _MOST_STEPS]
    return ((case, step) for case, step in product(cases, steps) if case != step)


def _moments(frozen: Frozen, times: list[str]) -> tuple[str, str | None]:
    """When steps end, and when they begin: hardly ever behind that. Due dates have fewer values."""
    for started, finished in permutations(times, 2):
        a, b = quote_identifier(started), quote_identifier(finished)
        row: Any = frozen.con.execute(
            f"SELECT avg(({a} <= {b})::INTEGER), count(DISTINCT {b}) > count(DISTINCT {a}) / 2 FROM {ROWS}"
        ).fetchone()
        if row[0] is not None and row[0] >= _ORDERED and row[1]:
            return finished, started
    return times[0], None


def _alike(frozen: Frozen, case: str, activity: str, time: str) -> bool:
    """Whether most cases begin with the same step, and few of their steps come twice."""
    case, activity, time = map(quote_identifier, (case, activity, time))
    row: Any = frozen.con.execute(
        f"SELECT max(n) / sum(n), sum(kinds) / sum(steps) FROM (SELECT first, count(*) AS n, sum(kinds) AS kinds, "
        f"sum(steps) AS steps FROM (SELECT arg_min({activity}, {time}) AS first, count(DISTINCT {activity}) AS kinds, "
        f"count(*) AS steps FROM {ROWS} WHERE {case} IS NOT NULL GROUP BY {case}) GROUP BY first)"
    ).fetchone()
    return all(share is not None and share >= _ALIKE for share in row)
