"""Pictures in a column: BLOBs, permitted paths, and what can't be read."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mfgsql.features import ColumnProfile, Flag, Rejection
from mfgsql.features.categorical import CategoricalEncoder
from mfgsql.features.featureset import FeatureSet, fit_encoder
from mfgsql.features.fields import Pictures
from mfgsql.features.image import ImageEncoder

CELLS = pa.struct([("path", pa.string()), ("reason", pa.string())])


def picture(value: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (9, 7), value).save(file, "PNG")
    return file.getvalue()


def cut() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((40, 40), 50).save(file, "PNG")
    return file.getvalue()[:900]


def encoder(nullable: bool = True) -> ImageEncoder:
    return ImageEncoder("photo", nullable).sized((6, 8), 1)


def encoded(values: pa.Array, nullable: bool = True) -> tuple[Pictures, dict[str, Flag]]:
    column = encoder(nullable).encode(values)
    assert isinstance(column.values, Pictures)
    assert column.values.pixels.shape == (len(values), 1, 6, 8)
    assert column.values.pixels.dtype == torch.uint8
    return column.values, {flag.status: flag for flag in column.flags}


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_blobs(kind):
    values = pa.array([picture(10), None, b"PK", picture(200), b"", cut()], kind)
    pictures, flags = encoded(values)
    assert pictures.there.tolist() == [True, False, False, True, False, False]
    assert pictures.pixels[:, 0, 2, 2].tolist() == [10, 0, 0, 200, 0, 0]
    assert set(flags) == {"unreadable"}
    assert flags["unreadable"].rows.tolist() == [False, False, True, False, True, True]
    assert flags["unreadable"].describe(2) == "photo can't be read: not a picture"
    assert flags["unreadable"].describe(4) == "photo can't be read: empty"
    assert flags["unreadable"].describe(5) == "photo can't be read: truncated"
    assert encoded(values.slice(3, 1))[0].pixels[0, 0, 2, 2] == 200


def test_null_is_missing_where_it_never_was():
    values = pa.array([picture(1), None, b"PK"], pa.binary())
    _, flags = encoded(values, nullable=False)
    assert flags["missing"].rows.tolist() == [False, True, False]
    assert flags["missing"].describe(1) == "photo is missing (never so in training)"
    pictures, flags = encoded(pa.nulls(2, pa.null()), nullable=False)
    assert (pictures.there.tolist(), set(flags)) == ([False, False], {"missing"})


def test_permitted_paths(tmp_path):
    (tmp_path / "a.png").write_bytes(picture(77))
    rows = [{"path": str(tmp_path / "a.png"), "reason": None}, None, {"path": None, "reason": "not for readers"},
            {"path": str(tmp_path / "no.png"), "reason": None}, {"path": None, "reason": None},
            {"path": str(tmp_path / "a.png"), "reason": "a path and a reason"}]  # fmt: skip
    pictures, flags = encoded(pa.array(rows, CELLS))
    assert pictures.there.tolist() == [True, False, False, False, False, False]
    assert pictures.pixels[0].unique().tolist() == [77]
    assert [flags["unreadable"].describe(i).split(": ")[1] for i in (2, 3, 5)] == [
        "not for readers", "no such file", "a path and a reason"]  # fmt: skip
    assert flags["unreadable"].rows.tolist() == [False, False, True, True, False, True]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_a_text_is_never_opened(kind, tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(picture(77))
    pictures, flags = encoded(pa.array([str(file), None], pa.string()).cast(kind))
    assert pictures.there.tolist() == [False, False]
    assert flags["unreadable"].rows.tolist() == [True, False]
    assert "a path is opened only where" in flags["unreadable"].describe(0)


@pytest.mark.parametrize("values", [[1, None], [[1], None], [{"path": "/etc/passwd"}, None], [True, None]])
def test_other_types_are_no_pictures(values):
    pictures, flags = encoded(pa.array(values))
    assert (pictures.there.tolist(), flags["unreadable"].rows.tolist()) == ([False, False], [True, False])
    assert "is no picture" in flags["unreadable"].describe(0)


@given(st.lists(st.none() | st.binary(max_size=40) | st.integers(0, 255).map(picture), max_size=8), st.booleans())
def test_every_row_is_there_missing_or_unreadable(cells, nullable):
    pictures, flags = encoded(pa.array(cells, pa.binary()), nullable)
    bad = flags["unreadable"].rows if "unreadable" in flags else np.zeros(len(cells), bool)
    null = np.array([cell is None for cell in cells], bool)
    assert (pictures.there.numpy() == ~bad & ~null).all()
    assert not (bad & null).any()
    assert (null.any() and not nullable) == ("missing" in flags)
    assert not pictures.pixels[~pictures.there].any()


def test_it_stops_when_told():
    def check() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        encoder().encode(pa.array([picture(1)], pa.binary()), check)


def blobs(pictures: float, nulls: int = 0) -> ColumnProfile:
    return ColumnProfile("photo", "BLOB", 100, nulls, distinct=90, sampled=90, pictures=pictures)


def paths(share: float) -> ColumnProfile:
    top = tuple((f"{i}.png", 1) for i in range(100))
    return ColumnProfile("photo", "VARCHAR", 100, 0, 100, 100, top=top, longest=9, picture_paths=share)


def test_which_columns_are_pictures():
    for profile in (blobs(0.5), blobs(1.0), paths(0.95)):
        assert fit_encoder(profile) == ImageEncoder("photo", nullable=False)
    assert ImageEncoder.fit(blobs(0.9, nulls=10)) == ImageEncoder("photo", nullable=True)
    few = fit_encoder(blobs(0.25))
    assert isinstance(few, Rejection)
    assert few.reason == "a BLOB: of its values 25% look like pictures that can be read"
    assert ImageEncoder.fit(blobs(0.0, nulls=100)) == Rejection("photo", "all NULL")
    assert ImageEncoder.fit(ColumnProfile("x", "DOUBLE", 9, 0)) is None
    assert ImageEncoder.fit(paths(0.5)) is None
    assert CategoricalEncoder.fit(paths(0.95)) is None
    assert isinstance(CategoricalEncoder.fit(paths(0.5)), Rejection)


def test_it_is_saved_and_widened():
    features, rejected = FeatureSet.fit([blobs(1.0)])
    assert not rejected
    first = features.encoders[0]
    assert isinstance(first, ImageEncoder)
    assert (first.column.field, first.column.size, first.column.categorical) == ("image", 0, False)
    sized = first.sized((32, 64), 1)
    assert ImageEncoder.from_dict(json.loads(json.dumps(sized.to_dict()))) == sized
    assert sized.widen(blobs(1.0, nulls=3)) == ImageEncoder("photo", True, (32, 64), 1)
    assert FeatureSet((sized,)).nullable().encoders == (ImageEncoder("photo", True, (32, 64), 1),)
