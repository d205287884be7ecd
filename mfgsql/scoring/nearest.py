"""Which vectors are like which: every pair is looked at, part by part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from mfgsql.tasks.task import Array

_SCORES = 2**24  # similarities that are held at a time


@dataclass(frozen=True)
class Pairs:
    """Numbers of two vectors each, int64 [n], and their cosine, float32 [n], at most 1."""

    ours: Array
    theirs: Array
    similarity: Array


def nearest(vectors: Array, most: int, least: float, check: Callable[[], None], device: str = "cpu") -> Pairs:
    """For each vector the others most like it, best first.

    Args:
        vectors: of length one, float32 [n, width]. most: others of each. least: cosine from which they count.
        check: called between parts; what it raises ends that.
    """
    every = torch.tensor(vectors, device=device)
    most = min(most, len(every) - 1)
    step = max(1, _SCORES // max(len(every), 1))
    found = [Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    for start in range(0, len(every) if most > 0 else 0, step):
        check()
        scores = every[start : start + step] @ every.T
        scores.diagonal(start).fill_(-torch.inf)  # a vector is no other of its own
        best, theirs = (part.cpu().numpy() for part in scores.topk(most, dim=1))
        ours = np.broadcast_to(np.arange(start, start + len(best))[:, None], best.shape)
        kept = best >= least
        found.append(Pairs(ours[kept], theirs[kept], np.minimum(best[kept], 1.0)))
    return Pairs(*(np.concatenate([getattr(pairs, name) for pairs in found]) for name in Pairs.__annotations__))
