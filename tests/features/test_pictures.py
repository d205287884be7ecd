"""Pictures of all formats, sound and damaged, as pixels of one size."""

from __future__ import annotations

import io
import os
import random
import re
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from mfgsql.features.decoding import decode_many
from mfgsql.features.pictures import (
    HEAD,
    MOST_PIXELS,
    PATHS,
    Unreadable,
    decode,
    dimensions,
    looks_like_picture,
    opened,
)
from mfgsql.features.room import Room

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP")
LOSSLESS = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98, "subsampling": 0}}


def stored(image: Image.Image, kind: str = "PNG", **more) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **LOSSLESS.get(kind, {}) | more)
    return file.getvalue()


def halves(height: int = 40, width: int = 60) -> Image.Image:
    """Black, but white in the upper left quarter and grey below it."""
    values = np.zeros((height, width), np.uint8)
    values[: height // 2, : width // 2], values[height // 2 :, : width // 2] = 255, 128
    return Image.fromarray(values)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG that declares its size; it need not have the pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def reason(data, size=(8, 8)) -> str:
    with pytest.raises(Unreadable) as raised:
        decode(data, size, 3)
    return str(raised.value)


# -- what can be read ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format(kind, tmp_path):
    grey = halves()
    data = stored(grey.convert("RGB"), kind)
    assert looks_like_picture(data[:HEAD])
    assert dimensions(data) == (40, 60)
    for cell in (data, memoryview(data), bytearray(data)):
        pixels = decode(cell, (40, 60), 1)
        assert (pixels.dtype, pixels.shape, pixels.flags["C_CONTIGUOUS"]) == (np.uint8, (1, 40, 60), True)
        assert np.abs(pixels[0].astype(int) - np.asarray(grey)).max() <= 6
    file = tmp_path / f"x.{kind.lower()}"
    file.write_bytes(data)
    assert (decode(file, (40, 60), 1) == pixels).all()
    colours = decode(data, (20, 30), 3)
    assert colours.shape == (3, 20, 30)
    assert abs(int(colours[:, 2, 2].min()) - 255) <= 3
    assert abs(int(colours[1, 17, 3]) - 128) <= 3


def test_colours_stay_in_their_channels():
    image = Image.fromarray(np.tile(np.array([250, 130, 10], np.uint8), (16, 24, 1)))
    for kind in ("PNG", "BMP", "TIFF", "WEBP", "GIF", "JPEG"):
        assert np.abs(decode(stored(image, kind), (4, 4), 3)[:, 1, 1].astype(int) - [250, 130, 10]).max() <= 4
    cmyk = decode(stored(image.convert("CMYK"), "JPEG"), (4, 4), 3)
    assert np.abs(cmyk[:, 1, 1].astype(int) - [250, 130, 10]).max() <= 6


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_as_exif_says(kind, orientation):
    sent = stored(halves().convert("RGB"), kind, exif=turned(orientation))
    upright = np.asarray(halves())
    if orientation >= 5:
        upright = upright.T
    expected = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright,
                6: upright[:, ::-1], 7: upright[::-1, ::-1], 8: upright[::-1]}[orientation]  # fmt: skip
    assert dimensions(sent) == expected.shape
    assert np.abs(decode(sent, expected.shape, 1)[0].astype(int) - expected).max() <= 6


