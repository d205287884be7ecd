"""How much a model needs each feature: what shuffling it costs (Breiman, "Random Forests", Machine Learning 2001;
Fisher, Rudin and Dominici, "All Models are Wrong, but Many are Useful", JMLR 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mfgsql.errors import DataError
from mfgsql.metrics import Metric, measure
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array

REPEATS = 5


@dataclass(frozen=True)
class Importance:
    """One feature's importance, in the unit of the metric.

    Attributes:
        importance: how much worse the metric gets when the feature's values are shuffled, mean of the repeats.
        deviation, lower, upper: standard deviation, least and most over the repeats.
        rank: from 1. metric: its name. rows: that it was measured on.
    """

    feature: str
    importance: float
    deviation: float
    lower: float
    upper: float
    rank: int
    metric: str
    rows: int


def permutation_importance(
    whole: Prediction,
    shuffled: Callable[[str, Array], Prediction],
    truth: Array,
    metric: Metric,
    features: Sequence[str],
    *,
    seed: int = 0,
) -> list[Importance]:
    """Importance of each feature, the highest first.

    Args:
        whole: predictions of rows. shuffled: predictions where each row has the value of a column that the row has
            whose number stands in its place.
        truth: as the task encodes it, [rows]. metric: what is to get worse.

    Raises:
        DataError: the metric is undefined on these rows, such as those of one class.
    """
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(truth)) for _ in range(REPEATS)]  # the same for each feature
    before = _value(metric, truth, whole)
    losses = {
        name: np.array([_loss(metric, before, truth, shuffled(name, order)) for order in orders]) for name in features
    }
    ordered = sorted(losses, key=lambda name: -float(losses[name].mean()))
    return [
        Importance(
            name,
            float(losses[name].mean()),
            float(losses[name].std(ddof=1)),
            float(losses[name].min()),
            float(losses[name].max()),
            rank,
            metric.name,
            len(truth),
        )
        for rank, name in enumerate(ordered, 1)
    ]


def _loss(metric: Metric, before: float, truth: Array, prediction: Prediction) -> float:
    worse = before - _value(metric, truth, prediction)
    return worse if metric.higher else -worse


def _value(metric: Metric, truth: Array, prediction: Prediction) -> float:
    value = measure(metric, truth, prediction.values, prediction.scores)
    if value is None:
        raise DataError(f"{metric.name} is undefined on these {len(truth)} rows, so no importance can be told by it.")
    return value
