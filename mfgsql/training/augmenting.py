"""Pictures as they might have been taken as well: what a network that learns from few of them is shown.

All pictures of a batch are changed at once, each in its own way, by torch's global generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

AUGMENT = ("auto", "light", "none")
FLIPS = ("both", "horizontal", "vertical", "none")


@dataclass(frozen=True)
class Augmentation:
    """What may be changed.

    Attributes:
        crop: share of height and width, at most, that is cut away. shift: that a picture is moved by, each way.
        light: by which brightness and contrast change, at most. noise: its deviation over 255, at most, in half of
            the pictures.
        erase: share of height and width, at most, of a rectangle that is blotted out in half of the pictures.
        horizontal, vertical: whether left and right, top and bottom may be exchanged.
        turns: whether square pictures may be turned by quarters.
    """

    crop: float = 0.2
    shift: float = 0.05
    light: float = 0.2
    noise: float = 0.0
    erase: float = 0.0
    horizontal: bool = True
    vertical: bool = True
    turns: bool = False

    @classmethod
    def parse(cls, augment: str, flips: str) -> Augmentation | None:
        """Of the options ``augment`` (one of `AUGMENT`) and ``flips`` (one of `FLIPS`); None: nothing is changed."""
        if augment == "none":
            return None
        ways = {"horizontal": flips in ("both", "horizontal"), "vertical": flips in ("both", "vertical")}
        if augment == "light":
            return cls(crop=0.1, shift=0.03, light=0.1, noise=0.0, erase=0.0, **ways)
        return cls(**ways)

    def __call__(self, pixels: Tensor) -> Tensor:
        """Changed pictures.

        Args:
            pixels: uint8 [n, channels, height, width]. They stay as they are.
        """
        if not len(pixels):
            return pixels
        device = pixels.device
        size = [len(pixels), 1, *pixels.shape[2:]]
        grid = F.affine_grid(self._moves(len(pixels), pixels.shape[2] == pixels.shape[3]), size, align_corners=False)
        values = F.grid_sample(pixels.float(), grid.to(device), padding_mode="reflection", align_corners=False)
        contrast, brightness = (self.light * _either(len(pixels)).to(device)[:, None, None, None] for _ in range(2))
        mean = values.mean(dim=(1, 2, 3), keepdim=True)
        values = (values - mean) * (1 + contrast) + mean + 255 * brightness / 2
        if self.noise:
            values = values + self._noise(len(pixels)).to(device) * torch.randn_like(values)
        if self.erase:
            values = torch.where(self._blots(pixels).to(device), mean, values)
        return values.round().clamp(0, 255).to(torch.uint8)

    def _moves(self, n: int, square: bool) -> Tensor:
        """From places in the new picture to places in the old one, [n, 2, 3]: x first, both from -1 to 1."""
        scale = 1 - self.crop * torch.rand(n, 2)
        # A crop lies anywhere in the picture; a shift also brings in what is mirrored at its edges.
        move = (1 - scale) * (2 * torch.rand(n, 2) - 1) + 2 * self.shift * (2 * torch.rand(n, 2) - 1)
        for axis, allowed in enumerate((self.horizontal, self.vertical)):
            if allowed:
                scale[:, axis] *= torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
        quarter = torch.randint(4, (n,)) if self.turns and square else torch.zeros(n, dtype=torch.long)
        sine, cosine = (torch.tensor(v, dtype=torch.float32)[quarter] for v in ((0, 1, 0, -1), (1, 0, -1, 0)))
        rows = torch.stack([cosine, -sine, sine, cosine], dim=1).view(n, 2, 2) * scale[:, :, None]
        return torch.cat([rows, move[:, :, None]], dim=2)

    def _noise(self, n: int) -> Tensor:
        """Deviation of each picture's noise; what is measured of it later has none, so that some have none here."""
        return 255 * self.noise * (torch.rand(n, 1, 1, 1) * (torch.rand(n, 1, 1, 1) < 0.5))

    def _blots(self, pixels: Tensor) -> Tensor:
        """Where nothing is to be seen, bool [n, 1, height, width] (Zhong et al., "Random Erasing", AAAI 2020)."""
        n, inside = len(pixels), []
        some = torch.rand(n) < 0.5
        for length in pixels.shape[2:]:
            reach = self.erase * torch.rand(n) * length * some
            begin = torch.rand(n) * (length - reach)
            at = torch.arange(length) + 0.5
            inside.append((at >= begin[:, None]) & (at < (begin + reach)[:, None]))
        return (inside[0][:, :, None] & inside[1][:, None, :])[:, None]


def _either(n: int) -> Tensor:
    """Between -1 and 1, [n]."""
    return 2 * torch.rand(n) - 1
