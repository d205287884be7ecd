"""From the members' hidden states to the numbers a task needs, by an output of each member's own."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MemberHead(nn.Module):
    """A linear output for each member.

    Args:
        groups, members: of the ensemble. width: of a hidden state. outputs: numbers for a row.
    """

    def __init__(self, groups: int, members: int, width: int, outputs: int) -> None:
        super().__init__()
        reach = width**-0.5
        self.weight = nn.Parameter(torch.empty(groups, members, width, outputs).uniform_(-reach, reach))
        self.bias = nn.Parameter(torch.zeros(groups, members, 1, outputs))

    def forward(self, hidden: Tensor) -> Tensor:
        """``[groups, members, rows, width]`` to ``[groups, members, rows, outputs]``."""
        return hidden @ self.weight + self.bias
