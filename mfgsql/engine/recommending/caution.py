"""Conditions on what models predict: of a prediction the cautious end counts, the lower one where it is to be high, the
upper one where it is to be low. Of a class its probability does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from mfgsql.engine.conditions import Condition
from mfgsql.errors import OptionError, did_you_mean, one_of
from mfgsql.tasks import Target

LOWER, UPPER, PROBABILITY = "__ml_lower", "__ml_upper", "__ml_probability"
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


class Caution:
    """Puts ends of predictions in the place of targets.

    Attributes:
        known: the targets. numbers: of them, by name in lower case. ends: that were put in.

    Args:
        level: probability that a condition on a class asks for.
    """

    def __init__(self, targets: Sequence[Target], level: float) -> None:
        self.known, self.level = list(targets), level
        self.numbers = {t.name.lower(): number for number, t in enumerate(targets)}
        self.ends: dict[End, None] = {}

    def target(self, node: exp.Expression) -> Target | None:
        """The target that is named, if one is."""
        named = isinstance(node, exp.Column) and not node.table
        return self.known[self.numbers[node.name.lower()]] if named and node.name.lower() in self.numbers else None

    def class_of(self, text: str, target: Target, node: exp.Expression) -> int:
        """The number of the class that is named."""
        word = str(node.this).lower() if isinstance(node, exp.Boolean) else node.name
        if word not in target.classes:
            hint = did_you_mean(word, target.classes)
            raise OptionError(f"'{text}' names the class {word!r} of '{target.name}', which has "
                              f"{one_of(target.classes[:20])}.{hint}")  # fmt: skip
        return target.classes.index(word)

    def over_ends(self, condition: Condition) -> Condition:
        """The condition over columns and ends of predictions."""
        tree = condition.tree.copy()
        for node in list(tree.find_all(exp.Column)):
            if self.target(node) is None:
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
                raise _more_than_compared(condition.text, self.target(node))
            tree = _replaced(tree, place, self._compared(node, place, condition.text))
        columns = frozenset(c.name for c in tree.find_all(exp.Column))
        return replace(condition, tree=tree, columns=columns)

    def _yes(self, node: exp.Expression, wanted: bool, text: str) -> exp.Expression:
        target = self.target(node)
        assert target is not None
        if len(target.classes) != 2:
            raise OptionError(f"The constraint '{text}' takes '{target.name}' for true or false, which it isn't.")
        return self._probability(target, [1], wanted)

    def _compared(self, node: exp.Expression, place: exp.Expression, text: str) -> exp.Expression:
        """A comparison of a target with something else."""
        target = self.target(node)
        assert target is not None
        if isinstance(place, exp.Between) and place.this.unnest() is node:
            low, high = place.args["low"], place.args["high"]
            sides = [self._side(target, exp.GTE, low, text), self._side(target, exp.LTE, high, text)]
            return exp.paren(exp.and_(*sides))
        if isinstance(place, exp.In) and target.classes and place.this.unnest() is node:
            return self._probability(target, [self.class_of(text, target, e) for e in place.expressions], True)
        if type(place) not in _TURNED:
            raise _more_than_compared(text, target)
        here = place.this.unnest() is node
        other, kind = (place.expression, type(place)) if here else (place.this, _TURNED[type(place)])
        if target.classes and kind in (exp.EQ, exp.NEQ):
            return self._probability(target, [self.class_of(text, target, other.unnest())], kind is exp.EQ)
        return self._side(target, kind, other, text)

    def _side(self, target: Target, kind: type[exp.Expression], other: exp.Expression, text: str) -> exp.Expression:
        if kind not in (*_AT_LEAST, *_AT_MOST) or len(target.classes) > 2:
            what = "a class is one of several" if target.classes else "a number is never known exactly"
            form = f"{target.name} = ''{target.classes[0]}''" if target.classes else f"{target.name} between 50 and 60"
            raise OptionError(f"The constraint '{text}' can't be told of '{target.name}': {what}.",
                              remedy=f"As in: '{form}'.")  # fmt: skip
        high, number = kind in _AT_LEAST, self.numbers[target.name.lower()]
        end = End(number, PROBABILITY, 1, high) if target.classes else End(number, LOWER if high else UPPER, high=high)
        return kind(this=self._column(end), expression=other.copy())

    def _probability(self, target: Target, classes: Sequence[int], wanted: bool) -> exp.Expression:
        number = self.numbers[target.name.lower()]
        columns = [self._column(End(number, PROBABILITY, of, wanted)) for of in classes]
        total = columns[0]
        for column in columns[1:]:
            total = exp.Add(this=total, expression=column)
        bound = exp.Literal.number(repr(self.level if wanted else round(1 - self.level, 12)))
        return exp.GTE(this=total, expression=bound) if wanted else exp.LTE(this=total, expression=bound)

    def _column(self, end: End) -> exp.Expression:
        self.ends[end] = None
        return exp.column(end.column)


def _more_than_compared(text: str, target: Target | None) -> OptionError:
    assert target is not None
    form = f"{target.name} = ''{target.classes[0]}''" if target.classes else f"{target.name} >= 60"
    return OptionError(f"The constraint '{text}' does more with '{target.name}' than to compare it.",
                       remedy=f"Say it straight, as in '{form}', without NOT and CASE.")  # fmt: skip


def _replaced(tree: exp.Expression, old: exp.Expression, new: exp.Expression) -> exp.Expression:
    if old is tree:
        return new
    old.replace(new)
    return tree
