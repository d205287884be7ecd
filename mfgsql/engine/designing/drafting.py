"""Designs, generated: drafts of a language of rows are judged, near misses are mended, and the best ones are varied.

A near miss is mended by saying some of its columns anew, given all others (Gibbs sampling; Geman & Geman, 1984), where
only what lowers the excess is kept. All conditions hold in the end by SQL itself. What past designs keep, such as parts
that fill a whole, is kept too, where that can be.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mfgsql.cancellation import Cancellation
from mfgsql.engine.designing.drafts import Drafts, keys_of
from mfgsql.engine.designing.evolving import evolved
from mfgsql.engine.designing.judge import DesignJudge
from mfgsql.engine.designing.space import Codes, DesignSpace, Values
from mfgsql.engine.designing.varying import Variations
from mfgsql.optimization.balances import Balances
from mfgsql.scoring.designing import Designer

_BATCH_LEAST, _BATCH_MOST = 64, 512
_MENDED = 12  # rounds
_SHARE = 3  # of a row's open columns one in so many is said anew
_INVOLVED = 1.5  # how much sooner a column is said anew that a broken condition names
_PLENTY = 3  # candidates for each design that is wanted
_MIDDLE = 0.5  # of what past designs keep
_ENOUGH = 1.5  # of these, when no more are varied: the designer's own are the more usual ones
_RARE = 0.01  # what it counts to be less likely, for each nat: what holds goes before
_STUCK = 2  # batches in a row that bring nothing new
_NEAR = 64  # drafts of a batch that are remembered
_SAID = 0.5  # of the tries are drafts of the designer and what they are mended to, at most; the others vary the best

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Search:
    """Looks for designs that hold.

    Attributes:
        tries: drafts judged. copies: of them those that hold and are no new ones. near: the best of each batch.

    Args:
        past: designs that there are. fixed: columns that are given. outcomes: columns that make no design another one.
        usual: likelihood that designs usually have at least.
        copies: whether copies of past designs, and twins, stay.
    """

    def __init__(
        self,
        space: DesignSpace,
        designer: Designer,
        judge: DesignJudge,
        balances: Balances,
        past: tuple[Codes, Values],
        fixed: Collection[str],
        outcomes: Collection[str],
        usual: float,
        seed: int,
        copies: bool,
        cancellation: Cancellation,
    ) -> None:
        self.space, self.designer, self.judge, self.cancellation = space, designer, judge, cancellation
        self.balances, self._middle = balances, balances.tightened(_MIDDLE)
        self.computed, self.outcomes = set(judge.brief.computed), set(outcomes)
        self.sums = judge.sums(space, {*fixed, *self.computed})
        self.draw, self.usual = np.random.default_rng(seed), usual
        self.open = np.array([name not in fixed and name not in self.computed for name in space.names])
        self.variations = Variations(space, past, self.open, self.draw)
        self.tries = self.copies = 0
        self.near: list[Drafts] = []
        self._mixed = [name for name in space.names if name not in self.outcomes] or space.names
        self._seen = set() if copies else set(keys_of(past[1], self._mixed))
        self._all, self._held = copies, list[Floats]()

    @property
    def held(self) -> Floats:
        """Share of first drafts in which each condition holds, [conditions]."""
        return np.mean(self._held, axis=0) if self._held else np.ones(len(self.judge.conditions))

    def run(self, n: int, most: int) -> Drafts | None:
        """Designs that hold, more than are wanted where there are; None: there is none.

        Those that keep what past designs keep; where they are too few, with those that are nearest to that.
        """
        found = self._said(n, most)
        sound = sum(int((some.total <= 0).sum()) for some in found)
        if sound < _ENOUGH * n or self.judge.brief.objectives:
            found = [self.rated(some) for some in found]
            sound = sum(int((some.total <= 0).sum()) for some in found)
            found += evolved(self, math.ceil(_ENOUGH * n) - sound, most)
        whole = Drafts.concat(found)
        sound = int((whole.total <= 0).sum())
        best = np.argsort(whole.total, kind="stable")[: max(n, sound)]
        return whole.take(best) if len(whole) else None

    def _said(self, n: int, most: int) -> list[Drafts]:
        """Of drafts of the designer those that hold, and those that could be made to."""
        found: list[Drafts] = []
        sound, batch, stuck = 0, int(np.clip(2 * n, _BATCH_LEAST, _BATCH_MOST)), 0
        while not found or (self.tries < _SAID * most and sound < _PLENTY * n and stuck < _STUCK):
            size = min(batch, most - self.tries)
            nothing = np.zeros((size, len(self.open)), np.int64)
            drafts = self._judged(self.designer.complete(nothing, nothing > 0))
            self.near.append(drafts.take(drafts.order[:_NEAR]))
            self._held.append((drafts.excess <= 0).mean(axis=0))
            fresh = self.fresh(self._mended(drafts, most))
            stuck = 0 if len(fresh) else stuck + 1
            found.append(fresh)
            sound += int((fresh.total <= 0).sum())
        return found

    def judged(self, codes: Codes, values: Values) -> Drafts:
        """Designs of those values, moved onto the sums that have to stay, and what follows from others.

        They keep the middle of what past designs keep: a search would else end where that just so holds.
        """
        return self.rated(self._judged(codes, values, np.ones(codes.shape, bool), self._middle))

    def rated(self, drafts: Drafts) -> Drafts:
        """With how rare those are that hold; where objectives lead elsewhere that counts nothing."""
        held = np.flatnonzero(drafts.total <= 0)
        if self.judge.brief.objectives or not len(held):
            return drafts
        rare = np.zeros(len(drafts))
        rare[held] = _RARE * np.maximum(self.usual - self.designer.likelihood(drafts.codes[held]), 0.0)
        return replace(drafts, rare=rare)

    def _judged(
        self, codes: Codes, kept: Values | None = None, known: Mask | None = None, balances: Balances | None = None
    ) -> Drafts:
        """Drafts of codes; those known have the values that are kept."""
        self.cancellation.check()
        values = self.space.values(codes, self.draw.random(codes.shape))
        if kept is not None and known is not None:
            values = {n: np.where(known[:, i], kept[n], values[n]) for i, n in enumerate(self.space.names)}
        values = self.sums.kept(values, self.draw)
        if self.computed:
            values |= self.judge.computed(self.space.arrow(values))
        if told := self.computed.union(self.sums.names):
            codes = self.space.recoded(codes, values, told)
        columns = self.space.arrow(values)
        columns |= self.judge.scores(columns)
        self.tries += len(codes)
        odd = (balances or self.balances).excess(self.space.points(codes, values).numbers)
        none = np.zeros(len(codes))
        return Drafts(codes, values, columns, self.judge.excess(columns), odd, none, self.judge.objectives(columns))

    def _mended(self, drafts: Drafts, most: int) -> Drafts:
        """Those that hold, and those that could be made to; last those that only don't keep what past designs do."""
        holding = [drafts.take(np.flatnonzero(drafts.total <= 0))]
        near = np.argsort(drafts.total, kind="stable")
        near = near[drafts.total[near] > 0][: max(len(drafts) // 2, 1)]
        left = drafts.take(near)
        for _ in range(_MENDED):
            if not len(left) or not self.open.any() or self.tries + len(left) > most:
                break
            left = self._better(left)
            holding.append(left.take(np.flatnonzero(left.total <= 0)))
            left = left.take(np.flatnonzero(left.total > 0))
        return Drafts.concat([*holding, left.take(np.flatnonzero(left.holds))])

    def _better(self, drafts: Drafts) -> Drafts:
        """Each with some columns said anew where that brings it nearer."""
        count = max(1, int(self.open.sum()) // _SHARE)
        wish = self.draw.gumbel(size=drafts.codes.shape) + _INVOLVED * self._involved(drafts)
        wish[:, ~self.open] = -np.inf
        anew = np.argsort(-wish, axis=1, kind="stable")[:, :count]
        known = np.ones(drafts.codes.shape, bool)
        np.put_along_axis(known, anew, False, axis=1)
        tried = self._judged(self.designer.complete(drafts.codes, known), drafts.values, known)
        rows = np.arange(len(drafts))
        better = Drafts.concat([drafts, tried]).take(np.where(tried.total < drafts.total, len(drafts) + rows, rows))
        self.near.append(better.take(better.order[:_NEAR]))
        return better

    def _involved(self, drafts: Drafts) -> Floats:
        """Whether a broken condition names a column, or a broken balance is of it, [rows, columns]."""
        named = [[name in some for name in self.space.names] for some in self.judge.reads]
        balanced = np.zeros((drafts.odd.shape[1], len(self.open)))
        balanced[:, self.space.numeric] = self.balances.belongs(len(self.space.numeric))
        of = np.concatenate([np.array(named, np.float64).reshape(-1, len(self.open)), balanced])
        broken = np.concatenate([drafts.excess, drafts.odd], axis=1) > 0
        found: Floats = np.minimum(broken.astype(np.float64) @ of, 1.0)
        return found

    def fresh(self, drafts: Drafts) -> Drafts:
        """Those that hold and are none that was seen."""
        held = np.flatnonzero(drafts.holds)
        kept = []
        for row, key in zip(held.tolist(), keys_of(drafts.take(held).values, self._mixed), strict=True):
            if self._all or key not in self._seen:
                kept.append(row)
            self._seen.add(key)
        self.copies += len(held) - len(kept)
        return drafts.take(np.array(kept, np.int64))
