"""From hidden states back to the columns: what self-supervised objectives predict."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ReconstructionHead(nn.Module):
    """A hidden state per column to the column's channels or codes.

    Args:
        width: size of a hidden state.
        continuous, categorical: sizes of the columns, in order.
    """

    owner: Tensor

    def __init__(self, width: int, continuous: Sequence[int], categorical: Sequence[int]) -> None:
        super().__init__()
        self.categorical = list(categorical)
        self.numeric = len(continuous)
        self.mix = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
        self.weight = nn.Parameter(torch.randn(sum(continuous), width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(sum(continuous)))
        self.classes = nn.ModuleList(nn.Linear(width, size) for size in categorical)
        owner = [i for i, size in enumerate(continuous) for _ in range(size)]
        self.register_buffer("owner", torch.tensor(owner, dtype=torch.long), persistent=False)

    def loss(self, hidden: Tensor, continuous: Tensor, codes: Tensor, wanted: Tensor) -> Tensor:
        """Mean error per wanted value: Huber on channels, cross-entropy on codes (over its value at random).

        Args:
            hidden: [rows, columns, width], aligned with the columns.
            continuous, codes: the true values; NaN is not asked for.
            wanted: bool [rows, columns].
        """
        mixed = self.mix(hidden)
        total, count = mixed.new_zeros(()), mixed.new_zeros(())
        if self.numeric:
            guess = (mixed[:, self.owner] * self.weight).sum(-1) + self.bias
            asked = wanted[:, self.owner] & ~continuous.isnan()
            error = F.smooth_l1_loss(guess, torch.where(asked, continuous, 0.0), reduction="none")
            total, count = total + (error * asked).sum(), count + asked.sum()
        for i, classify in enumerate(self.classes):
            asked = wanted[:, self.numeric + i]
            logits = classify(mixed[:, self.numeric + i])
            error = F.cross_entropy(logits, codes[:, i], reduction="none")
            scale = torch.tensor(float(self.categorical[i])).log()
            total, count = total + (error * asked).sum() / scale, count + asked.sum()
        mean: Tensor = total / count.clamp(min=1)
        return mean
