"""Metrics by name, with what is better and what a judge needs to compute them. Computed by scikit-learn, but for those
of several labels a row, which it computes too slowly to resample them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars  # noqa: F401  (scikit-learn asks for it by name, and breaks where another thread has half loaded it)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Metric:
    """One number about predictions.

    Attributes:
        name: as it stands in tables. higher: whether more is better.
        compute: (truth, prediction, scores) -> value. Of classes: class numbers, class numbers, and probabilities
            [rows, classes]. Of several labels a row: 1 where it has one [rows, labels], the same, and probabilities
            [rows, labels]. Of numbers: values, values, None.
    """

    name: str
    higher: bool
    compute: Callable[[Array, Array, Any], float]


def _pr_auc(truth: Array, _: Array, scores: Array) -> float:
    """As scikit-learn's average precision, which checks its arguments ten times longer than it computes."""
    positive = truth == 1
    if not positive.any():
        raise ValueError("no positives")  # scikit-learn would say 0
    order = np.argsort(-scores[:, 1], kind="stable")
    ends = np.flatnonzero(np.diff(scores[order, 1], append=np.nan))  # of rows whose scores are alike
    hits = positive[order].cumsum()[ends]
    return float((np.diff(hits, prepend=0) * hits / (ends + 1)).sum() / positive.sum())


def _roc_auc(truth: Array, _: Array, scores: Array) -> float:
    from sklearn.metrics import roc_auc_score

    if scores.shape[1] == 2:
        return float(roc_auc_score(truth == 1, scores[:, 1]))
    seen = np.unique(truth)
    share = scores[:, seen] / np.maximum(scores[:, seen].sum(axis=1, keepdims=True), 1e-12)
    if len(seen) == 2:
        return float(roc_auc_score(truth == seen[1], share[:, 1]))
    return float(roc_auc_score(truth, share, multi_class="ovr", labels=seen))


def _f1(truth: Array, prediction: Array, scores: Array) -> float:
    from sklearn.metrics import f1_score

    average = "binary" if scores.shape[1] == 2 else "macro"
    return float(f1_score(truth, prediction, average=average, zero_division=0.0))


def _accuracy(truth: Array, prediction: Array, _: Array) -> float:
    return float(np.mean(truth == prediction))


def _log_loss(truth: Array, _: Array, scores: Array) -> float:
    picked = scores[np.arange(len(truth)), truth]
    return float(-np.log(np.clip(picked, 1e-12, 1.0)).mean())


def _brier(truth: Array, _: Array, scores: Array) -> float:
    return float(np.mean((scores[:, 1] - (truth == 1)) ** 2))


def _rmse(truth: Array, prediction: Array, _: Any) -> float:
    return float(np.sqrt(np.mean((truth - prediction) ** 2)))


def _mae(truth: Array, prediction: Array, _: Any) -> float:
    return float(np.mean(np.abs(truth - prediction)))


def _r2(truth: Array, prediction: Array, _: Any) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(truth, prediction)) if len(truth) > 1 else float("nan")


ACCURACY = Metric("accuracy", True, _accuracy)
BINARY = (
    Metric("pr_auc", True, _pr_auc),
    Metric("roc_auc", True, _roc_auc),
    Metric("f1", True, _f1),
    ACCURACY,
    Metric("log_loss", False, _log_loss),
    Metric("brier", False, _brier),
)
MULTICLASS = (
    Metric("f1_macro", True, _f1),
    ACCURACY,
    Metric("log_loss", False, _log_loss),
    Metric("roc_auc", True, _roc_auc),
)


def _nasa(truth: Array, prediction: Array, _: Any) -> float:
    """Of Saxena et al., "Damage Propagation Modeling for Aircraft Engine Run-to-Failure Simulation" (PHM 2008): the sum
    over rows; what is predicted too long costs more than what is predicted too short.
    """
    late = prediction - truth
    with np.errstate(over="ignore"):
        return float(np.where(late < 0, np.expm1(-late / 13), np.expm1(late / 10)).sum())


REGRESSION = (Metric("rmse", False, _rmse), Metric("mae", False, _mae), Metric("r2", True, _r2))


def _next_accuracy(truth: Array, prediction: Array, _: Any) -> float:
    return float(np.nanmean((truth[:, 0] == prediction[:, 0])[np.isfinite(truth[:, 0])]))


def _next_log_loss(truth: Array, _: Array, scores: Array) -> float:
    known = np.isfinite(truth[:, 0])
    return _log_loss(truth[known, 0].astype(np.int64), truth, scores[known])


def _remaining_mae(truth: Array, prediction: Array, _: Any) -> float:
    over = truth[:, 2] == 0  # of a case that is open the time is a lower bound
    return float(np.nanmean(np.abs(truth[over, 1] - prediction[over, 1])))


PROCESS = (
    Metric("accuracy", True, _next_accuracy),
    Metric("log_loss", False, _next_log_loss),
    Metric("remaining_mae", False, _remaining_mae),
)
RUL = (*REGRESSION, Metric("nasa_score", False, _nasa))