def test_damaged_exif_hides_no_picture():
    sent = stored(halves(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff garbage")
    with pytest.warns(UserWarning, match="EXIF"):
        assert decode(sent, (40, 60), 1)[0, 5, 5] > 250


def test_more_than_eight_bits():
    steps = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    for kind in ("PNG", "TIFF"):
        assert (decode(stored(Image.fromarray(steps), kind), (8, 8), 1)[0] == steps >> 8).all()
    big_endian = Image.frombytes("I;16B", (8, 8), steps.astype(">u2").tobytes())
    assert (decode(stored(big_endian, "TIFF"), (8, 8), 1)[0] == steps >> 8).all()
    whole = Image.fromarray(np.array([[-100_000, 0], [100_000, 50_000]], np.int32))
    assert decode(stored(whole, "TIFF"), (2, 2), 1).tolist() == [[[0, 128], [255, 191]]]
    real = Image.fromarray(np.array([[-1.5, 0.5], [np.nan, np.inf]], np.float32))
    assert decode(stored(real, "TIFF"), (2, 2), 3).tolist() == [[[0, 255], [0, 255]]] * 3
    for nothing in (np.full((3, 3), np.nan, np.float32), np.full((3, 3), 7.5, np.float32)):
        assert not decode(stored(Image.fromarray(nothing), "TIFF"), (3, 3), 1).any()


def test_one_bit_palettes_and_transparency():
    assert decode(stored(halves().convert("1", dither=0), "PNG"), (40, 60), 1)[0, 5, 5] == 255
    red = Image.new("RGB", (9, 9), (200, 0, 0))
    assert decode(stored(red.quantize(4)), (9, 9), 3)[:, 4, 4].tolist() == [200, 0, 0]
    assert decode(stored(red, transparency=(200, 0, 0)), (9, 9), 3)[:, 4, 4].tolist() == [255] * 3
    assert decode(stored(red.quantize(4), transparency=0), (9, 9), 3)[:, 4, 4].tolist() == [255] * 3
    for alpha, expected in ((0, [255] * 3), (255, [200, 0, 0])):
        assert decode(stored(Image.new("RGBA", (9, 9), (200, 0, 0, alpha))), (9, 9), 3)[:, 4, 4].tolist() == expected
        assert decode(stored(Image.new("LA", (9, 9), (90, alpha))), (3, 3), 1)[0, 1, 1] == (90 if alpha else 255)


def test_the_first_picture_of_an_animation():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        data = stored(frames[0], kind, save_all=True, append_images=frames[1:])
        assert np.abs(decode(data, (8, 8), 3)[:, 4, 4].astype(int) - [255, 0, 0]).max() <= 1


@pytest.mark.parametrize("kind", FORMATS)
def test_one_pixel(kind):
    pixels = decode(stored(Image.new("RGB", (1, 1), (7, 7, 7)), kind), (32, 48), 3)
    assert pixels.shape == (3, 32, 48)
    assert np.abs(pixels.astype(int) - 7).max() <= 1


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (2, 2), (1999, 3)])
def test_any_proportion_becomes_the_size(shape):
    assert decode(stored(Image.new("L", shape, 90), "JPEG"), (5, 7), 1).tolist() == [[[90] * 7] * 5]


def test_large_jpegs_look_as_they_do_at_full_size():
    waves = np.add.outer(np.sin(np.arange(1200) / 90), np.cos(np.arange(1600) / 70))
    image = Image.fromarray((waves * 60 + 128).astype(np.uint8)).convert("RGB")
    small, fair = decode(stored(image, "JPEG"), (48, 64), 1), decode(stored(image), (48, 64), 1)
    assert np.abs(small.astype(int) - fair).max() <= 3


# -- what can't ---------------------------------------------------------------------------------------------------------


def test_what_is_no_picture():
    assert reason(b"") == "empty"
    for nothing in (
        b"x",
        b"PK\x03\x04" + bytes(99),
        "备注".encode(),
        bytes(5000),
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"BMW 320i, blue",
    ):
        assert not looks_like_picture(nothing[:HEAD])
        assert reason(nothing) == "not a picture"


def test_bombs_are_refused_by_what_they_declare():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for sides in ((20_000, 20_000), (9_000, 9_000), (2**31 - 1, 2**31 - 1)):  # also where Pillow would but warn
            data, began = png(*sides), time.perf_counter()
            assert reason(data) == f"{sides[0]} x {sides[1]} pixels: more than 64,000,000"
            assert reason(data) == reason(data, (64, 64))
            assert time.perf_counter() - began < 1
            with pytest.raises(Unreadable, match="pixels"):
                dimensions(data)


def test_a_bomb_that_has_its_pixels():
    row = zlib.compressobj(9)
    body = b"".join(row.compress(bytes(20_001 * 100)) for _ in range(200)) + row.flush()
    assert len(body) < 500_000
    assert reason(png(20_000, 20_000, body)) == "20000 x 20000 pixels: more than 64,000,000"


