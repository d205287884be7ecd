"""Columns of texts and of pictures in a batch: what a row holds there has a size of its own, or is large.

They stay as they were encoded (tokens, bytes of pixels) until a network takes them. Both can be indexed by rows as
tensors are, without copying what they hold of other rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch
from torch import Tensor

from mfgsql.entities import Unit

MISSING = -1  # length of a text that is NULL
NOT_ASKED = -100  # as torch's cross-entropy has it


class Field(Protocol):
    """One such column of a batch."""

    def __len__(self) -> int:
        """Rows."""

    def __getitem__(self, rows: Tensor | slice) -> Self:
        """Those rows, by number or by mask."""

    @property
    def there(self) -> Tensor:
        """Which rows have a value, bool [n]."""

    @property
    def bytes(self) -> int:
        """Memory held."""

    def to(self, device: torch.device) -> Self:
        """On that device."""

    def without(self, hidden: Tensor) -> Self:
        """The same with no value in those rows, bool [n]."""


@dataclass(frozen=True)
class Texts:
    """Texts as pieces of words.

    Attributes:
        flat: numbers of the pieces of all texts, int32 [pieces]. starts, lengths: where each row's pieces lie,
            int64 [n]; a length of -1 is NULL, of 0 an empty text.
        begins: whether a word begins there, bool [pieces]. places: the characters of each piece, from 0, the end not
            included, int32 [pieces, 2]. cases: of its letters, int64 [pieces]. See `mfgsql.features.tokens`; all three
            only where they were asked for.
    """

    flat: Tensor
    starts: Tensor
    lengths: Tensor
    begins: Tensor | None = None
    places: Tensor | None = None
    cases: Tensor | None = None

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: Tensor | slice) -> Texts:
        return replace(self, starts=self.starts[rows], lengths=self.lengths[rows])

    @property
    def there(self) -> Tensor:
        """Which rows have a text, empty or not, bool [n]."""
        return self.lengths >= 0

    @property
    def bytes(self) -> int:
        """Memory held."""
        tensors = (self.flat, self.starts, self.lengths, self.begins, self.places, self.cases)
        return sum(t.numel() * t.element_size() for t in tensors if t is not None)

    def words(self, row: int) -> tuple[Tensor, list[Unit]]:
        """Of a row's words, where they were asked for: the pieces they begin with, counted from the row's first, and
        their characters.
        """
        assert self.begins is not None, "the encoder was asked for words"
        assert self.places is not None, "the encoder was asked for words"
        length = max(int(self.lengths[row]), 0)
        own = slice(int(self.starts[row]), int(self.starts[row]) + length)
        first = self.begins[own].nonzero().squeeze(1)
        last = torch.cat([first[1:], torch.tensor([length])])[: len(first)] - 1
        begin, stop = self.places[own][first, 0], self.places[own][last, 1]
        return first, list(zip(begin.tolist(), stop.tolist(), strict=True))

    def padded(self, values: Tensor, fill: int) -> Tensor:
        """What belongs to the pieces, ``[pieces]``, laid out by rows: ``[n, pieces of the longest]``."""
        lengths = self.lengths.clamp(min=0)
        steps = torch.arange(int(lengths.max()) if len(lengths) else 0)
        inside = steps < lengths[:, None]
        if not len(values):
            return values.new_full(inside.shape, fill)
        at = (self.starts[:, None] + steps).clamp(max=len(values) - 1)
        return torch.where(inside, values[at], fill)

    def to(self, device: torch.device) -> Texts:
        """As it is: texts are gathered into batches on the CPU, which are small then."""
        return self

    def without(self, hidden: Tensor) -> Texts:
        """The same with NULL in those rows."""
        return replace(self, lengths=torch.where(hidden, MISSING, self.lengths))


@dataclass(frozen=True)
class Pictures:
    """Pictures at the size that the network takes.

    Attributes:
        pixels: uint8 [n, channels, height, width]; zeros where there is none. there: which rows have one, bool [n].
    """

    pixels: Tensor
    there: Tensor

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, rows: Tensor | slice) -> Pictures:
        return Pictures(self.pixels[rows], self.there[rows])

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self.pixels.numel() + self.there.numel()

    def to(self, device: torch.device) -> Pictures:
        """On that device."""
        return Pictures(self.pixels.to(device, non_blocking=True), self.there.to(device, non_blocking=True))

    def without(self, hidden: Tensor) -> Pictures:
        """The same with none in those rows."""
        return Pictures(self.pixels, self.there & ~hidden.to(self.there.device))


@dataclass(frozen=True)
class Tags:
    """What is true of the pieces of texts.

    Attributes:
        flat: a number for each piece in which a word begins, -100 for the others, int64 [pieces].
        texts: the texts. known: whether it is known of a row, bool [n].
    """

    flat: Tensor
    texts: Texts
    known: Tensor

    def __len__(self) -> int:
        return len(self.known)

    def __getitem__(self, rows: Tensor | slice) -> Tags:
        return Tags(self.flat, self.texts[rows], self.known[rows])

    @property
    def bytes(self) -> int:
        """Memory held, beside that of the texts."""
        return self.flat.numel() * self.flat.element_size()

    def to(self, device: torch.device) -> Tags:
        """As they are: they are laid out by rows on the CPU."""
        return self

    def padded(self) -> Tensor:
        """By rows, int64 [n, pieces of the longest]; -100 where nothing is asked."""
        return self.texts.padded(self.flat, NOT_ASKED)
