"""From a row's hidden states to the numbers a task needs (logits, a mean, ...)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PredictionHead(nn.Module):
    """[CLS] and the mean of the columns, normalised, to ``outputs`` numbers.

    The mean is there because a masked base has trained the columns' states and never [CLS].
    """

    def __init__(self, width: int, outputs: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(2 * width)
        self.drop = nn.Dropout(dropout)
        self.hidden = nn.Linear(2 * width, width)
        self.out = nn.Linear(width, outputs)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        """``[rows, 1 + columns, width]`` to ``[rows, outputs]``."""
        pooled = torch.cat([hidden[:, 0], hidden[:, 1:].mean(dim=1)], dim=-1)
        result: Tensor = self.out(self.drop(F.gelu(self.hidden(self.norm(pooled)))))
        return result
