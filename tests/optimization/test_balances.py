"""What past designs keep, found in their numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.optimization.balances import Balances


def mixes(rows: int, noise: float, seed: int = 0) -> np.ndarray:
    """Four parts, of which the last fills up to 100."""
    draw = np.random.default_rng(seed)
    parts = draw.uniform(5, 30, (rows, 3))
    return np.column_stack([parts, 100 - parts.sum(axis=1) + noise * draw.normal(size=rows), draw.normal(size=rows)])


@given(st.integers(0, 1000), st.floats(0, 1))
def test_a_sum_that_stays_is_kept_and_a_broken_one_told(seed: int, noise: float) -> None:
    past = mixes(200, noise, seed)
    found = Balances.fit(past)
    assert len(found.low) == 1
    assert found.belongs(5)[0].tolist() == [True, True, True, True, False]
    assert (found.excess(past) > 0).mean() <= 0.06
    broken = mixes(50, noise, seed + 1)
    broken[:, 0] += 20
    assert (found.excess(broken) > 0).mean() > 0.95


def test_columns_that_have_nothing_to_do_with_one_another_keep_nothing() -> None:
    assert len(Balances.fit(np.random.default_rng(0).normal(size=(300, 5))).low) == 0


@pytest.mark.parametrize(
    "past",
    [
        np.zeros((0, 3)), np.ones((100, 3)), mixes(20, 0.0), np.full((100, 3), np.nan), np.zeros((100, 0)),
        np.column_stack([np.arange(100.0), np.full(100, np.nan)]),
    ],
)  # fmt: skip
def test_of_too_few_rows_or_columns_nothing_is_said(past: np.ndarray) -> None:
    found = Balances.fit(past)
    assert found.excess(past).shape == (len(past), 0)
    assert found.belongs(past.shape[1]).shape == (0, past.shape[1])
