"""What is to be reached: objectives and conditions on what models predict, on columns, and on what follows from these.

Of a prediction the cautious end counts: the lower one where it is to be high, the upper one where it is to be low. Of a
class its probability does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlglot import exp

from mfgsql.engine.conditions import Condition, parse_conditions
from mfgsql.engine.expressions import VALUES, Names, checked, tree_of
from mfgsql.engine.planning import read_names
from mfgsql.engine.quoting import quote_identifier
from mfgsql.errors import OptionError, did_you_mean, one_of
from mfgsql.tasks import Target

LOWER, UPPER, PROBABILITY = "__ml_lower", "__ml_upper", "__ml_probability"
_EXPRESSION = "an expression of columns, as '0.12 * cement + 0.01 * water'"
_AT_LEAST, _AT_MOST = (exp.GTE, exp.GT), (exp.LTE, exp.LT)
_TURNED: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.GTE: exp.LTE, exp.GT: exp.LT, exp.LTE: exp.GTE, exp.LT: exp.GT, exp.EQ: exp.EQ, exp.NEQ: exp.NEQ,
}  # fmt: skip


@dataclass(frozen=True)
class End:
    """A number that is made of a prediction.

    Attributes:
        model: number of the model. kind: `LOWER`, `UPPER` or `PROBABILITY`. of: the class, for the last. high: whether
            it is wished to be high.
    """

    model: int
    kind: str
    of: int = 0
    high: bool = True

    @property
    def column(self) -> str:
        """What conditions call it."""
        return f"{self.kind}_{self.model}_{self.of}_{int(self.high)}"


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


@dataclass(frozen=True)
class Goals:
    """What is asked for.

    Attributes:
        objectives: the first one is what suggestions are ordered by. conditions: that have to hold; the last
            ``reached`` of them are goals. derived: columns that follow from others. ends: that conditions name.
    """

    objectives: tuple[Objective, ...]
    conditions: tuple[Condition, ...]
    reached: int
    derived: dict[str, exp.Expression] = field(default_factory=dict)
    ends: tuple[End, ...] = ()


class Reader:
    """Reads what is asked for.

    Args:
        targets: of the models. types: of the source's columns. level: probability that a condition on a class asks for.
    """

    def __init__(self, targets: Sequence[Target], types: Mapping[str, str], level: float) -> None:
        self.targets = {t.name.lower(): number for number, t in enumerate(targets)}
        self.known, self.level = list(targets), level
        self.columns = [n for n in types if n.lower() not in self.targets]
        self.derived: dict[str, exp.Expression] = {}
        self.ends: dict[End, None] = {}

    def read(self, args: Mapping[str, Any]) -> Goals:
        """All of it.

        Raises:
            OptionError: it can't be understood, or nothing is asked for.
        """
        self._derive(args.get("derive"))
        highs, lows, goals = self._goals(args.get("goal"))
        wanted = [(t, True) for t in (*_listed(args, "maximize"), *highs)]
        wanted += [(t, False) for t in (*_listed(args, "minimize"), *lows)]
        objectives = tuple(self._objective(text, maximize) for text, maximize in wanted)
        if not objectives and not goals:
            name = quote_identifier(self.known[0].name) if self.known[0].name.islower() else self.known[0].name
            raise OptionError("Nothing is asked for: maximize, minimize and goal are missing.",
                              remedy=f"As in: maximize := '{name.strip(chr(34))}'.")  # fmt: skip
        names = [*self.columns, *self.derived, *(t.name for t in self.known)]
        limits = [self._cautious(c) for c in parse_conditions(args.get("subject_to"), names)]
        reached = [self._cautious(c) for c in parse_conditions(goals, names, "goal")]
        return Goals(objectives, (*limits, *reached), len(reached), dict(self.derived), tuple(self.ends))

    def _derive(self, told: Any) -> None:
        if told is None:
            return
        if not isinstance(told, dict) or not all(isinstance(text, str) for text in told.values()):
            raise OptionError(f"derive is a struct of {_EXPRESSION}: {{'cost': '0.12 * cement'}}, not {told!r}.")
        for name, text in told.items():
            if name.lower() in self.targets:
                raise OptionError(f"derive makes '{name}', which a model predicts: give it another name.")
            self.columns = [c for c in self.columns if c.lower() != name.lower()]
            self.derived[name] = self._expression(text)

    def _expression(self, text: str) -> exp.Expression:
        names = Names((), [*self.columns, *self.derived])
        return self._unfolded(checked(text, tree_of(text, _EXPRESSION), names, VALUES, _EXPRESSION))

    def _unfolded(self, tree: exp.Expression) -> exp.Expression:
        """With what is derived written out."""

        def unfold(node: exp.Expression) -> exp.Expression:
            known = self.derived.get(node.name) if isinstance(node, exp.Column) else None
            return node if known is None else exp.paren(known.copy())

        return tree.transform(unfold)

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
        number = self.targets.get(text.strip().strip('"').lower())
        if number is not None:
            target = self.known[number]
            if not target.classes:
                return Objective(target.name, maximize, End(number, LOWER if maximize else UPPER, high=maximize))
            if len(target.classes) > 2:
                raise OptionError(f"'{target.name}' has {len(target.classes)} classes: say which one.",
                                  remedy=f"As in: maximize := '{target.name} = ''{target.classes[0]}'''.")  # fmt: skip
            return Objective(target.name, maximize, End(number, PROBABILITY, 1, maximize))
        tree = tree_of(text, f"a target, as {one_of(t.name for t in self.known)}, or {_EXPRESSION}")
        if isinstance(tree, exp.EQ) and (found := self._target(tree.this)) is not None and found.classes:
            of = self._class(text, found, tree.expression)
            return Objective(text, maximize, End(self.targets[found.name.lower()], PROBABILITY, of, maximize))
        if any(self._target(c) for c in tree.find_all(exp.Column)):
            raise OptionError(f"'{text}' is more than a target: an objective is a target, or an expression of columns.",
                              remedy="Several are a list: maximize := ['strength'], minimize := ['cost'].")  # fmt: skip
        return Objective(text, maximize, tree=self._expression(text))

    def _target(self, node: exp.Expression) -> Target | None:
        named = isinstance(node, exp.Column) and not node.table
        return self.known[self.targets[node.name.lower()]] if named and node.name.lower() in self.targets else None

    def _class(self, text: str, target: Target, node: exp.Expression) -> int:
        word = str(node.this).lower() if isinstance(node, exp.Boolean) else node.name
        if word not in target.classes:
            hint = did_you_mean(word, target.classes)
            raise OptionError(f"'{text}' names the class {word!r} of '{target.name}', which has "
                              f"{one_of(target.classes[:20])}.{hint}")  # fmt: skip
        return target.classes.index(word)

    # -- conditions on predictions ----------------------------------------------------------------------------------

    def _cautious(self, condition: Condition) -> Condition:
        """The condition over columns and ends of predictions."""
        tree = self._unfolded(condition.tree.copy())
        for node in list(tree.find_all(exp.Column)):
            if self._target(node) is None:
                continue
            place = node.parent
            while isinstance(place, exp.Paren):
                place = place.parent
            if (isinstance(place, exp.Not) and place.find_ancestor(exp.Not) is None) or place is None or isinstance(
                place, exp.Connector
            ):
                new = self._yes(node, not isinstance(place, exp.Not), condition.text)
                tree = _replaced(tree, place if isinstance(place, exp.Not) else node, new)
                continue
            if node.find_ancestor(exp.Not, exp.Case) is not None or place.find_ancestor(exp.Predicate) is not None:
                raise _more_than_compared(condition.text, node.name)
            tree = _replaced(tree, place, self._compared(node, place, condition.text))
        columns = frozenset(c.name for c in tree.find_all(exp.Column))
        return replace(condition, tree=tree, columns=columns)

    def _yes(self, node: exp.Expression, wanted: bool, text: str) -> exp.Expression:
        target = self._target(node)
        assert target is not None
        if len(target.classes) != 2:
            raise OptionError(f"The constraint '{text}' takes '{target.name}' for true or false, which it isn't.")
        return self._probability(target, [1], wanted)

    def _compared(self, node: exp.Expression, place: exp.Expression, text: str) -> exp.Expression:
        """A comparison of a target with something else."""
        target = self._target(node)
        assert target is not None
        if isinstance(place, exp.Between) and place.this.unnest() is node:
            low, high = place.args["low"], place.args["high"]
            sides = [self._side(target, exp.GTE, low, text), self._side(target, exp.LTE, high, text)]
            return exp.paren(exp.and_(*sides))
        if isinstance(place, exp.In) and target.classes and place.this.unnest() is node:
            return self._probability(target, [self._class(text, target, e) for e in place.expressions], True)
        if type(place) not in _TURNED:
            raise _more_than_compared(text, target.name)
        here = place.this.unnest() is node
        other, kind = (place.expression, type(place)) if here else (place.this, _TURNED[type(place)])
        if target.classes and kind in (exp.EQ, exp.NEQ):
            return self._probability(target, [self._class(text, target, other.unnest())], kind is exp.EQ)
        return self._side(target, kind, other, text)

    def _side(self, target: Target, kind: type[exp.Expression], other: exp.Expression, text: str) -> exp.Expression:
        if kind not in (*_AT_LEAST, *_AT_MOST) or len(target.classes) > 2:
            what = "a class is one of several" if target.classes else "a number is never known exactly"
            form = f"{target.name} = ''{target.classes[0]}''" if target.classes else f"{target.name} between 50 and 60"
            raise OptionError(f"The constraint '{text}' can't be told of '{target.name}': {what}.",
                              remedy=f"As in: '{form}'.")  # fmt: skip
        high, number = kind in _AT_LEAST, self.targets[target.name.lower()]
        end = End(number, PROBABILITY, 1, high) if target.classes else End(number, LOWER if high else UPPER, high=high)
        return kind(this=self._column(end), expression=other.copy())

    def _probability(self, target: Target, classes: Sequence[int], wanted: bool) -> exp.Expression:
        number = self.targets[target.name.lower()]
        columns = [self._column(End(number, PROBABILITY, of, wanted)) for of in classes]
        total = columns[0]
        for column in columns[1:]:
            total = exp.Add(this=total, expression=column)
        bound = exp.Literal.number(repr(self.level if wanted else round(1 - self.level, 12)))
        return exp.GTE(this=total, expression=bound) if wanted else exp.LTE(this=total, expression=bound)

    def _column(self, end: End) -> exp.Expression:
        self.ends[end] = None
        return exp.column(end.column)


def _more_than_compared(text: str, name: str) -> OptionError:
    return OptionError(f"The constraint '{text}' does more with '{name}', which is predicted, than to compare it.",
                       remedy=f"Say it straight, as in '{name} >= 60', without NOT and CASE.")  # fmt: skip


def _listed(args: Mapping[str, Any], argument: str) -> list[str]:
    told = args.get(argument)
    return [told] if isinstance(told, str) else read_names(told, f"{argument} is a target, or a list of such")


def _replaced(tree: exp.Expression, old: exp.Expression, new: exp.Expression) -> exp.Expression:
    if old is tree:
        return new
    old.replace(new)
    return tree
