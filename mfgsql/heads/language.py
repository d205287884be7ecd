"""From hidden states of pieces back to the pieces: what objectives over texts predict."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

_AT_ONCE = 1_024  # states whose scores are held: each has as many as there are pieces


class LanguageHead(nn.Module):
    """A hidden state to a score of each piece that the tokenizer knows.

    The output layer is the network's own table of pieces (Press & Wolf, "Using the Output Embedding to Improve Language
    Models", EACL 2017), so there is little to learn anew.

    Args:
        width: size of a hidden state. embedding: size of a piece's vector. pieces: how many are known.
    """

    def __init__(self, width: int, embedding: int, pieces: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(nn.Linear(width, embedding), nn.GELU(), nn.LayerNorm(embedding))
        self.bias = nn.Parameter(torch.zeros(pieces))

    def forward(self, hidden: Tensor, embeddings: Tensor) -> Tensor:
        """``[n, width]`` to ``[n, pieces]``; embeddings: [pieces, embedding]."""
        return F.linear(self.mix(hidden), embeddings, self.bias)

    def loss(self, hidden: Tensor, embeddings: Tensor, wanted: Tensor) -> Tensor:
        """Mean cross-entropy of the pieces ``wanted`` [n]; 0 where none is asked for.

        The scores of many states are made part by part, and once more for the gradient: they would fill the memory.
        """
        parts: list[Tensor] = []
        again = len(hidden) > _AT_ONCE and torch.is_grad_enabled()
        for start in range(0, max(len(hidden), 1), _AT_ONCE):
            told = (hidden[start : start + _AT_ONCE], embeddings, wanted[start : start + _AT_ONCE])
            parts.append(checkpoint(self._loss, *told, use_reentrant=False) if again else self._loss(*told))
        return torch.stack(parts).sum() / max(len(wanted), 1)

    def _loss(self, hidden: Tensor, embeddings: Tensor, wanted: Tensor) -> Tensor:
        return F.cross_entropy(self(hidden, embeddings), wanted, reduction="sum")
