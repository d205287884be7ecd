"""Pictures of plates for tests: a texture that each has its own piece of, and spots that don't belong there."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from mfgsql.backbones.filters import FilterBank, FilterConfig

SIZE = 96
BANK = FilterBank(FilterConfig((SIZE, SIZE), 1))


def plates(count: int, seed: int, grain: float = 1.5) -> Tensor:
    """uint8 [count, 1, 96, 96]."""
    dice = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(dice.normal(size=(count, SIZE, SIZE)), (0, grain, grain))
    values = 128 + 25 * noise / noise.std() + dice.normal(0, 3, (count, 1, 1))
    return torch.from_numpy(values.clip(0, 255).astype(np.uint8))[:, None]


def spotted(pictures: Tensor, x: int, y: int, size: int = 12) -> Tensor:
    """The same with a bright smooth square whose upper left corner lies at x, y."""
    marked = pictures.clone()
    marked[:, :, y : y + size, x : x + size] = 235
    return marked


def features(pictures: Tensor) -> Tensor:
    """[n, 21, 12, 12]."""
    return BANK.maps(pictures)
