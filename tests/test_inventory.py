"""Policies against brute force and textbooks, and a simulation that makes nothing out of nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.errors import OptionError
from mfgsql.inventory import POLICIES, Terms, normal_plan, plan, read_costs, simulate

SEEDS = st.integers(0, 2**32 - 1)
SERVICE = Terms(service=0.9)


def poisson(seed: int, paths: int = 400, steps: int = 20, rate: float = 3.0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate, (paths, steps)).astype(float)


def leads(of: int, paths: int = 400) -> np.ndarray:
    return np.full(paths, of)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "terms",
    [SERVICE, Terms(holding=0.1, shortage=5, order=30), Terms(service=0.9, whole=False), Terms(service=0.9, lot=12)],
)
def test_no_demand_orders_nothing(policy: str, terms: Terms) -> None:
    found = plan(np.zeros((50, 10)), leads(3, 50), replace(terms, policy=policy))
    assert (found.order_up_to, found.order_quantity, found.lead_demand, found.safety_stock, found.cost) == (
        0,
        0,
        0,
        0,
        0,
    )
    assert (found.fill_rate, found.service) == (1, 1)


@settings(max_examples=40)
@given(SEEDS, st.floats(0.5, 0.99), st.integers(1, 7), st.sampled_from(["reorder_point", "periodic"]), st.booleans())
def test_stock_lasts_over_lead_and_review(seed: int, service: float, review: int, policy: str, whole: bool) -> None:
    demand = poisson(seed) * (1 if whole else 0.37)
    lead = np.random.default_rng(seed).integers(0, 12, 400)
    found = plan(demand, lead, Terms(service=service, review=review, policy=policy, whole=whole))
    needed = np.array([demand[i, : lead[i] + review].sum() for i in range(400)])
    point = np.quantile(needed, service)
    point = math.ceil(point - 1e-9) if whole else point
    assert (found.order_up_to if policy == "periodic" else found.reorder_point) == pytest.approx(point)
    assert found.lead_demand == pytest.approx(needed.mean())
    assert found.safety_stock == pytest.approx(point - needed.mean())
    assert found.lead == pytest.approx(lead.mean())
    assert found.service == pytest.approx(
        (needed <= point + 1e-9).mean(), abs=1e-6 if whole else 0.05
    )  # ties of parts round
    assert found.service >= service - (0.01 if whole else 0.06)
    assert (policy == "periodic") == (found.reorder_point == math.inf)


@settings(max_examples=30)
@given(SEEDS, st.lists(st.floats(0.01, 0.99), min_size=2, max_size=5).map(sorted), st.sampled_from(POLICIES))
def test_safer_stock_is_more_stock(seed: int, services: list[float], policy: str) -> None:
    found = [plan(poisson(seed), leads(4), Terms(service=s, policy=policy, holding=0.1)) for s in services]
    for name in ("order_up_to", "safety_stock", "service", "fill_rate", "cost"):
        assert (np.diff([getattr(p, name) for p in found]) >= -1e-9).all(), name


def test_the_quantity_is_the_economic_one() -> None:
    demand = np.full((10, 20), 8.0)
    found = plan(demand, leads(2, 10), Terms(service=0.9, order=50, holding=0.5))
    assert found.order_up_to - found.reorder_point == math.sqrt(2 * 50 * 8 / 0.5)
    assert found.reorder_point == 24
    # An order each 5 steps, half of its 40 pieces held, and nothing that is missing.
    assert found.cost == pytest.approx(50 / 5 + 0.5 * 20)
    rare = plan(demand, leads(2, 10), Terms(service=0.9, order=50, holding=0.5, review=7))
    assert rare.order_quantity == 56
    free = plan(demand, leads(2, 10), Terms(service=0.9, order=50))
    assert free.order_quantity == 8


@given(SEEDS, st.integers(1, 40), st.booleans())
def test_orders_are_lots(seed: int, lot: int, whole: bool) -> None:
    terms = Terms(service=0.9, order=20, holding=0.3, lot=lot, whole=whole)
    found = plan(poisson(seed), leads(4), terms)
    lots = (found.order_up_to - found.reorder_point) / lot
    assert lots == pytest.approx(round(lots))
    free = plan(poisson(seed), leads(4), replace(terms, lot=0, whole=False))
    assert free.order_quantity - 1e-6 <= found.order_quantity < free.order_quantity + lot + 1e-6
    once = plan(poisson(seed), leads(4), replace(terms, policy="newsvendor"))
    assert once.order_up_to % lot == 0


def test_costs_tell_how_safe_stock_is() -> None:
    demand = np.random.default_rng(0).uniform(0, 10, (4_000, 1))
    found = plan(demand, leads(0, 4_000), Terms(holding=0.5, shortage=5, order=0, whole=False))
    # One more piece is held for each order, and spares a shortage at each: 1 - holding * quantity / (shortage * rate).
    assert found.service == pytest.approx(1 - 0.5 / 5, abs=0.01)
    assert plan(demand, leads(0, 4_000), Terms(holding=9, shortage=1)).service == pytest.approx(0.5, abs=0.1)
    assert plan(demand, leads(0, 4_000), Terms(holding=9, whole=False)).service == pytest.approx(0.999, abs=0.001)


@settings(max_examples=25)
@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(1, 50), st.floats(1, 50))
def test_a_newsvendor_of_uniform_demand(holding: float, shortage: float, low: float, wide: float) -> None:
    demand = np.linspace(low, low + wide, 4_001)[:, None]
    found = plan(demand, leads(0, 4_001), Terms(holding=holding, shortage=shortage, policy="newsvendor", whole=False))
    share = shortage / (shortage + holding)
    assert found.order_up_to == pytest.approx(low + share * wide)
    # The mean of what is missing and of what is left over, by integrals.
    missing, left = wide * (1 - share) ** 2 / 2, wide * share**2 / 2
    assert found.cost == pytest.approx(shortage * missing + holding * left, rel=0.01)
    assert found.fill_rate == pytest.approx(1 - missing / (low + wide / 2), abs=0.001)
    assert math.isnan(found.reorder_point)


def test_a_newsvendor_orders_for_all_steps() -> None:
    demand = poisson(0, steps=6)
    found = plan(demand, leads(0), Terms(service=0.8, policy="newsvendor"))
    assert found.order_up_to == math.ceil(np.quantile(demand.sum(axis=1), 0.8))
    long = plan(demand, leads(0), Terms(holding=1, shortage=6, policy="newsvendor"))
    assert long.order_up_to == math.ceil(np.quantile(demand.sum(axis=1), 0.5))  # a piece left over was held for 6 steps


def test_the_textbook_by_hand() -> None:
    past = np.array([2.0, 4.0, 6.0, 8.0])
    found = normal_plan(past, np.array([2, 4]), Terms(service=0.95, whole=False))
    spread = math.sqrt(4 * past.var(ddof=1) + 1 * 25)
    assert found.reorder_point == pytest.approx(20 + 1.6448536 * spread)
    assert found.order_up_to - found.reorder_point == pytest.approx(5)
    assert found.service == pytest.approx(0.95, abs=0.002)
    none = normal_plan(np.zeros(1), np.array([2]), Terms(service=0.95))
    assert (none.reorder_point, none.order_up_to) == (0, 0)


TERMS = st.builds(
    Terms,
    holding=st.floats(0, 2),
    shortage=st.floats(0, 9),
    order=st.floats(0, 9),
    review=st.integers(1, 5),
    lot=st.sampled_from([0.0, 1.0, 7.0]),
    whole=st.booleans(),
)


@settings(max_examples=100)
@given(SEEDS, TERMS, st.integers(1, 40), st.floats(0, 6))
def test_stock_is_never_made_of_nothing(seed: int, terms: Terms, steps: int, rate: float) -> None:
    dice = np.random.default_rng(seed)
    demand = dice.poisson(rate, steps).astype(float)
    points = dice.integers(0, 15, steps).astype(float)
    targets = points + dice.integers(0, 15, steps)
    found = simulate(points, targets, demand, dice.integers(0, 6, steps), terms)
    assert 0 <= found.fill_rate <= 1
    assert 0 <= found.service <= 1
    assert 0 <= found.orders <= -(-steps // terms.review)
    assert found.cost >= 0
    # What is ordered fills up to a target and a lot at most: no more than that is ever there.
    assert found.stock <= targets.max() + max(terms.lot, 1)
    assert (
        found.fill_rate * demand.sum()
        <= targets[0] + found.orders * (targets.max() + demand.sum() + max(terms.lot, 1)) + 1e-6
    )
    assert (found.fill_rate > 1 - 1e-12) == (found.service == 1)


def test_a_game_by_hand() -> None:
    # Full stock of 10 becomes 6 and 2; the 8 that are ordered then come two steps later, and 2 and 4 are missing before.
    demand = np.array([4.0, 4.0, 4.0, 4.0, 0.0])
    found = simulate(np.full(5, 4.0), np.full(5, 10.0), demand, np.full(5, 2), Terms(holding=1, shortage=10, order=100))
    assert found.fill_rate == pytest.approx(10 / 16)
    assert found.service == pytest.approx(3 / 5)
    assert found.orders == 2  # the second one at the end, when 8 came in and 6 of them were owed
    assert found.stock == pytest.approx((6 + 2 + 0 + 0 + 2) / 5)
    assert found.cost == pytest.approx((1 * 10 + 10 * 6 + 100 * 2) / 5)


@given(st.integers(1, 30), TERMS, st.integers(0, 20))
def test_without_demand_only_holding_costs(steps: int, terms: Terms, target: int) -> None:
    found = simulate(np.zeros(steps), np.full(steps, float(target)), np.zeros(steps), np.full(steps, 2), terms)
    assert (found.fill_rate, found.service, found.orders, found.stock) == (1, 1, 0, target)
    assert found.cost == pytest.approx(terms.holding * target)


def test_what_is_ordered_at_once_is_there_at_once() -> None:
    demand = np.full(20, 5.0)
    found = simulate(np.full(20, 5.0), np.full(20, 5.0), demand, np.zeros(20, np.int64), Terms())
    assert (found.fill_rate, found.orders) == (1, 19)


@pytest.mark.parametrize("service", [0.8, 0.95])
@pytest.mark.parametrize(("policy", "review"), [("periodic", 1), ("periodic", 4), ("reorder_point", 1)])
def test_stock_lasts_as_often_as_asked_for(service: float, policy: str, review: int) -> None:
    terms = Terms(service=service, policy=policy, review=review)
    made = plan(poisson(0, paths=5_000, rate=4.0), leads(3, 5_000), terms)
    point = made.order_up_to if policy == "periodic" else made.reorder_point
    steps = 40 * review
    points = np.full(steps, math.inf if policy == "periodic" else point)
    lasting = []
    for seed in range(60):
        demand = np.random.default_rng(1_000 + seed).poisson(4.0, steps).astype(float)
        found = simulate(points, np.full(steps, made.order_up_to), demand, np.full(steps, 3), terms)
        lasting.append(found.service)
    # Between two orders stock lasts as often as asked for: of single steps, more often, unless each is one.
    assert np.mean(lasting) >= service - 0.01
    if policy == "periodic" and review == 1:
        assert np.mean(lasting) == pytest.approx(made.service, abs=0.03)


@pytest.mark.parametrize(
    "told", [3, "cheap", {"hold": 1}, {"holding": -1}, {"holding": math.inf}, {"shortage": True}, {"order": None}, [1]]
)
def test_costs_that_can_not_be(told: object) -> None:
    with pytest.raises(OptionError, match="costs is a struct"):
        read_costs(told)  # type: ignore[arg-type]


def test_costs_are_numbers_or_columns() -> None:
    assert read_costs(None) == {}
    assert read_costs({"holding": 0, "shortage": "penalty", "order": 2.5}) == {
        "holding": 0,
        "shortage": "penalty",
        "order": 2.5,
    }
