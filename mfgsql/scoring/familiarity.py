"""How unlike what a model has learnt from a row is: a model is only right near its data."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mfgsql.tasks.task import Array

_USUAL = 0.9  # of the rows learnt from are nearer to another one
_UNKNOWN = 3.0**2  # of a squared distance, where one of two rows misses a value: it may be at an end of what there was
_PAIRS = 2**23  # distances held at a time
Mask = npt.NDArray[np.bool_]


class Familiarity:
    """Rows that a model has learnt from, encoded.

    A row is as strange as it is far from the nearest of them, in units of what is far among themselves; of an ensemble
    also as its members disagree, in units of what they do on these rows. What is missing in one of two rows is far.

    Args:
        continuous: float32 [n, channels], NaN where missing. codes: int64 [n, columns].
        spread: how far members are apart, [n], or None.
    """

    def __init__(self, continuous: Array, codes: Array, spread: Array | None = None) -> None:
        self._unknown = np.isnan(continuous)
        self._numbers, self._codes = np.nan_to_num(continuous).astype(np.float32), codes
        others = np.sort(self._nearest(self._numbers, codes, self._unknown, own=True))
        self._far = max(float(np.quantile(others, _USUAL)), 1e-6) if len(others) > 1 else np.inf
        self._apart = np.inf if spread is None else max(float(np.quantile(spread, _USUAL)), 1e-12)

    @property
    def far(self) -> float:
        """A distance to the nearest that is far among the rows learnt from; infinite of less than two."""
        return self._far

    def strangeness(
        self, continuous: Array, codes: Array, spread: Array | None = None, unknown: Mask | None = None
    ) -> Array:
        """Of each row, float64 [n]: from 1 on stranger than nine in ten of the rows learnt from.

        Args:
            unknown: what else than NaN is missing, because the model takes it for the usual, bool [n, channels].
        """
        missing = np.isnan(continuous) if unknown is None else np.isnan(continuous) | unknown
        near = self._nearest(np.where(missing, 0, continuous).astype(np.float32), codes, missing) / self._far
        return near if spread is None else np.maximum(near, spread / self._apart)

    def _nearest(self, numbers: Array, codes: Array, unknown: Mask, *, own: bool = False) -> Array:
        """Distance to the nearest of the rows learnt from, [n]; to another one than itself with ``own``."""
        size = max(1, _PAIRS // max(len(self._numbers), 1))
        squares = (self._numbers**2).sum(axis=1)
        found = np.zeros(len(numbers))
        for at in range(0, len(numbers), size):
            some, words = numbers[at : at + size], codes[at : at + size]
            apart = (some**2).sum(axis=1)[:, None] + squares - 2 * some @ self._numbers.T
            apart += _UNKNOWN * _differing(unknown[at : at + size], self._unknown)
            for column in range(words.shape[1]):
                apart += words[:, column, None] != self._codes[:, column]
            if own:
                apart[np.arange(len(some)), np.arange(at, at + len(some))] = np.inf
            found[at : at + size] = np.sqrt(np.maximum(apart.min(axis=1, initial=np.inf), 0.0))
        return found


def _differing(some: Mask, others: Mask) -> Array:
    """In how many channels one of two rows misses a value, float32 [some, others]."""
    if not some.any() and not others.any():
        return np.zeros((1, 1), np.float32)
    a, b = some.astype(np.float32), others.astype(np.float32)
    return np.asarray(a.sum(axis=1)[:, None] + b.sum(axis=1) - 2 * a @ b.T)


def widened(values: Array, lower: Array, upper: Array, strangeness: Array) -> tuple[Array, Array]:
    """An interval about values, as many times as wide as a row is strange, never narrower, [n] each."""
    wider = np.maximum(strangeness, 1.0)
    return values + (lower - values) * wider, values + (upper - values) * wider


def drawn(scores: Array, counts: Array, strangeness: Array) -> tuple[Array, Array]:
    """The cautious ends of probabilities, drawn towards how frequent classes are as a row is strange, [n, classes].

    Args:
        scores: probabilities, [n, classes]. counts: of the rows learnt from, [classes].
    """
    usual = np.asarray(counts, np.float64) / np.sum(counts)
    towards = usual + (scores - usual) / np.maximum(strangeness, 1.0)[:, None]
    return np.minimum(scores, towards), np.maximum(scores, towards)
