"""Pictures that are unlike good ones: a memory of good patches, and how far a picture and its patches are from it.

Two views of a picture. The local one is PatchCore (Roth et al., "Towards Total Recall in Industrial Anomaly Detection",
CVPR 2022): good patches are remembered as a coreset, and a picture is as unusual as its most unusual patch. The whole
one asks whether the picture's features are spread as good ones spread theirs (Rippel et al., "Modeling the Distribution
of Normal Data in Pre-Trained Deep Features for Anomaly Detection", ICPR 2020): it sees another texture, of which each
patch may be found somewhere in a good picture. Features are given: no network is known here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mfgsql.tasks.coreset import Reservoir, coreset

_POOL, _POOL_BYTES = 20_000, 2**26  # patches that a memory is chosen from
_PICTURES, _STYLE_BYTES = 4_000, 2**26  # that the whole view learns from
_WIDEST = 512  # features whose spread over a picture is looked at beside their means; of more, means have to do
_PASS = 2**22  # distances of a pass
_NEIGHBOURS = 9  # patches of the memory that tell how usual their neighbourhood is
_FINER = 4  # places of the maps, each way, to a cell of the grid
_FLOOR = 0.05  # share of the usual variance that each feature has at least: one that never moved is no alarm


@dataclass(frozen=True)
class Found:
    """How unlike good pictures some are, in units of the features.

    Attributes:
        local, whole: of pictures by the two views, float32 [n]. maps: of their places, float32
            [n, 4 * grid rows, 4 * grid columns].
    """

    local: Tensor
    whole: Tensor
    maps: Tensor


@dataclass(frozen=True)
class Good:
    """What is known of good pictures.

    Attributes:
        patches: as `described` tells them, [n, d]. styles: means and spreads of pictures' features, [pictures, 2, d].
    """

    patches: Tensor
    styles: Tensor


class Memory(nn.Module):
    """Good patches, and the usual style of good pictures; all of it is saved with the module's state.

    Args:
        size, width: patches remembered, and features of each. neighbourhood: cells of the grid, each way, whose mean
            describes a patch.
    """

    bank: Tensor
    center: Tensor
    scale: Tensor
    style: Tensor
    precision: Tensor

    def __init__(self, size: int, width: int, neighbourhood: int = 3) -> None:
        super().__init__()
        self.neighbourhood = neighbourhood
        told = style_width(width)
        self.register_buffer("bank", torch.zeros(size, width, dtype=torch.float16))
        self.register_buffer("center", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.register_buffer("style", torch.zeros(told))
        self.register_buffer("precision", torch.eye(told))

    @classmethod
    def of(cls, good: Good, size: int, seed: int, neighbourhood: int = 3) -> Memory:
        """The memory of so many patches, or of as many as differ."""
        memory = cls(0, good.patches.shape[1], neighbourhood)
        variance = good.patches.var(dim=0, correction=0)
        memory.center = good.patches.mean(dim=0)
        memory.scale = (variance + _FLOOR * variance.mean().clamp(min=1e-12)).sqrt()
        standard = memory._standard(good.patches)
        memory.bank = standard[coreset(standard, size, seed)].half()
        memory.style, memory.precision = _gaussian(memory._style_of(good.styles))
        return memory

    @property
    def shape(self) -> dict[str, int]:
        """What makes an empty memory that a saved state fits into: ``Memory(**shape)``."""
        size, width = self.bank.shape
        return {"size": size, "width": width, "neighbourhood": self.neighbourhood}

    def forward(self, features: Tensor) -> Found:
        """How unlike good pictures these are, and their places; on the features' device.

        Args:
            features: [n, d, gh, gw].
        """
        n, _, gh, gw = features.shape
        bank = self.bank.float()
        grid = described(features.float(), self.neighbourhood)
        patches = self._standard(grid.flatten(2).transpose(1, 2).flatten(0, 1))
        distance, nearest = _nearest(patches, bank)
        distance = distance.view(n, gh * gw)
        worst = distance.max(dim=1)
        at = torch.arange(n, device=grid.device) * gh * gw + worst.indices
        local = worst.values * _rarity(patches[at], nearest[at], bank)
        off = self._style_of(styles_of(features)) - self.style
        whole = ((off @ self.precision) * off).sum(dim=1).clamp(min=0).sqrt()
        return Found(local, whole, smooth(distance.view(n, gh, gw), (_FINER * gh, _FINER * gw)))

    def _standard(self, patches: Tensor) -> Tensor:
        """In deviations, over the root of their number: distances are those of a usual feature."""
        return (patches - self.center) / (self.scale * math.sqrt(len(self.center)))

    def _style_of(self, styles: Tensor) -> Tensor:
        """Standardised means, and the logarithms of spreads where features are few, [n, style_width(d)]."""
        mean = (styles[:, 0] - self.center) / self.scale
        if len(self.style) == len(self.center):
            return mean
        return torch.cat([mean, (styles[:, 1] / self.scale + 0.1).log()], dim=1)


class MemoryBuilder:
    """Chooses what to remember out of a stream of good pictures; what it holds does not grow with their number."""

    def __init__(self, seed: int, neighbourhood: int = 3) -> None:
        self.seed, self.neighbourhood = seed, neighbourhood
        self.pictures = 0
        self._patches = Reservoir(_POOL, _POOL_BYTES, seed)
        self._styles = Reservoir(_PICTURES, _STYLE_BYTES, seed + 1)

    def add(self, features: Tensor) -> None:
        """Good pictures' features, [n, d, gh, gw]."""
        features = features.float()
        patches = described(features, self.neighbourhood).flatten(2).transpose(1, 2)
        owners = torch.arange(self.pictures, self.pictures + len(features))
        self._patches.add(patches.flatten(0, 1), owners.repeat_interleave(patches.shape[1]))
        self._styles.add(styles_of(features), owners)
        self.pictures += len(features)

    def build(self, size: int, *, without: tuple[int, int] | None = None) -> Memory:
        """A memory of so many patches.

        Args:
            without: ``(fold, folds)``: of no picture whose number modulo ``folds`` is ``fold``.
        """
        (patches, of_patches), (styles, of_styles) = self._patches.taken(), self._styles.taken()
        if without is not None:
            fold, folds = without
            patches, styles = patches[of_patches % folds != fold], styles[of_styles % folds != fold]
        return Memory.of(Good(patches, styles), size, self.seed, self.neighbourhood)


