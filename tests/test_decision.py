"""Thresholds by cost: against brute force, and what is refused."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.decision import Costs, Outcomes, cheapest_threshold, possible_thresholds
from mfgsql.errors import DataError, OptionError

ROWS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=1, max_size=40)
COST = st.sampled_from([0.0, 1.0, 2.0, 50.0, 2000.0])


@given(ROWS, COST, COST.filter(bool))
def test_the_cheapest_threshold_is_that_of_brute_force(rows, missed, false_alarm):
    truth, scores = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    costs = Costs(missed, false_alarm)
    tried = []
    for threshold in [*sorted(set(scores)), 1.5]:
        alarm = scores >= threshold
        tried.append((missed * (truth[~alarm] == 1).sum() + false_alarm * (truth[alarm] == 0).sum(), -threshold))
    cost, threshold = min(tried)
    found = cheapest_threshold(truth, scores, costs)
    assert found.cost == cost
    assert found.threshold == -threshold or (found.threshold > 1 and threshold == -1.5)
    alarm = scores >= found.threshold
    assert (found.alarms, found.rows) == (alarm.sum(), len(rows))
    assert (found.missed, found.false_alarms) == ((truth[~alarm] == 1).sum(), (truth[alarm] == 0).sum())


@given(st.lists(st.floats(0, 1), min_size=1), st.lists(st.floats(-1, 2)))
def test_outcomes_are_counts(scores, thresholds):
    scores = np.array(scores)
    truth = (np.arange(len(scores)) % 2).astype(float)
    found = Outcomes.at(truth, scores, np.array(thresholds))
    for i, threshold in enumerate(thresholds):
        alarm = scores >= threshold
        assert found.alarms[i] == alarm.sum()
        assert found.caught[i] == (alarm & (truth == 1)).sum()
        assert found.missed[i] + found.caught[i] == found.positives


def test_never_is_above_every_probability():
    assert possible_thresholds(np.array([1.0, 0.2]))[0] > 1.0
    found = cheapest_threshold(np.zeros(3), np.array([0.2, 0.9, 1.0]), Costs(1, 1))
    assert (found.alarms, found.cost) == (0, 0.0)
    assert found.threshold > 1.0


def test_calibrated_scores_give_elkans_threshold():
    rng = np.random.default_rng(0)
    scores = rng.random(200_000)
    truth = (rng.random(200_000) < scores).astype(float)
    found = cheapest_threshold(truth, scores, Costs(missed=9, false_alarm=1))
    assert found.threshold == pytest.approx(1 / 10, abs=0.02)


def test_a_million_rows_take_a_second_or_so():
    rng = np.random.default_rng(0)
    truth, scores = (rng.random(1_000_000) < 0.1).astype(float), rng.random(1_000_000)
    start = time.process_time()
    cheapest_threshold(truth, scores, Costs(10, 1))
    assert time.process_time() - start < 5


def test_no_rows_are_refused():
    with pytest.raises(DataError, match="no rows"):
        cheapest_threshold(np.array([]), np.array([]), Costs(1, 1))


def test_costs_are_read():
    assert Costs.parse({"missed": 2000, "false_alarm": 0.5}) == Costs(2000.0, 0.5)
    assert Costs.parse({"missed": 0, "false_alarm": 1}) == Costs(0.0, 1.0)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([2000, 50], "a struct"),
        ("2000", "a struct"),
        ({"missed": 1}, "lacks 'false_alarm'"),
        ({"missed": None, "false_alarm": 1}, "lacks 'missed'"),
        ({"missed": 1, "false_alarms": 1}, "Did you mean 'false_alarm'"),
        ({"missed": 1, "false_alarm": -1}, "from 0, not -1"),
        ({"missed": 1, "false_alarm": True}, "not True"),
        ({"missed": "1", "false_alarm": 1}, "not '1'"),
        ({"missed": math.nan, "false_alarm": 1}, "not nan"),
        ({"missed": math.inf, "false_alarm": 1}, "not inf"),
        ({"missed": 0, "false_alarm": 0}, "both 0"),
    ],
)
def test_other_costs_are_refused_with_an_example(value, words):
    with pytest.raises(OptionError, match=words) as error:
        Costs.parse(value)
    assert "costs := {'missed': 2000, 'false_alarm': 50}" in str(error.value)
