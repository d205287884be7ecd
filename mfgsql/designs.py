"""Designs side by side: how far apart they are, which are best, and which of many to show.

Distances are Gower's (Gower, "A General Coefficient of Similarity", Biometrics 1971): the mean over columns of how far
two values are apart, numbers by what is usual in a column, categories by whether they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SAME = 1e-9  # distance, below which two designs are one
_FINEST = 1e-3  # distance, below which it doesn't matter how far two designs are apart
_PAIRS = 2**22  # distances held at a time
_USUAL = 1.349  # quartiles of a normal distribution are so many deviations apart


@dataclass(frozen=True)
class Points:
    """Designs as numbers.

    Attributes:
        numbers: float64 [n, numeric], NaN where missing. codes: int64 [n, categorical].
    """

    numbers: Floats
    codes: Integers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Integers | slice) -> Points:
        return Points(self.numbers[rows], self.codes[rows])

    def scale(self) -> Floats:
        """What is usual in each column of numbers: a deviation by its quartiles, else by all of it, else one."""
        scale = np.ones(self.numbers.shape[1])
        for column, values in enumerate(self.numbers.T):
            known = values[np.isfinite(values)]
            if len(known):
                robust = float(np.subtract(*np.quantile(known, [0.75, 0.25]))) / _USUAL
                scale[column] = robust or float(known.std()) or 1.0
        return scale


def distances(some: Points, others: Points, scale: Floats) -> Floats:
    """Of each pair, ``[some, others]``; a missing value is one deviation from any other, and 0 from a missing one."""
    total = np.zeros((len(some), len(others)))
    for column in range(some.numbers.shape[1]):
        a, b = some.numbers[:, column, None], others.numbers[None, :, column]
        apart = np.abs(a - b) / scale[column]
        total += np.where(np.isnan(apart), (np.isnan(a) != np.isnan(b)).astype(np.float64), apart)
    for column in range(some.codes.shape[1]):
        total += some.codes[:, column, None] != others.codes[None, :, column]
    found: Floats = total / max(some.numbers.shape[1] + some.codes.shape[1], 1)
    return found


def nearest(
    some: Points, others: Points, scale: Floats, check: Callable[[], None] = lambda: None
) -> tuple[Integers, Floats]:
    """Of each the number of the nearest other one, and how far that is; -1 and infinite where there is none."""
    which, far = np.full(len(some), -1), np.full(len(some), np.inf)
    for here, apart in _parts(some, others, scale, check):
        which[here], far[here] = apart.argmin(axis=1), apart.min(axis=1)
    return which, far


def diversity(points: Points, scale: Floats) -> Floats:
    """Of each how far the nearest other one is, infinite where it is alone."""
    found = np.full(len(points), np.inf)
    for here, apart in _parts(points, points, scale):
        own = np.arange(here.start, here.start + len(apart))
        apart[own - here.start, own] = np.inf
        found[here] = apart.min(axis=1)
    return found


def twins(points: Points, scale: Floats) -> Mask:
    """Whether each is the same as one before it."""
    found = np.zeros(len(points), bool)
    for here, apart in _parts(points, points, scale):
        found[here] = np.any(np.tril(apart < SAME, here.start - 1), axis=1)
    return found


def _parts(
    some: Points, others: Points, scale: Floats, check: Callable[[], None] = lambda: None
) -> Iterator[tuple[slice, Floats]]:
    """Distances of some at a time to all others, as many as can be held; none where there are no others."""
    size = max(1, _PAIRS // max(len(others), 1))
    for at in range(0, len(some) if len(others) else 0, size):
        check()
        here = slice(at, at + size)
        yield here, distances(some[here], others, scale)


def choose(points: Points, quality: Floats, scale: Floats, most: int) -> Integers:
    """Numbers of designs that are good and unlike one another, the first one best.

    Always the one is taken that is farthest from those taken (Gonzalez, "Clustering to Minimize the Maximum
    Intercluster Distance", 1985), where a distance counts the more the better a design is.

    Args:
        quality: from 0 to 1, [n].
    """
    count = min(most, len(points))
    if not count:
        return np.zeros(0, np.int64)
    chosen = [int(quality.argmax())]
    far, worth = np.full(len(points), np.inf), 0.25 + 0.75 * quality
    while len(chosen) < count:
        far = np.minimum(far, distances(points, points[slice(chosen[-1], chosen[-1] + 1)], scale)[:, 0])
        far[chosen] = -1.0
        chosen.append(int((far * worth).argmax()))
    return np.array(chosen, np.int64)


def spaced(points: Points, scale: Floats, most: int, apart: float = 0.1) -> Integers:
    """Numbers of designs, the first ones rather than others, such that none is near one before it.

    That is clearing (Petrowski, "A Clearing Procedure as a Niching Method for Genetic Algorithms", 1996). Where there
    are too few, with half the distance, and so on; of equal ones others come last.

    Args:
        points: the best first. apart: distance to begin with.
    """
    count, chosen = min(most, len(points)), list[int]()
    far = np.full(len(points), np.inf)
    while len(chosen) < count:
        left = np.flatnonzero(far >= apart)
        while len(left) and len(chosen) < count:
            one = int(left[0])
            chosen.append(one)
            far = np.minimum(far, distances(points, points[slice(one, one + 1)], scale)[:, 0])
            far[chosen] = -1.0
            left = left[far[left] >= apart]
        apart = apart / 2 if apart > _FINEST else 0.0
    return np.array(chosen, np.int64)


def ranked(values: Floats) -> Floats:
    """Values as shares of how many are less, from 0 to 1."""
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    found: Floats = order / max(len(values) - 1, 1)
    return found
