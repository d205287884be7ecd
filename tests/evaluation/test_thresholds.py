"""The table of thresholds holds what one looks for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from mfgsql.decision import Costs, cheapest_threshold
from mfgsql.evaluation.thresholds import threshold_table

ROWS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.2, 0.5, 1.0]) | st.floats(0, 1)), min_size=1)


@given(ROWS, st.booleans())
def test_always_never_the_default_and_the_best_are_there(rows, costly):
    truth, scores = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    costs = Costs(20, 3) if costly else None
    table = threshold_table(truth, scores, costs=costs, days=2.0)
    thresholds = [r["threshold"] for r in table]
    assert thresholds == sorted(set(thresholds)) and len(table) <= 66
    assert 0.5 in thresholds
    assert (table[0]["threshold"], table[0]["alarms"], table[0]["missed"]) == (0.0, len(rows), 0)
    assert (table[-1]["alarms"], table[-1]["precision"], table[-1]["false_alarms"]) == (0, None, 0)
    best = [r for r in table if r["best"]]
    if costs:
        found = cheapest_threshold(truth, scores, costs)
        assert [(r["threshold"], r["cost"]) for r in best] == [(found.threshold, found.cost)]
        assert best[0]["cost_per_row"] == pytest.approx(found.cost / len(rows))
    elif truth.any():
        assert best[0]["f1"] == max(f1_score(truth, scores >= t) for t in set(scores)) or len(best) == 0
        assert len(best) == 1
    else:
        assert not best
    for r in table:
        assert r["alarms_per_day"] == r["alarms"] / 2
        assert r["missed"] + r["alarms"] - r["false_alarms"] == truth.sum()


def test_the_steps_lie_where_the_positives_are():
    rng = np.random.default_rng(0)
    truth = (rng.random(100_000) < 0.002).astype(float)
    scores = np.where(truth == 1, 0.9 + 0.1 * rng.random(100_000), 0.95 * rng.random(100_000))
    caught = [r["caught"] for r in threshold_table(truth, scores)]
    assert len({round(c, 1) for c in caught}) == 11
