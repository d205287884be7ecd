"""Designs, improved: the best so far, and past ones, are varied, generation by generation, until it brings no more.

An evolution strategy in which parents and what they bring compete (Beyer & Schwefel, "Evolution Strategies", Natural
Computing, 2002). What holds goes before what is good (Deb, CMAME, 2000), and of good ones the unlike are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mfgsql.designs import spaced
from mfgsql.engine.designing.drafts import Drafts

if TYPE_CHECKING:
    from mfgsql.engine.designing.drafting import Search

_PARENTS, _BORN = 96, 128
_PAST = 384  # past designs that take part
_QUIET = 6  # generations in a row that bring too little
_LEAST = 2e-3  # of an objective's range in the first designs that hold: less is too little
_APART = 0.05  # distance between parents, where there are enough

Floats = npt.NDArray[np.float64]


def evolved(search: Search, wanted: int, most: int) -> list[Drafts]:
    """New designs that hold, of each generation those that are fresh.

    Args:
        wanted: how many are, where there are no objectives. most: tries of the search in all.
    """
    if not search.variations.open.any() or search.tries >= most:
        return []
    scale = search.space.points(*search.variations.past).scale()
    known = search.judged(*search.variations.of_past(min(_PAST, most - search.tries)))
    found, parents = [search.fresh(known)], _best(search, Drafts.concat([*search.near, known]), scale)
    progress, quiet = Progress(parents), 0
    while search.tries < most and quiet < _QUIET and (wanted > 0 or search.judge.brief.objectives):
        born = _born(search, parents, min(_BORN, most - search.tries))
        found.append(search.fresh(born))
        wanted -= int((found[-1].total <= 0).sum())
        parents = _best(search, Drafts.concat([parents, born]), scale)
        quiet = 0 if progress.made(parents, found[-1]) else quiet + 1
    search.near = [parents]
    return found


def _born(search: Search, parents: Drafts, count: int) -> Drafts:
    """Variations of the parents."""
    return search.judged(*search.variations.of(parents.codes, parents.values, count))


def _best(search: Search, drafts: Drafts, scale: Floats) -> Drafts:
    """Parents of the next generation, the best first."""
    order = drafts.order
    points = search.space.points(drafts.codes, drafts.values)[order]
    kept = np.sort(spaced(points, scale, _PARENTS, _APART))
    return drafts.take(order[kept])


class Progress:
    """Tells whether generations still bring something.

    Args:
        parents: of the first generation.
    """

    def __init__(self, parents: Drafts) -> None:
        self._range: Floats | None = None
        self._best = self._marks(parents)

    def made(self, parents: Drafts, fresh: Drafts) -> bool:
        """Whether these are better than those before, or, where nothing is to be better, are new."""
        marks = self._marks(parents)
        better = bool((marks < self._best - _LEAST).any())
        self._best = np.minimum(self._best, marks)
        return better or (not parents.objectives.shape[1] and bool((fresh.total <= 0).any()))

    def _marks(self, parents: Drafts) -> Floats:
        """The lower the better: how far the nearest is from holding, each objective at its best, and all together."""
        held = parents.objectives[parents.total <= 0]
        count = held.shape[1]
        near = np.array([np.log10(max(float(parents.total.min()), 1e-9)) / 10])
        if len(held) < 2 or not count:
            return np.concatenate([near, np.full(count + 1 if count else 0, np.inf)])
        if self._range is None:
            low = held.min(axis=0)
            self._range = np.stack([low, np.maximum(np.ptp(np.minimum(held, 1e300), axis=0), 1e-12)])
        scaled = (held - self._range[0]) / self._range[1]
        return np.concatenate([near, scaled.min(axis=0), [scaled.mean(axis=1).min()]])
