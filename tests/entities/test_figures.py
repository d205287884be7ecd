"""Reports as seqeval and scikit-learn give them, of counts that add up."""

from __future__ import annotations

import warnings
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report as of_seqeval
from seqeval.metrics import f1_score
from sklearn.metrics import classification_report as of_sklearn
from sklearn.metrics import precision_recall_fscore_support

from mfgsql.entities import (
    FIGURES,
    Counts,
    added,
    entity_report,
    micro_f1,
    row_counts,
    row_sums,
    spans_of,
    tags_of,
    token_report,
    word_units,
)

CONLL = Path(__file__).parents[3] / "shared/data/conll2003/test.txt"
TAG = st.sampled_from(["O", "O", *(f"{p}-{label}" for p in "BI" for label in ("LOC", "PER", "x-y"))])
ROWS = st.lists(st.lists(st.tuples(TAG, TAG), max_size=10), min_size=1, max_size=8)


def counted(rows: list[list[tuple[str, str]]]) -> tuple[Counts, Counts, np.ndarray]:
    """Counts of all rows, and their sums."""
    each = []
    for row in rows:
        text = " ".join(f"w{i}" for i in range(len(row)))
        units = word_units(text)
        truth, said = ([tag[i] for tag in row] for i in range(2))
        each.append(row_counts(text, spans_of(units, truth), spans_of(units, said)))
    sums = np.array([row_sums(*counts) for counts in each])
    return reduce(added, (s for s, _ in each)), reduce(added, (t for _, t in each)), sums


def proper(tags: list[str]) -> list[str]:
    units = [(i, i + 1) for i in range(len(tags))]
    return tags_of(units, spans_of(units, tags))


def as_dict(report: list[dict[str, Any]]) -> dict[str, list[float]]:
    return {r["class"]: [r["precision"], r["recall"], r["f1"], r["support"]] for r in report}


def same(found: list[dict[str, Any]], wanted: dict[str, Any]) -> bool:
    ours = as_dict(found)
    theirs = {name: [v["precision"], v["recall"], v["f1-score"], v["support"]] for name, v in wanted.items()}
    return ours.keys() == theirs.keys() and all(ours[n] == pytest.approx(theirs[n], abs=1e-12) for n in ours)


@given(ROWS)
def test_spans_are_reported_as_seqeval_does(rows: list[list[tuple[str, str]]]) -> None:
    truth, said = ([[pair[i] for pair in row] for row in rows] for i in range(2))
    spans, _, sums = counted(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if spans:  # of none seqeval reports nothing
            assert same(entity_report(spans), of_seqeval(truth, said, output_dict=True, zero_division=0))
        wanted = f1_score(truth, said, zero_division=0)
    assert micro_f1(spans) == pytest.approx(wanted, abs=1e-12)
    assert FIGURES["span_f1"](sums.sum(axis=0)) == pytest.approx(wanted, abs=1e-12)


@given(ROWS)
def test_tokens_are_reported_as_scikit_learn_does(rows: list[list[tuple[str, str]]]) -> None:
    truth, said = ([tag for row in rows for tag in proper([pair[i] for pair in row])] for i in range(2))
    _, tokens, sums = counted(rows)
    if not truth:
        assert tokens == {}
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = of_sklearn(truth, said, output_dict=True, zero_division=0)
        accuracy = wanted.pop("accuracy")
        micro = precision_recall_fscore_support(truth, said, average="micro", zero_division=0)
    names = ("precision", "recall", "f1-score")
    wanted["micro avg"] = dict(zip(names, micro, strict=False)) | {"support": len(truth)}
    report = token_report(tokens)
    assert same(report, wanted)
    assert FIGURES["token_accuracy"](sums.sum(axis=0)) == pytest.approx(accuracy, abs=1e-12)
    classes = [row["class"] for row in report[:-3]]
    assert classes == sorted(classes, key=lambda t: (t == "O", t[2:], t[0]))


def test_of_nothing_there_are_zeros() -> None:
    for report in (entity_report({}), token_report({})):
        assert [row["class"] for row in report] == ["micro avg", "macro avg", "weighted avg"]
        assert all(row["f1"] == row["support"] == 0 for row in report)
    assert row_counts(" ", [], []) == ({}, {})
    assert row_sums({}, {}) == (0,) * 6


def test_a_label_never_said_and_one_never_true() -> None:
    report = as_dict(entity_report({"A": [0, 0, 4], "B": [0, 2, 0], "C": [3, 4, 6]}))
    assert report["A"] == [0, 0, 0, 4]
    assert report["B"] == [0, 0, 0, 0]
    assert report["C"] == [0.75, 0.5, 0.6, 6]
    assert report["micro avg"] == pytest.approx([0.5, 0.3, 0.375, 10])
    assert report["macro avg"] == pytest.approx([0.25, 0.5 / 3, 0.2, 10])
    assert report["weighted avg"] == pytest.approx([0.45, 0.3, 0.36, 10])


@pytest.mark.skipif(not CONLL.exists(), reason="the data lies beside the project")
def test_sentences_joined_by_spaces_keep_their_tokens() -> None:
    tokens: Counts = {}
    spans: Counts = {}
    for sentence in CONLL.read_text(encoding="utf-8").strip().split("\n\n"):
        words, tags = zip(*(line.split()[:2] for line in sentence.split("\n")), strict=True)
        text = " ".join(words)
        units = word_units(text)
        assert [text[b:s] for b, s in units] == list(words)
        truth = spans_of(units, tags)
        of_spans, of_tokens = row_counts(text, truth, truth)
        spans, tokens = added(spans, of_spans), added(tokens, of_tokens)
    supports = [row["support"] for row in token_report(tokens)[:9]]
    assert supports == [1668, 257, 702, 216, 1661, 835, 1617, 1156, 38323]
    assert [row["support"] for row in entity_report(spans)] == [1668, 702, 1661, 1617, *[5648] * 3]
    assert all(row["f1"] == 1 for row in entity_report(spans) + token_report(tokens))
