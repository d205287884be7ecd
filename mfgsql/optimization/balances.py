"""What past designs keep: sums of columns that hardly vary, such as parts that fill a cubic metre.

They are the directions in which standardised columns vary least (the last principal components, as used to find linear
relations; Jolliffe, "Principal Component Analysis", 2002, section 10.1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_KEPT = 0.1  # of what columns that have nothing to do with one another would vary
_PER_COLUMN, _FEWEST = 5, 30  # rows that are needed
_USUAL = 0.025  # of the rows are below, and above, what counts as kept
_LEAST = 0.25  # beyond that a balance is broken, in deviations: bins tell no less
_NAMED = 0.15  # of a direction, from which a column belongs to it


@dataclass(frozen=True)
class Balances:
    """Directions that hardly vary.

    Attributes:
        columns: numbers of those that they are of, [c]. center, scale: of these, [c].
        directions: [c, balances]. low, high: within which most rows lie, [balances].
    """

    columns: npt.NDArray[np.int64]
    center: Floats
    scale: Floats
    directions: Floats
    low: Floats
    high: Floats

    @classmethod
    def fit(cls, numbers: Floats) -> Balances:
        """Of past designs, [n, columns]; columns that miss values, or don't vary, belong to none."""
        spread = np.ptp(numbers, axis=0) if len(numbers) else np.zeros(numbers.shape[1])
        columns = np.flatnonzero(np.isfinite(spread) & (spread > 0))
        if len(columns) < 2 or len(numbers) < max(_FEWEST, _PER_COLUMN * len(columns)):
            none = np.zeros(0)
            return cls(np.zeros(0, np.int64), none, none, np.zeros((0, 0)), none, none)
        known = numbers[:, columns]
        center, scale = known.mean(axis=0), known.std(axis=0)
        z = (known - center) / scale
        variances, vectors = np.linalg.eigh(np.cov(z, rowvar=False))
        directions = vectors[:, variances < _KEPT]
        low, high = np.quantile(z @ directions, [_USUAL, 1 - _USUAL], axis=0)
        return cls(columns, center, scale, directions, np.minimum(low, -_LEAST), np.maximum(high, _LEAST))

    def tightened(self, share: float) -> Balances:
        """With that share of the widths, about the same middles."""
        middle, half = (self.low + self.high) / 2, share * (self.high - self.low) / 2
        return replace(self, low=middle - half, high=middle + half)

    def excess(self, numbers: Floats) -> Floats:
        """How far designs are beyond, in widths of what is usual, [n, balances]; 0 where they are not."""
        if not len(self.low):
            return np.zeros((len(numbers), 0))
        told = (numbers[:, self.columns] - self.center) / self.scale @ self.directions
        width = np.maximum(self.high - self.low, 1e-9)
        beyond: Floats = np.maximum(np.maximum(self.low - told, told - self.high), 0.0) / width
        return beyond

    def belongs(self, columns: int) -> npt.NDArray[np.bool_]:
        """Which columns belong to each balance, [balances, columns]."""
        found = np.zeros((len(self.low), columns), bool)
        found[:, self.columns] = np.abs(self.directions.T) >= _NAMED
        return found
