"""Windows against what one would write down row by row; nothing later, and nobody else's rows, gets in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.features import History, Track
from mfgsql.features.histories import firsts, run_lengths, twins

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=5)


def track(history: History, lengths: list[int], seed: int = 0, missing: float = 0.0) -> Track:
    dice = np.random.default_rng(seed)
    rows = sum(lengths)
    values = dice.normal(size=(rows, 2)).astype(np.float32)
    values[dice.random(values.shape) < missing] = np.nan
    times = np.concatenate([np.sort(dice.integers(0, 30, n)).astype(float) for n in lengths])
    codes = dice.integers(1, 4, (rows, 1))
    return Track.of(history, values, codes, times, firsts(np.repeat(np.arange(len(lengths)), lengths)))


def shape(**more: object) -> History:
    return History("unit", "ts", False, 4, 2, **more)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(lengths=LENGTHS, seed=st.integers(0, 99), reach=st.sampled_from([np.inf, 7.0]), memory=st.integers(0, 1))
def test_windows_hold_the_rows_before(lengths: list[int], seed: int, reach: float, memory: int) -> None:
    found = track(shape(reach=reach, memory=memory), lengths, seed)
    ends = np.arange(len(found))
    continuous, codes = found.windows(ends)
    size = 4 * (1 + memory)
    assert continuous.shape == (len(found), size, 4)
    for end in ends:
        own = [r for r in range(found.first[end], end + 1) if found.times[r] > found.times[end] - reach][-size:]
        there = continuous[end, :, 2]
        assert there.tolist() == [0.0] * (size - len(own)) + [1.0] * len(own)
        assert np.array_equal(continuous[end, size - len(own) :, :2], found.continuous[own])
        assert np.array_equal(codes[end, size - len(own) :, 0], found.codes[own, 0])
        assert np.isnan(continuous[end, : size - len(own), :2]).all()
        assert not codes[end, : size - len(own)].any()


@settings(max_examples=60, deadline=None)
@given(lengths=LENGTHS, seed=st.integers(0, 99), fill=st.integers(0, 3))
def test_steps_of_time_hold_the_latest_row_known(lengths: list[int], seed: int, fill: int) -> None:
    found = track(shape(resample=3.0, fill=fill), lengths, seed)
    continuous, _ = found.windows(np.arange(len(found)))
    for end in range(len(found)):
        for step in range(4):
            moment = found.times[end] - 3.0 * (3 - step)
            known = [r for r in range(found.first[end], end + 1) if found.times[r] <= moment]
            if step == 3:
                known = [end]
            row = known[-1] if known and moment - found.times[known[-1]] <= 3.0 * max(fill, 1) + 1e-5 else None
            assert continuous[end, step, 2] == (row is not None)
            if row is not None:
                assert np.array_equal(continuous[end, step, :2], found.continuous[row])


@settings(max_examples=40, deadline=None)
@given(lengths=LENGTHS, seed=st.integers(0, 99), fill=st.integers(0, 4))
def test_gaps_are_filled_so_far_and_from_the_own_history(lengths: list[int], seed: int, fill: int) -> None:
    plain, filled = (track(shape(fill=f), lengths, seed, missing=0.5) for f in (0, fill))
    for row in range(len(plain)):
        for column in range(2):
            near = range(max(plain.first[row], row - fill), row + 1)
            own = plain.continuous[[r for r in near if plain.times[row] - plain.times[r] <= 2 * fill], column]
            known = own[~np.isnan(own)]
            if len(known):
                assert filled.continuous[row, column] == known[-1]
            else:
                assert np.isnan(filled.continuous[row, column])


def test_what_comes_later_changes_nothing() -> None:
    for history in (shape(), shape(resample=2.0, fill=2), shape(memory=1)):
        whole = track(history, [9, 7])
        part = Track.of(history, whole.continuous[:5], whole.codes[:5], whole.times[:5], whole.first[:5])
        for one, other in zip(whole.windows(np.arange(5)), part.windows(np.arange(5)), strict=True):
            assert np.array_equal(one, other, equal_nan=True)


def test_rows_that_are_the_same_share_a_window() -> None:
    values = np.array([[1, 0], [2, 0], [2, 0], [2, 0], [2, 1], [2, 0]], np.float32)
    times = np.array([1.0, 2, 2, 2, 2, 3])
    found = Track.of(shape(), values, np.zeros((6, 1), np.int64), times, np.array([0, 0, 0, 3, 3, 3]))
    assert twins(found).tolist() == [0, 2, 2, 3, 4, 5]


def test_runs_of_equal_values() -> None:
    values = np.array([1.0, 1, 1, 2, np.nan, 2, 2, 2])
    assert run_lengths(values, np.array([0, 0, 0, 0, 0, 0, 6, 6])).tolist() == [1, 2, 3, 1, 0, 1, 1, 2]


def test_a_history_is_saved_whole() -> None:
    for history in (shape(), shape(reach=3.5, resample=0.5, runs={"a": 3}, complete=("a",))):
        assert History.from_dict(history.to_dict()) == history
    assert firsts(np.array([7, 7, 3, 3, 3, 9])).tolist() == [0, 0, 2, 2, 2, 5]
    assert len(firsts(np.array([]))) == 0
    with pytest.raises(TypeError):
        History.from_dict({**shape().to_dict(), "bogus": 1})


def test_sensors_of_several_rates_are_each_as_of_the_step() -> None:
    history = History("unit", "ts", True, 4, 2, resample=60.0, fill=2)
    times = np.arange(301.0)
    values = np.stack([times, np.where(times % 60 == 7, times, np.nan)], axis=1).astype(np.float32)
    found = Track.of(history, values / 20, np.zeros((301, 1), np.int64), times, np.zeros(301, np.int64))
    window = found.windows(np.array([300]))[0][0]
    assert np.allclose(window[:, 0] * 20, [120, 180, 240, 300])
    assert np.allclose(window[:, 1] * 20, [67, 127, 187, 247])


def test_what_lies_beyond_the_reach_is_as_if_it_were_not_there() -> None:
    history = History("unit", "ts", False, 6, 2, reach=5.0, fill=2)
    times = np.array([0.0, 1, 2, 50, 51, 52])
    values = np.array([[1.0], [2], [3], [np.nan], [5], [6]], np.float32)
    whole = Track.of(history, values, np.zeros((6, 1), np.int64), times, np.zeros(6, np.int64))
    tail = Track.of(history, values[3:], np.zeros((3, 1), np.int64), times[3:], np.zeros(3, np.int64))
    assert np.array_equal(whole.windows(np.array([5]))[0], tail.windows(np.array([2]))[0], equal_nan=True)
