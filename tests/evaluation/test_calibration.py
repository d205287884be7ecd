"""Bins of probabilities, and coverage of intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.evaluation.calibration import coverage, reliability, wilson
from mfgsql.metrics import BINARY, measure
from mfgsql.tasks.calibration import given_to_classes


def test_true_probabilities_lie_inside_their_intervals():
    rng = np.random.default_rng(0)
    outside = 0
    for _ in range(50):
        scores = rng.random(2000)
        outside += sum(
            not r["lower"] <= r["mean_probability"] <= r["upper"]
            for r in reliability(rng.random(2000) < scores, scores)
        )
    assert 0 < outside < 50  # of 500; 5 % are expected


@given(st.lists(st.sampled_from([0.0, 0.1, 0.1, 0.1, 0.5, 0.9, 1.0]) | st.floats(0, 1), min_size=1, max_size=300))
def test_bins_part_the_rows_and_keep_ties_together(scores):
    scores = np.array(scores)
    rows = reliability(np.arange(len(scores)) % 2 == 0, scores)
    assert sum(r["rows"] for r in rows) == len(scores)
    assert 1 <= len(rows) <= 10
    for one, other in zip(rows, rows[1:], strict=False):
        assert one["bin_upper"] < other["bin_lower"]
    for r in rows:
        assert r["rows"] == ((scores >= r["bin_lower"]) & (scores <= r["bin_upper"])).sum()
        assert 0 <= r["lower"] <= r["observed_share"] <= r["upper"] <= 1


def test_bins_are_of_equal_counts():
    scores = np.random.default_rng(0).random(1000)
    assert {r["rows"] for r in reliability(scores > 0.5, scores)} <= {99, 100, 101}


def test_wilsons_interval_is_his():
    z, p, n = 1.959964, 0.1, 50
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert wilson(5, 50) == pytest.approx([(centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)])
    assert wilson(0, 10)[0] == 0


def test_coverage_by_level():
    some, none = coverage([0.5, 0.95], [5, 0], [1.5, None], [10, 0])
    assert (some["coverage"], some["mean_width"], some["rows"]) == (0.5, 1.5, 10)
    assert some["lower"] < 0.5 < some["upper"]
    assert (none["coverage"], none["lower"], none["rows"]) == (None, None, 0)


@given(st.floats(1e-9, 1.0))
def test_what_set_a_threshold_reaches_it(probability):
    kept = given_to_classes(np.zeros(1, int), np.array([[probability, 1 - probability]]))[0]["quantiles"][0]
    assert probability * (1 - 2e-5) < kept < probability


def test_pr_auc_is_unknown_without_positives():
    found = measure(BINARY[0], np.zeros(5, int), np.zeros(5, int), np.tile([0.9, 0.1], (5, 1)))
    assert (BINARY[0].name, found) == ("pr_auc", None)
