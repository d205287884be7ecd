"""One picture: from the bytes of a cell, or a file, to pixels of the size that a network takes.

Anybody may have written what a cell holds: whatever it is, it becomes pixels or one `Unreadable`. A picture beyond the
limits is refused by the size it declares, before a pixel of it is decoded. Only readers of the few formats below are
ever called, and Pillow's settings, which are the whole process's, stay as they are.
"""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mfgsql.errors import MissingExtraError
from mfgsql.features.room import Room

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

Pixels = npt.NDArray[np.uint8]
Data = bytes | bytearray | memoryview | Path

MOST_PIXELS = 64_000_000  # of one picture, and of all that are decoded at one moment
MOST_BYTES = 256 * 2**20  # of one picture as it is stored
_BAND = 256  # rows of a picture
HEAD = 20  # bytes that tell the format
PATHS = r"(?i)\.(bmp|gif|jpe?g|png|tiff?|webp)$"  # for Python and for DuckDB
_READERS = (  # how a file begins, and Pillow's module and class for it
    (rb"\x89PNG\r\n\x1a\n", "PngImagePlugin", "PngImageFile"),
    (rb"\xff\xd8\xff", "JpegImagePlugin", "JpegImageFile"),
    (rb"GIF8[79]a", "GifImagePlugin", "GifImageFile"),
    (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "BmpImagePlugin", "BmpImageFile"),
    (rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]", "TiffImagePlugin", "TiffImageFile"),
    (rb"RIFF.{4}WEBP", "WebPImagePlugin", "WebPImageFile"),
)
_TRANSPOSED = (None, "FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM",
               "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")  # fmt: skip
_room = Room(MOST_PIXELS)


class Unreadable(Exception):  # noqa: N818  (a verdict on one cell; it ends no run)
    """Why something is no picture that can be read, in a few words."""


def looks_like_picture(head: bytes) -> bool:
    """Whether the first `HEAD` bytes are those of a format that is read."""
    return _reader(head) is not None


def decode(data: Data, size: tuple[int, int], channels: int) -> Pixels:
    """A picture as uint8 [channels, height, width], upright as its EXIF says, on white where it is transparent.

    The whole picture is scaled to ``size`` whatever its proportions, so that a place in one is a place in the other.
    Of an animation the first picture counts. Values of 16 bits are divided by 256; of 32 bits, or fractions, a
    picture's own least and largest value become 0 and 255.

    Args:
        data: the bytes of a file, or the path of one, which the caller has permitted.
        size: height and width. channels: 1 (grey) or 3 (RGB).

    Raises:
        Unreadable: it is empty, no picture, damaged, cut off, or too large.
        MissingExtraError: Pillow is not installed.
    """
    with _opening(data) as image:
        most = 2 * max(size)
        image.draft("L" if channels == 1 else None, (most, most))  # a JPEG can be decoded at a half, fourth or eighth
        with _room.taken(image.width * image.height):
            image.load()
            return _scaled(image, size, channels)


def dimensions(data: Data) -> tuple[int, int]:
    """Height and width of a picture as `decode` sees it before it scales.

    Raises:
        Unreadable, MissingExtraError: as `decode` does; a damage behind the head may go unseen.
    """
    with _opening(data) as image:
        turned = _orientation(image) >= 5 and image.format != "TIFF"  # a TIFF tells its size upright
        return (image.width, image.height) if turned else (image.height, image.width)


