"""A few of many candidates: the best, such that no two say the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mfgsql.optimization.fronts import fronts
from mfgsql.optimization.spaces import Space

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NEEDLESS = 0.01  # of the objective's range: a set of columns that brings no more than one within it is left out
_TIE = 1e-3  # of the objective's range: what moving all columns through their range counts
_APART = 0.1  # of a column's range, or in several objectives of theirs: less, and two suggestions are the same


def shortlist(space: Space, start: Floats, values: Floats, objectives: Floats, k: int) -> tuple[Integers, Integers]:
    """Numbers of ``k`` candidates at most, the best first, and the Pareto rank of each, from 1.

    With one objective: for each number of changes the best, then other sets of columns, then other values. With
    several: candidates that none is better than in all, spread over what can be had.

    Args:
        start: the row as it is, [d]. values: candidates that hold, [n, d]. objectives: the lower the better, [n, m].
    """
    if not len(values):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    if objectives.shape[1] > 1:
        return _spread(objectives, k)
    changed = space.differs(values, start)
    reach = float(np.ptp(objectives)) or 1.0
    worth = objectives[:, 0] + _TIE * reach * space.distance(values, start).mean(axis=1)
    chosen = _by_set(changed, worth, _NEEDLESS * reach)[:k]
    for candidate in np.argsort(worth, kind="stable"):
        if len(chosen) >= k:
            break
        apart = space.distance(values[chosen], values[candidate]).max(axis=1)
        if changed[candidate].any() and apart.min(initial=np.inf) >= _APART:
            chosen.append(int(candidate))
    best = np.array(sorted(chosen, key=lambda c: worth[c]), np.int64)
    return best, np.ones(len(best), np.int64)


def _by_set(changed: Mask, worth: Floats, needless: float) -> list[int]:
    """The best of each set of changed columns: first the best with so many changes, then the others by worth."""
    sets, member = np.unique(changed, axis=0, return_inverse=True)
    order = np.lexsort((worth, member.ravel()))
    first = order[np.unique(member.ravel()[order], return_index=True)[1]]
    size, value = sets.sum(axis=1), worth[first]
    kept: list[int] = []
    for number in np.argsort(size, kind="stable"):
        within = [i for i in kept if not (sets[i] & ~sets[number]).any()]
        if size[number] and all(value[number] < value[i] - needless for i in within):
            kept.append(int(number))
    front, lowest = [], np.inf
    for number in kept:  # fewest changes first
        best_of_size = min((i for i in kept if size[i] == size[number]), key=lambda i: value[i])
        if number == best_of_size and value[number] < lowest:
            front.append(number)
            lowest = value[number]
    others = sorted(set(kept) - set(front), key=lambda i: value[i])
    front.sort(key=lambda i: value[i])
    return [int(first[i]) for i in (*front, *others)]


def _spread(objectives: Floats, k: int) -> tuple[Integers, Integers]:
    """The best by each objective, then always the one that is farthest from those chosen."""
    rank = fronts(objectives, k)
    low = objectives[rank == 1].min(axis=0)
    span = np.maximum(objectives[rank == 1].max(axis=0) - low, 1e-12)
    scaled, chosen = (objectives - low) / span, list[int]()
    for level in range(1, rank.max() + 1):
        front = np.flatnonzero(rank == level)
        ends = [int(front[i]) for i in scaled[front].argmin(axis=0)] if level == 1 else []
        for end in dict.fromkeys(ends):
            if len(chosen) < k:
                chosen.append(end)
        while len(chosen) < k:
            apart = np.abs(scaled[front][:, None] - scaled[chosen][None]).max(axis=2).min(axis=1)
            if apart.max() < _APART / 2:
                break
            chosen.append(int(front[apart.argmax()]))
    found = np.array(sorted(chosen, key=lambda c: (rank[c], scaled[c].max())), np.int64)
    return found, rank[found]
