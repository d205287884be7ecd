"""From the hidden states of a text's pieces to the numbers a task needs of each."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn


class PieceHead(nn.Module):
    """A linear output for each piece, as BERT's for tokens.

    Args:
        width: size of a hidden state. outputs: numbers of each piece.
    """

    parts: ClassVar[bool] = True  # it reads the states of the pieces

    def __init__(self, width: int, outputs: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(width, outputs)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        """``[rows, 1 + pieces, width]``, the first of which speaks of the whole, to ``[rows, pieces, outputs]``."""
        said: Tensor = self.out(self.drop(hidden[:, 1:]))
        return said
