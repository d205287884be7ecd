"""Numbers made of two: power is torque times speed, and concrete's strength goes by water over cement.

A network bends columns one by one before it adds them up. What lies in a product it would have to learn from many rows.
"""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor, nn

from mfgsql.backbones.pairing import OPERATIONS, Floats, combine, find_pairs

_UNUSED = -1
_FARTHEST = 1e6  # deviations; float32 has no room for more


class Interactions(nn.Module):
    """Products, quotients, differences and sums of two channels each, in the columns' own units.

    Which ones is found on training rows, see `fit`; each group of an ensemble has its own, found without its part.

    Args:
        groups, channels: how many. count: of combinations of a group, at most.
    """

    origin: Tensor
    unit: Tensor
    operation: Tensor
    first: Tensor
    second: Tensor
    shift: Tensor
    scale: Tensor

    def __init__(self, groups: int, channels: int, count: int) -> None:
        super().__init__()
        self.count = count
        self.register_buffer("origin", torch.zeros(channels, dtype=torch.float64))
        self.register_buffer("unit", torch.ones(channels, dtype=torch.float64))
        self.register_buffer("operation", torch.full((groups, 1, count), _UNUSED))
        self.register_buffer("first", torch.zeros((groups, 1, count), dtype=torch.int64))
        self.register_buffer("second", torch.zeros((groups, 1, count), dtype=torch.int64))
        self.register_buffer("shift", torch.zeros((groups, 1, count), dtype=torch.float64))
        self.register_buffer("scale", torch.ones((groups, 1, count), dtype=torch.float64))

    @torch.no_grad()
    def fit(self, group: int, values: Tensor, truth: Floats) -> None:
        """Find a group's combinations.

        Args:
            values: of the rows that the group may see, [rows, channels]. truth: see `find_pairs`.
        """
        numbers = self._in_units(values).numpy()
        for place, (operation, a, b) in enumerate(find_pairs(numbers, truth, self.count)):
            made = torch.from_numpy(combine(operation, numbers[:, a], numbers[:, b]))
            known = made[made.isfinite()]
            self.operation[group, 0, place] = operation
            self.first[group, 0, place], self.second[group, 0, place] = a, b
            self.shift[group, 0, place] = known.mean()
            self.scale[group, 0, place] = known.std(correction=0).clamp(min=1e-300)

    def found(self) -> list[tuple[int, str, int, float]]:
        """First channel, sign, second channel, and the share of groups that found it, the most agreed on first."""
        columns = (self.first, self.operation, self.second)
        made = Counter(key for key in zip(*(c.flatten().tolist() for c in columns), strict=True) if key[1] != _UNUSED)
        return [(a, OPERATIONS[sign], b, groups / len(self.first)) for (a, sign, b), groups in made.most_common()]

    def forward(self, values: Tensor) -> Tensor:
        """``[groups, rows, channels]`` to ``[groups, rows, count]``, standardised; NaN where there is none."""
        numbers = self._in_units(values)
        groups, rows, _ = values.shape
        a, b = (numbers.gather(2, of.expand(groups, rows, -1)) for of in (self.first, self.second))
        made = torch.where(self.operation < 2, a * torch.where(self.operation == 0, b, 1 / b), a + b)
        made = torch.where(self.operation == 2, a - b, made)
        made = ((made - self.shift) / self.scale).clamp(-_FARTHEST, _FARTHEST)
        return torch.where((self.operation != _UNUSED) & (made.abs() < _FARTHEST), made, torch.nan).to(values.dtype)

    def _in_units(self, values: Tensor) -> Tensor:
        """In float64: the difference of two large numbers has few digits left."""
        return values.double() * self.unit + self.origin
