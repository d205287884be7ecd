"""Rows laid out by the group of an ensemble that speaks for them."""

from __future__ import annotations

import torch
from torch import Tensor


class Blocks:
    """The layout of one batch.

    Under cross-fitting each group of an ensemble is trained without a part of the rows, and speaks for that part.

    Args:
        speaker: for each row the number of its group, from 1; None: all groups speak for all rows.
        groups: how many there are.
    """

    def __init__(self, speaker: Tensor | None, groups: int) -> None:
        self.groups = groups
        self._index: Tensor | None = None
        if speaker is None:
            return
        order = torch.argsort(speaker, stable=True)
        counts = torch.bincount(speaker - 1, minlength=groups)
        size = int(counts.max())
        slot = torch.arange(len(order), device=order.device) - (counts.cumsum(0) - counts)[speaker[order] - 1]
        place = (speaker[order] - 1) * size + slot
        self._index = order.new_zeros(groups * size)  # a block that is not full repeats the first row
        self._index[place] = order
        self._place = torch.empty_like(order)
        self._place[order] = place

    def spread(self, rows: Tensor) -> Tensor:
        """``[rows, ...]`` to ``[groups, block, ...]``."""
        if self._index is None:
            return rows.unsqueeze(0).expand(self.groups, *rows.shape)
        return rows[self._index].view(self.groups, len(self._index) // self.groups, *rows.shape[1:])

    def gather(self, said: Tensor) -> Tensor:
        """``[groups, members, block, n]`` to ``[rows, members that speak, n]``."""
        if self._index is None:
            return said.flatten(0, 1).transpose(0, 1)
        return said.transpose(1, 2).flatten(0, 1)[self._place]
