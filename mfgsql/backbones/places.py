"""Where a patch lies in a picture, as numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_SIZE = 0.5  # of the waves beside what a patch shows


def waves(rows: int, columns: int, width: int) -> Tensor:
    """Places of a grid as sines and cosines, half of the numbers for each way, ``[rows * columns, width]``.

    As Vaswani et al., "Attention Is All You Need" (NeurIPS 2017) tell places in a line.
    """
    rates = 10_000.0 ** -(torch.arange(width // 4) / (width // 4))
    angles = [torch.arange(n)[:, None] * rates for n in (rows, columns)]
    down, across = (torch.cat([a.sin(), a.cos()], dim=1) for a in angles)
    both = torch.cat([down[:, None].expand(-1, columns, -1), across[None].expand(rows, -1, -1)], dim=2)
    return nn.functional.pad(both.flatten(0, 1), (0, width - 4 * (width // 4)))


@torch.no_grad()
def begin_with_waves(network: Any) -> None:
    """Let a vision transformer begin with places that are neighbours; from few pictures it would hardly learn that."""
    embedding = network.embeddings
    places, patch = embedding.position_embeddings, embedding.patch_size
    rows, columns = (size // patch for size in embedding.image_size)
    places[:, 1:] = _SIZE * waves(rows, columns, places.shape[2])
