"""A picture with what is unusual about it shown in colour."""

from __future__ import annotations

import io

import numpy as np

from mfgsql.errors import MissingExtraError
from mfgsql.tasks.task import Array

_LONGEST = 512  # pixels of the longer side
_SHOWN, _FULL = 0.4, 1.4  # how unusual a place is that begins to be coloured, and one that has all its colour
_LOW, _HIGH = (255.0, 215.0, 0.0), (215.0, 0.0, 40.0)  # yellow to red
_OPAQUE = 0.65  # of the strongest colour: the picture is seen through it


def heat_map_png(picture: Array, places: Array, original: tuple[int, int]) -> bytes:
    """The picture in grey, coloured where it is unusual: a PNG of the original's proportions, of at most 512 pixels.

    Args:
        picture: uint8 [channels, height, width], at any size.
        places: how unusual each place is, [h, w]; 1 is the limit.
        original: width and height of the picture before it was scaled.

    Raises:
        MissingExtraError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("Pictures need an extra.", remedy="pip install 'mfgsql[image]'") from None
    scale = min(1.0, _LONGEST / max(original))
    size = (max(1, round(original[0] * scale)), max(1, round(original[1] * scale)))
    grey = Image.fromarray(np.asarray(picture).mean(axis=0).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
    heat = np.clip((np.asarray(places, np.float32) - _SHOWN) / (_FULL - _SHOWN), 0, 1)
    spread = np.asarray(Image.fromarray(heat).resize(size, Image.Resampling.BILINEAR))[..., None]
    colour = np.array(_LOW) + spread * (np.array(_HIGH) - np.array(_LOW))
    alpha = _OPAQUE * np.sqrt(spread)
    mixed = (1 - alpha) * np.asarray(grey, np.float32)[..., None] + alpha * colour
    written = io.BytesIO()
    Image.fromarray(mixed.round().astype(np.uint8)).save(written, "PNG")
    return written.getvalue()
