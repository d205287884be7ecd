"""Curves: scikit-learn's, thinned without losing their shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from mfgsql.errors import DataError
from mfgsql.evaluation.curves import one_against_rest, pr_curve, roc_curve, thinned

rng = np.random.default_rng(0)
TRUTH = (rng.random(20_000) < 0.05).astype(int)
SCORES = np.clip(rng.normal(0.3 + 0.3 * TRUTH, 0.2), 0, 1)


def area(x, y):
    return float(np.trapezoid(y, x))


def test_a_roc_curve_keeps_its_area_and_its_ends():
    points = roc_curve(TRUTH, SCORES, ["false", "true"])
    assert 100 < len(points) <= 200
    assert {p["class"] for p in points} == {"true"}
    x, y = ([p[c] for p in points] for c in ("false_positive_rate", "true_positive_rate"))
    assert area(x, y) == pytest.approx(metrics.roc_auc_score(TRUTH, SCORES), abs=1e-3)
    assert (points[0]["threshold"], x[0], y[0]) == (None, 0, 0)
    assert (x[-1], y[-1]) == (1, 1)
    assert x == sorted(x) and y == sorted(y)
    for p in points[1:]:
        assert p["true_positive_rate"] == pytest.approx((SCORES[TRUTH == 1] >= p["threshold"]).mean())


def test_a_pr_curve_keeps_its_area_and_its_ends():
    points = pr_curve(TRUTH, SCORES, ["false", "true"])
    assert 100 < len(points) <= 200
    x, y = ([p[c] for p in points] for c in ("recall", "precision"))
    assert -area(x, y) == pytest.approx(metrics.average_precision_score(TRUTH, SCORES), abs=0.01)
    assert (points[-1]["threshold"], x[-1], y[-1]) == (None, 0, 1)
    assert x[0] == 1
    for p in points[:-1]:
        assert p["precision"] == pytest.approx(TRUTH[SCORES >= p["threshold"]].mean())


def test_each_of_many_classes_is_taken_against_the_rest():
    truth = np.arange(300) % 3
    scores = rng.dirichlet([1, 1, 1], 300)
    points = roc_curve(truth, scores, ["x", "y", "z", "never seen"])
    for number, name in enumerate("xyz"):
        mine = [p for p in points if p["class"] == name]
        found = area([p["false_positive_rate"] for p in mine], [p["true_positive_rate"] for p in mine])
        assert found == pytest.approx(metrics.roc_auc_score(truth == number, scores[:, number]), abs=0.01)
    assert {p["class"] for p in points} == set("xyz")


def test_one_class_has_no_curve():
    with pytest.raises(DataError, match="'true'"):
        list(one_against_rest(np.ones(5, int), np.full(5, 0.5), ["false", "true"]))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=400), st.integers(2, 50))
def test_thinning_leaves_no_point_further_off_than_a_step(points, most):
    x, y = (np.array(c) for c in zip(*points, strict=True))
    kept = thinned(x, y, most)
    assert len(kept) <= max(most, 2) and kept[0] == 0 and kept[-1] == len(x) - 1
    step = (np.abs(np.diff(x)) + np.abs(np.diff(y))).sum() / (most - 1)
    before = kept[np.searchsorted(kept, np.arange(len(x)), side="right") - 1]
    assert np.all(np.abs(x - x[before]) + np.abs(y - y[before]) <= step + 1e-9)
