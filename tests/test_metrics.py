"""Metrics of classes are scikit-learn's, to the last digits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from mfgsql.metrics import BINARY, MULTICLASS, measure

BY_NAME = {m.name: m for m in (*MULTICLASS, *BINARY)}


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(2, 5), st.integers(1, 20))
def test_they_are_those_of_scikit_learn(seed: int, rows: int, classes: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, rows)
    scores = rng.integers(0, steps + 1, (rows, classes)) + 0.1  # of few steps: many scores are equal
    scores = scores / scores.sum(axis=1, keepdims=True)
    said = scores.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if classes == 2:
            assert measure(BY_NAME["f1"], truth, said, scores) == pytest.approx(f1_score(truth, said, zero_division=0.0))
            if truth.any():
                assert measure(BY_NAME["pr_auc"], truth, said, scores) == pytest.approx(average_precision_score(truth, scores[:, 1]))
            if truth.any() and not truth.all():
                assert measure(BY_NAME["roc_auc"], truth, said, scores) == pytest.approx(roc_auc_score(truth, scores[:, 1]))
            return
        wanted = f1_score(truth, said, average="macro", zero_division=0.0)
        assert measure(BY_NAME["f1_macro"], truth, said, scores) == pytest.approx(wanted)
        if len(np.unique(truth)) == classes:
            shares = scores / scores.sum(axis=1, keepdims=True)  # as they are scaled: of equal ones some differ in the last digit
            wanted = roc_auc_score(truth, shares, multi_class="ovr", labels=range(classes))
            assert measure(BY_NAME["roc_auc"], truth, said, scores) == pytest.approx(wanted)


def test_what_is_undefined_is_none() -> None:
    scores = np.array([[0.5, 0.5], [0.2, 0.8]])
    assert measure(BY_NAME["pr_auc"], np.array([0, 0]), np.array([0, 1]), scores) is None
    assert measure(BY_NAME["roc_auc"], np.array([1, 1]), np.array([0, 1]), scores) is None
