"""What a tower, the network over one text or picture, hands to what stands on it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class States:
    """Hidden states of a batch of texts or pictures.

    Attributes:
        pooled: [n, 2, width]; the state of the text or picture as a whole, and the mean of its parts.
        parts: of its pieces of words or its patches, [n, parts, width]. mask: which parts there are, bool [n, parts].
        grid: rows and columns of the patches, which lie row by row; None of texts.
        alone: of rows with several columns what each text or picture says by itself, [n, 2, width of its tower] each.
    """

    pooled: Tensor
    parts: Tensor
    mask: Tensor
    grid: tuple[int, int] | None = None
    alone: tuple[Tensor, ...] = ()
