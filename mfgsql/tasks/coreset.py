"""Few patches that stand for many: a sample of a stream, and out of it those that cover the rest the best."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

_WIDTH = 128  # numbers of a patch that distances are told by while it chooses


class Reservoir:
    """A uniform sample of a stream, the same however the stream comes in batches.

    Each item draws a number, and those with the smallest stay (Vitter, "Random Sampling with a Reservoir", 1985).

    Args:
        most, size: items, and their bytes, at most. seed: of the draws.
    """

    def __init__(self, most: int, size: int, seed: int) -> None:
        self._most, self._size = most, size
        self._dice = np.random.default_rng(seed)
        self._kept: list[tuple[Tensor, Tensor, Tensor]] = []
        self._highest = 2.0

    def add(self, items: Tensor, owners: Tensor) -> None:
        """Take notice of items [n, ...] and of what they belong to, int64 [n]."""
        if not self._kept and len(items):
            self._most = max(1, min(self._most, self._size // max(1, items[0].numel() * items.element_size())))
        keys = torch.from_numpy(self._dice.random(len(items)))
        mine = torch.nonzero(keys < self._highest).flatten()
        if not len(mine):
            return
        self._kept.append((keys[mine], owners[mine], items[mine].cpu()))
        if sum(len(keys) for keys, *_ in self._kept) > 2 * self._most:
            self._prune()

    def taken(self) -> tuple[Tensor, Tensor]:
        """The sample [n, ...] in the order of the stream, and its owners [n]; of no stream there is none."""
        assert self._kept, "nothing was added"
        self._prune()
        (_, owners, items) = self._kept[0]
        return items, owners

    def _prune(self) -> None:
        keys, owners, items = (torch.cat(parts) for parts in zip(*self._kept, strict=True))
        if len(keys) > self._most:
            stay = keys.topk(self._most, largest=False).indices.sort().values
            keys, owners, items = keys[stay], owners[stay], items[stay]
            self._highest = float(keys.max())
        self._kept = [(keys, owners, items)]


def coreset(patches: Tensor, size: int, seed: int) -> Tensor:
    """Numbers of the patches that cover all others with the smallest balls, int64 [at most size], in order of choice.

    Greedy k-center (Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985): the next one is that
    which is the farthest from those chosen; it ends where all others are equal to one of them.

    Args:
        patches: [n, d].
    """
    told = project(patches, seed)
    squares = (told**2).sum(dim=1)
    chosen = [int((told - told.mean(dim=0)).square().sum(dim=1).argmax())]
    nearest = torch.full((len(told),), math.inf)
    smallest = 1e-5 * float(squares.mean())  # what rounding makes of no distance
    while len(chosen) < min(size, len(told)):
        last = chosen[-1]
        distance = torch.addmv(squares + squares[last], told, told[last], alpha=-2)
        nearest = torch.minimum(nearest, distance)
        farthest = int(nearest.argmax())
        if float(nearest[farthest]) <= smallest:
            break
        chosen.append(farthest)
    return torch.tensor(chosen)


def project(patches: Tensor, seed: int) -> Tensor:
    """Patches [n, d] in fewer numbers that keep their distances, nearly (Johnson and Lindenstrauss, 1984).

    By a sparse matrix of -1, 0 and 1 (Li, Hastie, Church, "Very Sparse Random Projections", KDD 2006).
    """
    wide = patches.shape[1]
    if wide <= _WIDTH:
        return patches
    dice = np.random.default_rng(seed)
    share = 1 / math.sqrt(wide)
    signs = np.where(dice.random((wide, _WIDTH)) < share, np.where(dice.random((wide, _WIDTH)) < 0.5, -1.0, 1.0), 0.0)
    matrix = torch.from_numpy(signs / math.sqrt(share * _WIDTH)).to(patches.dtype)
    return patches @ matrix
