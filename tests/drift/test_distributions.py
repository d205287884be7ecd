"""Two samples compared: against scipy, and by what holds for any samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ks_2samp, kstest

from mfgsql.drift.distributions import Quantiles, adjusted, compare_counts, compare_shares, psi, quantiles_of

RNG = np.random.default_rng(3)


def known(values: np.ndarray) -> Quantiles:
    return Quantiles(quantiles_of(values), len(values))


def test_the_test_of_numbers_is_that_of_two_samples() -> None:
    before, now = RNG.normal(size=4_000), RNG.normal(0.1, 1.1, 3_000)
    found, wanted = known(before).compare(known(before).counts(now)), ks_2samp(now, before, method="asymp")
    assert found.value == pytest.approx(wanted.statistic, abs=1 / 256)
    assert np.log(found.p_value) == pytest.approx(np.log(wanted.pvalue), rel=0.2)


@pytest.mark.parametrize("draw", [lambda n: RNG.normal(size=n), lambda n: RNG.integers(0, 5, n).astype(float), lambda n: RNG.exponential(size=n)])
def test_p_values_of_equal_distributions_are_no_smaller_than_uniform(draw) -> None:
    found = []
    for _ in range(300):
        before = known(draw(2_000))
        found.append(before.compare(before.counts(draw(500))).p_value)
    assert kstest(found, "uniform", alternative="greater").pvalue > 1e-3  # of ties p-values are larger


def test_rows_that_a_version_learnt_from_are_no_drift() -> None:
    thirds = np.repeat(np.arange(9) / 3.0, 23)[:200]
    found = known(thirds).compare(known(thirds).counts(thirds))
    assert found.value < 0.01
    assert found.psi < 0.01


@pytest.mark.parametrize(("shift", "index"), [(0.5, 0.25), (1.0, 1.0)])
def test_the_index_of_a_shifted_mean_is_its_square(shift: float, index: float) -> None:
    before = known(RNG.normal(size=100_000))
    assert before.compare(before.counts(RNG.normal(shift, 1, 100_000))).psi == pytest.approx(index, rel=0.1)


def test_values_beyond_all_that_was_seen_have_cells_of_their_own() -> None:
    before = known(RNG.integers(0, 2, 1_000).astype(float))
    now = RNG.integers(0, 2, 1_000).astype(float)
    now[:100] = 7.0
    assert before.compare(before.counts(now)).psi > 0.1


def test_classes_are_compared_by_chi_square_and_rare_ones_together() -> None:
    found = compare_counts(np.array([40.0, 60, 1, 0]), np.array([500.0, 480, 1, 2]))
    wanted = chi2_contingency([[40, 61], [500, 483]], correction=False)  # two are rare, and the rest of them is one more
    pooled = chi2_contingency([[40, 60, 1], [500, 480, 3]], correction=False)
    assert found.p_value == pytest.approx(pooled.pvalue)
    assert found.p_value > wanted.pvalue
    assert compare_counts(np.array([7.0]), np.array([9.0])).p_value == 1.0


def test_shares() -> None:
    few = compare_shares(1, 100, 0, 10_000)
    assert few.p_value == pytest.approx(100 / 10_100)  # by Fisher: the one lies among the hundred
    assert (few.value, few.reference) == (0.01, 0.0)
    assert compare_shares(0, 10, 0, 10).p_value == 1.0
    assert compare_shares(300, 3_000, 0, 3_000).psi > 0.1


@given(
    st.lists(st.integers(0, 500), min_size=2, max_size=12),
    st.lists(st.integers(0, 500), min_size=2, max_size=12),
)
@settings(max_examples=200)
def test_counts_compare_whatever_they_are(ours: list[int], theirs: list[int]) -> None:
    size = min(len(ours), len(theirs))
    a, b = np.array(ours[:size], float), np.array(theirs[:size], float)
    if not a.sum() or not b.sum():
        return
    found = compare_counts(a, b)
    assert 0 <= found.p_value <= 1
    assert found.psi >= 0
    assert psi(a, a) == 0
    assert psi(a, b) == pytest.approx(psi(b, a))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50), st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=50))
@settings(max_examples=200)
def test_numbers_compare_whatever_they_are(before: list[float], now: list[float]) -> None:
    one = known(np.array(before))
    counts = one.counts(np.array(now))
    found = one.compare(counts)
    assert counts.sum() == len(now)
    assert 0 <= found.p_value <= 1
    assert 0 <= found.value <= 1
    assert found.psi >= 0
    assert (np.diff(one.cuts) > 0).all()
    ranks = one.ranks(np.sort(np.array(now)))
    assert (np.diff(ranks) >= 0).all()


def test_adjusted_p_values_hold_false_discoveries() -> None:
    assert adjusted([]) == []
    assert adjusted([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