def test_large_files_are_refused_unread(tmp_path):
    file = tmp_path / "sparse.png"
    with file.open("wb") as sparse:
        sparse.truncate(2**40)
    assert reason(file) == "1,099,511,627,776 bytes: more than 268,435,456"
    with pytest.raises(Unreadable, match="5 bytes: more than 4"):
        small = tmp_path / "five"
        small.write_bytes(b"12345")
        opened(small, 4)


def test_files_that_are_none(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert reason(tmp_path / "no.png") == "no such file"
    assert reason(tmp_path / "empty.png") == "empty"
    assert reason(tmp_path) == reason(tmp_path / "pipe.png") == reason(Path("/dev/zero")) == "not a file"
    for odd in ("loop.png", "a\0b.png", "x" * 5000):
        assert reason(tmp_path / odd).startswith("can't be opened (")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "GIF"])
def test_cut_off(kind):
    noise = Image.effect_noise((90, 90), 80).convert("RGB")
    data = stored(noise, kind)
    for share in (0.3, 0.6, 0.9):
        cut = data[: int(len(data) * share)]
        assert reason(cut).startswith(("truncated", "damaged"))
    if kind in ("JPEG", "PNG", "BMP"):
        assert reason(data[: len(data) // 2]) == "truncated"


VARIANTS: list[Callable[[], bytes]] = [
    *(lambda k=k: stored(Image.effect_noise((30, 20), 60).convert("RGB"), k) for k in FORMATS),
    *(
        lambda c=c: stored(halves().convert("RGB"), "TIFF", compression=c)
        for c in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits")
    ),
    lambda: stored(halves().convert("1"), "TIFF", compression="group4"),
    lambda: stored(halves().convert("RGB"), "JPEG", progressive=True, exif=turned(6)),
    lambda: stored(halves().convert("CMYK"), "JPEG"),
    lambda: stored(halves().convert("RGBA"), "PNG", exif=turned(5)),
    lambda: stored(halves().quantize(7), "PNG", transparency=1),
    lambda: stored(Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)), "PNG"),
    lambda: stored(Image.fromarray(np.arange(600, dtype=np.float32).reshape(20, 30)), "TIFF"),
    lambda: stored(halves(), "GIF", save_all=True, append_images=[halves().rotate(90)]),
    lambda: stored(halves().convert("RGB"), "WEBP", save_all=True, append_images=[halves().convert("RGB").rotate(90)]),
]
SOUND = [make() for make in VARIANTS]


def readable_or_told(data: bytes) -> None:
    try:
        pixels = decode(data, (6, 5), 3)
    except Unreadable as told:
        assert 0 < len(str(told)) < 200
    else:
        assert (pixels.shape, pixels.dtype) == ((3, 6, 5), np.uint8)
    try:
        assert min(dimensions(data)) > 0
    except Unreadable:
        pass


@settings(max_examples=400)
@given(st.integers(0, len(SOUND) - 1), st.data())
def test_whatever_is_changed_or_cut(which, data):
    changed = bytearray(SOUND[which])
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(changed) - 1) | st.integers(0, min(120, len(changed) - 1)))
        length = data.draw(st.integers(1, 4))
        changed[at : at + length] = data.draw(st.binary(min_size=0, max_size=6))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about odd metadata
        readable_or_told(bytes(changed[: data.draw(st.integers(0, len(changed)) | st.just(len(changed)))]))


@settings(max_examples=200)
@given(st.sampled_from([s[:HEAD] for s in SOUND]) | st.just(b""), st.binary(max_size=400))
def test_whatever_the_bytes(head, body):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        readable_or_told(head + body)
    looks_like_picture(body)


def test_pillow_stays_as_it_is():
    def state():
        return Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK, list(warnings.filters)

    before = state()
    for data in (*SOUND, png(20_000, 20_000), b"x"):
        readable_or_told(data)
    assert state() == before


