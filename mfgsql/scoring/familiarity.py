"""How unlike what a model has learnt from a row is: a model is only right near its data."""

from __future__ import annotations

import numpy as np

from mfgsql.tasks.task import Array

_USUAL = 0.9  # of the rows learnt from are nearer to another one
_PAIRS = 2**23  # distances held at a time


class Familiarity:
    """Rows that a model has learnt from, encoded.

    A row is as strange as it is far from the nearest of them, in units of what is far among themselves; of an ensemble
    also as its members disagree, in units of what they do on these rows.

    Args:
        continuous: float32 [n, channels]. codes: int64 [n, columns]. spread: how far members are apart, [n], or None.
    """

    def __init__(self, continuous: Array, codes: Array, spread: Array | None = None) -> None:
        self._numbers, self._codes = np.nan_to_num(continuous).astype(np.float32), codes
        others = np.sort(self._nearest(self._numbers, codes, own=True))
        self._far = max(float(np.quantile(others, _USUAL)), 1e-6) if len(others) > 1 else np.inf
        self._apart = np.inf if spread is None else max(float(np.quantile(spread, _USUAL)), 1e-12)

    @property
    def far(self) -> float:
        """A distance to the nearest that is far among the rows learnt from; infinite of less than two."""
        return self._far

    def strangeness(self, continuous: Array, codes: Array, spread: Array | None) -> Array:
        """Of each row, float64 [n]: from 1 on stranger than nine in ten of the rows learnt from."""
        near = self._nearest(np.nan_to_num(continuous).astype(np.float32), codes) / self._far
        return near if spread is None else np.maximum(near, spread / self._apart)

    def _nearest(self, numbers: Array, codes: Array, *, own: bool = False) -> Array:
        """Distance to the nearest of the rows learnt from, [n]; to another one than itself with ``own``."""
        size = max(1, _PAIRS // max(len(self._numbers), 1))
        squares = (self._numbers**2).sum(axis=1)
        found = np.zeros(len(numbers))
        for at in range(0, len(numbers), size):
            some, words = numbers[at : at + size], codes[at : at + size]
            apart = (some**2).sum(axis=1)[:, None] + squares - 2 * some @ self._numbers.T
            for column in range(words.shape[1]):
                apart += words[:, column, None] != self._codes[:, column]
            if own:
                apart[np.arange(len(some)), np.arange(at, at + len(some))] = np.inf
            found[at : at + size] = np.sqrt(np.maximum(apart.min(axis=1, initial=np.inf), 0.0))
        return found
