"""What is to be reached: objectives, and conditions on predictions, on columns, and on what follows from these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlglot import exp

from mfgsql.engine.conditions import Condition, parse_conditions, parse_derived, ranges, renamed
from mfgsql.engine.expressions import VALUES, Names, checked, tree_of
from mfgsql.engine.planning import read_names
from mfgsql.engine.proofs import cant_hold
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.recommending.caution import LOWER, PROBABILITY, UPPER, Caution, End
from mfgsql.errors import OptionError, one_of
from mfgsql.tasks import Target

_EXPRESSION = "an expression of columns, as '0.12 * cement + 0.01 * water'"


@dataclass(frozen=True)
class Objective:
    """What is to be as high or as low as can be.

    Attributes:
        text: as it was written. maximize: whether it is to be high. end: of a prediction. tree: of columns, instead.
    """

    text: str
    maximize: bool
    end: End | None = None
    tree: exp.Expression | None = None

    def same(self, other: Objective) -> bool:
        """Whether it is the same number that another is about."""
        if self.end is None or other.end is None:
            return self.end is other.end and self.tree == other.tree
        return (self.end.model, self.end.of) == (other.end.model, other.end.of)


@dataclass(frozen=True)
class Goals:
    """What is asked for.

    Attributes:
        objectives: the first one is what suggestions are ordered by. conditions: that have to hold; the last
            ``reached`` of them are goals. derived: columns that follow from others. ends: that conditions name.
            conflict: which of them can't hold, whatever is set.
    """

    objectives: tuple[Objective, ...]
    conditions: tuple[Condition, ...]
    reached: int
    derived: dict[str, exp.Expression] = field(default_factory=dict)
    ends: tuple[End, ...] = ()
    conflict: str | None = None

    @property
    def aims(self) -> tuple[Condition, ...]:
        """Those conditions that are goals."""
        return self.conditions[len(self.conditions) - self.reached :]


class Reader:
    """Reads what is asked for.

    Args:
        targets: of the models. types: of the source's columns. level: probability that a condition on a class asks for.
    """

    def __init__(self, targets: Sequence[Target], types: Mapping[str, str], level: float) -> None:
        self.caution, self.known = Caution(targets, level), list(targets)
        self.columns = [n for n in types if n.lower() not in self.caution.numbers]
        self.truths = [n for n in self.columns if types[n] == "BOOLEAN"]
        self.truths += [t.name for t in targets if t.type == "BOOLEAN"]
        self.derived: dict[str, exp.Expression] = {}

    def read(self, args: Mapping[str, Any]) -> Goals:
        """All of it.

        Raises:
            OptionError: it can't be understood, or nothing is asked for.
        """
        self.derived = parse_derived(args.get("derive"), self.columns, self.caution.numbers)
        made = {name.lower() for name in self.derived}
        self.columns = [name for name in self.columns if name.lower() not in made]
        highs, lows, goals = self._goals(args.get("goal"))
        wanted = [(t, True) for t in (*_listed(args, "maximize"), *highs)]
        wanted += [(t, False) for t in (*_listed(args, "minimize"), *lows)]
        objectives = tuple(self._objective(text, maximize) for text, maximize in wanted)
        for one in objectives:
            if any(one.maximize and not other.maximize and one.same(other) for other in objectives):
                raise OptionError(f"'{one.text}' is to be both high and low: leave one of the two out.")
        if not objectives and not goals:
            name = quote_identifier(self.known[0].name) if self.known[0].name.islower() else self.known[0].name
            raise OptionError("Nothing is asked for: maximize, minimize and goal are missing.",
                              remedy=f"As in: maximize := '{name.strip(chr(34))}'.")  # fmt: skip
        names = [*self.columns, *self.derived, *(t.name for t in self.known)]
        limits = parse_conditions(args.get("subject_to"), names, "subject_to", self.truths)
        reached = parse_conditions(goals, names, "goal", self.truths)
        conflict = _conflict([*limits, *reached], [t.name for t in self.known])
        conditions = tuple(self._cautious(condition) for condition in (*limits, *reached))
        return Goals(objectives, conditions, len(reached), dict(self.derived), tuple(self.caution.ends), conflict)

    def _unfolded(self, tree: exp.Expression) -> exp.Expression:
        """With what is derived written out."""
        return renamed(tree, self.derived)

    def _cautious(self, condition: Condition) -> Condition:
        """Over columns of the source, and ends of predictions."""
        return self.caution.over_ends(replace(condition, tree=self._unfolded(condition.tree)))

    def _goals(self, told: Any) -> tuple[list[str], list[str], list[str]]:
        """What is to be high, what is to be low, and conditions."""
        if not isinstance(told, dict):
            goals = [told] if isinstance(told, str) else told or []
            return [], [], goals
        words = {name: str(text).strip() for name, text in told.items()}
        quoted = {name: quote_identifier(name) for name in words}
        highs = [name for name, text in words.items() if text.lower() == "maximize"]
        lows = [name for name, text in words.items() if text.lower() == "minimize"]
        conditions = [f"{quoted[n]} {text}" for n, text in words.items() if n not in highs and n not in lows]
        return highs, lows, conditions

    def _objective(self, text: str, maximize: bool) -> Objective:
        number = self.caution.numbers.get(text.strip().strip('"').lower())
        if number is not None:
            target = self.known[number]
            if not target.classes:
                return Objective(target.name, maximize, End(number, LOWER if maximize else UPPER, high=maximize))
            if len(target.classes) > 2:
                raise OptionError(f"'{target.name}' has {len(target.classes)} classes: say which one.",
                                  remedy=f"As in: maximize := '{target.name} = ''{target.classes[0]}'''.")  # fmt: skip
            return Objective(target.name, maximize, End(number, PROBABILITY, 1, maximize))
        forms = f"a target, as {one_of(t.name for t in self.known)}, or {_EXPRESSION}"
        names = Names((), [*(t.name for t in self.known), *self.columns, *self.derived], "objective")
        tree = tree_of(text, forms, names)
        if isinstance(tree, exp.EQ) and (found := self.caution.target(tree.this)) is not None and found.classes:
            of = self.caution.class_of(text, found, tree.expression)
            return Objective(text, maximize, End(self.caution.numbers[found.name.lower()], PROBABILITY, of, maximize))
        if any(self.caution.target(c) for c in tree.find_all(exp.Column)):
            raise OptionError(f"'{text}' is more than a target: an objective is a target, or an expression of columns.",
                              remedy="Several are a list: maximize := ['strength'], minimize := ['cost'].")  # fmt: skip
        return Objective(text, maximize, tree=self._unfolded(checked(text, tree, names, VALUES, forms)))


def _conflict(conditions: Sequence[Condition], targets: Sequence[str]) -> str | None:
    """Conditions on a target that leave no number of it."""
    for name, left in ranges(conditions).items():
        if name in targets and left.low > left.high:
            texts = [f"'{c.text}'" for c in conditions if name in c.columns]
            return cant_hold(texts, f"no {name} is at least {left.low:g} and at most {left.high:g}")
    return None


def _listed(args: Mapping[str, Any], argument: str) -> list[str]:
    told = args.get(argument)
    return [told] if isinstance(told, str) else read_names(told, f"{argument} is a target, or a list of such")
