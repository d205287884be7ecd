"""What values columns may be set to: numbers in a range on a grid, or one of some choices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_DIGITS = 12  # that a value keeps: 0.1 + 0.2 is 0.3


@dataclass(frozen=True)
class Space:
    """Columns that may be set.

    Attributes:
        low, high: of numbers; a choice is its number, from 0 on, [d]. step: between two values, 0 where any will do,
            [d]. choice: whether the column is one of choices, which have no order, bool [d]. anchor: a value that the
            steps go through, [d].
    """

    low: Floats
    high: Floats
    step: Floats
    choice: Mask
    anchor: Floats

    @property
    def width(self) -> int:
        """How many columns."""
        return len(self.low)

    def sample(self, rng: np.random.Generator, count: int) -> Floats:
        """Values drawn evenly, each stretch of a column once, [count, d] (McKay et al., Technometrics, 1979)."""
        strata = rng.random((count, self.width)).argsort(axis=0) + rng.random((count, self.width))
        span = np.where(self.choice, self.high - self.low + 1, self.high - self.low)
        return np.asarray(self.low + span * strata / count - 0.5 * self.choice)

    def snapped(self, values: Floats) -> Floats:
        """On the grid and within the range, of the same shape."""
        step = np.where(self.step > 0, self.step, 1.0)
        least, last = np.ceil((self.low - self.anchor) / step - 1e-9), np.floor((self.high - self.anchor) / step + 1e-9)
        steps = np.clip(np.round((values - self.anchor) / step), least, last)
        free = np.clip(values, self.low, self.high)
        return rounded(np.where(self.step > 0, self.anchor + steps * step, free))

    def differs(self, values: Floats, start: Floats) -> Mask:
        """Where a value is another one, bool of the broadcast shape."""
        return np.asarray((values != start) & ~(np.isnan(values) & np.isnan(start)))

    def distance(self, values: Floats, start: Floats) -> Floats:
        """How far each column is moved, in ranges; 1 for another choice, or from what is unknown (Gower, 1971)."""
        span = np.where(self.high > self.low, self.high - self.low, 1.0)
        moved = np.where(self.choice | np.isnan(start) | np.isnan(values), 1.0, np.abs(values - start) / span)
        return np.where(self.differs(values, start), moved, 0.0)

    def outside(self, values: Floats) -> Floats:
        """How far values are beyond the range, in ranges."""
        span = np.where(self.high > self.low, self.high - self.low, 1.0)
        beyond = np.maximum(self.low - values, values - self.high)
        return np.asarray(np.maximum(np.nan_to_num(beyond, nan=0.0) / span - 1e-9, 0.0))


def rounded(values: Floats) -> Floats:
    """To `_DIGITS` significant digits."""
    size = np.where(np.isfinite(values) & (values != 0), np.abs(values), 1.0)
    shift = 10.0 ** np.clip(_DIGITS - 1 - np.floor(np.log10(size)), -290, 290)
    return np.asarray(np.round(values * shift) / shift)
