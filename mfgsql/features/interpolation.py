"""Linear interpolation between fixed points, the hot spot of encoding numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_CELLS = 4096
_CROWD = 4  # points in one cell; with more of them a search is faster


class Interpolation:
    """``numpy.interp`` of fixed points, for finite numbers, more than twice as fast where the points are spread out.

    A binary search mispredicts every branch on random numbers. Here the range is cut into even cells, and a table
    says which points lie before a number's cell; what is left to compare are the points within the cell.

    Args:
        points: strictly increasing. values: at the points; outside, those at the ends.
    """

    def __init__(self, points: Sequence[float], values: Sequence[float]) -> None:
        self._points, self._values = np.asarray(points, np.float64), np.asarray(values, np.float64)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            self._slopes = np.append(np.diff(self._values) / np.diff(self._points), 0.0)
            self._scale = _CELLS / (self._points[-1] - self._points[0])
        self._next = np.append(self._points, np.inf)
        self._before, self._crowd = self._table()

    def _table(self) -> tuple[npt.NDArray[np.int64], int]:
        """For each cell how many points lie in cells before it; and the largest number of points in a cell."""
        if not np.isfinite(self._scale) or self._scale <= 0 or not np.isfinite(self._slopes).all():
            return np.empty(0, np.int64), _CROWD + 1
        cells = self._cell(self._points)
        before: npt.NDArray[np.int64] = np.searchsorted(cells, np.arange(_CELLS))
        return before, int(np.bincount(cells).max())

    def _cell(self, numbers: Floats) -> npt.NDArray[np.int64]:
        # Each step is monotone in floating point, too: a point of an earlier cell is never above a number.
        cells: npt.NDArray[np.int64] = np.minimum((numbers - self._points[0]) * self._scale, _CELLS - 1).astype(
            np.int64
        )
        return cells

    def __call__(self, numbers: Floats) -> Floats:
        """The value at each number, all finite."""
        if self._crowd > _CROWD:
            return np.interp(numbers, self._points, self._values)
        inside = np.clip(numbers, self._points[0], self._points[-1])
        place = self._before[self._cell(inside)] - 1
        for _ in range(self._crowd):
            place += inside >= self._next[place + 1]
        result: Floats = self._slopes[place] * (inside - self._points[place]) + self._values[place]
        return result
