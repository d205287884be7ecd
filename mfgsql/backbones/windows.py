"""The windows in which long texts are read: which pieces each holds, and for which it speaks. All on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor


class Pieces(Protocol):
    """Texts as pieces, see `mfgsql.features.fields.Texts`."""

    @property
    def flat(self) -> Tensor:
        """Numbers of the pieces of all texts."""

    @property
    def starts(self) -> Tensor:
        """Where each row's pieces lie."""

    @property
    def lengths(self) -> Tensor:
        """How many they are."""

    @property
    def cases(self) -> Tensor | None:
        """How the pieces of all texts are written."""


class Shape(Protocol):
    """How texts are read, see `mfgsql.backbones.text.TextConfig`."""

    @property
    def prefix(self) -> tuple[int, ...]:
        """Pieces before what a window holds."""

    @property
    def suffix(self) -> tuple[int, ...]:
        """Pieces behind it."""

    @property
    def pad(self) -> int:
        """The piece that fills up."""

    @property
    def overlap(self) -> int:
        """Pieces that two windows share."""

    @property
    def inner(self) -> int:
        """Pieces of a text that a window holds."""


class Windows:
    """The windows of a batch of texts; all arithmetic of places, on the CPU.

    Attributes:
        row: whose window it is, [windows]. start, size: its pieces of that text, [windows].
        total: pieces of all texts.
    """

    def __init__(self, texts: Pieces, config: Shape) -> None:
        self.texts, self.config = texts, config
        self.lengths = texts.lengths.clamp(min=0)
        step = config.inner - config.overlap
        count = torch.where(
            self.lengths <= config.inner, 1, -torch.div(config.overlap - self.lengths, step, rounding_mode="floor")
        )
        self.count = count
        self.row = torch.arange(len(count)).repeat_interleave(count)
        number = torch.arange(len(self.row)) - (count.cumsum(0) - count)[self.row]
        self.start = number * step
        # The last window reaches back as far as it can: a short rest would lack what stands before it.
        self.start = torch.minimum(self.start, (self.lengths[self.row] - config.inner).clamp(min=0))
        self.size = torch.minimum(self.lengths[self.row] - self.start, torch.tensor(config.inner))
        self.before = self.lengths.cumsum(0) - self.lengths  # pieces of the rows before each
        self.total = int(self.lengths.sum())

    def __len__(self) -> int:
        return len(self.row)

    def passes(self, most: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Windows of like lengths together: their numbers, pieces ``[n, length]`` with special ones, and mask."""
        order = torch.argsort(self.size, stable=True)
        sizes, begin, around = self.size[order].tolist(), 0, len(self.config.prefix) + len(self.config.suffix)
        for end in range(1, len(order) + 1):
            full = end < len(order) and (end + 1 - begin) * max(sizes[end] + around, 1) > most
            if full or end == len(order):
                chosen = order[begin:end]
                yield chosen, *self._ids(chosen)
                begin = end

    def _ids(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        prefix, suffix = self.config.prefix, self.config.suffix
        size = self.size[chosen][:, None]
        length = int(size.max()) + len(prefix) + len(suffix)
        steps = self._steps(max(length, 1))
        ids = torch.full((len(chosen), len(steps)), self.config.pad, dtype=torch.long)
        ids = self._laid(chosen, self.texts.flat, ids)
        ids[:, : len(prefix)] = torch.tensor(prefix, dtype=torch.long)
        for number, piece in enumerate(suffix):
            ids.scatter_(1, size + len(prefix) + number, piece)
        attended = (steps < size + len(suffix)).long()
        attended[:, 0] = 1  # a network looks at something, be it the piece that fills up
        return ids, attended

    def _laid(self, chosen: Tensor, values: Tensor, around: Tensor) -> Tensor:
        """Values of the pieces, ``[pieces]``, where these lie in windows, and what stands around them, [n, length]."""
        if not len(values):
            return around
        at = (self.texts.starts[self.row[chosen]] + self.start[chosen])[:, None] + self._steps(around.shape[1])
        own = values[at.clamp(0, len(values) - 1)].long()
        return torch.where(self.inside(chosen, around.shape[1]), own, around)

    def cases(self, chosen: Tensor, length: int) -> Tensor:
        """How the pieces in the windows are written, int64 [n, length]; 0 for special ones."""
        assert self.texts.cases is not None, "the encoder was asked for words"
        return self._laid(chosen, self.texts.cases, torch.zeros(len(chosen), length, dtype=torch.long))

    def _steps(self, length: int) -> Tensor:
        """Numbers of the pieces at a window's places, counted from the first that is of a text."""
        return torch.arange(length) - len(self.config.prefix)

    def inside(self, chosen: Tensor, length: int) -> Tensor:
        """Which places of the windows hold pieces of the text, bool [n, length]."""
        steps = self._steps(length)
        return (steps >= 0) & (steps < self.size[chosen][:, None])

    def own(self, chosen: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Which places hold pieces that the window speaks for, bool [n, length]: of what two windows share each has
        the half that lies nearer to it. And these pieces' numbers among those of all texts.
        """
        steps = self._steps(length)
        more = self.row[1:] == self.row[:-1]  # where a text goes on in the next window
        shared = torch.where(more, self.start[:-1] + self.size[:-1] - self.start[1:], 0)
        begin, stop = torch.zeros_like(self.size), self.size.clone()
        begin[1:] += shared - shared // 2
        stop[:-1] -= shared // 2
        own = (steps >= begin[chosen][:, None]) & (steps < stop[chosen][:, None])
        at = (self.before[self.row[chosen]] + self.start[chosen])[:, None] + steps
        return own, at[own]

    def mean(self, states: Tensor) -> Tensor:
        """States of windows as those of rows, ``[n, 2, width]``."""
        if len(self.row) == len(self.count):
            return states
        summed = states.new_zeros(len(self.count), *states.shape[1:])
        summed = summed.index_add(0, self.row.to(states.device), states)
        return summed / self.count[:, None, None].to(states.device)

    def rows(self, pieces: Tensor | None, like: Tensor) -> tuple[Tensor, Tensor]:
        """States of all texts' pieces by rows, ``[n, longest, width]``, and which there are."""
        if pieces is None:
            none = like.new_zeros(len(self.count), 0, like.shape[-1])
            return none, none[..., 0].bool()
        steps = torch.arange(int(self.lengths.max()) if len(self.lengths) else 0)
        mask = steps < self.lengths[:, None]
        if not self.total:
            return like.new_zeros(*mask.shape, like.shape[-1]), mask.to(like.device)
        at = (self.before[:, None] + steps).clamp(max=self.total - 1).to(pieces.device)
        mask = mask.to(pieces.device)
        return torch.where(mask[..., None], pieces[at], 0.0), mask
