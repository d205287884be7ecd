"""What a version has to reach to be promoted, ``'pr_auc >= champion - 0.01 AND log_loss <= champion'``: parsed.

A comparison names one metric. ``champion`` in it is what the champion reaches in that metric.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from mfgsql.engine.expressions import Names, checked, conjuncts, texts_of, tree_of
from mfgsql.errors import OptionError

CHAMPION = "champion"
FORMS = "comparisons of metrics, as 'pr_auc >= champion' or 'pr_auc >= 0.8 AND log_loss <= champion + 0.01'"
_COMPARED: dict[type[exp.Expression], Callable[[float, float], bool]] = {
    exp.GTE: operator.ge, exp.GT: operator.gt, exp.LTE: operator.le, exp.LT: operator.lt,
}  # fmt: skip
_COMPUTED: dict[type[exp.Expression], Callable[[float, float], float]] = {
    exp.Add: operator.add, exp.Sub: operator.sub, exp.Mul: operator.mul, exp.Div: operator.truediv,
}  # fmt: skip
_KNOWN: tuple[type[exp.Expression], ...] = (
    *_COMPARED, *_COMPUTED, exp.And, exp.Paren, exp.Neg, exp.Column, exp.Identifier, exp.Literal,
)  # fmt: skip


@dataclass(frozen=True)
class Requirement:
    """One comparison.

    Attributes:
        text: all of the condition, as it was written. metric: that it names. tree: the comparison.
    """

    text: str
    metric: str
    tree: exp.Expression

    def holds(self, value: float, champion: float | None) -> bool:
        """Whether a version that reaches ``value`` may follow a champion that reaches ``champion``."""
        known = {self.metric: value} | ({} if champion is None else {CHAMPION: champion})
        left, right = (_number(side, known) for side in (self.tree.this, self.tree.expression))
        return _COMPARED[type(self.tree)](left, right)

    @property
    def asks_champion(self) -> bool:
        """Whether the champion's figure counts."""
        return any(column.name == CHAMPION for column in self.tree.find_all(exp.Column))


def parse_requirements(told: Any, metrics: Collection[str]) -> list[Requirement]:
    """What a condition, or a list of such, asks for; all of it has to hold.

    Args:
        metrics: that may be named.

    Raises:
        OptionError: it is no such condition; the message shows it.
    """
    return [one for text in texts_of(told, f"require is {FORMS}") for one in _parsed(text, metrics)]


def _parsed(text: str, metrics: Collection[str]) -> list[Requirement]:
    names = Names((), [*metrics, CHAMPION], "requirement")
    tree = checked(text, tree_of(text, FORMS, names), names, _KNOWN, FORMS)
    return [_comparison(text, part) for part in conjuncts(tree)]


def _comparison(text: str, tree: exp.Expression) -> Requirement:
    named = {column.name for column in tree.find_all(exp.Column)} - {CHAMPION}
    nested = any(node is not tree and type(node) in (*_COMPARED, exp.And) for node in tree.walk())
    wrong = any(literal.is_string for literal in tree.find_all(exp.Literal))
    if type(tree) not in _COMPARED or nested or wrong or len(named) != 1:
        raise OptionError(f"The requirement '{text}' can't be judged.", remedy=f"It is {FORMS}.")
    return Requirement(text, named.pop(), tree)


def _number(node: exp.Expression, known: Mapping[str, float]) -> float:
    """Division by zero is not a number, by which no comparison holds."""
    node = node.unnest()
    if isinstance(node, exp.Column):
        return known[node.name]
    if isinstance(node, exp.Literal):
        return float(node.this)
    if isinstance(node, exp.Neg):
        return -_number(node.this, known)
    left, right = _number(node.this, known), _number(node.expression, known)
    return float("nan") if isinstance(node, exp.Div) and right == 0 else _COMPUTED[type(node)](left, right)
