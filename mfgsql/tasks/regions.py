"""Where a picture is unusual: the parts of a map that stand out, as boxes in the picture that was given."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from mfgsql.tasks.task import Array

MOST = 20  # regions of a picture
_EDGE = 0.4  # a region goes down to this share of the threshold, and of its own highest place
_SPECK = 1 / 4_000  # share of the map below which a region is none, unless there is no other


def regions(places: Array, threshold: float, original: tuple[int, int]) -> list[dict[str, Any]]:
    """Boxes around what is unusual, the most unusual first: x, y, width, height (pixels) and score (the highest place).

    Each holds a place above the threshold, and what lies around it is unusual as well (Canny's hysteresis, "A
    Computational Approach to Edge Detection", 1986).

    Args:
        places: how unusual each place is, [h, w]; the map covers the whole picture.
        threshold: above 0. original: width and height of the picture, in pixels; x and y count from its upper left.
    """
    places = np.asarray(places, np.float64)
    labels, count = ndimage.label(places > _EDGE * threshold, structure=np.ones((3, 3)))
    highest = np.asarray(ndimage.maximum(places, labels, np.arange(1, count + 1)), np.float64)
    inside = np.where(places > _EDGE * np.append(np.inf, highest)[labels], labels, 0)
    cells, boxes = np.bincount(inside.ravel(), minlength=count + 1)[1:], ndimage.find_objects(inside, count)
    chosen = [i for i in np.argsort(-highest, kind="stable").tolist() if highest[i] > threshold]
    kept = [i for i in chosen if cells[i] >= _SPECK * places.size] or chosen[:1]
    return [_box(boxes[i], float(highest[i]), places.shape, original) for i in kept[:MOST]]


def _box(cells: tuple[slice, slice], score: float, shape: tuple[int, ...], original: tuple[int, int]) -> dict[str, Any]:
    """The pixels of the original that these cells of the map touch."""
    (y, y_stop), (x, x_stop) = (
        (s.start * pixels // size, -(-s.stop * pixels // size))
        for s, size, pixels in zip(cells, shape, original[::-1], strict=True)
    )
    return {"x": x, "y": y, "width": x_stop - x, "height": y_stop - y, "score": score}