def _f1_of_labels(truth: Array, prediction: Array) -> Array:
    """F1 of each label, NaN where no row has it and none was given it; [labels]."""
    hits, either = (truth * prediction).sum(axis=0), truth.sum(axis=0) + prediction.sum(axis=0)
    none: Array = np.full(len(hits), np.nan)
    return np.asarray(np.divide(2.0 * hits, either, out=none, where=either > 0))


def _f1_micro(truth: Array, prediction: Array, _: Any) -> float:
    either = float(truth.sum()) + float(prediction.sum())
    return 2.0 * float((truth * prediction).sum()) / either if either else float("nan")


def _f1_macro(truth: Array, prediction: Array, _: Any) -> float:
    return float(np.nanmean(_f1_of_labels(truth, prediction)))


def _subset_accuracy(truth: Array, prediction: Array, _: Any) -> float:
    return float((truth == prediction).all(axis=1).mean())


def _hamming_loss(truth: Array, prediction: Array, _: Any) -> float:
    return float((truth != prediction).mean())


def _lrap(truth: Array, _: Array, scores: Array) -> float:
    """Label ranking average precision (Schapire and Singer, "BoosTexter", Machine Learning 2000): of each label of a
    row, the share of labels ranked as high that the row has as well. A row with no label, or all, counts 1.
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked, has = np.take_along_axis(scores, order, axis=1), np.take_along_axis(truth, order, axis=1) > 0
    places = np.arange(scores.shape[1])
    ends = np.ones(ranked.shape, bool)  # of runs of equal scores, which share the last one's rank
    ends[:, :-1] = ranked[:, :-1] != ranked[:, 1:]
    last = np.minimum.accumulate(np.where(ends, places, len(places))[:, ::-1], axis=1)[:, ::-1]
    share = np.take_along_axis(has.cumsum(axis=1), last, axis=1) / (last + 1)
    labels = has.sum(axis=1)
    precision = np.divide((share * has).sum(axis=1), labels, out=np.ones(len(labels)), where=labels > 0)
    return float(precision.mean())


MULTILABEL = (
    Metric("f1_micro", True, _f1_micro),
    Metric("f1_macro", True, _f1_macro),
    Metric("subset_accuracy", True, _subset_accuracy),
    Metric("hamming_loss", False, _hamming_loss),
    Metric("lrap", True, _lrap),
)


LEVELS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)  # of forecast quantiles


@dataclass(frozen=True)
class ToCome:
    """The truth of forecasts.

    Attributes:
        values: of the steps to come, [rows, steps], NaN where unknown. naive: of a season before, [rows, steps].
        ruler: mean size of the differences to a season before, [rows]. spread: their root mean square.
        at: when each window ends, [rows]. seasons: how many seasons ahead each step is, from 1, [steps].
    """

    values: Array
    naive: Array
    ruler: Array
    spread: Array
    at: Array
    seasons: Array


def join_truth(values: Array, naive: Array, ruler: Array, spread: Array, at: Array, season: int) -> Array:
    """The truth of forecasts as one array, [rows, 2 * steps + 4]."""
    alone = (ruler, spread, at, np.full(len(values), float(season)))
    return np.concatenate([values, naive, *(column[:, None] for column in alone)], axis=1)


def split_truth(truth: Array) -> ToCome:
    """What `join_truth` joined."""
    steps = (truth.shape[1] - 4) // 2
    season = max(int(truth[0, -1]), 1) if len(truth) else 1
    ahead = np.arange(steps) // season + 1
    return ToCome(truth[:, :steps], truth[:, steps : 2 * steps], truth[:, -4], truth[:, -3], truth[:, -2], ahead)


def _mase(truth: Array, _: Array, scores: Array) -> float:
    """Hyndman and Koehler, "Another look at measures of forecast accuracy" (IJF 2006), of the medians."""
    told = split_truth(truth)
    middle = scores.reshape(*told.values.shape, -1)[..., len(LEVELS) // 2]
    return float(np.nanmean(np.abs(told.values - middle) / told.ruler[:, None]))


def _rmsse(truth: Array, prediction: Array, _: Any) -> float:
    """Root mean squared scaled error, of the means (M5 competition, Makridakis et al., IJF 2022)."""
    told = split_truth(truth)
    squares = np.nanmean((told.values - prediction) ** 2 / told.spread[:, None] ** 2, axis=1)
    return float(np.mean(np.sqrt(squares)))


def _pinball(truth: Array, _: Array, scores: Array) -> float:
    """Twice the mean pinball loss over all quantiles, in the differences to a season before."""
    told, levels = split_truth(truth), np.array(LEVELS)
    short = told.values[..., None] - scores.reshape(*told.values.shape, -1)
    losses = 2 * np.maximum(levels * short, (levels - 1) * short).mean(axis=-1)
    return float(np.nanmean(losses / told.ruler[:, None]))


FORECAST = (Metric("mase", False, _mase), Metric("rmsse", False, _rmsse), Metric("pinball", False, _pinball))


def measure(metric: Metric, truth: Array, prediction: Array, scores: Any) -> float | None:
    """The metric's value, or None where it is undefined (one class only, no rows)."""
    if len(truth) == 0:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where the value is undefined; None says so
        try:
            value = metric.compute(truth, prediction, scores)
        except ValueError:
            return None
    return value if np.isfinite(value) else None
