"""Numbers as piecewise-linear embeddings: where in its range a value lies, and on which side of each bound."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_FAR = 4.0  # deviations; beyond them the linear part is cut


class PiecewiseLinear(nn.Module):
    """Channels to vectors, for each group of an ensemble by weights of its own.

    A channel becomes a sum over its bins (how far it has come through each) and a linear part, after Gorishniy et al.,
    "On Embeddings for Numerical Features in Tabular Deep Learning" (NeurIPS 2022); no activation follows, as in "TabM"
    (ICLR 2025). The bounds of the bins are quantiles of training rows: see `fit`.

    Args:
        groups, channels: how many. bins: of each channel, at most. width: size of a vector.
    """

    low: Tensor
    span: Tensor
    real: Tensor

    def __init__(self, groups: int, channels: int, bins: int, width: int) -> None:
        super().__init__()
        self.bins = bins
        self.weight = nn.Parameter(torch.randn(groups, channels, bins, width) * (0.3 / math.sqrt(bins)))
        self.slope = nn.Parameter(torch.randn(groups, channels, 1, width))
        self.missing = nn.Parameter(torch.randn(groups, channels, 1, width) * 0.3)
        self.bias = nn.Parameter(torch.randn(groups, channels, 1, width) * 0.2)
        self.register_buffer("low", torch.zeros(channels, bins))
        self.register_buffer("span", torch.ones(channels, bins))
        self.register_buffer("real", torch.zeros(channels, bins))

    @torch.no_grad()
    def fit(self, values: Tensor) -> None:
        """Put the bounds at the quantiles of ``values`` [rows, channels]; equal quantiles make fewer bins."""
        steps = torch.linspace(0, 1, self.bins + 1)
        for channel in range(values.shape[1]):
            known = values[:, channel][values[:, channel].isfinite()]
            if not len(known):
                continue
            ordered = known.sort().values
            bounds = torch.unique(ordered[(steps * (len(ordered) - 1)).round().long()])
            count = len(bounds) - 1
            self.low[channel, :count] = bounds[:-1]
            self.span[channel, :count] = bounds.diff()
            self.real[channel, :count] = 1.0

    def forward(self, values: Tensor) -> Tensor:
        """``[groups, rows, channels]``, NaN where missing, to ``[groups, rows, channels * width]``."""
        absent = values.isnan()
        by_channel = torch.where(absent, 0.0, values).transpose(1, 2).unsqueeze(-1)  # [groups, channels, rows, 1]
        gone = absent.transpose(1, 2).unsqueeze(-1)
        passed = ((by_channel - self.low.unsqueeze(1)) / self.span.unsqueeze(1)).clamp(0.0, 1.0)
        passed = passed * self.real.unsqueeze(1) * ~gone
        vectors = passed @ self.weight + by_channel.clamp(-_FAR, _FAR) * self.slope + gone * self.missing + self.bias
        flat: Tensor = vectors.transpose(1, 2).flatten(2)
        return flat
