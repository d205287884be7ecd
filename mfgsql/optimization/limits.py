"""Linear inequalities over ranges: what they may be at most, and which of them can't hold together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_NEAR = 1e-9  # what is less off, relatively, is off by rounding
_NO_SOLUTION = 2  # as linprog says it


@dataclass(frozen=True)
class Inequality:
    """``factors @ x <= most``; an equation is two of them.

    Attributes:
        number: of the condition that it is a part of. factors: [d].
    """

    number: int
    factors: Floats
    most: float

    def span(self, low: Floats, high: Floats) -> tuple[float, float]:
        """The least and the most that ``factors @ x - most`` is within ranges, [d] each."""
        ends = self.factors * np.stack([low, high])
        return float(ends.min(axis=0).sum()) - self.most, float(ends.max(axis=0).sum()) - self.most


def conflict(found: Sequence[Inequality], low: Floats, high: Floats) -> list[int]:
    """Numbers of conditions that can't hold together within ranges, each of which is needed for that; none: they can.

    By linear programmes (Huangfu & Hall, Math. Prog. Computation, 2018), of which conditions are left out one by one
    (Chinneck & Dravnieks, ORSA J. Computing, 1991).
    """
    numbers = sorted({one.number for one in found})
    if _possible(found, low, high):
        return []
    for number in list(numbers):
        fewer = [one for one in found if one.number in numbers and one.number != number]
        if not _possible(fewer, low, high):
            numbers.remove(number)
    return numbers


def _possible(found: Sequence[Inequality], low: Floats, high: Floats) -> bool:
    """Whether there are values for which all hold, or nearly."""
    from scipy.optimize import linprog

    if not found:
        return True
    factors, most = np.stack([one.factors for one in found]), np.array([one.most for one in found])
    slack = _NEAR * np.maximum(np.abs(factors) @ np.maximum(np.abs(low), np.abs(high)), np.abs(most))
    size = np.maximum(np.abs(factors).max(axis=1), 1e-12)
    told = linprog(
        np.zeros(len(low)), factors / size[:, None], (most + slack) / size, bounds=np.stack([low, high], axis=1)
    )
    return int(told.status) != _NO_SOLUTION
