"""An ensemble of small networks that share most weights: the default where nothing was learnt before.

After Gorishniy et al., "TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling" (ICLR 2025), which
builds on BatchEnsemble (Wen et al., ICLR 2020): the members of a group share each layer's matrix and differ by random
signs of their input, by scales and by biases. Groups share nothing, so that each can be trained without a part of the
rows: what it says of that part is honest (cross-fitting). All groups are computed by one batched product. Numbers
made of two columns come in beside the columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mfgsql.backbones.columns import ColumnsConfig
from mfgsql.backbones.embedding import PiecewiseLinear
from mfgsql.backbones.interactions import Interactions
from mfgsql.backbones.pairing import Floats


@dataclass(frozen=True)
class EnsembleConfig(ColumnsConfig):
    """Shape of the network.

    Attributes:
        groups: that share no weight. members: of a group. width, layers: of a member. bins: of a number.
        embedding: size of a column's vector. dropout: of a member's activations. pairs: numbers made of two columns.
    """

    kind: ClassVar[str] = "ensemble"
    groups: int = 1
    members: int = 4
    width: int = 96
    layers: int = 2
    bins: int = 24
    embedding: int = 8
    dropout: float = 0.0
    pairs: int = 8

    @property
    def numbers(self) -> int:
        """Channels, and those made of two; there are none without two."""
        return self.channels + (self.pairs if self.channels > 1 else 0)

    @property
    def inputs(self) -> int:
        """Of a member's first layer."""
        return (self.numbers + len(self.categorical)) * self.embedding

    @property
    def row_floats(self) -> int:
        """Numbers that a row's pass holds at a time: a group's are done with before the last one's come."""
        return max(self.groups * self.members * self.width * 2 // 3, self.width)

    @property
    def work(self) -> int:
        """Multiply-adds of one row's way through all groups."""
        layers = self.inputs * self.width + (self.layers - 1) * self.width**2
        return self.groups * (self.numbers * self.bins * self.embedding + self.members * layers)


def _drop(x: Tensor, share: float, training: bool) -> Tensor:
    """Dropout by a byte of chance for each number: torch's own takes half of a step's time on a CPU.

    What is kept isn't scaled up while training, but all of it down afterwards (Srivastava et al., JMLR 2014).
    """
    least = round(share * 256)
    if not least:
        return x
    if not training:
        return x * (1 - least / 256)
    words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device).random_(-(2**63), None)
    return x * (words.view(torch.uint8)[: x.numel()].view(x.shape) >= least).to(x.dtype)


class MemberLinear(nn.Module):
    """A matrix for a group, and for each of its members a scale and a bias."""

    def __init__(self, config: EnsembleConfig, inputs: int) -> None:
        super().__init__()
        groups, members, width, reach = config.groups, config.members, config.width, inputs**-0.5
        self.weight = nn.Parameter(torch.empty(groups, inputs, width).uniform_(-reach, reach))
        self.scale = nn.Parameter(1.0 + 0.5 * torch.randn(groups, members, 1, width))
        self.bias = nn.Parameter(torch.empty(groups, members, 1, width).uniform_(-reach, reach))

    def forward(self, x: Tensor) -> Tensor:
        """``[groups, members, rows, inputs]`` to ``[groups, members, rows, width]``."""
        mixed = torch.bmm(x.flatten(1, 2), self.weight).view(*x.shape[:3], -1)
        return torch.addcmul(self.bias, mixed, self.scale)


class EnsembleBackbone(nn.Module):
    """Columns of a row to one hidden state for each member."""

    offsets: Tensor
    owners: Tensor

    def __init__(self, config: EnsembleConfig) -> None:
        super().__init__()
        self.config = config
        self.pairs = Interactions(config.groups, config.channels, config.numbers - config.channels)
        self.numbers = PiecewiseLinear(config.groups, config.numbers, config.bins, config.embedding)
        codes = sum(size for _, size in config.categorical)
        self.words = nn.Parameter(torch.randn(config.groups * codes, config.embedding))
        self.signs = nn.Parameter(torch.randint(0, 2, (config.groups, config.members, 1, config.inputs)) * 2.0 - 1.0)
        sizes = [config.inputs, *[config.width] * (config.layers - 1)]
        self.layers = nn.ModuleList(MemberLinear(config, size) for size in sizes)
        starts = torch.tensor([0, *(size for _, size in config.categorical)]).cumsum(0)[:-1]
        self.register_buffer("offsets", starts, persistent=False)
        self.register_buffer("owners", (torch.arange(config.groups) * codes).view(-1, 1, 1), persistent=False)

    @torch.no_grad()
    def fit(self, continuous: Tensor, part: Tensor, truth: Floats, scales: Floats, *, jumps: bool) -> None:
        """Adapt to a sample of training rows before the first step.

        Args:
            continuous: [rows, channels]. part: of each row, [rows]; the group of that number doesn't look at it.
            truth: numbers whose means say something, [rows, n]. scales: shift and factor by which each channel gets
            back its column's unit, [channels, 2]. jumps: whether the truth may jump from one value of a column to the
            next.
        """
        self.pairs.origin.copy_(torch.from_numpy(scales[:, 0]))
        self.pairs.unit.copy_(torch.from_numpy(scales[:, 1]))
        for group in range(self.config.groups):
            seen = part != group + 1
            if self.pairs.count:
                self.pairs.fit(group, continuous[seen], truth[seen.numpy()])
        numbers = self._numbers(continuous.expand(self.config.groups, -1, -1))
        for group in range(self.config.groups):
            seen = part != group + 1
            self.numbers.fit(group, numbers[group, seen], truth[seen.numpy()] if jumps else None)

    def interactions(self) -> list[dict[str, str | float]]:
        """Which two columns it reads as one number: ``first``, ``operation``, ``second``, ``share`` of groups."""
        names = [name for name, channels in self.config.continuous for _ in range(channels)]
        return [
            {"first": names[a], "operation": sign, "second": names[b], "share": share}
            for a, sign, b, share in self.pairs.found()
        ]

    def _numbers(self, continuous: Tensor) -> Tensor:
        return torch.cat([continuous, self.pairs(continuous)], dim=-1) if self.pairs.count else continuous

    def forward(self, continuous: Tensor, codes: Tensor) -> Tensor:
        """Hidden states ``[groups, members, rows, width]``.

        Args:
            continuous: float32 [groups, rows, channels], NaN where missing. codes: int64 [groups, rows, columns].
        """
        vectors = self.numbers(self._numbers(continuous))
        if self.config.categorical:
            words = F.embedding(codes + self.offsets + self.owners, self.words)
            vectors = torch.cat([vectors, words.flatten(2)], dim=-1)
        x = vectors.unsqueeze(1) * self.signs
        for layer in self.layers:
            x = _drop(F.relu(layer(x)), self.config.dropout, self.training)
        hidden: Tensor = x
        return hidden
