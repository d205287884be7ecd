"""Designs side by side: how far apart they are, which are best, and which of many to show.

Distances are Gower's (Gower, "A General Coefficient of Similarity", Biometrics 1971): the mean over columns of how far
two values are apart, numbers by what is usual in a column, categories by whether they differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SAME = 1e-9  # distance, below which two designs are one
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
    if not len(others):
        return np.full(len(some), -1), np.full(len(some), np.inf)
    which, far = np.zeros(len(some), np.int64), np.zeros(len(some))
    size = max(1, _PAIRS // len(others))
    for at in range(0, len(some), size):
        check()
        apart = distances(some[slice(at, at + size)], others, scale)
        which[at : at + size] = apart.argmin(axis=1)
        far[at : at + size] = apart.min(axis=1)
    return which, far


def diversity(points: Points, scale: Floats) -> Floats:
    """Of each how far the nearest other one is, infinite where it is alone."""
    apart = distances(points, points, scale)
    np.fill_diagonal(apart, np.inf)
    found: Floats = apart.min(axis=1, initial=np.inf)
    return found


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


def pareto_ranks(objectives: Floats) -> Integers:
    """The Pareto rank of each, from 1: the first front, the next without it, and so on.

    Args:
        objectives: the lower the better, [n, objectives].
    """
    rank, left, number = np.zeros(len(objectives), np.int64), np.arange(len(objectives)), 0
    while len(left):
        number += 1
        here = objectives[left]
        no_worse = np.all(here[None] <= here[:, None], axis=2)
        beaten = np.any(no_worse & np.any(here[None] < here[:, None], axis=2), axis=1)
        rank[left[~beaten]] = number
        left = left[beaten]
    return rank


def twins(points: Points, scale: Floats) -> Mask:
    """Whether each is the same as one before it."""
    found: Mask = np.any(np.tril(distances(points, points, scale) < SAME, -1), axis=1)
    return found


def ranked(values: Floats) -> Floats:
    """Values as shares of how many are less, from 0 to 1."""
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    found: Floats = order / max(len(values) - 1, 1)
    return found
