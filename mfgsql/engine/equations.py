"""Equations among a row's numbers, ``cement + water = 500``, as factors: found by asking SQL."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sqlglot import exp

Floats = npt.NDArray[np.float64]
_NEAR = 1e-6  # relatively
_BETWEEN = 0.37  # of the way from the lows to the highs


def at_most(part: exp.Expression) -> exp.Expression | None:
    """What is at most 0 where a comparison of numbers holds; None: it is none, or it is an equation."""
    if not isinstance(part, exp.LTE | exp.LT | exp.GTE | exp.GT) or not _of_numbers(part):
        return None
    less, more = (part.this, part.expression) if isinstance(part, exp.LTE | exp.LT) else (part.expression, part.this)
    return exp.Sub(this=exp.paren(less.copy()), expression=exp.paren(more.copy()))


def difference(part: exp.Expression) -> exp.Expression | None:
    """What is 0 where an equation of numbers holds; None: it is none."""
    if not isinstance(part, exp.EQ) or not _of_numbers(part):
        return None
    return exp.Sub(this=exp.paren(part.this.copy()), expression=exp.paren(part.expression.copy()))


def _of_numbers(part: exp.Expression) -> bool:
    return not part.find(exp.Boolean) and not any(literal.is_string for literal in part.find_all(exp.Literal))


def linear(told: Callable[[Floats], Floats], low: Floats, high: Floats) -> tuple[Floats, Floats] | None:
    """Factors [rows, d] and totals [rows] of a difference; None where it isn't linear.

    Args:
        told: the difference in each row, [rows], with those numbers in it, [d]. low, high: between which it is asked,
            at an end, beside it in each direction, on the way and far off.
    """
    base = told(low)
    factors = np.stack([told(low + one) - base for one in np.eye(len(low))], axis=1)
    size = np.maximum(np.maximum(np.abs(base), np.abs(told(high))), 1.0)
    for step in (np.floor(_BETWEEN * (high - low)), high - low):  # whole steps: columns may hold whole numbers only
        off = base + factors @ step - told(low + step)
        if not np.isfinite(factors).all() or not (np.abs(off) <= _NEAR * size).all():
            return None
    return factors, factors @ low - base
