"""A text or picture is the sum of its parts, and a part lies where it says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.features.fields import MISSING, Pictures
from mfgsql.features.parts import Cells, Part, Parts, Words, emptied
from mfgsql.features.text import TextEncoder
from mfgsql.features.tokens import Tokenizer

ENCODER = TextEncoder("note", nullable=True, tokenizer=Tokenizer.train(["pump leaks oil", "漏油 at the pump"] * 4))
sizes = st.integers(1, 90)


def leaves(parts: Parts, part: Part) -> list[Part]:
    """All that cannot be split further; each split covers its part exactly, in two to four pieces."""
    pieces = parts.split(part)
    if not pieces:
        assert parts.mask(part).sum() <= 1
        return [part]
    assert 2 <= len(pieces) <= 4
    assert np.sum([parts.mask(piece) for piece in pieces], axis=0).tolist() == parts.mask(part).astype(int).tolist()
    return [leaf for piece in pieces for leaf in leaves(parts, piece)]


def pieces_of(texts: list[str | None]) -> list[list[int]]:
    field = ENCODER.encode(pa.array(texts, pa.string())).values
    return [field.flat[s : s + max(n, 0)].tolist() for s, n in zip(field.starts, field.lengths, strict=True)]


@given(st.text(max_size=60))
def test_words_are_split_down_to_each(text: str) -> None:
    words = Words.of(text, ENCODER)
    if not words.units:
        assert words.split(words.whole) == []
        assert not words.mask(words.whole).any()
        return
    places = [words.place(leaf) for leaf in leaves(words, words.whole)]
    assert places == list(words.units)
    shown = words.shown(np.ones((1, len(words.units)), bool))
    assert shown.flat.tolist() == pieces_of([text.strip()])[0]
    assert words.shown(np.zeros((1, len(words.units)), bool)).lengths.tolist() == [0]


def test_words_that_are_left_out_take_the_blank_before_them() -> None:
    words = Words.of("  pump leaks,  oil 漏油", ENCODER)
    which = np.array([[True, False, True, False, False], [False, True, False, True, True]])
    shown = words.shown(which)
    expected = pieces_of(["pump  oil", "leaks, 漏油"])
    assert [shown.flat[s : s + n].tolist() for s, n in zip(shown.starts, shown.lengths, strict=True)] == expected
    assert [words.text[slice(*words.place((at, at + 1)))] for at in range(5)] == ["pump", "leaks,", "oil", "漏", "油"]


@given(sizes, sizes, sizes, sizes)
def test_cells_cover_the_picture(height: int, width: int, tall: int, wide: int) -> None:
    cells = Cells.of(torch.zeros(1, height, width, dtype=torch.uint8))
    all_cells = leaves(cells, cells.whole)
    assert len(all_cells) == cells.grid[0] * cells.grid[1]
    assert cells.box(cells.whole, (tall, wide)) == (0, 0, wide, tall)
    covered = np.zeros((tall, wide), int)
    for cell in all_cells:
        x, y, w, h = cells.box(cell, (tall, wide))
        assert 0 <= x < x + w <= wide
        assert 0 <= y < y + h <= tall
        covered[y : y + h, x : x + w] += 1
    assert covered.all()
    if min(tall, wide) >= 8:
        assert covered.max() == 1


@given(sizes, sizes, st.integers(0, 2**32))
def test_hidden_cells_have_the_mean_colour(height: int, width: int, seed: int) -> None:
    torch.manual_seed(seed)
    cells = Cells.of(torch.randint(256, (3, height, width), dtype=torch.uint8))
    which = torch.rand(4, cells.grid[0] * cells.grid[1]) < 0.5
    which[0], which[1] = True, False
    pixels = cells.shown(which.numpy()).pixels
    assert torch.equal(pixels[0], cells.pixels)
    mean = cells.pixels.float().mean(dim=(1, 2)).round().to(torch.uint8)
    assert torch.equal(pixels[1], mean[:, None, None].expand_as(cells.pixels))
    for line, shown in zip(which[2:], pixels[2:], strict=True):
        for at, on in enumerate(line.tolist()):
            row, column = divmod(at, cells.grid[1])
            x, y, w, h = cells.box((row, row + 1, column, column + 1), (height, width))
            wanted = cells.pixels if on else mean[:, None, None].expand_as(cells.pixels)
            assert torch.equal(shown[:, y : y + h, x : x + w], wanted[:, y : y + h, x : x + w])


def test_what_is_missing_stays_so() -> None:
    texts = emptied(ENCODER.encode(pa.array(["pump leaks", None, ""])).values)
    assert texts.lengths.tolist() == [0, MISSING, 0]
    pixels = torch.tensor([[[[0, 100]]], [[[7, 7]]]], dtype=torch.uint8)
    pictures = emptied(Pictures(pixels, torch.tensor([True, False])))
    assert pictures.pixels.tolist() == [[[[50, 50]]], [[[7, 7]]]]
    assert pictures.there.tolist() == [True, False]
