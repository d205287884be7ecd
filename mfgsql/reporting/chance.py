"""How far figures may be off by chance, with so few resamples that a page is made in seconds.

The bootstrap's deviation, and a normal interval of it (Efron and Tibshirani, 1993): that needs far fewer resamples
than percentiles do.
"""

from __future__ import annotations

import numpy as np

from mfgsql.evaluation.judge import resampled
from mfgsql.metrics import Metric
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array

_DRAWS, _FEW_DRAWS = 100, 20
MANY_CLASSES = 50  # from here on a metric takes long
_SIGMAS = 1.96  # of a 95 % interval


def margin(metric: Metric, truth: Array, one: Prediction, other: Prediction | None = None) -> float | None:
    """Half the 95 % interval of a prediction's metric, or of its difference to another's on the same rows.

    None where the metric is undefined on half of the resamples.
    """
    many = one.scores is not None and one.scores.shape[1] > MANY_CLASSES
    draws = _FEW_DRAWS if many else _DRAWS
    found = resampled(metric, truth, [one, *([other] if other else [])], 0, draws)
    if len(found[0]) < draws / 2:
        return None
    values = np.asarray(found[0]) - (np.asarray(found[1]) if other else 0.0)
    return float(_SIGMAS * values.std(ddof=1))
