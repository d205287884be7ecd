"""What is kept of the past: bounded, of each batch and class its share, the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.replay import kept_rows, kept_runs, room_of_batches, shares, strata

SIZES = st.lists(st.integers(0, 60), min_size=1, max_size=8).map(np.array)


@given(SIZES, st.integers(0, 300))
def test_shares_fill_the_room_and_are_as_even_as_can_be(sizes: np.ndarray, most: int) -> None:
    given = shares(sizes, most)
    assert given.sum() == min(most, sizes.sum())
    assert (given <= sizes).all()
    short = given < sizes
    if short.any():  # who has less than it could has no less than anybody else, but for one
        assert given[short].min() >= given.max() - 1


@given(SIZES, st.integers(0, 300))
def test_the_first_batch_has_half_of_the_room(sizes: np.ndarray, most: int) -> None:
    room = room_of_batches(sizes, most)
    assert room.sum() == min(most, sizes.sum())
    assert room[0] >= min(sizes[0], most // 2)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=120), st.integers(1, 80), st.integers(0, 3))
def test_rows_are_kept_by_class_and_weigh_what_they_stand_for(rows: list[tuple[int, int]], most: int, seed: int) -> None:
    batch, stratum = np.unique([b for b, _ in rows], return_inverse=True)[1], np.array([c for _, c in rows])
    kept, weights = kept_rows(batch, stratum, np.ones(len(rows)), most, seed=seed)
    assert len(kept) == min(most, len(rows))
    assert (np.diff(kept) > 0).all()
    for number in np.unique(batch[kept]):
        own = batch[kept] == number
        assert weights[own].mean() == pytest.approx(1.0)
        there = np.unique(stratum[batch == number])
        if own.sum() >= len(there):  # no class gets lost
            assert set(stratum[kept][own]) == set(there)
            told = [weights[own & (stratum[kept] == c)].sum() / weights[own].sum() for c in there]
            assert told == pytest.approx([(stratum[batch == number] == c).mean() for c in there])
    again = kept_rows(batch, stratum, np.ones(len(rows)), most, seed=seed)
    assert (again[0] == kept).all() and (again[1] == weights).all()


def test_a_rare_class_is_kept_whole() -> None:
    stratum = np.array([1] * 10 + [0] * 990)
    kept, weights = kept_rows(np.zeros(1000, int), stratum, np.ones(1000), 100)
    assert (kept < 10).sum() == 10
    assert weights[:10] == pytest.approx(0.1) and weights[10:] == pytest.approx(1.1)


def test_of_histories_whole_runs_are_kept_and_of_the_last_one_its_end() -> None:
    run = np.repeat([0, 1, 2, 3], 25)
    kept = kept_runs(np.zeros(100, int), run, 60)
    assert len(kept) == 60
    counts = sorted(np.bincount(run[kept], minlength=4))
    assert counts == [0, 10, 25, 25]
    cut = run[kept] == np.bincount(run[kept], minlength=4).tolist().index(10)
    assert kept[cut][-1] % 25 == 24


def test_strata_are_classes_or_ranges() -> None:
    assert strata(np.array([-1, 0, 2])).tolist() == [0, 1, 3]
    numbers = strata(np.append(np.arange(100.0), np.nan), bins=4)
    assert np.bincount(numbers).tolist()[0] == 1
    assert max(abs(n - 25) for n in np.bincount(numbers)[1:]) <= 1
    assert strata(np.zeros((3, 2))).tolist() == [0, 0, 0]
