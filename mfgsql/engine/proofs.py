"""What can't be, proven: conditions that are linear in a row's numbers, over the ranges that these may have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlglot import exp

from mfgsql.engine.conditions import Condition
from mfgsql.engine.equations import at_most, difference, linear
from mfgsql.engine.expressions import DIALECT
from mfgsql.optimization.limits import Inequality, conflict

_ARITHMETIC = (exp.Column, exp.Identifier, exp.Literal, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ranges:
    """Numbers that columns may have, and what expressions make of them.

    Attributes:
        names: of the columns, [d]. low, high: finite, [d]. fixed: other columns that have one number.
        value: of an expression, for those numbers in the columns, [d]; NaN where it is NULL.
    """

    names: Sequence[str]
    low: Floats
    high: Floats
    fixed: frozenset[str]
    value: Callable[[exp.Expression, Floats], float]

    def linear(self, tree: exp.Expression) -> tuple[Floats, float] | None:
        """Factors of the columns, [d], and what is taken off; None: it isn't linear in them alone."""
        named = {column.name for column in tree.find_all(exp.Column)}
        if not named <= {*self.names, *self.fixed} or not all(isinstance(n, _ARITHMETIC) for n in tree.walk()):
            return None
        high = np.where(self.low < self.high, self.high, self.low + 1)
        known = linear(lambda point: np.array([self.value(tree, point)]), self.low, high)
        return None if known is None else (known[0][0], float(known[1][0]))

    def reach(self, part: exp.Expression, whole: exp.Expression) -> str:
        """What the side of a comparison may be that isn't a number; else what both differ by."""
        sides = [(part.this, whole.this), (part.expression, whole.expression)]
        varying = [side for side in sides if side[1].find(exp.Column)]
        both = tuple(exp.Sub(this=a.copy(), expression=exp.paren(b.copy())) for a, b in zip(*sides, strict=True))
        told, tree = varying[0] if len(varying) == 1 else both
        known = self.linear(tree)
        if known is None:
            return ""
        low, high = Inequality(0, *known).span(self.low, self.high)
        name = told.unnest().sql(dialect=DIALECT)
        return f"{name} is {low:.6g} to {high:.6g}" if high - low > 1e-9 * max(abs(low), 1) else f"{name} is {low:.6g}"


def disproven(
    conditions: Sequence[Condition], wholes: Sequence[Condition], ranges: Ranges
) -> tuple[list[int], str] | None:
    """Numbers of conditions that can't hold, or not together, and what they are about may be; None: nothing is proven.

    Args:
        wholes: the conditions, with what is computed written out.
    """
    found: list[tuple[Inequality, exp.Expression, exp.Expression]] = []
    for number, (condition, whole) in enumerate(zip(conditions, wholes, strict=True)):
        for part, tree in zip(condition.parts(), whole.parts(), strict=True):
            found += [(one, part, tree) for one in _inequalities(number, tree, ranges)]
    numbers = conflict([one for one, *_ in found], ranges.low, ranges.high)
    mine = [some for some in found if some[0].number in numbers]
    if len(numbers) == 1:
        mine = [some for some in mine if some[0].span(ranges.low, ranges.high)[0] > 0] or mine
    told = dict.fromkeys(filter(None, (ranges.reach(part, tree) for _, part, tree in mine)))
    return (numbers, ", ".join(told)) if numbers else None


def _inequalities(number: int, tree: exp.Expression, ranges: Ranges) -> list[Inequality]:
    """What a comparison says, where it is linear."""
    left = at_most(tree) or difference(tree)
    known = None if left is None else ranges.linear(left)
    if known is None:
        return []
    factors, most = known
    found = [Inequality(number, factors, most)]
    return found if not isinstance(tree, exp.EQ) else [*found, Inequality(number, -factors, -most)]


def comes_to(condition: Condition, value: Callable[[exp.Expression], float]) -> tuple[float, float] | None:
    """How far a comparison with a number is from holding, and what is compared, of the part that holds least."""
    off = []
    for part in condition.parts():
        tree = at_most(part) or difference(part)
        sides = [] if tree is None else [s for s in (part.this, part.expression) if s.find(exp.Column)]
        if tree is not None and len(sides) == 1:
            beyond = value(tree)
            off.append((abs(beyond) if isinstance(part, exp.EQ) else beyond, value(sides[0])))
    return max(off) if off else None


def cant_hold(named: Sequence[str], why: str) -> str:
    """In words, of conditions as they are to be shown."""
    return f"{' and '.join(named)} can't hold{' together' if len(named) > 1 else ''}: {why}"
