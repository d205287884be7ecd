"""Rows of series as they come: one series behind the other, each in the order of time, not yet on its grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.features.grid import Grid

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lines:
    """Rows of series.

    Attributes:
        values: of the target, float64 [rows], NaN where unknown. continuous: float32 [rows, channels].
        codes: int64 [rows, columns]. moments: float64 [rows]. starts: int64 [series], each one's first row.
    """

    values: Floats
    continuous: Floats
    codes: Integers
    moments: Floats
    starts: Integers

    @cached_property
    def which(self) -> Integers:
        """The series of each row."""
        return np.repeat(np.arange(len(self.starts)), np.diff(np.append(self.starts, len(self.values))))

    def numbered(self, grid: Grid) -> tuple[Floats, Integers, Mask]:
        """The moment of each series' last known row, NaN where it has none; how many steps from there each row is; and
        whether that can be said of it.
        """
        since = np.full(len(self.starts), np.nan)
        known = np.flatnonzero(np.isfinite(self.values) & np.isfinite(self.moments))
        since[self.which[known]] = self.moments[known]  # rows lie in order, and the last one written stays
        told = np.isfinite(since)[self.which]
        number = np.zeros(len(self.values), np.int64)
        number[told] = grid.number(self.moments[told], since[self.which[told]])
        return since, number, told

    def most(self, rows: Mask, steps: Integers) -> Integers:
        """The most steps that some rows of each series tell, from 0 on."""
        most = np.zeros(len(self.starts), np.int64)
        np.maximum.at(most, self.which[rows], steps)
        return most