def test_without_pillow():
    code = (
        "import sys; sys.modules['PIL'] = None\n"
        "from mfgsql.features.pictures import decode\n"
        "from mfgsql.errors import MissingExtraError\n"
        f"data = {SOUND[0]!r}\n"
        "try: decode(data, (4, 4), 3)\n"
        "except MissingExtraError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'mfgsql[image]'" in run.stdout


# -- names --------------------------------------------------------------------------------------------------------------


def test_names_of_pictures():
    for name in ("a.png", "x/y.JPG", "C:\\p\\z.jpeg", "裂纹.tif", "b.TIFF", "a b.bmp", "x.gif", "x.webp"):
        assert re.search(PATHS, name)
    for name in ("png", "a.png.txt", "a.jpgs", "", "a.png ", "note about x.png, see there", "a.svg"):
        assert not re.search(PATHS, name)


# -- many ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_many_keep_their_order(threads):
    cells = [stored(Image.new("L", (20, 20), i), "PNG") if i % 5 else None for i in range(100)]
    cells[7], cells[9] = b"broken", cells[9][:50]
    pixels, reasons = decode_many(cells, (4, 6), 1, threads)
    assert pixels.shape == (100, 1, 4, 6)
    for i in range(100):
        assert (pixels[i] == (0 if i in (7, 9) or i % 5 == 0 else i)).all()
    assert [i for i, why in enumerate(reasons) if why] == [7, 9]
    assert reasons[7] == "not a picture"
    for none in ([], [None, None]):
        assert (decode_many(none, (4, 6), 3, threads)[0].shape, decode_many(none, (4, 6), 3, threads)[1]) == (
            (len(none), 3, 4, 6), none)  # fmt: skip


def test_many_callers_at_once():
    cells = [SOUND[i % len(SOUND)] for i in range(120)]
    expected = decode_many(cells, (9, 9), 3, 1)[0]
    found: list[bool] = []
    callers = [
        threading.Thread(target=lambda: found.append(bool((decode_many(cells, (9, 9), 3, 3)[0] == expected).all())))
        for _ in range(6)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [True] * 6


@pytest.mark.parametrize("threads", [1, 3])
def test_it_stops_when_told(threads):
    slow = stored(Image.effect_noise((1500, 1500), 60), "PNG")
    polled = []

    def check() -> None:
        polled.append(1)
        if len(polled) > 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        decode_many([slow] * 500, (8, 8), 1, threads, check)
    assert len(polled) == 4
    assert decode_many([SOUND[0]] * 3, (8, 8), 1, threads)[1] == [None] * 3


def test_memory_stays_flat():
    """12 pictures of 9 MP, 36 MB decoded each: held together they would be 430 MB."""
    code = (
        "import io, resource, sys\n"
        "from PIL import Image\n"
        "from mfgsql.features.decoding import decode_many\n"
        "file = io.BytesIO(); Image.new('RGB', (3000, 3000), 'teal').save(file, 'PNG')\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "decode_many([file.getvalue()] * 4, (32, 32), 3, 4); few = peak()\n"
        "pixels, reasons = decode_many([file.getvalue()] * int(sys.argv[1]), (32, 32), 3, 4)\n"
        "assert not any(reasons) and pixels[-1, 1].min() == 128\n"
        "print(few, peak())\n"
    )
    run = subprocess.run([sys.executable, "-c", code, "12"], capture_output=True, text=True, check=True)
    few, many = map(int, run.stdout.split())
    assert many - few < 100


# -- room ---------------------------------------------------------------------------------------------------------------


def test_room_is_never_overdrawn_and_the_large_get_theirs():
    room, lock, inside, most, done = Room(10), threading.Lock(), [0], [0], []

    def work(amount: int) -> None:
        with room.taken(amount):
            with lock:
                inside[0] += min(amount, 10)
                most[0] = max(most[0], inside[0])
            time.sleep(0.001)
            with lock:
                inside[0] -= min(amount, 10)
                done.append(amount)

    amounts = [random.Random(i).choice([1, 3, 9, 10, 99]) for i in range(60)]
    workers = [threading.Thread(target=work, args=(a,)) for a in amounts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert sorted(done) == sorted(amounts)
    assert 0 < most[0] <= 10


def test_room_comes_back_after_an_error():
    room = Room(MOST_PIXELS)
    for _ in range(3):
        with pytest.raises(ValueError), room.taken(MOST_PIXELS):
            raise ValueError
    with room.taken(1):
        pass
