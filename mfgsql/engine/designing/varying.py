"""Variations of designs: most of a good one stays, and some of its values move.

By differences of two other designs, as in differential evolution (Storn & Price, J. Global Optimization, 1997): what
all designs keep, such as parts that fill a whole, their differences keep, too. Values are always ones that a column may
have.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mfgsql.engine.designing.space import Codes, DesignSpace, Values
from mfgsql.features.binned import BinnedEncoder

_WHOLE = 0.5  # of the variations move all columns, the others some of them
_SHAKEN, _STEP = 0.3, 0.03  # of the variations are moved at random, by this share of what a column was
_FOLLOW = 2.0  # the larger, the more variations are of the best

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Variations:
    """Makes variations.

    Args:
        past: designs that there are, codes and values. open_: columns that may move, bool [columns].
    """

    def __init__(
        self, space: DesignSpace, past: tuple[Codes, Values], open_: Mask, draw: np.random.Generator
    ) -> None:
        self.space, self.past, self.draw = space, past, draw
        self.open = open_ & np.array([space.allowed_of(column).sum() > 1 for column in range(len(open_))])

    def of_past(self, most: int) -> tuple[Codes, Values]:
        """Past designs that are nearest to what may be, moved to it."""
        codes, values = self.past
        moved_codes, moved = self.space.nearest(codes, values, self.draw)
        before, after = self.space.points(codes, values), self.space.points(moved_codes, moved)
        apart = np.nan_to_num(np.abs(before.numbers - after.numbers) / before.scale(), nan=1.0).sum(axis=1)
        apart += (before.codes != after.codes).sum(axis=1)
        best = np.lexsort((self.draw.random(len(codes)), apart))[:most]
        return moved_codes[best], {name: column[best] for name, column in moved.items()}

    def of(self, codes: Codes, values: Values, count: int) -> tuple[Codes, Values]:
        """So many variations of designs, the best of which come first."""
        size = len(codes)
        base = np.minimum((size * self.draw.random(count) ** _FOLLOW).astype(np.int64), size - 1)
        best = np.minimum((size * self.draw.random(count) ** (2 * _FOLLOW)).astype(np.int64), size - 1)
        one, other = self.draw.integers(0, size, (2, count))
        moves = self._moves(count)
        push, pull = self.draw.uniform(0.2, 1.0, count), self.draw.uniform(0.0, 0.6, count)
        pull *= self.draw.random(count) < 0.5
        new_codes, new = codes[base], {name: column[base] for name, column in values.items()}
        for column, encoder in enumerate(self.space.encoders):
            here, own = moves[:, column], values[encoder.column.name]
            if not isinstance(encoder, BinnedEncoder):
                new_codes[:, column] = np.where(here & (push > 0.5), codes[one, column], new_codes[:, column])
                continue
            step = push * (own[one] - own[other]) + pull * (own[best] - own[base]) + self._shaken(encoder, count)
            moved = np.where(np.isnan(own[base]), own[one], own[base] + np.nan_to_num(step))
            new[encoder.column.name] = np.where(here, moved, own[base])
        return self.space.nearest(new_codes, new, self.draw)

    def _moves(self, count: int) -> Mask:
        """Which columns move, one at least where one may, [count, columns]."""
        shape = (count, len(self.open))
        first = np.where(self.open, self.draw.random(shape), 2.0).argsort(axis=1)[:, :1]
        found = (self.draw.random(shape) < 1 / 3) | (self.draw.random((count, 1)) < _WHOLE)
        np.put_along_axis(found, first, True, axis=1)
        moves: Mask = found & self.open
        return moves

    def _shaken(self, encoder: BinnedEncoder, count: int) -> Floats:
        """Small steps at random; mostly none."""
        there = self.draw.random(count) < _SHAKEN
        return np.where(there, self.draw.normal(0.0, _STEP * (encoder.high - encoder.low), count), 0.0)
