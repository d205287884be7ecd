"""Suggestions as rows of a result, and in words; and what is said where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mfgsql.engine.conditions import Condition
from mfgsql.engine.familiar import encode
from mfgsql.engine.planning import Rows, finite
from mfgsql.engine.proofs import cant_hold, comes_to, disproven
from mfgsql.engine.recommending.adjustable import Floats
from mfgsql.engine.recommending.candidates import Candidates, Integers, Outlook, said
from mfgsql.engine.recommending.caution import PROBABILITY, End
from mfgsql.optimization.search import HOLDS, Found
from mfgsql.scoring.scorer import STATUSES, row_status
from mfgsql.tasks.task import Target


class Advice:
    """What is said of candidates for rows."""

    def __init__(self, candidates: Candidates) -> None:
        self.candidates, self.asked = candidates, candidates.asked
        self.present = candidates.present
        rows = np.arange(len(self.present))
        self._now = candidates.outlooks(candidates.start, rows)
        self._derived = candidates.derived(candidates.start, rows)
        self._value_now = self._objectives(candidates.start, rows)
        goals = self.asked.goals
        held = candidates.holds(candidates.start, rows)
        self._held = np.all(held[:, len(goals.conditions) - goals.reached :], axis=1)
        self._aims = [e for e in goals.ends if any(e.column in c.columns for c in goals.aims)]

    def suggestions(self, row: int, values: Floats, rank: Integers) -> Rows:
        """The rows of a row's suggestions."""
        rows = np.full(len(values), row)
        then, derived = self.candidates.outlooks(values, rows), self.candidates.derived(values, rows)
        reached, costs = self._objectives(values, rows), self.candidates.change_cost(values, rows)
        told = self._status(row, values)
        found = []
        for number in range(len(values)):
            changes = self._changes(row, values[number])
            gain = self._gain(row, then, reached, number)
            status, reason = told[number]
            if status == "ok" and self.candidates.of_prediction and (gain or 0.0) <= 0:
                status, reason = "uncertain", self._doubt(row, then, number)
            new = {str(change["feature"]): change["to"] for change in changes}
            shown = {name: finite(value[number]) for name, value in derived.items()}
            found.append(
                self._kept(row) | new | shown
                | self._predicted(row, then, number)
                | {
                    "suggestion": number + 1, "pareto_rank": int(rank[number]), "gain": gain,
                    "change_cost": float(costs[number]) if self.asked.costs else None, "changes": changes,
                    "why": self._why(row, changes, then, reached, number), "ml_status": status,
                    "ml_reason": self._noted(reason),
                }
            )  # fmt: skip
        return found

    def nothing(self, row: int, looked: tuple[Found, int] | None) -> dict[str, Any]:
        """The row where there is no suggestion, and why.

        Args:
            looked: what was found, and the row's number there; None: it can't be read.
        """
        shown = {name: finite(value[row]) for name, value in self._derived.items()}
        if looked is None:
            status, reason = self._base_status(row)
            void = {f"current_{t.column}": None for t in self.asked.targets}
            return self._kept(row) | shown | void | {"changes": [], "ml_status": status, "ml_reason": reason}
        return self._without(row, *self._why_not(*looked, row))

    def impossible(self, row: int, reason: str) -> dict[str, Any]:
        """The row where nothing can be set, whatever the row is."""
        return self._without(row, "infeasible", reason)

    def _without(self, row: int, status: str, reason: str) -> dict[str, Any]:
        shown = {name: finite(value[row]) for name, value in self._derived.items()}
        current = {n: v for n, v in self._predicted(row, self._now, row).items() if n.startswith("current_")}
        told: dict[str, Any] = {"changes": [], "ml_status": status, "ml_reason": self._noted(reason)}
        return self._kept(row) | shown | current | told

    def _noted(self, reason: str | None) -> str | None:
        """With what is to be known of all rows: numbers that stay though they may be meant to follow."""
        notes = [
            f"'{text}' takes {name} as it is stored: derive := {{'{name}': '...'}} says how it follows from others"
            for name, text in self.asked.stored.items()
        ]
        return "; ".join(filter(None, [reason, *notes])) or None

    def _doubt(self, row: int, then: list[Outlook], number: int) -> str:
        """Why what is promised is no gain."""
        end = self.asked.goals.objectives[0].end
        assert end is not None
        better = abs(float(said(end, then[end.model])[number] - said(end, self._now[end.model])[row]))
        return f"better by {_short(better)} is predicted, the gain is within what the model may be off"

    def _kept(self, row: int) -> dict[str, Any]:
        return {name: self.present.texts[name][row].as_py() for name in self.asked.kept}

    def _objectives(self, values: Floats, rows: Integers) -> Floats:
        """Of columns alone: of predictions NaN, [n, objectives]; as they are, high or low."""
        told = self.candidates.judge(values, rows).objectives
        signs = np.array([-1.0 if o.maximize else 1.0 for o in self.asked.goals.objectives] or [1.0])
        return np.asarray(told * signs)

    def _predicted(self, row: int, then: list[Outlook], number: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for model, target in enumerate(self.asked.targets):
            now, new = self._now[model], then[model]
            if target.classes:
                of = self._class_of(model)
                found |= {
                    f"current_{target.column}": target.classes[int(now.told.prediction.values[row])],
                    f"predicted_{target.column}": target.classes[int(new.told.prediction.values[number])],
                    self.asked.named("current_probability", model): _score(now, row, of),
                    self.asked.named("probability", model): _score(new, number, of),
                }
                continue
            found |= {
                f"current_{target.column}": float(now.told.prediction.values[row]),
                f"predicted_{target.column}": float(new.told.prediction.values[number]),
                self.asked.named("lower", model): float(new.lower[number]),
                self.asked.named("upper", model): float(new.upper[number]),
            }
        return found

    def _class_of(self, model: int) -> int:
        """The class whose probability is told: that which is asked for."""
        goals = self.asked.goals
        ends = [o.end for o in goals.objectives if o.end is not None] + list(goals.ends)
        return next((end.of for end in ends if end.model == model), 1)

    def _gain(self, row: int, then: list[Outlook], reached: Floats, number: int) -> float | None:
        """Of the first objective, more is better: of a prediction its cautious end against what is predicted now.

        Where goals don't hold yet, it is that of the first of these, or reaching them would look like a loss; of a
        target that is to be between two numbers that of the end which was off.
        """
        objectives = self.asked.goals.objectives
        first = objectives[0] if objectives and (self._held[row] or not self._aims) else None
        if first is not None and first.end is None:
            change = float(reached[number, 0] - self._value_now[row, 0])
            return finite(change if first.maximize else -change)
        ends = [e for e in self._aims if e.model == self._aims[0].model] if first is None else [first.end]
        gains = []
        for end in filter(None, ends):
            new, was = float(self.candidates.end(end, then)[number]), float(said(end, self._now[end.model])[row])
            gains.append(new - was if end.high else was - new)
        return finite(max(gains)) if gains else None

    def _changes(self, row: int, values: Floats) -> list[dict[str, str | None]]:
        start = self.candidates.start[row]
        differs = self.candidates.space.differs(values, start)
        found = []
        for i, one in enumerate(self.candidates.adjust):
            if differs[i]:
                known = not one.choices and not np.isnan(start[i])
                before = one.text(float(start[i])) if known else self.present.texts[one.name][row].as_py()
                found.append({"feature": one.name, "from": before, "to": one.text(float(values[i]))})
        return found

    def _why(
        self, row: int, changes: Sequence[dict[str, str | None]], then: list[Outlook], reached: Floats, number: int
    ) -> str:
        """As a counterfactual: what changes, and what comes of it."""
        words = [f"{c['feature']} {'NULL' if c['from'] is None else c['from']} -> {c['to']}" for c in changes]
        comes = [self._comes(row, model, t, then[model], number) for model, t in enumerate(self.asked.targets)]
        for place, objective in enumerate(self.asked.goals.objectives):
            if objective.tree is not None:
                was, new = self._value_now[row, place], reached[number, place]
                comes.append(f"{objective.text} {_short(was)} -> {_short(new)}")
        return f"{' and '.join([', '.join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]}: {', '.join(comes)}"

    def _comes(self, row: int, model: int, target: Target, then: Outlook, number: int) -> str:
        if target.classes:
            of = self._class_of(model)
            what = f"{target.name} = {target.classes[of]}"
            was, new = _score(self._now[model], row, of), _score(then, number, of)
            return f"probability of {what} {_short(was)} -> {_short(new)}"
        was, new = self._now[model].told.prediction.values[row], then.told.prediction.values[number]
        high = self._wanted(model)
        bound = f"at least {_short(then.lower[number])}" if high else f"at most {_short(then.upper[number])}"
        return f"{target.name} {_short(was)} -> {_short(new)} ({bound})"

    def _wanted(self, model: int) -> bool:
        """Whether the target is to be high."""
        goals = self.asked.goals
        ends = [o.end for o in goals.objectives if o.end is not None] + list(goals.ends)
        return next((end.high for end in ends if end.model == model), True)

    # -- status -----------------------------------------------------------------------------------------------------

    def _base_status(self, row: int) -> tuple[str, str | None]:
        """The worst that a model says of the row as it is."""
        told = [(s.status[row].as_py(), s.reason[row].as_py()) for s in self.present.status]
        return min(told, key=lambda t: STATUSES.index(t[0]) if t[0] in STATUSES else len(STATUSES))

    def _status(self, row: int, values: Floats) -> list[tuple[str, str | None]]:
        """Of suggestions: what the models say of such rows."""
        rows, table = np.full(len(values), row), self.present.table
        now = table.take(rows)
        filled = self.candidates.filled(values, rows) | self.candidates.computed(values, rows)
        for name, new in filled.items():
            now = now.set_column(now.column_names.index(name), name, new)
        base = self._base_status(row)
        found: list[tuple[str, str | None]] = [("ok", None)] * len(values)
        for variants in self.candidates.variants:
            told = row_status(encode(variants.scorer.model.manifest, now.combine_chunks()).flags, len(values))
            pairs = zip(told.status.to_pylist(), told.reason.to_pylist(), strict=True)
            found = [new if old[0] == "ok" else old for old, new in zip(found, pairs, strict=True)]
        history = any(m.history is not None for m in self.asked.manifests)
        return [base if told[0] == "ok" and history else told for told in found]

    def _why_not(self, found: Found, number: int, row: int) -> tuple[str, str]:
        """Whether what is asked for can't be, is beyond reach, or is there already."""
        excess, goals = found.excess[number], self.asked.goals
        total = excess.sum(axis=1)
        if (total <= HOLDS).any():
            gains = found.objectives[number][0] - found.objectives[number][total <= HOLDS]
            surer = self.candidates.of_prediction and bool((gains > self.candidates.least()).any())
            what = "nothing is predicted better, surer at most" if surer else "no better values were found"
            what = what if goals.objectives else "what is asked for holds"
            return "nothing_better", f"{what}: leave it as it is"
        count = len(goals.conditions) - goals.reached
        limits = np.delete(excess, np.s_[count : len(goals.conditions)], axis=1).sum(axis=1)
        if limits.min() > HOLDS:
            return self._not_held(found.values[number][limits.argmin()], excess[limits.argmin(), :count], row)
        possible = np.flatnonzero(limits <= HOLDS)
        nearest = possible[excess[possible, count : len(goals.conditions)].argmin(axis=0)]  # to each goal alone
        failing = [i for i, best in enumerate(nearest, start=count) if excess[best, i] > HOLDS]
        if not failing:
            texts = " and ".join(f"'{c.text}'" for c in goals.conditions[count:])
            return "beyond_reach", f"{texts} can't be promised together, though each alone can"
        best = nearest[failing[0] - count]
        return "beyond_reach", self._nearest(goals.conditions[failing[0]], found.values[number][best : best + 1], row)

    def _not_held(self, values: Floats, excess: Floats, row: int) -> tuple[str, str]:
        """What limits can't hold, where that is proven; else which held in no try, and how near the nearest came."""
        limits = self.asked.goals.conditions[: len(excess)]
        if (proven := disproven(limits, limits, self.candidates.ranges(row))) is not None:
            return "infeasible", cant_hold([f"'{limits[i].text}'" for i in proven[0]], proven[1])
        off = [limits[i] for i in np.flatnonzero(excess > HOLDS)]
        near = [(c, comes_to(c, lambda tree: self.candidates.number(tree, values, row))) for c in off]
        texts = " and ".join(f"'{c.text}'" for c in off) or "an equality"
        told = [f"'{c.text}' comes to {_short(value[1])}" for c, value in near if value is not None]
        nearest = f"; at the nearest {' and '.join(told)}" if told else ""
        return "not_found", f"no values were found for which {texts} can hold{nearest}: loosen it, or adjust more"

    def _nearest(self, goal: Condition, values: Floats, row: int) -> str:
        """How near to a goal one gets."""
        text, ends = goal.text, [end for end in self.asked.goals.ends if end.column in goal.columns]
        outlooks = self.candidates.outlooks(values, np.array([row]))
        if len(ends) > 1 and ends[0].model == ends[1].model and ends[0].kind != PROBABILITY:
            low, high = sorted(float(self.candidates.end(end, outlooks)[0]) for end in ends[:2])
            return f"'{text}' is beyond reach: the nearest that can be promised is {_short(low)} to {_short(high)}"
        parts = []
        for end in ends[:1]:
            value, target = float(self.candidates.end(end, outlooks)[0]), self.asked.targets[end.model]
            word, of = ("at most" if end.high else "at least"), _named(end, target)
            parts.append(f": {word} {_short(value)} of {of} can be promised")
            said = outlooks[end.model].told.prediction
            if end.kind != PROBABILITY:
                parts.append(f" (predicted {_short(said.values[0])})")
        return f"'{text}' is beyond reach{''.join(parts)}"


def _named(end: End, target: Target) -> str:
    return target.name if end.kind != PROBABILITY else f"probability of {target.name} = {target.classes[end.of]}"


def _score(outlook: Outlook, row: int, of: int) -> float:
    scores = outlook.told.prediction.scores
    assert scores is not None
    return float(scores[row, of])


def _short(value: float) -> str:
    """A number with four digits, as people write it."""
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"

