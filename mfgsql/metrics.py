"""Metrics by name, with what is better and what a judge needs to compute them. Computed by scikit-learn."""

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
            [rows, classes]. Of numbers: values, values, None.
    """

    name: str
    higher: bool
    compute: Callable[[Array, Array, Any], float]


def _pr_auc(truth: Array, _: Array, scores: Array) -> float:
    from sklearn.metrics import average_precision_score

    if not (truth == 1).any():
        raise ValueError("no positives")  # scikit-learn would say 0
    return float(average_precision_score(truth == 1, scores[:, 1]))


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


BINARY = (
    Metric("pr_auc", True, _pr_auc),
    Metric("roc_auc", True, _roc_auc),
    Metric("f1", True, _f1),
    Metric("accuracy", True, _accuracy),
    Metric("log_loss", False, _log_loss),
    Metric("brier", False, _brier),
)
MULTICLASS = (
    Metric("f1_macro", True, _f1),
    Metric("accuracy", True, _accuracy),
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
RUL = (*REGRESSION, Metric("nasa_score", False, _nasa))


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
