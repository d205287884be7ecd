"""Which rows of the past are kept for being learnt again: a bounded store in which no batch and no class gets lost.

Half of the room is for what was learnt first, the other half is shared alike by the batches since, and within a batch
each class has its share, as far as there are rows (class balance as in Chrysakis and Moens, "Online Continual Learning
from Imbalanced Data", ICML 2020). Since rare classes are kept more often than they come, rows weigh what they stand for
within their batch. It knows no database.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def shares(sizes: Array, most: int) -> Array:
    """How many of each group stay so that all have the same room and none more than it fills, int64 [groups]."""
    given = np.zeros(len(sizes), np.int64)
    room = min(most, int(sizes.sum()))
    open_ = np.flatnonzero(sizes > 0)
    while room and len(open_):
        each = max(1, room // len(open_))
        for group in open_[np.argsort(sizes[open_], kind="stable")]:
            more = min(each, int(sizes[group] - given[group]), room)
            given[group], room = given[group] + more, room - more
        open_ = open_[given[open_] < sizes[open_]]
    return given


def room_of_batches(sizes: Array, most: int) -> Array:
    """Rows that stay of each batch, int64 [batches]; the first has half of the room, and what the others leave."""
    later = shares(sizes[1:], most - min(int(sizes[0]), most // 2))
    return np.concatenate([[min(int(sizes[0]), most - int(later.sum()))], later]).astype(np.int64)


def kept_rows(batch: Array, stratum: Array, weight: Array, most: int, *, seed: int = 0) -> tuple[Array, Array]:
    """Rows that stay, and what each weighs then.

    Args:
        batch, stratum: of each row, numbers from 0, int64 [rows]. weight: what each stands for, float64 [rows].
        most: rows that there is room for.

    Returns:
        Numbers of the rows in their order, int64 [kept], and their weights, float64 [kept]: 1 on average in a batch.
    """
    order = np.random.default_rng(seed).permutation(len(batch))
    chosen, weights = list[Array](), np.zeros(len(batch))
    room = room_of_batches(np.bincount(batch, minlength=1), most)
    for number in np.flatnonzero(room):
        rows = order[batch[order] == number]
        cells = shares(np.bincount(stratum[rows]), int(room[number]))
        for cell in np.flatnonzero(cells):
            own = rows[stratum[rows] == cell]
            kept = own[: cells[cell]]
            weights[kept] = weight[own].sum() / len(kept)
            chosen.append(kept)
    found = np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.int64)
    return found, _of_mean_one(weights[found], batch[found])


def kept_runs(batch: Array, run: Array, most: int, *, seed: int = 0) -> Array:
    """Rows of histories that stay: of each batch whole runs, drawn by chance, and of the last one its end.

    Args:
        batch, run: of each row, numbers from 0; rows of a run lie in the order of time.

    Returns:
        Numbers of the rows in their order, int64 [kept].
    """
    dice, chosen = np.random.default_rng(seed), list[Array]()
    room = room_of_batches(np.bincount(batch, minlength=1), most)
    for number in np.flatnonzero(room):
        left = int(room[number])
        rows = np.flatnonzero(batch == number)
        for which in dice.permutation(np.unique(run[rows])):
            own = rows[run[rows] == which][-left:]
            chosen.append(own)
            left -= len(own)
            if not left:
                break
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.int64)


def strata(truth: Array, *, bins: int = 10) -> Array:
    """What a row's truth has its share by: its class, or the range that its number is in; int64 [rows] from 0.

    Args:
        truth: class numbers from -1 [rows], or numbers [rows], NaN where unknown; of several values a row all count as
            alike.
    """
    if truth.ndim > 1:
        return np.zeros(len(truth), np.int64)
    if truth.dtype.kind != "f":
        return truth.astype(np.int64) + 1
    known = truth[np.isfinite(truth)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])) if len(known) else np.zeros(0)
    return np.where(np.isfinite(truth), np.searchsorted(edges, truth) + 1, 0).astype(np.int64)


def _of_mean_one(weights: Array, batch: Array) -> Array:
    """Weights, one on average in each batch."""
    means = np.bincount(batch, weights) / np.maximum(np.bincount(batch), 1)
    return weights / np.where(means > 0, means, 1.0)[batch]
