"""Pictures in, anomalies out: how unlike good ones each is, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mfgsql.features import Batch, Flag
from mfgsql.features.fields import Pictures
from mfgsql.features.pictures import Unreadable, dimensions
from mfgsql.scoring.scorer import RowStatus, Scorer, row_status
from mfgsql.scoring.turns import in_turns
from mfgsql.tasks.heat_maps import heat_map_png
from mfgsql.tasks.limits import Limits
from mfgsql.tasks.regions import regions
from mfgsql.tasks.task import Array


@dataclass(frozen=True)
class Odd:
    """What is said of a batch of pictures.

    Attributes:
        score: of each, float64 [n]; above the threshold it is an anomaly. threshold: of all.
        regions: boxes as `regions` makes them, one list a row, empty where the picture is no anomaly.
        heat_maps: PNGs, None where they are not wanted, or there is no picture.
        rows: status of each; void rows have no picture.
    """

    score: Array
    threshold: float
    regions: list[list[dict[str, Any]]]
    heat_maps: list[bytes | None]
    rows: RowStatus


def detect_pictures(
    scorer: Scorer, columns: Mapping[str, pa.Array], rows: int, check: Callable[[], None], *, heat_map: bool = False
) -> Odd:
    """How unlike good pictures some are; one answer for each row, in order.

    Args:
        columns: an Arrow array under the name of the only feature, as `ImageEncoder.encode` takes it.
        check: called before each pass of the network; raises where the work shall stop.
        heat_map: whether pictures of them are wanted.
    """
    limits = Limits.from_dict(scorer.model.manifest.calibration)
    (name,) = scorer.model.manifest.features.names
    parts: list[Odd] = []
    start = 0
    for batch in in_turns(scorer.model, columns, rows):
        check()
        (pictures,) = batch.fields
        assert isinstance(pictures, Pictures)
        cells = columns[name].slice(start, len(batch))
        start += len(batch)
        parts.append(_of_turn(scorer, limits, pictures, cells, _status(name, batch, pictures.there.numpy()), heat_map))
    return Odd(
        np.concatenate([p.score for p in parts]),
        limits.threshold,
        [boxes for p in parts for boxes in p.regions],
        [png for p in parts for png in p.heat_maps],
        RowStatus.concat([p.rows for p in parts]),
    )


def _of_turn(
    scorer: Scorer, limits: Limits, pictures: Pictures, cells: pa.Array, status: RowStatus, heat_map: bool
) -> Odd:
    there = pictures.there.numpy()
    rows = len(pictures)
    score, found = np.full(rows, np.nan), Odd(np.empty(0), 0.0, [[] for _ in range(rows)], [None] * rows, status)
    if there.any():
        seen = scorer.look(pictures.pixels[pictures.there])
        score[there] = limits.scores(seen).double().numpy()
        for row, places in zip(np.flatnonzero(there).tolist(), limits.places(seen).numpy(), strict=True):
            odd = score[row] > limits.threshold
            if not odd and not heat_map:
                continue
            size = _size(cells, row)
            if odd and size:
                found.regions[row] = _located(places, limits.threshold, float(score[row]), size)
            if heat_map:
                pixels = pictures.pixels[row].numpy()
                found.heat_maps[row] = heat_map_png(pixels, places, size or (pixels.shape[2], pixels.shape[1]))
    return Odd(score, limits.threshold, found.regions, found.heat_maps, status)


def _status(name: str, batch: Batch, there: Array) -> RowStatus:
    """Of each row; one without a picture gets no answer, whether or not there were such rows in training."""
    told = [flag.rows for flag in batch.flags]
    none = ~there & ~np.logical_or.reduce([np.zeros(len(batch), bool), *told])
    flags = (*batch.flags, Flag("missing", none, lambda _: f"{name} is missing")) if none.any() else batch.flags
    status = row_status(flags, len(batch))
    return RowStatus(status.status, status.reason, ~there if not there.all() else None)


def _located(places: Array, threshold: float, score: float, size: tuple[int, int]) -> list[dict[str, Any]]:
    """The picture's odd places; where it is odd as a whole only, the one that stands out at least, or all of it."""
    width, height = size
    whole = {"x": 0, "y": 0, "width": width, "height": height, "score": score}
    return regions(places, threshold, size) or regions(places, threshold / 2, size)[:1] or [whole]


def _size(cells: pa.Array, row: int) -> tuple[int, int] | None:
    """Width and height of a picture before it was scaled; None where its file is gone meanwhile."""
    cell = cells[row].as_py()
    try:
        height, width = dimensions(Path(cell["path"]) if isinstance(cell, dict) else cell)
    except Unreadable:
        return None
    return width, height
