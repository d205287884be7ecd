"""From features of good pictures to a detector: what to remember of them, and how unusual is too unusual.

Limits are told by pictures that a memory has not seen: in each of some folds a memory is made of the other pictures.
The memory that stays is made of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mfgsql.errors import DataError
from mfgsql.tasks.coreset import Reservoir
from mfgsql.tasks.limits import LEVEL, Limits
from mfgsql.tasks.patches import Found, Memory, MemoryBuilder

_FOLDS, _FEWEST = 5, 10
_JUDGED, _JUDGED_BYTES = 400, 2**26  # pictures that tell the limits
_SHARE, _LARGEST = 0.1, 1_000  # of all patches, and patches, that are remembered where nothing else is asked
_PASS = 32  # pictures of a pass


@dataclass(frozen=True)
class Remembered:
    """A detector of pictures unlike good ones: tensors to save are ``memory.state_dict()``.

    Attributes:
        calibration: limits, and the shape of the memory; as JSON can hold it.
    """

    memory: Memory
    calibration: dict[str, Any]


def fit_memory(
    maps: Iterable[Tensor],
    *,
    size: int | None = None,
    level: float | None = None,
    seed: int = 0,
    check: Callable[[], None] = lambda: None,
) -> Remembered:
    """Learn from a stream of good pictures' features, which is read once; memory does not grow with it.

    Args:
        maps: features of batches of pictures, float [n, d, grid rows, grid columns]; equal but for ``n``.
        size: patches to remember; None: a tenth of them, at most 1,000.
        level: share of good pictures that may be called unusual; None: one in a hundred.
        check: called between steps; raises where the work shall stop.

    Raises:
        DataError: fewer than ten pictures.
    """
    builder, judged, patches = MemoryBuilder(seed), Reservoir(_JUDGED, _JUDGED_BYTES, seed + 2), 0
    for features in maps:
        check()
        judged.add(features.half(), torch.arange(builder.pictures, builder.pictures + len(features)))
        builder.add(features)
        patches += len(features) * features.shape[2] * features.shape[3]
    if builder.pictures < _FEWEST:
        raise DataError(
            f"{builder.pictures} good pictures don't tell what is usual: at least {_FEWEST} are needed.",
            remedy="Give more, such as SELECT image FROM plates WHERE good.",
        )
    size = size or max(1, min(_LARGEST, round(_SHARE * patches)))
    found = _unseen(builder, *judged.taken(), size, check)
    places = found.maps.flatten(1).amax(dim=1)
    local, whole, highest = (v.double().numpy() for v in (found.local, found.whole, places))
    limits = Limits.fit(local, whole, highest, LEVEL if level is None else level)
    memory = builder.build(size)
    return Remembered(memory, limits.to_dict() | {"memory": memory.shape})


def _unseen(builder: MemoryBuilder, judged: Tensor, owners: Tensor, size: int, check: Callable[[], None]) -> Found:
    """How pictures look to a memory made of others."""
    parts = []
    for fold in range(_FOLDS):
        check()
        memory = builder.build(size, without=(fold, _FOLDS))
        own = judged[owners % _FOLDS == fold]
        for start in range(0, len(own), _PASS):
            check()
            parts.append(memory(own[start : start + _PASS]))
    return Found(*(torch.cat([getattr(p, name) for p in parts]) for name in ("local", "whole", "maps")))
