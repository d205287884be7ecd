"""Spans of a column, whatever is written there: bad ones are left out, and told."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.entities import Span
from mfgsql.errors import DataError
from mfgsql.features.spans import SPANS, parse_spans, write_spans

TYPE = pa.list_(pa.struct([("label", pa.string()), ("begin", pa.int64()), ("stop", pa.int64())]))
TEXT = "bearing noise after oil change"


def parse(rows: list[Any], texts: list[str | None] | None = None, type: pa.DataType | None = TYPE) -> Any:
    return parse_spans(pa.array(rows, type), pa.array(texts or [TEXT] * len(rows), pa.string()))


def span(label: str | None, begin: Any, stop: Any) -> dict[str, Any]:
    return {"label": label, "begin": begin, "stop": stop}


def faults(found: Any, row: int = 0) -> list[str]:
    return found[1].of(row)


def test_rows_keep_their_spans_by_place() -> None:
    rows, told = parse([[span("B", 20, 30), span("A", 0, 7)], None, []])
    assert rows == [[Span("A", 0, 7), Span("B", 20, 30)], None, []]
    assert not len(told.rows)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (span(None, 0, 3), "has no label"),
        (span(" ", 0, 3), "has no label"),
        (span("A", None, 3), "has no place"),
        (span("A", 3, None), "has no place"),
        (span("A", -1, 3), "leaves the text"),
        (span("A", 0, 31), "leaves the text"),
        (span("A", 2**62, 2**63 - 1), "leaves the text"),
        (span("A", -(2**63), 2**63 - 1), "leaves the text"),
        (span("A", 31, 31), "leaves the text"),
        (span("A", 5, 5), "is empty"),
        (span("A", 9, 5), "is empty"),
        (span("A", 7, 8), "is empty"),  # a space
        (None, "has no label"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_bad_span_is_left_out_and_the_others_stay(bad: Any, reason: str, as_json: bool) -> None:
    row = [span("A", 0, 7), bad, span("B", 20, 23)]
    found = parse([json.dumps(row)], type=pa.string()) if as_json else parse([row])
    assert found[0] == [[Span("A", 0, 7), Span("B", 20, 23)]]
    assert faults(found) == [f"span 2 {reason}"]
    assert found[1].counts() == {reason: 1}


def test_of_spans_that_overlap_the_longer_stays_then_the_first() -> None:
    rows, told = parse(
        [
            [span("A", 0, 7), span("B", 0, 13), span("C", 8, 13)],
            [span("A", 0, 7), span("B", 0, 7), span("A", 0, 7)],
            [span("A", 0, 7), span("B", 6, 13), span("C", 12, 19)],
            [span("A", 0, 7), span("B", 7, 13), span("C", 0, 5)],
        ]
    )
    assert [[s.label for s in row] for row in rows] == [["B"], ["A"], ["A", "C"], ["A", "B"]]
    assert [told.of(row) for row in (0, 2)] == [
        ["span 1 overlaps another", "span 3 overlaps another"],
        ["span 2 overlaps another"],
    ]
    assert told.counts() == {"overlaps another": 6}


def test_spaces_at_the_ends_are_no_part() -> None:
    rows, _ = parse([[span(" A ", 7, 14)], [span("A", 0, 3)]], [TEXT, "\u3000轴 "])
    assert rows == [[Span("A", 8, 13)], [Span("A", 1, 2)]]


def test_a_row_without_text_has_no_spans() -> None:
    found = parse([[span("A", 0, 3)], []], [None, ""])
    assert found[0] == [[], []]
    assert faults(found) == ["span 1 leaves the text"]


@pytest.mark.parametrize(
    "sql",
    [
        "[{'label': 'A', 'begin': 0, 'stop': 7}]",
        "[{'Label': 'A', 'START': 0, 'End': 7, 'text': 'bearing'}]",
        "[{'type': 'A', 'start': 0::UTINYINT, 'end': 7::UBIGINT}]",
        "[{'label': 'A'::ENUM('B', 'A'), 'begin': 0::DOUBLE, 'stop': 7::HUGEINT}]",
        "[{'label': 'A', 'begin': '0', 'stop': 7::DECIMAL(9, 2)}]",
        "[{'label': 'A', 'text': 'bearing', 'begin': 0, 'stop': 7, 'score': 0.5}]",
        '\'[{"label": "A", "begin": 0, "stop": 7.0}]\'',
        '\'[{"Entity": "A", "start": "0", "end": 7}]\'::JSON',
        '[\'{"label": "A", "start": 0, "end": 7}\'::JSON]',
        "array_value({'label': 'A', 'begin': 0, 'stop': 7})",
    ],
)
def test_forms_that_duckdb_gives(sql: str) -> None:
    column = duckdb.sql(f"SELECT {sql} AS s UNION ALL SELECT NULL").arrow().read_all()["s"].combine_chunks()
    assert parse_spans(column, pa.array([TEXT, TEXT]))[0] == [[Span("A", 0, 7)], None]


def test_columns_with_nothing_in_them() -> None:
    for sql, rows in (("NULL", [None]), ("[]", [[]]), ("[NULL]", [[]])):
        column = duckdb.sql(f"SELECT {sql} AS s").arrow().read_all()["s"].combine_chunks()
        assert parse_spans(column, pa.array([TEXT]))[0] == rows
    assert parse([], [])[0] == []


@pytest.mark.parametrize(
    "sql",
    [
        "3",
        "['A']::BLOB[]",
        "[1]",
        "{'label': 'A'}",
        "[{'label': 'A', 'begin': 0}]",
        "[{'label': ['A'], 'begin': 0, 'stop': 1}]",
    ],
)
def test_another_type_is_refused(sql: str) -> None:
    column = duckdb.sql(f"SELECT {sql} AS s").arrow().read_all()["s"].combine_chunks()
    with pytest.raises(DataError, match="'tags' is .* list of structs with label, begin and stop"):
        parse_spans(column, pa.array([TEXT]), "tags")


@pytest.mark.parametrize("text", ["", "nonsense", "{}", "3", '"a"', "[" * 100_000, '[{"begin": ' + "9" * 5000 + "}]"])
def test_bad_json_makes_a_row_unknown(text: str) -> None:
    found = parse([text, "null", "[]"], type=pa.string())
    assert found[0] == [None, None, []]
    assert (faults(found), faults(found, 1)) == (["can't be read"], [])


@pytest.mark.parametrize("place", ["1e400", "-Infinity", "NaN", "1.5", "true", '"x"', '""', "[1]", "{}", "null", '"٣"'])
def test_places_of_json_that_are_none(place: str) -> None:
    text = f'[{{"label": "A", "begin": {place}, "stop": 7}}, "A", 5, [0, 3, "A"]]'
    found = parse([text], type=pa.string())
    assert found[0] == [[]]
    assert len(faults(found)) == 4
    assert faults(found)[0] in ("span 1 has no place", "span 1 leaves the text")


def test_labels_of_json_that_are_none() -> None:
    labels = ['"\\ud800"', "null", "true", "[]", "1.5", '""']
    text = "[" + ", ".join(f'{{"label": {label}, "begin": 0, "stop": 7}}' for label in labels) + "]"
    found = parse([text, '[{"label": 7, "begin": 0, "stop": 7}]'], type=pa.string())
    assert found[0] == [[], [Span("7", 0, 7)]]
    assert found[1].counts() == {"has no label": 6}


def test_a_slice_with_nulls_keeps_its_rows() -> None:
    values = pa.array([[span("X", 0, 1)], None, [span("A", 0, 7)], [], [span("B", 8, 13)]], TYPE).slice(1, 4)
    rows, _ = parse_spans(values, pa.array([TEXT] * 4))
    assert rows == [None, [Span("A", 0, 7)], [], [Span("B", 8, 13)]]


CHARACTERS = st.one_of(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"),
    st.sampled_from(" \n\u3000aé漢👩\u200d🔧\u0301"),
)
PLACES = st.one_of(st.integers(-3, 25), st.integers(-(2**63), 2**63 - 1), st.none())
WRITTEN = st.lists(st.tuples(st.one_of(st.none(), st.sampled_from(["A", "B", "", "轴承"])), PLACES, PLACES), max_size=8)


@given(st.lists(st.tuples(st.text(CHARACTERS, max_size=20), st.one_of(st.none(), WRITTEN)), max_size=5))
def test_whatever_is_written_what_stays_is_right(table: list[tuple[str, Any]]) -> None:
    texts = [text for text, _ in table]
    written = [None if row is None else [span(*s) for s in row] for _, row in table]
    rows, told = parse(written, texts)
    assert parse([json.dumps(row) for row in written], texts, pa.string())[0] == rows
    for number, (text, before, after) in enumerate(zip(texts, written, rows, strict=True)):
        assert (before is None) == (after is None)
        assert len(before or ()) == len(after or ()) + len(told.of(number))
        for s in after or ():
            assert s.label in ("A", "B", "轴承")
            assert 0 <= s.begin < s.stop <= len(text)
            assert text[s.begin : s.stop] == text[s.begin : s.stop].strip()
        assert all(a.stop <= b.begin for a, b in zip(after or (), (after or ())[1:], strict=False))
    again = write_spans(pa.array(texts, pa.string()), rows)
    assert again.type == SPANS
    assert parse_spans(again, pa.array(texts, pa.string()))[0] == rows
    assert [[s["text"] for s in row or ()] for row in again.to_pylist()] == [
        [text[s.begin : s.stop] for s in row or ()] for text, row in zip(texts, rows, strict=True)
    ]


def test_numbers_of_other_types() -> None:
    rows, told = parse(
        [[span("A", Decimal("0"), Decimal("7"))], [span("A", Decimal("0.5"), Decimal("7"))]],
        type=pa.list_(
            pa.struct([("label", pa.string()), ("begin", pa.decimal128(5, 1)), ("stop", pa.decimal128(38, 0))])
        ),
    )
    assert rows == [[Span("A", 0, 7)], []]
    assert told.of(1) == ["span 1 has no place"]


@pytest.mark.parametrize("overlap", [False, True])
def test_many_rows_are_read_in_seconds(overlap: bool) -> None:
    rows, each = 100_000, 3
    begin = np.tile([0, 8, 20], rows)
    stop = np.tile([13 if overlap else 7, 13, 23], rows)
    labels = pa.array(["PART", "ACT", "OIL"] * rows)
    structs = pa.StructArray.from_arrays([labels, pa.array(begin), pa.array(stop)], ["label", "begin", "stop"])
    values = pa.ListArray.from_arrays(pa.array(np.arange(0, rows * each + 1, each, dtype=np.int32)), structs)
    started = time.perf_counter()
    found, told = parse_spans(values, pa.array([TEXT] * rows))
    assert time.perf_counter() - started < 20  # one or two on an idle core
    assert sum(map(len, found)) == rows * each - len(told.rows)
    assert len(told.rows) == (rows if overlap else 0)


def test_a_row_of_many_overlapping_spans() -> None:
    written = [span("A", i, i + 3) for i in range(50_000)]
    rows, told = parse([written], ["x" * 100_000])
    assert len(rows[0]) == 16_667
    assert len(told.rows) == 50_000 - 16_667
