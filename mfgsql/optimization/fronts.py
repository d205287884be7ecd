"""Pareto ranks: which candidates none is better than in all objectives, and which come behind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_FIRST = 64  # by their first objectives: they beat nearly all that are beaten


def fronts(objectives: Floats, most: int | None = None) -> Integers:
    """The Pareto rank of each candidate, from 1: the first front, the next without it, and so on, [n].

    Args:
        objectives: the lower the better, [n, m]. most: candidates that the ranks have to hold, after which those behind
            get 0; None: all.
    """
    most = len(objectives) if most is None else most
    if objectives.shape[1] == 1:
        values, place, counts = np.unique(objectives[:, 0], return_inverse=True, return_counts=True)
        ranked = np.arange(1, len(values) + 1)
        return np.asarray(np.where(np.cumsum(counts) - counts < most, ranked, 0)[place], np.int64)
    rank, left = np.zeros(len(objectives), np.int64), np.arange(len(objectives))
    number = 0
    while len(left) and (rank > 0).sum() < most:
        number += 1
        here = objectives[left]
        beaten = np.zeros(len(left), bool)
        for one in here[np.lexsort(here.T)][:_FIRST]:
            beaten |= (one <= here).all(axis=1) & (one < here).any(axis=1)
        some = np.flatnonzero(~beaten)
        front = some[~_dominated(here[some])]
        rank[left[front]] = number
        left = np.delete(left, front)
    return rank


def _dominated(objectives: Floats) -> Mask:
    return np.array(
        [((objectives <= one).all(axis=1) & (objectives < one).any(axis=1)).any() for one in objectives], bool
    )
