"""Numbers as bins and back: whatever a column holds, what is decoded is a value that it may have."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.features import ColumnProfile
from mfgsql.features.binned import BinnedEncoder
from mfgsql.features.categorical import FIRST, MISSING


def encoder(values: list[float | None], kind: str = "DOUBLE", top: int = 1001) -> BinnedEncoder:
    known = np.array([v for v in values if v is not None])
    found, counts = np.unique(known, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:top]
    return BinnedEncoder.of(
        ColumnProfile(
            "x", kind, len(values), len(values) - len(known), len(found), len(known), known.min(), known.max(),
            quantiles=tuple(np.quantile(known, np.linspace(0, 1, 257))),
            top=tuple((repr(float(found[i])), int(counts[i])) for i in order),
        )
    )  # fmt: skip


numbers = st.lists(st.integers(-10_000, 10_000), min_size=2, max_size=300).filter(lambda v: len(set(v)) > 1)


@given(numbers, st.integers(0, 3), st.floats(0, 1), st.integers(5, 1001))
def test_what_is_decoded_lies_on_the_grid_within_the_range_and_in_its_bin(whole, decimals, draw, top) -> None:
    values = [round(v / 10**decimals, decimals) for v in whole]
    bins = encoder(values, top=top)
    codes = np.arange(FIRST, bins.column.size)
    decoded = bins.decode(codes, np.full(len(codes), draw))
    assert decoded.min() >= min(values) - 1e-9
    assert decoded.max() <= max(values) + 1e-9
    assert np.allclose(decoded, np.round(decoded, decimals), atol=1e-9)
    assert np.all(np.diff(decoded) >= 0)
    assert np.array_equal(bins.codes(np.array(values, float)), bins.codes(np.array(values, float)))
    again = BinnedEncoder.from_dict(bins.to_dict())
    assert again == bins


@given(numbers, st.floats(-10_000, 10_000), st.floats(-10_000, 10_000), st.floats(0, 1))
def test_a_range_is_kept_by_the_bins_that_have_a_value_in_it(whole, one, other, draw) -> None:
    bins, low, high = encoder([float(v) for v in whole], "INTEGER"), min(one, other), max(one, other)
    fits = np.flatnonzero(bins.within(low, high)) + FIRST
    decoded = bins.decode(fits, np.full(len(fits), draw), low, high)
    assert np.all((decoded >= low) & (decoded <= high) & (decoded == np.round(decoded)))


@given(numbers, st.lists(st.floats(-12_000, 12_000), min_size=1, max_size=9))
def test_the_nearest_value_is_one_that_the_column_may_have(whole, asked) -> None:
    bins, told = encoder([float(v) for v in whole], "INTEGER"), np.array(asked)
    codes, near = bins.near(told, np.ones(len(bins.points), bool))
    assert np.array_equal(near, np.round(near))
    assert near.min() >= min(whole) and near.max() <= max(whole)
    table = np.array(bins.points)[codes - FIRST]
    assert np.all((near >= table[:, 0] - 0.5) & (near <= table[:, -1] + 0.5))
    again = bins.near(near, np.ones(len(bins.points), bool))
    assert np.array_equal(again[1], near)
    for one, at in zip(told.tolist(), near.tolist()):
        if bins.low <= one <= bins.high:
            below, above = bins.around(one)
            assert below <= one <= above
            assert at in (below, above)


def test_frequent_values_have_a_bin_of_their_own() -> None:
    values = [0.0] * 300 + [20 + i / 7 for i in range(700)]
    bins = encoder(values)
    assert bins.points[0] == (0.0,) * 9
    assert bins.points[1][0] == pytest.approx(20)
    assert 8 < len(bins.points) <= 48
    counts = np.bincount(bins.codes(np.array(values)))[FIRST:]
    assert counts[0] == 300
    assert counts[1:].max() < 3 * counts[1:].min()


def test_steps_are_found() -> None:
    assert (encoder([5.0, 15.0, 30.0]).step, encoder([1.25, 1.5]).step, encoder([0.1, 0.7]).step) == (5.0, 0.25, 0.6)
    assert encoder([np.pi, np.e, 2**0.5]).step == 0.0


def test_missing_values_and_times() -> None:
    bins = encoder([1.0, None, 2.0])
    assert bins.encode(pa.array([None, 1.0, 9.0])).values.tolist() == [MISSING, FIRST, FIRST + 1]
    assert np.isnan(bins.decode(np.array([MISSING]), np.array([0.5]))[0])
    days = encoder([0.0, 86_400.0, 3 * 86_400.0], "DATE")
    assert days.encode(pa.array([0, 3], pa.date32())).values.tolist() == [FIRST, FIRST + 2]
    assert days.step == 86_400.0
