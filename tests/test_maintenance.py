"""When to intervene: against a search over all moments, and by what must hold whatever the lives are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.errors import OptionError
from mfgsql.maintenance import UpkeepCosts, cost_rate, plan


def cost_of(wait: float, lives: np.ndarray, costs: UpkeepCosts, worth: float) -> float:
    """A failure where the life ends before, else a replacement; the time in use taken off."""
    failed = lives < wait
    paid = np.where(failed, costs.failure, costs.replacement)
    return float((paid - worth * np.minimum(lives, wait)).mean())


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 9999), ratio=st.floats(1.5, 50), worth=st.floats(0.001, 0.1), spread=st.floats(0.1, 60))
def test_no_moment_is_cheaper(seed: int, ratio: float, worth: float, spread: float) -> None:
    lives = np.sort(np.abs(np.random.default_rng(seed).normal(80, spread, (1, 100))), axis=1)
    costs = UpkeepCosts(ratio, 1.0)
    found = plan(lives, costs, worth)
    waits = [0.0, *lives[0].tolist()]
    best = min(min(cost_of(w, lives[0], costs, worth) for w in waits), found.to_failure[0])
    assert found.cost[0] == pytest.approx(best, abs=1e-9)
    if np.isfinite(found.wait[0]):
        assert cost_of(found.wait[0], lives[0], costs, worth) == pytest.approx(best, abs=1e-9)
        assert found.risk[0] == pytest.approx((lives[0] < found.wait[0]).mean())


def test_dearer_failures_ask_for_earlier_interventions() -> None:
    lives = np.sort(np.random.default_rng(0).gamma(20, 5, (1, 100)), axis=1)
    waits = [plan(lives, UpkeepCosts(ratio, 1.0), 0.01).wait[0] for ratio in (1.5, 5, 20, 100)]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] > waits[-1]


def test_a_life_known_exactly_is_used_to_its_end() -> None:
    found = plan(np.full((1, 100), 40.0), UpkeepCosts(10.0, 1.0), 0.01)
    assert found.wait[0] == 40.0
    assert found.risk[0] == 0.0
    assert plan(np.full((1, 100), 40.0), UpkeepCosts(10.0, 1.0), 0.01, lead=50.0).wait[0] == 0.0


def test_costs_are_judged() -> None:
    for told, words in (
        (None, "The costs are missing"), ({"failure": 3}, "numbers above 0 for both"), ({"failure": 3, "replacement": -1}, "above 0"),
        ({"failure": 3, "replacement": 5}, "never pays"), ({"failures": 3}, "Unknown cost 'failures'.*Did you mean 'failure'"),
        ({"failure": True, "replacement": 1}, "above 0"),
    ):  # fmt: skip
        with pytest.raises(OptionError, match=words):
            UpkeepCosts.parse(told)


def test_an_hour_in_use_costs_what_the_best_age_to_replace_at_costs() -> None:
    dice, costs = np.random.default_rng(0), UpkeepCosts(10.0, 1.0)
    for lives in (np.sort(dice.gamma(20, 5, 200)), np.sort(dice.exponential(100, 200)), np.full(50, 80.0)):
        ages = [*lives.tolist(), np.inf]
        rates = [np.where(lives < age, costs.failure, costs.replacement).mean() / np.minimum(lives, age).mean() for age in ages]
        assert cost_rate(lives, costs) == pytest.approx(min(rates))
    # Where lives end at any age alike it is best to run to failure, or nearly so.
    even = np.sort(dice.exponential(100, 5000))
    assert cost_rate(even, costs) > 0.9 * 10.0 / even.mean()