def described(features: Tensor, neighbourhood: int) -> Tensor:
    """Each cell of the grids [n, d, gh, gw] by the mean of its neighbourhood."""
    if neighbourhood == 1:
        return features
    return F.avg_pool2d(features, neighbourhood, 1, neighbourhood // 2, count_include_pad=False)


def styles_of(features: Tensor) -> Tensor:
    """Mean and spread over each picture of each feature, [n, 2, d]."""
    return torch.stack([features.mean(dim=(2, 3)), features.std(dim=(2, 3), correction=0)], dim=1)


def style_width(width: int) -> int:
    """Numbers of the whole view of so many features."""
    return 2 * width if width <= _WIDEST else width


def smooth(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps [n, gh, gw] at another size, [n, *size], smoothed by a Gaussian of half a cell."""
    if maps.shape[1:] == size:
        return maps
    large = F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)
    for axis in (2, 3):
        cell = size[axis - 2] / maps.shape[axis - 1]
        reach = min(math.ceil(1.5 * cell), size[axis - 2] - 1)
        steps = torch.arange(-reach, reach + 1, device=maps.device) / (cell / 2)
        weights = (-0.5 * steps**2).exp()
        shape, pad = ((1, 1, -1, 1), (0, 0, reach, reach)) if axis == 2 else ((1, 1, 1, -1), (reach, reach, 0, 0))
        large = F.conv2d(F.pad(large, pad, mode="replicate"), (weights / weights.sum()).view(shape))
    return large[:, 0]


def _nearest(patches: Tensor, bank: Tensor) -> tuple[Tensor, Tensor]:
    """Distance to the nearest patch of the memory, and its number, [n]."""
    half = bank.square().sum(dim=1) / 2
    step = max(1, _PASS // len(bank))
    passes = torch.split(patches, step)
    nearest = torch.cat([torch.addmm(half, p, bank.T, alpha=-1).argmin(dim=1) for p in passes])
    return torch.linalg.vector_norm(patches - bank[nearest], dim=1), nearest


def _rarity(patches: Tensor, nearest: Tensor, bank: Tensor) -> Tensor:
    """PatchCore's weight of a picture's score: larger where even the nearest good patch has few neighbours, [n]."""
    count = min(_NEIGHBOURS, len(bank))
    if count < 2:
        return patches.new_ones(len(patches))
    around = torch.cdist(bank[nearest], bank).topk(count, dim=1, largest=False).indices
    around[:, 0] = nearest  # of equal patches another may have come first
    away = torch.linalg.vector_norm(patches[:, None] - bank[around], dim=2)
    weight: Tensor = 1 - away.softmax(dim=1)[:, 0]
    return weight


def _gaussian(styles: Tensor) -> tuple[Tensor, Tensor]:
    """Center [k], and inverse of the shrunk covariance [k, k], of styles [n, k]."""
    from sklearn.covariance import LedoitWolf

    values = styles.double()
    center = values.mean(dim=0)
    covariance = torch.from_numpy(LedoitWolf(assume_centered=True).fit((values - center).numpy()).covariance_)
    least = 1e-3 * covariance.diagonal().mean() + 1e-6  # equal pictures have no spread at all
    precision = torch.linalg.inv(covariance + least * torch.eye(len(center), dtype=torch.float64))
    return center.float(), precision.float().contiguous()
