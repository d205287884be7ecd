"""Figures of spans, with intervals over rows."""

from __future__ import annotations

import numpy as np
import pytest

from mfgsql.evaluation.spans import beats_spans, evaluate_spans


def test_kinds_of_rows_count_as_often_as_there_are_rows() -> None:
    kinds = np.array([[1, 1, 1, 3, 3, 2], [0, 1, 2, 1, 4, 2], [0, 0, 0, 5, 5, 5]])
    found = {row.metric: row for row in evaluate_spans(kinds, np.array([60, 30, 10]))}
    assert list(found) == ["span_f1", "span_precision", "span_recall", "token_accuracy"]
    assert found["span_f1"].value == pytest.approx(120 / 210)
    assert found["span_precision"].value == pytest.approx(60 / 90)
    assert found["span_recall"].value == pytest.approx(60 / 120)
    assert found["token_accuracy"].value == pytest.approx((180 + 30 + 50) / 350)
    assert found["token_accuracy"].baseline == pytest.approx((120 + 60 + 50) / 350)
    assert [row.baseline for row in found.values()][:3] == [0, 0, 0]
    for row in found.values():
        assert row.rows == 100
        assert row.lower < row.value < row.upper
        assert row.upper - row.lower < 0.3
    assert evaluate_spans(kinds, np.array([60, 30, 10])) == list(found.values())


def test_kinds_are_drawn_as_rows_are() -> None:
    rng = np.random.default_rng(7)
    support = rng.integers(1, 4, 300)
    hits = rng.binomial(support, 0.7)
    rows = np.stack([hits, support, support, support, support, support], axis=1)
    kinds, often = np.unique(rows, axis=0, return_counts=True)
    a, b = evaluate_spans(rows, np.ones(300, int))[0], evaluate_spans(kinds, often)[0]
    assert a.value == b.value
    assert (a.lower, a.upper) == pytest.approx((b.lower, b.upper), abs=0.01)


def test_nothing_true_and_nothing_said_is_no_error() -> None:
    found = evaluate_spans(np.array([[0, 0, 0, 4, 4, 4]]), np.array([3]))
    assert [row.value for row in found] == [0, 0, 0, 1]


def sums_of(hits: np.ndarray) -> np.ndarray:
    """Of rows with so many of two spans found, and two said."""
    two = np.full(len(hits), 2)
    return np.stack([hits, two, two, two, two, two], axis=1)


def test_who_finds_more_is_better_beyond_chance() -> None:
    rng = np.random.default_rng(3)
    worse = rng.binomial(2, 0.5, 200)
    better = np.minimum(worse + rng.binomial(1, 0.3, 200), 2)
    assert beats_spans(sums_of(better), sums_of(worse))
    assert not beats_spans(sums_of(worse), sums_of(better))
    assert not beats_spans(sums_of(worse), sums_of(worse))
    assert not beats_spans(sums_of(worse), sums_of(rng.permutation(worse)))
    nothing = np.zeros((200, 6), int)
    assert beats_spans(sums_of(worse), nothing)
