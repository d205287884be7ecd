"""Words of texts, and tags of words to spans and back."""

from __future__ import annotations

import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from mfgsql.entities import Span, spans_of, tags_of, whole_words, word_units

LABELS = ("PART", "ACT", "a-b")
TAGS = st.lists(st.sampled_from(["O", *(f"{p}-{label}" for p in "BI" for label in LABELS)]), max_size=12)
TEXTS = st.text(
    st.one_of(
        st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"),
        st.sampled_from(" \t\n\u3000ab.-e\u0301é漢字かナ한글，。👩\u200d🔧👍🏽🇩🇪"),
    ),
    max_size=40,
)


def pieces(text: str) -> list[str]:
    return [text[begin:stop] for begin, stop in word_units(text)]


def test_words_are_between_spaces_and_ideographs_alone() -> None:
    assert pieces("  leak at pump-3, P/N 12.5 \n") == ["leak", "at", "pump-3,", "P/N", "12.5"]
    assert pieces("更换轴承SKF6204，漏油。") == [*"更换轴承", "SKF6204", *"，漏油。"]
    assert pieces("ポンプが　故障") == [*"ポンプが故障"]
    assert pieces("펌프 고장 ﾎﾟﾝ") == ["펌프", "고장", *"ﾎﾟﾝ"]
    assert pieces("𠀀ok👍🏽 e\u0301x") == ["𠀀", "ok👍🏽", "e\u0301x"]
    assert pieces("") == pieces(" \u3000\t") == []


@given(TEXTS)
def test_words_hold_all_but_the_spaces(text: str) -> None:
    units = word_units(text)
    assert all(a[1] <= b[0] for a, b in zip(units, units[1:], strict=False))
    assert all(begin < stop for begin, stop in units)
    assert "".join(pieces(text)) == re.sub(r"\s", "", text)


@given(TEXTS, st.integers(0, 40), st.integers(0, 40))
def test_duckdb_counts_the_same_characters(text: str, begin: int, length: int) -> None:
    cut = duckdb.execute(
        "SELECT length($t), substring($t, $b + 1, $n), ($t)[$b + 1:$b + $n]", {"t": text, "b": begin, "n": length}
    ).fetchone()
    assert cut == (len(text), text[begin : begin + length], text[begin : begin + length])


@given(TEXTS, st.data())
def test_tags_become_spans_and_the_same_tags(text: str, data: st.DataObject) -> None:
    units = word_units(text)
    tags = data.draw(
        st.lists(TAGS.flatmap(lambda t: st.sampled_from(t or ["O"])), min_size=len(units), max_size=len(units))
    )
    spans = spans_of(units, tags)
    again = tags_of(units, spans)
    assert [t[2:] for t in again] == [t[2:] for t in tags]
    assert spans_of(units, again) == spans
    assert tags_of(units, reversed(spans)) == again
    assert whole_words([text, text], [spans, None])


@given(TAGS)
def test_tags_are_read_as_seqeval_reads_them(tags: list[str]) -> None:
    units = [(2 * i, 2 * i + 1) for i in range(len(tags))]
    found = [(s.label, s.begin // 2, (s.stop - 1) // 2) for s in spans_of(units, tags)]
    assert found == get_entities(tags)


def test_a_span_has_the_mean_score_of_its_words() -> None:
    units = word_units("bearing noise after oil change")
    found = spans_of(units, ["B-P", "I-P", "O", "I-A", "B-A"], [1.0, 0.5, 0.9, 0.25, 1.0])
    assert found == [Span("P", 0, 13, 0.75), Span("A", 20, 23, 0.25), Span("A", 24, 30, 1.0)]


def test_a_word_is_of_the_span_that_has_most_of_it() -> None:
    text = "pump-motor, broken"
    units = word_units(text)
    assert tags_of(units, [Span("A", 0, 4), Span("B", 5, 10)]) == ["B-B", "O"]
    assert tags_of(units, [Span("A", 0, 5), Span("B", 5, 10)]) == ["B-A", "O"]
    assert tags_of(units, [Span("A", 5, 14)]) == ["B-A", "I-A"]
    assert tags_of(units, [Span("A", 10, 11), Span("A", 12, 18)]) == ["B-A", "B-A"]
    assert tags_of(units, [Span("A", 11, 12), Span("A", 30, 40)]) == ["O", "O"]


@pytest.mark.parametrize(("cut", "whole"), [(0, True), (1, True), (30, False)])
def test_whole_words_forgive_a_slip(cut: int, whole: bool) -> None:
    texts = ["noise, leak"] * 100
    spans = [[Span("A", 0, 5 if i < cut else 6)] for i in range(100)]
    assert whole_words(texts, spans) is whole
