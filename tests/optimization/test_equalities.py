"""Sums that have to stay: what is moved onto them stays within ranges, and no more is moved than has to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.optimization.equalities import Equalities


@given(st.integers(2, 6), st.integers(0, 10_000), st.booleans())
def test_what_can_be_moved_onto_a_sum_is(columns: int, seed: int, two: bool) -> None:
    rng = np.random.default_rng(seed)
    low, span = rng.uniform(-5, 5, columns), rng.uniform(0.1, 10, columns)
    factors = rng.choice([1.0, 1.0, 0.5, -1.0], (1, 1 + two, columns))
    inside = low + rng.uniform(0.05, 0.95, columns) * span
    told = Equalities(factors, factors @ inside)
    values = low + rng.uniform(-0.5, 1.5, (1, 8, columns)) * span
    moved = told.projected(values, low, low + span, np.ones(values.shape, bool))
    assert (moved >= low).all() and (moved <= low + span).all()
    off = np.abs(np.einsum("red,rnd->rne", factors, moved) - told.totals[:, None])
    assert off.max() < 0.05 * span.sum()
    again = told.projected(moved, low, low + span, np.ones(values.shape, bool))
    assert again == pytest.approx(moved, abs=0.05 * span.max())


def test_columns_that_may_not_be_moved_stay() -> None:
    told = Equalities(np.ones((1, 1, 3)), np.array([[100.0]]))
    values = np.array([[[30.0, 0.0, 20.0], [90.0, 0.0, 90.0]]])
    moved = told.projected(values, np.zeros(3), np.array([60.0, 60.0, 60.0]), np.array([[[True, False, True]] * 2]))
    assert moved[0] == pytest.approx(np.array([[55.0, 0.0, 45.0], [50.0, 0.0, 50.0]]))