def opened(path: Path, most: int = MOST_BYTES) -> IO[bytes]:
    """A plain file of at most ``most`` bytes, open for reading.

    Raises:
        Unreadable: there is none, it is larger or empty, or the system does not let us.
    """
    try:
        # A pipe must not make us wait for somebody who writes.
        file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")
    except FileNotFoundError:
        raise Unreadable("no such file") from None
    except IsADirectoryError:
        raise Unreadable("not a file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise Unreadable(f"can't be opened ({getattr(error, 'strerror', None) or error})") from None
    status = os.fstat(file.fileno())
    try:
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("not a file")
        check_bytes(status.st_size, most)
    except Unreadable:
        file.close()
        raise
    return file


def check_bytes(size: int, most: int = MOST_BYTES) -> None:
    """Refuse what is empty, or larger than ``most`` bytes.

    Raises:
        Unreadable: it is.
    """
    if size == 0:
        raise Unreadable("empty")
    if size > most:
        raise Unreadable(f"{size:,} bytes: more than {most:,}")


@contextmanager
def _opening(data: Data) -> Iterator[ImageFile]:
    """A picture of which only the head is read, not larger than the limit; what goes wrong with it is `Unreadable`."""
    try:
        with _stream(data) as stream:
            head = stream.read(HEAD)
            stream.seek(0)
            reader = _reader(head)
            if reader is None:
                raise Unreadable("not a picture")
            with _plugin(*reader)(stream) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Unreadable(f"{image.width} x {image.height} pixels: more than {MOST_PIXELS:,}")
                yield image
    except (Unreadable, MissingExtraError):
        raise
    except Exception as error:  # noqa: BLE001  (Pillow raises OSError, SyntaxError, ValueError, struct.error, ...)
        raise Unreadable(_words(error)) from None


def _stream(data: Data) -> IO[bytes]:
    if isinstance(data, Path):
        return opened(data)
    check_bytes(len(data))
    return io.BytesIO(data)


def _reader(head: bytes) -> tuple[str, str] | None:
    for magic, module, name in _READERS:
        if re.match(magic, head, re.DOTALL):
            return module, name
    return None


def _plugin(module: str, name: str) -> Any:
    try:
        return getattr(import_module(f"PIL.{module}"), name)
    except ImportError:
        raise MissingExtraError("Pictures need an extra.", remedy="pip install 'mfgsql[image]'") from None


def _words(error: Exception) -> str:
    text = str(error).split("\n")[0][:100] or type(error).__name__
    if isinstance(error, EOFError) or "truncated" in text.lower():
        return "truncated"
    if isinstance(error, MemoryError):
        return "no memory for what it declares"
    if type(error).__name__.startswith("DecompressionBomb"):  # a part that is larger than the whole
        return f"more than {MOST_PIXELS:,} pixels"
    return f"damaged ({text})"


def _scaled(image: Image, size: tuple[int, int], channels: int) -> Pixels:
    """The decoded picture scaled first, in full precision, and only then made plain, since then it is small."""
    import PIL.Image

    orientation = _orientation(image)
    height, width = size if orientation < 5 else size[::-1]
    small = _plain(image).resize((width, height), PIL.Image.Resampling.BICUBIC, reducing_gap=3.0)
    if small.mode in ("LA", "RGBA"):
        small = small.convert("RGBA")
        white = PIL.Image.new("RGBA", small.size, "white")
        small = PIL.Image.alpha_composite(white, small).convert("RGB")
    turn = _TRANSPOSED[orientation - 1]
    if turn is not None:
        small = small.transpose(PIL.Image.Transpose[turn])
    pixels = np.asarray(small.convert("L" if channels == 1 else "RGB"))
    return np.ascontiguousarray(pixels.reshape(*size, channels).transpose(2, 0, 1))


def _plain(image: Image) -> Image:
    """The picture in a mode of 8 bits whose neighbours can be averaged."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _eight_bits(image)
    if image.has_transparency_data and image.mode not in ("LA", "RGBA"):
        return image.convert("RGBA")  # a colour, or an entry of the palette, that means transparent
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _eight_bits(image: Image) -> Image:
    """Grey values of more bits; some rows at a time, since twice 64 bits a pixel would be a lot."""
    import PIL.Image

    values = np.asarray(image)
    low, high = _ends(values)
    if values.dtype.kind != "f" and low >= 0 and high < 2**16:
        return PIL.Image.fromarray((values >> 8).astype(np.uint8))
    scale = 255.0 / (high - low) if high > low else 0.0
    scaled = np.empty(values.shape, np.uint8)
    for i in range(0, len(values), _BAND):
        band = np.nan_to_num(values[i : i + _BAND].astype(np.float64), nan=low, posinf=high, neginf=low)
        scaled[i : i + _BAND] = ((band - low) * scale).round()
    return PIL.Image.fromarray(scaled)


def _ends(values: npt.NDArray[Any]) -> tuple[float, float]:
    """The least and the largest finite value."""
    if values.dtype.kind != "f":
        return float(values.min()), float(values.max())
    finite = np.isfinite(values)
    low, high = np.min(values, where=finite, initial=np.inf), np.max(values, where=finite, initial=-np.inf)
    return (float(low), float(high)) if low <= high else (0.0, 0.0)


def _orientation(image: Image) -> int:
    """1 to 8 as EXIF counts; 1 where it says nothing that can be understood."""
    try:
        found = image.getexif().get(0x0112, 1)
    except Exception:  # noqa: BLE001  (it is but a hint: a damaged one hides no picture)
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1
