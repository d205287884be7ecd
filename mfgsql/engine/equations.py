"""Equations among a row's numbers, ``cement + water = 500``, as factors: found by asking SQL."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sqlglot import exp

Floats = npt.NDArray[np.float64]
_NEAR = 1e-6  # relatively


def difference(part: exp.Expression) -> exp.Expression | None:
    """What is 0 where an equation of numbers holds; None: it is none."""
    if not isinstance(part, exp.EQ) or part.find(exp.Boolean):
        return None
    if any(literal.is_string for literal in part.find_all(exp.Literal)):
        return None
    return exp.Sub(this=exp.paren(part.this.copy()), expression=exp.paren(part.expression.copy()))


def linear(told: Callable[[Floats], Floats], low: Floats, high: Floats) -> tuple[Floats, Floats] | None:
    """Factors [rows, d] and totals [rows] of a difference; None where it isn't linear.

    Args:
        told: the difference in each row, [rows], with those numbers in it, [d]. low, high: between which it is asked,
            at an end, beside it in each direction, and far off.
    """
    base = told(low)
    factors = np.stack([told(low + one) - base for one in np.eye(len(low))], axis=1)
    last, far = told(high), base + factors @ (high - low)
    size = np.maximum(np.maximum(np.abs(base), np.abs(last)), 1.0)
    if not np.isfinite(factors).all() or not (np.abs(far - last) <= _NEAR * size).all():
        return None
    return factors, factors @ low - base
