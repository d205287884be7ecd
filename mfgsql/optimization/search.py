"""Search for better settings of rows: many rows at a time, and of each many suggestions at once.

Differential evolution (Storn & Price, "Differential Evolution - A Simple and Efficient Heuristic for Global
Optimization over Continuous Spaces", J. Global Optimization, 1997) in which each member of the population has a wish of
its own (Li & Zhang, "Multiobjective Optimization Problems With Complicated Pareto Sets, MOEA/D and NSGA-II", IEEE TEVC,
2009): how many columns it may change at most, and how much each objective counts. So one search gives the best with one
change, with two, and so on. What holds goes before what is good (Deb, "An efficient constraint handling method for
genetic algorithms", CMAME, 2000). All rows share the random numbers: what is found for a row depends on no other row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mfgsql.optimization.equalities import Equalities
from mfgsql.optimization.spaces import Space

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

HOLDS = 5e-10  # what is less off than this is off by rounding
_POPULATION = 64
_BEST = 2  # members of which one is followed
_LEAST = 1e-3  # of an objective's range: what a needless change must bring
_KNOWN = 0.5  # of what is tried at random begins with values that there were together
_REVERTED, _RESAMPLED, _ROLLED = 0.1, 0.03, 0.03  # probabilities
_SHAKEN, _STEP = 0.3, 0.02  # members that are moved a little at random, by this share of each range


@dataclass(frozen=True)
class Judged:
    """What candidates are worth.

    Attributes:
        excess: how far each condition is from holding, [n, conditions]. objectives: the lower the better, [n, m].
        beside: what else is to be remembered, [n, b]; the search doesn't look at it.
    """

    excess: Floats
    objectives: Floats
    beside: Floats | None = None


@dataclass(frozen=True)
class Found:
    """All candidates that were looked at.

    Attributes:
        values: [rows, n, d]; the first of each row is the row as it is. excess: [rows, n, conditions], of equalities
            and ranges the last one. objectives: [rows, n, m]. beside: [rows, n, b].
    """

    values: Floats
    excess: Floats
    objectives: Floats
    beside: Floats


Judge = Callable[[Floats, Integers], Judged]


def search(
    space: Space,
    start: Floats,
    judge: Judge,
    *,
    known: Floats | None = None,
    equalities: Equalities | None = None,
    most: int | None = None,
    trials: int = 6_000,
    seed: int = 0,
    check: Callable[[], None] = lambda: None,
) -> Found:
    """Candidates for each row.

    Args:
        start: rows as they are, [rows, d]; NaN where unknown. judge: of candidates [n, d] for those rows [n].
        known: values that there were together, [s, d]; half of what is tried at random begins with such.
        equalities: hold exactly, by columns that follow from the others. most: columns that may change, at most.
        trials: candidates a row, at least one generation. check: called before each generation.
    """
    population = min(_POPULATION, max(8, trials // 2))
    seen = np.zeros((0, space.width)) if known is None else known
    run = _Search(space, start, judge, seen, equalities, most or space.width, population, seed)
    for _ in range(max(1, trials // population - 1)):
        check()
        run.step()
    return Found(*(np.concatenate(parts, axis=1) for parts in zip(*run.seen, strict=True)))


@dataclass(frozen=True)
class _Members:
    values: Floats
    excess: Floats
    objectives: Floats
    total: Floats
    changes: Integers


class _Search:
    """A population for each row, [rows, members, d]."""

    def __init__(
        self,
        space: Space,
        start: Floats,
        judge: Judge,
        known: Floats,
        equalities: Equalities | None,
        most: int,
        size: int,
        seed: int,
    ) -> None:
        self.space, self.judge, self.known, self.equalities = space, judge, known, equalities
        self.rng = np.random.default_rng(seed)
        self.start = start[:, None, :]
        self.rows, self.size = len(start), size
        most = min(most, space.width)
        few = most * np.arange(size) * 2 // size  # of half of the members from one change on, of the others all
        self.caps = self.rng.permutation(np.clip(few + 1, 1, most))
        self.seen: list[tuple[Floats, Floats, Floats, Floats]] = []
        first = np.broadcast_to(self._fresh(), (self.rows, size, space.width))
        kept = self.rng.random((size, space.width)).argsort(axis=1) < self.caps[:, None]
        values = self._repaired(np.where(kept, first, self.start))
        values[:, 0] = start
        self.members = self._judged(values)
        self.weights = self._wishes()

    def _wishes(self) -> Floats:
        """How much each objective counts for each member, [members, m]; the first members want one alone."""
        m = self.members.objectives.shape[2]
        weights = self.rng.dirichlet(np.ones(m), self.size)
        weights[:m] = np.eye(m)[: self.size]
        return np.maximum(weights, 1e-3)

    def step(self) -> None:
        """One generation: for each member another one, which takes its place where it does better by its wish."""
        here, rng = self.members, self.rng
        worth = self._worth(here)
        followed = self._followed(worth)
        one, other = (here.values[:, rng.permutation(self.size)] for _ in range(2))
        pull, push = rng.uniform(0.3, 0.9, (2, self.size, 1))
        moved = here.values + pull * (followed - here.values) + push * (one - other)
        taken = np.where(rng.random((self.size, self.space.width)) < 0.5, followed, one)
        moved = np.where(self.space.choice, taken, moved)
        fresh = self._fresh()
        moved = np.where(rng.random(moved.shape[1:]) < _RESAMPLED / self.space.width**0.5, fresh, moved)
        moved = np.where(np.isnan(moved), fresh, moved)
        shaken = (rng.random((self.size, 1)) < _SHAKEN) * rng.standard_normal(moved.shape[1:])
        moved = moved + np.where(self.space.choice, 0.0, _STEP * (self.space.high - self.space.low)) * shaken
        crossed = rng.random(moved.shape[1:]) < rng.choice([0.1, 0.5, 0.9], (self.size, 1))
        crossed[np.arange(self.size), rng.integers(0, self.space.width, self.size)] = True
        child = self._capped(np.where(crossed, moved, here.values))
        born = self._judged(self._repaired(child))
        wins = self._wins(born)
        self.members = _Members(
            *(
                np.where(wins.reshape(wins.shape + (1,) * (mine.ndim - 2)), new, mine)
                for new, mine in zip(vars(born).values(), vars(here).values(), strict=True)
            )
        )

    def _fresh(self) -> Floats:
        """Values at random, and of half of the members such as there were, [members, d]."""
        drawn = self.space.sample(self.rng, self.size)
        if not len(self.known):
            return drawn
        some = self.known[self.rng.integers(0, len(self.known), self.size)]
        taken = (self.rng.random((self.size, 1)) < _KNOWN) & ~np.isnan(some)
        return np.where(taken, some, drawn)

    def _followed(self, worth: Floats) -> Floats:
        """For each member one of the best by its wish that change no more than it may, [rows, members, d]."""
        cut = min(_BEST, self.size)
        best = np.argpartition(worth, cut - 1, axis=2)[:, :, :cut]
        drawn = self.rng.integers(0, cut, self.size)
        which = best[:, np.arange(self.size), drawn]
        return np.take_along_axis(self.members.values, which[..., None], axis=1)

    def _worth(self, members: _Members) -> Floats:
        """The lower the better for each member's wish, [rows, wishes, members]: first what holds, then what is good."""
        scaled = self._scaled(members.objectives, members)
        distance = self.space.distance(members.values, self.start).mean(axis=2)
        wish = (self.weights[:, None] * scaled[:, None]).max(axis=3) + 1e-2 * scaled.mean(axis=2)[:, None]
        off = members.total[:, None]
        worth = np.where(off <= HOLDS, wish + _LEAST * distance[:, None], 1e6 + off)
        return np.where(members.changes[:, None] > self.caps[:, None], np.inf, worth)

    def _scaled(self, objectives: Floats, members: _Members) -> Floats:
        """By the range that the population spans."""
        held = np.where(members.total[..., None] <= HOLDS, members.objectives, np.nan)
        some = ~np.isnan(held).all(axis=1, keepdims=True)
        held = np.where(some, held, members.objectives)
        low, high = np.nanmin(held, axis=1, keepdims=True), np.nanmax(held, axis=1, keepdims=True)
        return np.asarray((objectives - low) / np.maximum(high - low, 1e-12))

    def _wins(self, born: _Members) -> Mask:
        mine = self.members
        both = _Members(
            *(np.concatenate([a, b], axis=1) for a, b in zip(vars(mine).values(), vars(born).values(), strict=True))
        )
        worth = self._worth(both)
        own = np.arange(self.size)
        return np.asarray(worth[:, own, own + self.size] <= worth[:, own, own])

    def _capped(self, values: Floats) -> Floats:
        """With as many columns as they are beyond what a member may change; now and then one more."""
        changed = self.space.differs(values, self.start)
        caps = np.where(self.rng.random(self.size) < _REVERTED, self.caps - 1, self.caps)
        caps = np.where(self.rng.random(self.size) < _ROLLED, self.rng.integers(1, self.caps + 1), caps)
        order = self.rng.random(values.shape[1:])
        rank = np.where(changed, order, 2.0).argsort(axis=2).argsort(axis=2)
        return np.where(changed & (rank >= np.maximum(caps, 1)[:, None]), self.start, values)

    def _repaired(self, values: Floats) -> Floats:
        """On the grid, within ranges, equalities kept; columns that stay as they are stay."""
        snapped = np.where(self.space.differs(values, self.start), self.space.snapped(values), self.start)
        if self.equalities is None:
            return snapped
        changed = self.space.differs(snapped, self.start)
        return self.equalities.solved(snapped, self.rng.random(values.shape[1:]) + changed)

    def _judged(self, values: Floats) -> _Members:
        rows = np.repeat(np.arange(self.rows), self.size)
        told = self.judge(values.reshape(-1, self.space.width), rows)
        changed = self.space.differs(values, self.start)
        outside = np.where(changed, self.space.outside(values), 0.0).sum(axis=2)
        shape = (self.rows, self.size)
        excess = np.concatenate([told.excess.reshape(*shape, -1), outside[..., None]], axis=2)
        objectives = told.objectives.reshape(*shape, -1)
        beside = np.zeros((*shape, 0)) if told.beside is None else told.beside.reshape(*shape, -1)
        self.seen.append((values, excess, objectives, beside))
        return _Members(values, excess, objectives, excess.sum(axis=2), changed.sum(axis=2))
