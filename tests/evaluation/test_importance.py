"""Importance by shuffling: of what a rule reads and of nothing else, in the metric's unit, the same each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.errors import DataError
from mfgsql.evaluation.importance import permutation_importance
from mfgsql.metrics import BINARY, REGRESSION
from mfgsql.tasks import Prediction

RMSE, PR_AUC = REGRESSION[0], BINARY[0]


def plane(columns: Mapping[str, pa.Array]) -> Prediction:
    """3 a + b; c is not read."""
    return Prediction(3 * columns["a"].to_numpy() + columns["b"].to_numpy())


Predict = Callable[[Mapping[str, pa.Array]], Prediction]


def importance(predict: Predict, given: Mapping[str, pa.Array], truth, metric, names, **more):  # type: ignore[no-untyped-def]
    def shuffled(name: str, order: np.ndarray) -> Prediction:
        return predict({**given, name: given[name].take(pa.array(order))})

    return permutation_importance(predict(given), shuffled, truth, metric, names, **more)


def columns(rows: int, seed: int = 0) -> dict[str, pa.Array]:
    rng = np.random.default_rng(seed)
    return {name: pa.array(rng.normal(size=rows)) for name in "abc"}


def test_what_is_read_counts_by_its_weight() -> None:
    given_columns = columns(2000)
    found = importance(plane, given_columns, plane(given_columns).values, RMSE, ["c", "b", "a"])
    assert [(i.feature, i.rank) for i in found] == [("a", 1), ("b", 2), ("c", 3)]
    # Shuffling x of weight w leaves an error of w (x - x'), whose deviation is w times the root of two.
    assert found[0].importance == pytest.approx(3 * 2**0.5, rel=0.05)
    assert found[1].importance == pytest.approx(2**0.5, rel=0.05)
    assert (found[2].importance, found[2].deviation) == (0.0, 0.0)
    assert all((i.metric, i.rows) == ("rmse", 2000) for i in found)


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(2, 60), seed=st.integers(0, 99))
def test_the_mean_lies_between_least_and_most(rows: int, seed: int) -> None:
    given_columns = columns(rows, seed)
    truth = plane(given_columns).values
    found = importance(plane, given_columns, truth, RMSE, list("abc"), seed=seed)
    assert all(i.lower <= i.importance + 1e-12 and i.importance <= i.upper + 1e-12 and i.deviation >= 0 for i in found)
    assert found == importance(plane, given_columns, truth, RMSE, list("abc"), seed=seed)
    assert [i.importance for i in found] == sorted((i.importance for i in found), reverse=True)


def test_a_metric_of_which_more_is_better_falls() -> None:
    given_columns = columns(1000)
    truth = (given_columns["a"].to_numpy() > 0).astype(np.int64)

    def rule(values: Mapping[str, pa.Array]) -> Prediction:
        score = 1 / (1 + np.exp(-values["a"].to_numpy()))
        return Prediction((score > 0.5).astype(np.int64), np.stack([1 - score, score], axis=1))

    found = importance(rule, given_columns, truth, PR_AUC, ["a", "b"])
    assert found[0].feature == "a"
    assert 0.3 < found[0].importance < 0.6
    assert found[1].importance == 0.0


def test_no_rows_tell_nothing() -> None:
    with pytest.raises(DataError, match="rmse is undefined on these 0 rows"):
        importance(plane, columns(0), np.empty(0), RMSE, ["a"])
