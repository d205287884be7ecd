"""Parts of a text or picture sum to what it contributes, and the one that decides has it all."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.cancellation import Cancellation
from mfgsql.errors import CancelledError
from mfgsql.features.parts import Cells, Words
from mfgsql.scoring.attributing import _PREDICTIONS, _descend, _shapley, look_inside
from mfgsql.scoring.explaining import explain, rows_of
from tests.scoring.mixed import NOTES, png, rows, scorer

pytest.importorskip("PIL")


def check() -> None:
    """Go on."""


def cells(size: int = 32) -> Cells:
    return Cells.of(torch.zeros(3, size, size, dtype=torch.uint8))


def words(count: int) -> Words:
    encoder = scorer("two", "t").model.manifest.features.encoders[0]
    return Words.of(" ".join(f"w{i}" for i in range(count)), encoder)


@given(st.integers(1, 4), st.data())
def test_shapley_values_are_those_of_the_definition(players: int, data: st.DataObject) -> None:
    worths = np.array(data.draw(st.lists(st.floats(-9, 9), min_size=2**players, max_size=2**players)))
    wanted = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        coalition = 0
        for player in order:
            wanted[player] += (worths[coalition | 1 << player] - worths[coalition]) / len(orders)
            coalition |= 1 << player
    assert _shapley(players) @ worths == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 63), min_size=1, max_size=5, unique=True))
def test_places_that_tell_the_same_share_it_and_no_other_gets_any(decisive: list[int]) -> None:
    parts = cells()
    found = _descend(parts, lambda which: which[:, decisive].any(axis=1).astype(float), 1.0)
    assert sum(value for _, value in found) == pytest.approx(1.0)
    for part, value in found:
        holds = parts.mask(part)[decisive].sum()
        assert value == pytest.approx(0, abs=1e-9) if not holds else value > 0


@given(st.lists(st.floats(-1, 1), min_size=64, max_size=64), st.floats(-3, 3))
def test_parts_do_not_overlap_and_sum_to_what_is_told(effects: list[float], whole: float) -> None:
    parts, calls = cells(), []
    found = _descend(parts, lambda which: (calls.append(len(which)), which @ np.array(effects))[1], whole)
    assert sum(calls) <= _PREDICTIONS
    assert np.sum([parts.mask(part) for part, _ in found], axis=0).tolist() == [1] * 64
    assert sum(value for _, value in found) == pytest.approx(whole, abs=1e-9)


def test_a_word_in_a_long_text_is_found() -> None:
    parts, calls = words(3000), []
    found = _descend(parts, lambda which: (calls.append(len(which)), which[:, 1234].astype(float))[1], 0.8)
    best, value = max(found, key=lambda pair: pair[1])
    assert parts.mask(best).nonzero()[0].tolist() == [1234]
    assert value == pytest.approx(0.8)
    assert sum(calls) <= _PREDICTIONS


@pytest.mark.parametrize("columns", ["nwti", "tu", "t", "i"])
@pytest.mark.parametrize("kind", ["two", "three", "levels", "labels", "number"])
def test_of_a_row_they_sum_to_what_the_column_contributes(kind: str, columns: str) -> None:
    of = scorer(kind, columns)
    batch, features = rows(of, 6), of.model.manifest.features
    contributions = explain(of, batch, check)
    for row in range(6):
        for place, name in enumerate(features.fields()):
            text = None if name == "i" else NOTES[0]
            whole = float(contributions[row, features.names.index(name)])
            inside = look_inside(of, rows_of(batch, np.array([row])), name, text, whole, check)
            if not batch.fields[place].there[row]:
                assert inside.found == []
                assert whole == 0
                continue
            assert sum(value for _, value in inside.found) == pytest.approx(whole, abs=1e-5)


def test_it_can_be_stopped_and_an_empty_text_has_no_parts() -> None:
    of = scorer("two", "nt")
    some = {"n": pa.array([1.0]), "t": pa.array([NOTES[0]])}
    row = of.model.manifest.features.encode(some, 1)
    cancellation = Cancellation()
    cancellation.set()
    with pytest.raises(CancelledError):
        look_inside(of, row, "t", NOTES[0], 0.5, cancellation.check)
    empty = of.model.manifest.features.encode(some | {"t": pa.array(["  "])}, 1)
    assert look_inside(of, empty, "t", "  ", 0.5, check).found == []


def test_the_place_that_is_shown_is_the_one_of_the_picture() -> None:
    of = scorer("number", "i")
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[30:, 60:] = 255
    row = of.model.manifest.features.encode({"i": pa.array([png(pixels)])}, 1)
    inside = look_inside(of, row, "i", None, float(explain(of, row, check)[0, 0]), check)
    boxes = [inside.parts.box(part, (40, 80)) for part, _ in inside.found]
    assert sum(width * height for *_, width, height in boxes) == 40 * 80
