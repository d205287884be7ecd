"""Numbers as piecewise-linear embeddings: where in its range a value lies, and on which side of each bound."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mfgsql.backbones.pairing import Floats

_FAR = 4.0  # deviations; beyond them the linear part is cut
_STEEPEST = 1e30  # of a bin's slope; bounds may be as near as float32 has them
_CACHED = 2**18  # numbers of the largest array of a pass: more fall out of a core's cache, and take three times as long
_LEAF = 10  # rows that a tree keeps together, at least


class PiecewiseLinear(nn.Module):
    """Channels to vectors, for each group of an ensemble by weights of its own.

    A channel becomes a sum over its bins (how far it has come through each) and a linear part, after Gorishniy et al.,
    "On Embeddings for Numerical Features in Tabular Deep Learning" (NeurIPS 2022); no activation follows, as in "TabM"
    (ICLR 2025). The bounds of the bins are quantiles of training rows: see `fit`.

    Args:
        groups, channels: how many. bins: of each channel, at most. width: size of a vector.
    """

    low: Tensor
    rate: Tensor

    def __init__(self, groups: int, channels: int, bins: int, width: int) -> None:
        super().__init__()
        self.bins = bins
        self.weight = nn.Parameter(torch.randn(groups, channels, bins, width) * (0.3 / math.sqrt(bins)))
        self.slope = nn.Parameter(torch.randn(groups, channels, 1, width))
        self.missing = nn.Parameter(torch.randn(groups, channels, 1, width) * 0.3)
        self.bias = nn.Parameter(torch.randn(groups, channels, 1, width) * 0.2)
        self.register_buffer("low", torch.full((groups, channels, 1, bins), torch.inf))  # unused: no value reaches it
        self.register_buffer("rate", torch.ones(groups, channels, 1, bins))

    @torch.no_grad()
    def fit(self, group: int, values: Tensor, truth: Floats | None) -> None:
        """Put a group's bounds at the quantiles of ``values`` [rows, channels]; equal quantiles make fewer bins.

        Args:
            truth: [rows, n]; half of the bounds then lie where a tree would part the rows, which is what finds the
            narrow range at an end where machines fail.
        """
        for channel in range(values.shape[1]):
            there = values[:, channel].isfinite()
            known = values[there, channel]
            if not len(known):
                continue
            parting = _partings(known, truth[there.numpy()], self.bins // 2) if truth is not None else known[:0]
            steps = torch.linspace(0, 1, self.bins + 1 - len(parting))
            quantiles = known.sort().values[(steps * (len(known) - 1)).round().long()]
            bounds = torch.unique(torch.cat([quantiles, parting]))
            count = len(bounds) - 1
            self.low[group, channel, 0, :count] = bounds[:-1]
            self.rate[group, channel, 0, :count] = bounds.diff().reciprocal().clamp(max=_STEEPEST)

    def forward(self, values: Tensor) -> Tensor:
        """``[groups, rows, channels]``, NaN where missing, to ``[groups, rows, channels * width]``."""
        by_channel = values.transpose(1, 2).unsqueeze(-1)  # [groups, channels, rows, 1]
        groups, rows, channels = values.shape
        size = max(1, channels)  # a training keeps all of it anyway
        if not torch.is_grad_enabled():
            size = max(1, _CACHED // max(1, groups * rows * self.bins))
        parts = [self._vectors(by_channel, slice(at, at + size)) for at in range(0, max(1, channels), size)]
        flat: Tensor = torch.cat(parts, dim=2).flatten(2)
        return flat

    def _vectors(self, by_channel: Tensor, some: slice) -> Tensor:
        """``[groups, rows, channels, width]`` of some channels."""
        values = by_channel[:, some]
        gone = values.isnan()
        # In place: this is the largest array of a pass, and no gradient goes through it.
        passed = (torch.where(gone, -torch.inf, values) - self.low[:, some]).mul_(self.rate[:, some]).clamp_(0.0, 1.0)
        near = torch.where(gone, 0.0, values).clamp_(-_FAR, _FAR)
        found = passed @ self.weight[:, some] + near * self.slope[:, some] + gone * self.missing[:, some]
        return (found + self.bias[:, some]).transpose(1, 2)


def _partings(values: Tensor, truth: Floats, parts: int) -> Tensor:
    """Up to ``parts - 1`` values between which the truth differs most."""
    from sklearn import config_context
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(max_leaf_nodes=parts, min_samples_leaf=_LEAF, random_state=0)
    with config_context(skip_parameter_validation=True):  # checks take as long as the tree, of each column and group
        tree.fit(values[:, None].numpy(), truth, check_input=False)
    found = tree.tree_.threshold[tree.tree_.feature >= 0]
    return torch.from_numpy(found).to(values.dtype)
