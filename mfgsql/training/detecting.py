"""From a network that tells sensors from others to a detector: its errors on rows that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from mfgsql.cancellation import Cancellation
from mfgsql.features.histories import firsts
from mfgsql.model import Model
from mfgsql.tasks.anomaly import Detector
from mfgsql.tasks.task import Array
from mfgsql.training.windows import WindowSource

_ROWS, _FEWEST = 20_000, 500  # rows that teach, about, and of a part of a chunk
_BATCH = 512  # windows of a pass


def fit_detector(
    model: Model, judged: WindowSource, span: int, level: float | None, cancellation: Cancellation
) -> dict[str, Any]:
    """The calibration of a detector; empty where no row was held out."""
    parts = list(_errors(model, judged, cancellation))
    if not parts:
        return {}
    errors = np.concatenate([e for e, _ in parts])
    offsets = np.cumsum([0, *(len(e) for e, _ in parts[:-1])])
    first = np.concatenate([f + o for (_, f), o in zip(parts, offsets, strict=True)])
    return Detector.fit(errors, first, span, level).to_dict()


def _errors(model: Model, judged: WindowSource, cancellation: Cancellation) -> Iterator[tuple[Array, Array]]:
    """Errors of held-out rows by chunks, each by the network that was not trained on it, and their histories."""
    for index in range(judged.chunks):
        chunk, own = judged.chunk(index), judged.own(index)
        parts = sorted(set(chunk.part[own].tolist()))
        # Of each chunk and part the same number, neighbours in time: the first machine speaks for no other.
        most = max(_FEWEST, _ROWS // (judged.chunks * max(len(parts), 1)))
        own = torch.cat([own[chunk.part[own] == part][:most] for part in parts]) if parts else own
        if not len(own):
            continue
        own = own.sort().values
        found = []
        for start in range(0, len(own), _BATCH):
            cancellation.check()
            batch = chunk.windows(own[start : start + _BATCH])
            found.append(model.errors(batch.continuous, batch.codes, batch.speaker))
        yield np.concatenate(found), firsts(chunk.track.first[own.numpy()])
