"""A text or a picture of which only some is shown: words of the one, cells of a grid over the other.

Both can be split: all of it into at most four parts, each of these again, down to single words and cells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from mfgsql.entities import Unit, word_units
from mfgsql.features.encoders import Encoder
from mfgsql.features.fields import Field, Pictures, Texts

Mask = npt.NDArray[np.bool_]
Part = tuple[int, ...]  # first and last word (not included); of cells the first and last row, and column

GRID = 8  # cells of a picture, each way


class Parts(Protocol):
    """What a text or picture consists of."""

    @property
    def whole(self) -> Part:
        """All of it."""

    def split(self, part: Part) -> list[Part]:
        """Smaller parts that make it up; none of a single word or cell."""

    def mask(self, part: Part) -> Mask:
        """Which words or cells belong to it, bool [n]."""

    def shown(self, which: Mask) -> Field:
        """A copy for each line of ``which``, bool [copies, n], with those words or cells only."""


@dataclass(frozen=True)
class Words:
    """Words of a text.

    Attributes:
        units: begin and stop of each, in characters from 0. encoder: of the column.
    """

    text: str
    units: tuple[Unit, ...]
    encoder: Encoder

    @classmethod
    def of(cls, text: str, encoder: Encoder) -> Words:
        """The words of a text; one of blanks alone has none."""
        return cls(text, tuple(word_units(text)), encoder)

    @property
    def whole(self) -> Part:
        """All words."""
        return 0, len(self.units)

    def split(self, part: Part) -> list[Part]:
        """Stretches of about equally many words."""
        return [*pairwise(_edges(part[0], part[1], 4))] if part[1] - part[0] > 1 else []

    def mask(self, part: Part) -> Mask:
        """See `Parts.mask`."""
        words = np.arange(len(self.units))
        return (words >= part[0]) & (words < part[1])

    def shown(self, which: Mask) -> Field:
        """Texts out of which the other words are taken, with the blanks before them."""
        told = [self.text[before:stop] for before, stop in pairwise([0, *(stop for _, stop in self.units)])]
        texts = ["".join(told[word] for word in np.flatnonzero(line)).strip() for line in which]
        field: Field = self.encoder.encode(pa.array(texts, pa.string())).values
        return field

    def place(self, part: Part) -> Unit:
        """Begin and stop of a stretch, in characters from 0."""
        return self.units[part[0]][0], self.units[part[1] - 1][1]


@dataclass(frozen=True)
class Cells:
    """Cells of a picture, row by row.

    Attributes:
        pixels: uint8 [channels, height, width]. grid: rows and columns.
    """

    pixels: Tensor
    grid: tuple[int, int]

    @classmethod
    def of(cls, pixels: Tensor) -> Cells:
        """A grid over a picture, none of whose cells is less than a pixel."""
        return cls(pixels, (min(GRID, pixels.shape[1]), min(GRID, pixels.shape[2])))

    @property
    def whole(self) -> Part:
        """All cells."""
        return 0, self.grid[0], 0, self.grid[1]

    def split(self, part: Part) -> list[Part]:
        """Quarters, or halves of what is one cell high or wide."""
        top, bottom, left, right = part
        rows, columns = pairwise(_edges(top, bottom, 2)), [*pairwise(_edges(left, right, 2))]
        pieces: list[Part] = [(*row, *column) for row in rows for column in columns]
        return pieces if len(pieces) > 1 else []

    def mask(self, part: Part) -> Mask:
        """See `Parts.mask`."""
        cells = np.zeros(self.grid, bool)
        cells[part[0] : part[1], part[2] : part[3]] = True
        return cells.ravel()

    def shown(self, which: Mask) -> Field:
        """Pictures whose other cells have the picture's mean colour."""
        cells = torch.from_numpy(np.ascontiguousarray(which)).to(self.pixels.device).view(-1, 1, *self.grid)
        for axis, size in ((2, self.pixels.shape[1]), (3, self.pixels.shape[2])):
            lengths = torch.tensor(np.diff(_edges(0, size, cells.shape[axis])), device=cells.device)
            cells = cells.repeat_interleave(lengths, dim=axis)
        flat = _mean_colour(self.pixels[None])
        return Pictures(torch.where(cells, self.pixels, flat), torch.ones(len(which), dtype=torch.bool))

    def box(self, part: Part, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """x, y, width and height of a part in a picture of that height and width, in pixels."""
        rows, columns = (_edges(0, pixels, cells) for cells, pixels in zip(self.grid, size, strict=True))
        (top, height), (left, width) = _side(part[0], part[1], rows), _side(part[2], part[3], columns)
        return left, top, width, height


def emptied(field: Field) -> Field:
    """The same with nothing in it: empty texts, and pictures of one colour; what is missing stays so."""
    if isinstance(field, Texts):
        return replace(field, lengths=field.lengths.clamp(max=0))
    assert isinstance(field, Pictures), "a column of a batch holds texts or pictures"
    return Pictures(_mean_colour(field.pixels).expand_as(field.pixels), field.there)


def _mean_colour(pixels: Tensor) -> Tensor:
    """uint8 [n, channels, 1, 1] of [n, channels, height, width]."""
    return pixels.mean(dim=(2, 3), keepdim=True, dtype=torch.float32).round().to(torch.uint8)


def _edges(begin: int, stop: int, parts: int) -> list[int]:
    """Where so many parts of about equal length begin, and the last one stops; fewer where they would be empty."""
    edges = np.linspace(begin, stop, min(parts, max(stop - begin, 1)) + 1)
    found: list[int] = edges.round().astype(int).tolist()
    return found


def _side(first: int, last: int, edges: list[int]) -> tuple[int, int]:
    """Begin and length in pixels of cells of a side; at least one pixel, which those of a small picture share."""
    begin, stop = (edges[min(at, len(edges) - 1)] for at in (first, last))
    begin = min(begin, edges[-1] - 1)
    return begin, max(stop - begin, 1)
