"""Vectors most like one another: all pairs, whatever the parts in which they are looked at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.cancellation import Cancellation
from mfgsql.errors import CancelledError
from mfgsql.scoring import nearest as module
from mfgsql.scoring.nearest import nearest


def vectors(n: int, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(n, 5)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def free() -> None:
    """Nobody asks to stop."""


@given(st.integers(0, 12), st.integers(1, 15), st.floats(-1, 1), st.integers(1, 40))
def test_they_are_those_of_all_pairs(n, most, least, scores):
    each = vectors(n, n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SCORES", scores)
        found = nearest(each, most, least, free)
    products = each @ each.T
    for row in range(n):
        others = sorted((products[row, other] for other in range(n) if other != row), reverse=True)[:most]
        mine = found.ours == row
        assert not (found.theirs[mine] == row).any()
        close = [value for value in others if value >= least]
        assert float(mine.sum()) == pytest.approx(len(close), abs=float(sum(abs(v - least) < 1e-6 for v in others)))
        assert found.similarity[mine] == pytest.approx(close[: mine.sum()], abs=1e-6)


def test_equal_vectors_are_alike_and_no_more_than_that():
    each = np.repeat(vectors(3), 4, axis=0) * np.float32(1.0000002)
    found = nearest(each, 3, 0.9999, free)
    assert len(found.ours) == 36
    assert float(found.similarity.max()) <= 1.0
    assert (found.ours // 4 == found.theirs // 4).all()


def test_it_can_be_stopped():
    stop = Cancellation()
    stop.set()
    with pytest.raises(CancelledError):
        nearest(vectors(9), 1, -1.0, stop.check)
