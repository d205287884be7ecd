"""Designs, generated: drafts of a language of rows are judged, near misses are mended, and unlike ones chosen.

A near miss is mended by saying some of its columns anew, given all others (Gibbs sampling; Geman & Geman, 1984), where
only what lowers the excess is kept. All conditions hold in the end by SQL itself. What past designs keep, such as parts
that fill a whole, is kept too, where that can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mfgsql.cancellation import Cancellation
from mfgsql.engine.designing.judge import DesignJudge
from mfgsql.engine.designing.space import DesignSpace, Values
from mfgsql.optimization.balances import Balances
from mfgsql.scoring.designing import Designer

_BATCH_LEAST, _BATCH_MOST = 64, 512
_MENDED = 12  # rounds
_SHARE = 3  # of a row's open columns one in so many is said anew
_INVOLVED = 1.5  # how much sooner a column is said anew that a broken condition names
_PLENTY = 3  # candidates for each design that is wanted
_STUCK = 4  # batches in a row that bring nothing new

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Drafts:
    """Designs with what is known of them.

    Attributes:
        codes: [n, columns]. values: by column. columns: the same for SQL, and what models tell.
        excess: how far each condition is from holding, [n, conditions]. odd: how far each is beyond what past designs
            keep, [n, balances].
    """

    codes: Codes
    values: Values
    columns: dict[str, pa.Array]
    excess: Floats
    odd: Floats

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def total(self) -> Floats:
        """How far each is from holding in all."""
        total: Floats = self.excess.sum(axis=1) + self.odd.sum(axis=1)
        return total

    @property
    def holds(self) -> Mask:
        """Whether all conditions do."""
        held: Mask = np.all(self.excess <= 0, axis=1)
        return held

    def take(self, rows: Integers) -> Drafts:
        """Some of them."""
        columns = {name: column.take(pa.array(rows)) for name, column in self.columns.items()}
        values = {name: column[rows] for name, column in self.values.items()}
        return Drafts(self.codes[rows], values, columns, self.excess[rows], self.odd[rows])

    @staticmethod
    def concat(parts: Sequence[Drafts]) -> Drafts:
        """One after the other."""
        first = parts[0]
        columns = {name: pa.concat_arrays([p.columns[name] for p in parts]) for name in first.columns}
        values = {name: np.concatenate([p.values[name] for p in parts]) for name in first.values}
        codes, excess, odd = (np.concatenate([getattr(p, name) for p in parts]) for name in ("codes", "excess", "odd"))
        return Drafts(codes, values, columns, excess, odd)


class Search:
    """Looks for designs that hold.

    Attributes:
        tries: drafts judged. copies: of them those that hold and are no new ones.
    """

    def __init__(
        self,
        space: DesignSpace,
        designer: Designer,
        judge: DesignJudge,
        balances: Balances,
        fixed: set[str],
        seed: int,
        cancellation: Cancellation,
    ) -> None:
        self.space, self.designer, self.judge, self.cancellation = space, designer, judge, cancellation
        self.balances, self.computed = balances, set(judge.brief.computed)
        self.sums = judge.sums(space, fixed | self.computed)
        self.draw = np.random.default_rng(seed)
        self.open = np.array([name not in fixed | self.computed for name in space.names])
        self.tries = self.copies = 0
        self._seen: set[tuple[object, ...]] = set()
        self._held: list[Floats] = []

    @property
    def held(self) -> Floats:
        """Share of first drafts in which each condition holds, [conditions]."""
        return np.mean(self._held, axis=0) if self._held else np.ones(len(self.judge.conditions))

    def run(self, n: int, most: int, copies: bool, past: set[tuple[object, ...]]) -> Drafts | None:
        """Designs that hold, more than are wanted where there are; None: there is none.

        Those that keep what past designs keep; where they are too few, with those that are nearest to that.
        """
        found: list[Drafts] = []
        sound, batch, stuck = 0, int(np.clip(2 * n, _BATCH_LEAST, _BATCH_MOST)), 0
        while self.tries < most and sound < _PLENTY * n and stuck < _STUCK:
            size = min(batch, most - self.tries)
            nothing = np.zeros((size, len(self.open)), np.int64)
            drafts = self._judged(self.designer.complete(nothing, nothing > 0))
            self._held.append((drafts.excess <= 0).mean(axis=0))
            fresh = self._fresh(self._mended(drafts, most), copies, past)
            stuck = 0 if len(fresh) else stuck + 1
            found.append(fresh)
            sound += int((fresh.total <= 0).sum())
        whole = Drafts.concat(found)
        best = np.argsort(whole.total, kind="stable")[: max(n, sound)]
        return whole.take(best) if len(whole) else None

    def _judged(self, codes: Codes, kept: Values | None = None, known: Mask | None = None) -> Drafts:
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
        odd = self.balances.excess(self.space.points(codes, values).numbers)
        return Drafts(codes, values, columns, self.judge.excess(columns), odd)

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
        return Drafts.concat([drafts, tried]).take(np.where(tried.total < drafts.total, len(drafts) + rows, rows))

    def _involved(self, drafts: Drafts) -> Floats:
        """Whether a broken condition names a column, or a broken balance is of it, [rows, columns]."""
        named = [[name in some for name in self.space.names] for some in self.judge.reads]
        balanced = np.zeros((drafts.odd.shape[1], len(self.open)))
        balanced[:, self.space.numeric] = self.balances.belongs(len(self.space.numeric))
        of = np.concatenate([np.array(named, np.float64).reshape(-1, len(self.open)), balanced])
        broken = np.concatenate([drafts.excess, drafts.odd], axis=1) > 0
        found: Floats = np.minimum(broken.astype(np.float64) @ of, 1.0)
        return found

    def _fresh(self, drafts: Drafts, copies: bool, past: set[tuple[object, ...]]) -> Drafts:
        """Those that are none that was seen."""
        kept = []
        for row, key in enumerate(keys_of(drafts.values)):
            if copies or (key not in self._seen and key not in past):
                kept.append(row)
            self._seen.add(key)
        self.copies += len(drafts) - len(kept)
        return drafts.take(np.array(kept, np.int64))


def keys_of(values: Values) -> list[tuple[object, ...]]:
    """Designs as values that can be looked up."""
    columns = [column if column.dtype == object else np.nan_to_num(column, nan=-np.inf) for column in values.values()]
    return list(zip(*(column.tolist() for column in columns), strict=True))  # NaN is no key
