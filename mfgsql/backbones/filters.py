"""Features of pictures that need no training: how much of which edge and line there is, at which size and where.

What describes places where no network has learnt to: a bank of derivatives of a Gaussian at several sizes, whose
energies in each cell of a grid tell textures (Laws, "Rapid texture identification", SPIE 1980; the log of energies, as
Mallat and Bruna take it, makes contrasts of all strengths count alike). No random number is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SIGMA, _REACH = 0.7, 2  # pixels, of the Gaussian and of a filter from its middle
_DARKEST = 0.002  # of energies, which go from 0 to 1: half of what one grey level makes
_OPPONENTS = ((1 / 3, 1 / 3, 1 / 3), (0.5, -0.5, 0.0), (0.25, 0.25, -0.5))  # grey, red - green, yellow - blue


@dataclass(frozen=True)
class FilterConfig:
    """Shape of the bank.

    Attributes:
        size: height and width of the pictures. channels: of the pictures, 1 or 3.
        levels: sizes at which filters look, each twice the one before. cell: pixels, each way, of the grid's cells.
    """

    kind: ClassVar[str] = "filters"
    size: tuple[int, int]
    channels: int
    levels: int = 4
    cell: int = 8

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The config that ``dataclasses.asdict`` saved as JSON."""
        return cls(**saved | {"size": tuple(saved["size"])})


class FilterBank(nn.Module):
    """Pictures to energies of filters; nothing in it is trained, and nothing saved."""

    opponents: Tensor
    filters: Tensor

    def __init__(self, config: FilterConfig) -> None:
        super().__init__()
        self.config = config
        opponents = torch.tensor(_OPPONENTS if config.channels == 3 else ((1.0,),))
        self.register_buffer("opponents", opponents[:, :, None, None], persistent=False)
        self.register_buffer("filters", _derivatives(), persistent=False)

    @property
    def width(self) -> int:
        """Features of a place."""
        return self.config.channels * (1 + self.config.levels * len(self.filters))

    def maps(self, pixels: Tensor) -> Tensor:
        """Features of places, float32 ``[n, width, grid rows, grid columns]``.

        Args:
            pixels: uint8 [n, channels, height, width].
        """
        n, channels, height, width = pixels.shape
        grid = (max(1, height // self.config.cell), max(1, width // self.config.cell))
        values = pixels.to(self.filters.device).float() / 255
        if channels == 3:
            values = F.conv2d(values, self.opponents)
        level = values.reshape(n * channels, 1, height, width)
        found = [F.adaptive_avg_pool2d(level, grid)]
        for number in range(self.config.levels):
            if number:
                level = F.avg_pool2d(level, 2, ceil_mode=True)
            answers = F.conv2d(F.pad(level, (_REACH,) * 4, mode="replicate"), self.filters)
            found.append((F.adaptive_avg_pool2d(answers.abs_(), grid) + _DARKEST).log())
        return torch.cat(found, dim=1).view(n, self.width, *grid)


def _derivatives() -> Tensor:
    """The first and second derivatives of a Gaussian, [5, 1, k, k]; a grey field answers none of them."""
    steps = torch.arange(-_REACH, _REACH + 1, dtype=torch.float64)
    plain = (-0.5 * (steps / _SIGMA) ** 2).exp()
    plain /= plain.sum()
    first = -steps / _SIGMA * plain
    second = ((steps / _SIGMA) ** 2 - 1) * plain
    second -= plain * second.sum()
    pairs = ((plain, first), (first, plain), (plain, second), (second, plain), (first, first))
    return torch.stack([torch.outer(a, b) for a, b in pairs])[:, None].float()
