"""The cheapest flows: as scipy finds them, and told what is in the way where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from mfgsql.allocation import Costs, Limits, allocate
from mfgsql.cancellation import Cancellation
from mfgsql.errors import CancelledError, DataError, ResourceError

INF = np.inf


def problem(there, asked, price, **more):
    """Every place to every other one."""
    n, m = price.shape
    flows = np.arange(n * m)
    supply = Limits("the supply of", "plant {}".format, n, flows // m, flows, np.ones(n * m), np.full(n, -INF), np.array(there, float))
    demand = Limits("", "depot {}".format, m, flows % m, flows, np.ones(n * m), np.array(asked, float), np.array(asked, float), asked=True)
    most = np.minimum(np.repeat(np.array(there, float), m), np.tile(np.array(asked, float), n))
    return Costs(price.ravel(), most, flows, **more), [supply, demand]


def lanes(most, count):
    own = np.arange(count)
    return Limits(f"'quantity <= {most}'", "lane {}".format, count, own, own, np.ones(count), np.full(count, -INF), np.full(count, float(most)))


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_it_costs_what_scipy_says(n, m, seed):
    rng = np.random.default_rng(seed)
    price, asked = rng.uniform(0, 9, (n, m)), rng.integers(0, 20, m)
    there = rng.multinomial(asked.sum() + 5, np.full(n, 1 / n))
    costs, limits = problem(there, asked, price)
    found = allocate(costs, limits)
    flows = np.arange(n * m)
    used, got = (np.equal.outer(np.arange(k), part).astype(float) for k, part in ((n, flows // m), (m, flows % m)))
    best = linprog(price.ravel(), A_ub=used, b_ub=there, A_eq=got, b_eq=asked)
    assert found.best
    assert found.cost == pytest.approx(best.fun, abs=1e-6)
    assert got @ found.flows == pytest.approx(asked, abs=1e-6)
    assert (used @ found.flows <= there + 1e-6).all()


def test_a_hundred_by_a_hundred_lanes():
    rng = np.random.default_rng(0)
    costs, limits = problem(np.full(100, 110), np.full(100, 100), rng.uniform(1, 9, (100, 100)))
    found = allocate(costs, limits)
    assert found.flows.sum() == pytest.approx(10_000)


def test_what_is_lacking_and_what_is_in_the_way():
    costs, limits = problem([50, 50], [60, 30], np.array([[1.0, 5], [4, 2]]))
    with pytest.raises(DataError, match=r"depot 0 is short of 20\.? In the way: .*lane 0.*options := \{'unmet': 100\}"):
        allocate(costs, [*limits, lanes(20, 4)])
    costs, limits = problem([10, 10], [60, 30], np.array([[1.0, 5], [4, 2]]))
    with pytest.raises(DataError, match="is short of.*In the way: the supply of plant 0, the supply of plant 1"):
        allocate(costs, limits)


def test_limits_that_contradict_one_another():
    costs, limits = problem([50, 50], [60, 30], np.array([[1.0, 5], [4, 2]]))
    least = Limits("'quantity >= 70'", "lane {}".format, 1, np.zeros(1, int), np.zeros(1, int), np.ones(1), np.array([70.0]), np.array([INF]))
    with pytest.raises(DataError, match="'quantity >= 70' lane 0 can't be kept, by 20"):
        allocate(costs, [*limits, least])


def test_what_is_not_delivered_has_its_price():
    costs, limits = problem([50, 10], [60, 30], np.array([[1.0, 5], [4, 2]]), unmet=3.0)
    found = allocate(costs, limits)
    assert found.unmet.sum() == pytest.approx(30)
    assert found.cost == pytest.approx(50 * 1 + 10 * 2 + 30 * 3)  # a lane for 4 costs more than to leave it


def test_a_lane_that_costs_something_to_be_used():
    price = np.array([[1.0, 1], [1, 1]])
    costs, limits = problem([100, 100], [50, 50], price, fixed=np.array([100.0, 100, 5, 5]))
    assert np.flatnonzero(allocate(costs, limits).flows).tolist() == [2, 3]


def test_whole_numbers():
    costs, limits = problem([3, 3], [2, 3], np.array([[1.0, 2], [2, 1]]), whole=True)
    weights = Limits("'1.5 * quantity'", "lane {}".format, 1, np.zeros(1, int), np.zeros(1, int), np.array([1.5]), np.array([-INF]), np.array([2.0]))
    assert allocate(costs, [*limits, weights]).flows.tolist() == [1.0, 1.0, 1.0, 2.0]


def test_without_a_lane():
    none = Limits("the supply of", str, 0, np.empty(0, int), np.empty(0, int), np.empty(0), np.empty(0), np.empty(0))
    asked = Limits("", lambda i: "depot x", 1, np.empty(0, int), np.empty(0, int), np.empty(0), np.array([4.0]), np.array([4.0]), asked=True)
    costs = Costs(np.empty(0), np.empty(0), np.empty(0, int))
    assert allocate(costs, [none]).cost == 0.0
    with pytest.raises(DataError, match="depot x, where no lane leads, is short of 4"):
        allocate(costs, [none, asked])


def test_what_is_not_feasible_in_time_is_no_plan(monkeypatch):
    rng = np.random.default_rng(0)
    costs, limits = problem(np.full(200, 110), np.full(200, 100), rng.uniform(1, 9, (200, 200)))
    monkeypatch.setattr("mfgsql.allocation._LONGEST", 0.001)
    try:
        found = allocate(costs, limits)
    except ResourceError:
        return
    assert np.bincount(limits[1].sums, found.flows) == pytest.approx(np.full(200, 100.0))


def test_it_can_be_stopped():
    cancellation = Cancellation()
    cancellation.set()
    rng = np.random.default_rng(0)
    costs, limits = problem(np.full(60, 110), np.full(60, 100), rng.uniform(1, 9, (60, 60)), fixed=rng.uniform(50, 90, 3600))
    with pytest.raises(CancelledError):
        allocate(costs, limits, cancellation.check)
