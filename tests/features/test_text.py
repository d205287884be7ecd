"""Columns of texts: which are some, and what is said of bad cells."""

from __future__ import annotations

import pyarrow as pa
import pytest

from mfgsql.errors import SourceError
from mfgsql.features import ColumnProfile, FeatureSet
from mfgsql.features.encoders import EncodedColumn
from mfgsql.features.text import TextEncoder
from mfgsql.features.tokens import SPACES, Tokenizer

NOTES = ["hydraulic pump leaks", "bearing noise after oil change", "控制器 漏油", "fuse blown, replaced"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(NOTES * 10, 300)


@pytest.fixture()
def encoder(tokenizer: Tokenizer) -> TextEncoder:
    return TextEncoder("note", nullable=False, most=16, tokenizer=tokenizer)


def profile(**more: object) -> ColumnProfile:
    usual = {
        "name": "note",
        "type": "VARCHAR",
        "rows": 1_000,
        "nulls": 0,
        "distinct": 900,
        "sampled": 1_000,
        "words": 5.0,
    }
    return ColumnProfile(**usual | more)


def statuses(found: EncodedColumn) -> dict[str, list[int]]:
    return {flag.status: flag.rows.nonzero()[0].tolist() for flag in found.flags}


def reasons(found: EncodedColumn) -> list[str]:
    return [flag.describe(row) for flag in found.flags for row in flag.rows.nonzero()[0].tolist()]


# -- which columns ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "is_text"),
    [
        ({}, True),
        ({"words": 1.2}, False),  # names
        ({"distinct": 200}, False),  # few of them: categories, however long
        ({"distinct": 40, "sampled": 50}, True),
        ({"type": "INTEGER"}, False),
        ({"picture_paths": 0.9}, False),
    ],
)
def test_notes_are_texts_and_names_are_not(more, is_text):
    assert isinstance(TextEncoder.fit(profile(**more)), TextEncoder) is is_text


def test_a_column_may_be_said_to_be_a_text(tokenizer):
    names = profile(distinct=3, words=1.0, nulls=2)
    features, _ = FeatureSet.fit([names], texts=["note"])
    assert features.fields("text") == ["note"]
    assert features.encoders[0] == TextEncoder("note", nullable=True)


def test_a_base_keeps_its_tokenizer(tokenizer):
    base = FeatureSet((TextEncoder("Note", False, 32, None, tokenizer),))
    features, _ = FeatureSet.fit([profile(nulls=1)], base)
    assert features.tokenizer is tokenizer
    assert features.encoders[0] == TextEncoder("note", nullable=True, most=32)


def test_it_is_saved_without_its_tokenizer(encoder):
    assert FeatureSet.from_list(FeatureSet((encoder,)).to_list()).encoders[0] == encoder
    assert "tokenizer" not in encoder.to_dict()


# -- cells --------------------------------------------------------------------------------------------------------------


def test_an_empty_text_is_one_and_null_is_none(encoder):
    found = encoder.encode(pa.array(["", None, "oil", "   "]))
    assert found.values.lengths.tolist() == [0, -1, 3, 0] or found.values.lengths[1] == -1
    assert found.values.there.tolist() == [True, False, True, True]
    assert statuses(found) == {"missing": [1]}
    assert reasons(found) == ["note is missing (never so in training)"]


def test_null_is_no_doubt_where_training_had_some(tokenizer):
    found = TextEncoder("note", nullable=True, tokenizer=tokenizer).encode(pa.array([None, "oil"]))
    assert not found.flags


def test_a_hundred_kilobytes_are_cut_and_told(encoder):
    found = encoder.encode(pa.array(["bearing noise " * 7_200, "oil"]))
    assert statuses(found) == {"truncated": [0]}
    assert reasons(found) == ["note is longer than the 16 pieces of words that are read: 100,800 characters"]


def test_bytes_that_are_no_utf_8_are_read_as_far_as_they_are(encoder):
    cells = pa.array([b"bearing \xff\xfe noise", b"", None, "漏油 \ufffd".encode(), b"\xf0\x9f\x91"], pa.binary())
    found = encoder.encode(cells)
    assert statuses(found) == {"unseen": [0, 4], "missing": [2]}
    assert "note holds bytes that are no text (UTF-8)" in reasons(found)
    plain = encoder.encode(pa.array(["bearing \ufffd\ufffd noise"]))
    assert found.values.flat[: int(found.values.lengths[0])].tolist() == plain.values.flat.tolist()


@pytest.mark.parametrize(
    "values",
    [
        pa.array(NOTES).dictionary_encode(),
        pa.array(NOTES, pa.large_string()),
        pa.array(NOTES, pa.string_view()),
        pa.array([note.encode() for note in NOTES], pa.large_binary()),
        pa.array([note.encode() for note in NOTES], pa.binary_view()),
        pa.chunked_array([["x"], NOTES]).chunk(1),
        pa.array(["x", *NOTES]).slice(1),
    ],
    ids=["enum", "large", "view", "blob", "blob view", "chunk", "slice"],
)
def test_texts_come_in_many_types(encoder, values):
    plain = encoder.encode(pa.array(NOTES)).values
    found = encoder.encode(values).values
    assert found.flat.tolist() == plain.flat.tolist()
    assert found.lengths.tolist() == plain.lengths.tolist()


def test_numbers_are_read_as_they_are_written(encoder):
    assert encoder.encode(pa.array([12, None])).values.there.tolist() == [True, False]


@pytest.mark.parametrize("values", [pa.array([[1]]), pa.array([{"a": 1}])])
def test_a_type_that_is_no_text_is_refused_with_the_cast(encoder, values):
    with pytest.raises(SourceError, match="note is read as a text") as error:
        encoder.encode(values)
    assert '"note"::VARCHAR' in str(error.value)


def test_no_rows_are_no_error(encoder, tokenizer):
    for words in (None, SPACES):
        found = TextEncoder("note", False, 16, words, tokenizer).encode(pa.array([], pa.string()))
        assert len(found.values) == 0
        assert not found.flags
