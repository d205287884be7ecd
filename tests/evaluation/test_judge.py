"""Judging beyond chance: which rows of histories stand for all."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.evaluation import apart


@given(rows=st.integers(0, 5_000), window=st.integers(1, 256))
def test_one_row_of_each_stretch(rows: int, window: int) -> None:
    chosen = apart(rows, window)
    step = max(1, min(window, rows // 50))
    assert (chosen // step).tolist() == list(range(-(-rows // step)))
    assert len(chosen) >= min(rows, 50)
    assert chosen.max(initial=-1) < rows


def test_rows_apart_are_not_one_step_of_a_cycle() -> None:
    """Cases of four events, a window of four: all steps are judged about as often."""
    counts = np.bincount(apart(2_000, 4) % 4, minlength=4)
    assert counts.sum() == 500
    assert counts.min() > 90
