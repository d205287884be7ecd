"""From hidden states of patches back to the values in them: what objectives over histories predict."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PatchHead(nn.Module):
    """A hidden state per patch to the values of its rows.

    Args:
        width: size of a hidden state. patches, patch: of a window, and rows of one. channels: numbers of a row.
    """

    def __init__(self, width: int, patches: int, patch: int, channels: int) -> None:
        super().__init__()
        self.patch, self.channels = patch, channels
        self.places = nn.Parameter(0.02 * torch.randn(patches, width))
        self.mix = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
        self.out = nn.Linear(width, patch * channels)

    def forward(self, hidden: Tensor) -> Tensor:
        """``[n, patches, width]`` to values ``[n, patches * patch, channels]``."""
        said: Tensor = self.out(self.mix(hidden))
        return said.view(len(said), -1, self.channels)

    def loss(self, hidden: Tensor, continuous: Tensor, wanted: Tensor) -> Tensor:
        """Mean Huber error per wanted value.

        Args:
            hidden: [n, patches, width]. continuous: true values [n, patches * patch, channels], NaN is not asked for.
            wanted: bool [n, patches, channels].
        """
        asked = wanted.repeat_interleave(self.patch, dim=1) & ~continuous.isnan()
        error = F.smooth_l1_loss(self(hidden), torch.where(asked, continuous, 0.0), reduction="none")
        mean: Tensor = (error * asked).sum() / asked.sum().clamp(min=1)
        return mean
