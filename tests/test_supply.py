"""Lead times of which some are not over yet, what all suppliers teach of one, and what comes of each measure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from mfgsql.supply import SHARES, Measure, Orders, Prices, Situation, arrived_by, describe, measures, still_to_come

SEEDS = st.integers(0, 2**32 - 1)
PRICES = Prices(holding=0.1, shortage=5, order=20, expedite=40, second_source=1)


def orders(
    days: list[float],
    arrived: list[bool] | None = None,
    late: list[float] | None = None,
    beyond: list[float] | None = None,
) -> Orders:
    count = len(days)
    known = [True] * count if arrived is None else arrived
    none = [np.nan] * count
    return Orders(
        np.array(days, float),
        np.array(known, bool),
        np.array(none if late is None else late),
        np.array(none if beyond is None else beyond),
    )


def test_orders_under_way_count_for_as_long_as_they_are() -> None:
    # Of six, one arrives after 1 (5 of 6 left), one is under way for 2, one arrives after 3 (3 of 4), two after 5 (1 of 3).
    some = orders([1, 2, 3, 5, 5, 9], [True, False, True, True, True, False])
    left = np.array([1, 5 / 6, 5 / 6, 5 / 6 * 3 / 4, 5 / 6 * 3 / 4 * 1 / 3, 5 / 6 * 3 / 4 * 1 / 3])
    assert arrived_by(some, np.array([0.5, 1, 2, 3, 5, 99])) == pytest.approx(1 - left)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40), st.lists(st.integers(-1, 25), max_size=9))
def test_where_all_have_arrived_it_is_their_share(days: list[int], times: list[int]) -> None:
    found = arrived_by(orders([float(d) for d in days]), np.array(times, float))
    assert found == pytest.approx([np.mean(np.array(days) <= t) for t in times])


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40))
def test_shares_rise_and_are_shares(some: list[tuple[int, bool]]) -> None:
    times = np.arange(-1, 25.0)
    found = arrived_by(orders([float(d) for d, _ in some], [a for _, a in some]), times)
    assert (np.diff(found) >= -1e-12).all()
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-12
    # Who waits longer than all that came has not come: the share is no larger than if all had arrived then.
    assert (found <= [np.mean([d <= t for d, _ in some]) + 1e-12 for t in times]).all() or not all(a for _, a in some)


def test_none_has_arrived() -> None:
    under_way = orders([3, 4], [False, False])
    assert arrived_by(under_way, np.array([1.0, 9.0])).tolist() == [0, 0]
    assert np.isnan(describe(under_way, under_way, 0.9).leads).all()


def test_few_orders_are_drawn_towards_what_all_do() -> None:
    everyone = orders([5] * 40, late=[1.0] * 10 + [0.0] * 30)
    usual = 10.5 / 41
    none = describe(orders([]), everyone, 0.9)
    assert none.late == pytest.approx(usual)
    one = describe(orders([5], late=[1.0]), everyone, 0.9)
    assert one.late == pytest.approx((1 + 5 * usual) / 6)
    many = describe(orders([5] * 500, late=[1.0] * 500), everyone, 0.9)
    assert usual < one.late < many.late < 1
    assert many.late == pytest.approx(1, abs=0.01)
    assert (one.lower, one.upper) == pytest.approx(beta.ppf([0.05, 0.95], 1 + 5 * usual, 5 * (1 - usual)))
    assert one.upper - one.lower > many.upper - many.lower


def test_what_is_not_known_yet_is_no_lateness() -> None:
    everyone = orders([5] * 4, late=[1.0, 0.0, np.nan, np.nan], beyond=[3.0, np.nan, np.nan, np.nan])
    found = describe(everyone, everyone, 0.8)
    assert found.late == pytest.approx((1 + 5 * 0.5) / (2 + 5))
    assert found.days_late == 3
    assert describe(orders([5], late=[0.0]), everyone, 0.8).days_late is None


@settings(max_examples=40)
@given(SEEDS, st.integers(0, 30))
def test_lead_times_lie_between_the_own_and_those_of_all(seed: int, count: int) -> None:
    dice = np.random.default_rng(seed)
    own = dice.integers(10, 20, count).astype(float).tolist()
    everyone = orders(own + dice.integers(1, 10, 30).astype(float).tolist())
    found = describe(orders(own), everyone, 0.9).leads
    assert len(found) == len(SHARES)
    assert (np.diff(found) >= 0).all()
    assert set(found) <= set(everyone.days)
    share = count / (count + 5)
    times = np.unique(everyone.days)
    mixed = share * arrived_by(orders(own), times) + (1 - share) * arrived_by(everyone, times)
    place = np.searchsorted(times, found)
    assert (mixed[place] >= SHARES - 1e-9).all()
    assert (np.append(0, mixed)[place] < SHARES + 1e-9).all()


def test_what_an_order_still_takes() -> None:
    leads = np.array([2.0, 5, 9])
    assert still_to_come(leads, 0).tolist() == [2, 5, 9]
    assert still_to_come(leads, 5).tolist() == [4]
    assert still_to_come(leads, 20).tolist() == [1]


def situation(
    demand: float = 5.0,
    stock: float = 20.0,
    open_: list[tuple[float, float]] | None = None,
    usual: float = 4.0,
    second: float | None = None,
    hurried: float = 2.0,
    steps: int = 14,
    seed: int = 0,
) -> Situation:
    paths = np.random.default_rng(seed).poisson(demand, (300, steps)).astype(float)
    under_way = [(quantity, np.array([waits])) for quantity, waits in open_ or []]
    return Situation(
        paths, stock, under_way, np.array([usual]), None if second is None else np.array([second]), hurried
    )


def by_name(item: Situation, prices: Prices = PRICES) -> dict[str, Measure]:
    found = measures(item, prices)
    assert [(m.cost, m.name) for m in found] == sorted((m.cost, m.name) for m in found)
    return {m.name: m for m in found}


def test_without_demand_waiting_costs_least() -> None:
    found = by_name(situation(0.0, open_=[(10, 3)], second=2.0))
    assert set(found) == {"wait", "expedite"}
    assert measures(situation(0.0, open_=[(10, 3)]), PRICES)[0].name == "wait"
    assert (found["wait"].risk, found["wait"].shortage) == (0, 0)
    # 20 pieces for 14 steps, and 10 more from the fourth on.
    assert found["wait"].cost == pytest.approx(0.1 * (20 * 14 + 10 * 11))
    assert list(by_name(situation(0.0))) == ["wait"]


@settings(max_examples=40)
@given(SEEDS, st.floats(1, 9), st.floats(0, 60), st.integers(1, 10))
def test_what_is_ordered_lowers_the_risk(seed: int, demand: float, stock: float, usual: int) -> None:
    found = by_name(situation(demand, stock, usual=usual, second=max(usual - 1, 1), seed=seed))
    waiting = found["wait"]
    for measure in found.values():
        assert 0 <= measure.risk <= 1
        assert measure.risk <= waiting.risk
        assert measure.shortage <= waiting.shortage + 1e-9
    if "order" in found:
        assert found["second_source"].shortage <= found["order"].shortage + 1e-9
        assert found["raise_stock"].quantity >= found["order"].quantity > 0
        assert found["second_source"].quantity == found["order"].quantity


def test_what_is_ordered_is_what_will_be_missing() -> None:
    item = situation(stock=20, open_=[(7, 3)])
    needed = item.demand.sum(axis=1)
    found = by_name(item)
    assert found["order"].quantity == np.ceil(np.quantile(needed, 0.95) - 27)
    assert found["raise_stock"].quantity == np.ceil(np.quantile(needed, 0.995) - 27)
    assert found["order"].arrives_in == 4
    assert found["wait"].arrives_in is None


def test_what_is_hurried_is_under_way_or_needed() -> None:
    assert "expedite" not in by_name(situation(1.0, stock=500))
    needed = by_name(situation(5.0, stock=20))["expedite"]
    assert needed.quantity > 0
    assert needed.arrives_in == 2
    hurried = by_name(situation(5.0, stock=20, open_=[(60, 9)]))
    assert hurried["expedite"].quantity == 0
    assert hurried["expedite"].arrives_in == 2
    assert hurried["expedite"].shortage < hurried["wait"].shortage
    late = by_name(situation(5.0, stock=20, open_=[(60, 1)]))  # it is there before anyone could hurry
    assert late["expedite"].shortage == late["wait"].shortage


def test_only_who_has_a_second_source_is_told_of_it() -> None:
    assert "second_source" not in by_name(situation())
    assert "second_source" in by_name(situation(second=2.0))


@settings(max_examples=30)
@given(SEEDS, st.floats(0, 5), st.floats(0, 9), st.floats(0, 99), st.floats(0, 99), st.floats(0, 5))
def test_costs_are_the_sum_of_their_parts(
    seed: int, holding: float, shortage: float, order: float, expedite: float, more: float
) -> None:
    item = situation(second=2.0, seed=seed)
    held, open_ = by_name(item, Prices(holding=1)), situation(open_=[(9, 3), (8, 5)], seed=seed)
    prices = Prices(holding, shortage, order, expedite, more)
    for name, one in by_name(item, prices).items():
        extra = {
            "wait": 0.0,
            "order": order,
            "raise_stock": order,
            "second_source": order + more * one.quantity,
            "expedite": order + expedite,
        }
        assert one.cost == pytest.approx(holding * held[name].cost + shortage * one.shortage + extra[name])
    assert by_name(open_, prices)["expedite"].cost == pytest.approx(
        holding * by_name(open_, Prices(holding=1))["expedite"].cost
        + shortage * by_name(open_)["expedite"].shortage
        + 2 * expedite
    )


def test_a_path_by_hand() -> None:
    item = Situation(np.full((10, 4), 3.0), 5.0, [(4.0, np.array([2.0]))], np.array([1.0]), None, 1.0)
    waiting = by_name(item)["wait"]
    # 5 - 3 = 2, of 3 one is missing; then 4 come in for that one and 3; then 3 are missing.
    assert waiting.shortage == pytest.approx(1 + 0 + 3)
    assert waiting.risk == 1
    assert waiting.cost == pytest.approx(5 * 4 + 0.1 * 2)
