"""Effect sizes: those of scipy and of their definitions, with intervals that hold what they say."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mfgsql.evaluation.effects import cramers_v, eta_squared, rank_biserial, spearmans_rho

SMALL = st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2)), min_size=8, max_size=60)


@given(SMALL)
def test_the_rank_biserial_correlation_counts_pairs(rows):
    values, second = np.array([float(v) for v, _ in rows]), np.array([g > 0 for _, g in rows])
    if second.all() or not second.any():
        return
    pairs = [np.sign(a - b) for a, b in product(values[second], values[~second])]
    found = rank_biserial(values, second)
    assert found.value == pytest.approx(np.mean(pairs))
    assert found.p_value == stats.mannwhitneyu(values[second], values[~second]).pvalue
    if found.lower is not None:
        assert -1 <= found.lower <= found.value + 1e-12 and found.value - 1e-12 <= found.upper <= 1


@given(SMALL)
def test_eta_squared_is_that_of_kruskal(rows):
    values = np.array([float(v) for v, _ in rows])
    _, groups = np.unique([g for _, g in rows], return_inverse=True)
    count = groups.max() + 1
    if count < 2 or len(set(values)) < 2:
        return
    found = eta_squared(values, groups)
    h, p = stats.kruskal(*(values[groups == g] for g in range(count)))
    assert found.value == pytest.approx(max((h - count + 1) / (len(rows) - count), 0))
    assert found.p_value == (pytest.approx(p) if h > 0 else 1.0)
    assert 0 <= found.lower <= found.value + 1e-9 and found.value - 1e-9 <= found.upper <= 1


def test_groups_with_equal_ranks_have_a_p_value():
    found = eta_squared(np.tile(np.arange(20) / 10 * 2 + 1, 3), np.repeat([0, 1, 2], 20))
    assert (found.value, found.p_value) == (0, pytest.approx(1))


@given(st.lists(st.lists(st.integers(0, 200), min_size=3, max_size=3), min_size=2, max_size=4))
def test_cramers_v_is_scipys_without_its_bias(counts):
    table = np.array(counts, dtype=float)
    table = table[table.sum(1) > 0][:, table.sum(0) > 0]
    if min(table.shape, default=0) < 2 or table.sum() < 20:
        return
    found, rows = cramers_v(table), table.sum()
    biased = stats.contingency.association(table.astype(int), "cramer")
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    sizes = [k - (k - 1) ** 2 / (rows - 1) for k in table.shape]
    wanted = max(biased**2 * (min(table.shape) - 1) - freedom / (rows - 1), 0) / (min(sizes) - 1)
    assert found.value == pytest.approx(min(math.sqrt(wanted), 1), abs=1e-6)
    if found.lower is not None:
        assert found.p_value == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
        assert 0 <= found.lower <= found.value + 1e-9 and found.value - 1e-9 <= found.upper <= 1


def test_sparse_tables_are_tested_without_large_sample_theory():
    two = cramers_v(np.array([[3.0, 20], [0, 20]]))
    assert two.p_value == pytest.approx(stats.fisher_exact([[3, 20], [0, 20]]).pvalue)
    assert two.lower is None
    rare = np.array([[40.0, 2, 1], [38, 3, 0], [45, 0, 1]])
    found = cramers_v(rare)
    assert found == cramers_v(rare)  # the dice are the same each time
    assert found.p_value == pytest.approx(stats.chi2_contingency(rare, correction=False).pvalue, abs=0.1)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=20, max_size=60))
def test_spearmans_rho_is_scipys(pairs):
    x, y = (np.array(c, dtype=float) for c in zip(*pairs, strict=True))
    if len(set(x)) < 2 or len(set(y)) < 2:
        return
    found, wanted = spearmans_rho(x, y), stats.spearmanr(x, y)
    assert (found.value, found.p_value) == (wanted.statistic, wanted.pvalue)
    assert found.lower <= found.value <= found.upper


@pytest.mark.parametrize("sign", [1, -1])
def test_complete_effects_are_1_with_an_interval_inside(sign):
    x = np.arange(100.0)
    rho, delta = spearmans_rho(x, sign * x), rank_biserial(sign * x, x >= 50)
    assert (rho.value, delta.value) == (pytest.approx(sign), sign)
    assert delta.lower >= -1 and delta.upper <= 1 and delta.lower < delta.upper
    assert abs(delta.lower if sign > 0 else delta.upper) > 0.8


def test_signs_follow_the_second_group():
    rng = np.random.default_rng(0)
    second = rng.random(500) < 0.3
    assert rank_biserial(rng.normal(second * 1.0), second).lower > 0
    assert rank_biserial(rng.normal(second * -1.0), second).upper < 0


def _delta(rng, shift):
    second = rng.random(200) < 0.2
    return rank_biserial(rng.normal(shift * second), second)


def _eta(rng, shift):
    groups = rng.integers(0, 3, 200)
    return eta_squared(rng.poisson(2 + shift * groups).astype(float), groups)


SHARES = np.array([[0.45, 0.15], [0.2, 0.2]])
EVEN = np.outer(SHARES.sum(1), SHARES.sum(0))


def _v(rng, shift):
    shares = EVEN + shift * (SHARES - EVEN)
    return cramers_v(rng.multinomial(300, shares.ravel()).reshape(2, 2).astype(float))


def _rho(rng, shift):
    x = rng.normal(size=200)
    return spearmans_rho(x, rng.normal(shift * x))


@pytest.mark.parametrize(
    ("draw", "shift", "truth"),
    [
        (_delta, 0.0, 0.0),
        (_delta, 1.0, 2 * stats.norm.cdf(1 / math.sqrt(2)) - 1),
        (_rho, 0.0, 0.0),
        (_rho, 1.0, 6 / math.pi * math.asin(1 / math.sqrt(2) / 2)),
        (_v, 0.0, 0.0),
        (_v, 1.0, math.sqrt(((SHARES - EVEN) ** 2 / EVEN).sum())),
        (_eta, 0.0, 0.0),
        (_eta, 1.0, None),
    ],
)
def test_intervals_hold_the_true_value(draw, shift, truth):
    rng = np.random.default_rng(0)
    if truth is None:
        groups = rng.integers(0, 3, 400_000)
        truth = eta_squared(rng.poisson(2 + shift * groups).astype(float), groups).value
    found = [draw(rng, shift) for _ in range(300)]
    held = np.mean([e.lower - 1e-12 <= truth <= e.upper + 1e-12 for e in found])
    assert 0.91 <= held <= 0.985
