"""ROC and precision-recall curves, by scikit-learn; of more than two classes one for each against the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.errors import DataError

Array = npt.NDArray[Any]
Points = list[dict[str, Any]]
_POINTS = 200  # of a curve


def roc_curve(truth: Array, scores: Array, classes: Sequence[str]) -> Points:
    """Points by class and falling threshold: class, threshold (None: above all scores), and both rates.

    Args:
        truth: class numbers, [rows].
        scores: probabilities of the second of two classes, [rows], or of all classes, [rows, classes].

    Raises:
        DataError: all rows are of one class.
    """
    from sklearn.metrics import roc_curve as by_sklearn

    points: Points = []
    for name, positive, score in one_against_rest(truth, scores, classes):
        false, true, threshold = by_sklearn(positive, score)
        points += [
            {
                "class": name,
                "threshold": float(threshold[i]) if np.isfinite(threshold[i]) else None,
                "false_positive_rate": float(false[i]),
                "true_positive_rate": float(true[i]),
            }
            for i in thinned(false, true)
        ]
    return points


def pr_curve(truth: Array, scores: Array, classes: Sequence[str]) -> Points:
    """Points by class and rising threshold: class, threshold (None: above all scores), precision, recall.

    Arguments and errors as of `roc_curve`.
    """
    from sklearn.metrics import precision_recall_curve

    points: Points = []
    for name, positive, score in one_against_rest(truth, scores, classes):
        precision, recall, threshold = precision_recall_curve(positive, score, drop_intermediate=True)
        points += [
            {
                "class": name,
                "threshold": float(threshold[i]) if i < len(threshold) else None,
                "precision": float(precision[i]),
                "recall": float(recall[i]),
            }
            for i in thinned(recall, precision)
        ]
    return points


def one_against_rest(truth: Array, scores: Array, classes: Sequence[str]) -> Iterator[tuple[str, Array, Array]]:
    """Each class that the rows have, with the rows that are of it, and its scores; of two only the second.

    Raises:
        DataError: all rows are of one class, which no curve tells from others.
    """
    present = np.bincount(truth, minlength=len(classes)) > 0
    if present.sum() < 2:
        only = "".join(classes[i] for i in np.flatnonzero(present).tolist())
        raise DataError(
            f"All rows of the source are of the class {only!r}: a curve needs another one, too.",
            remedy="Name a source with rows of two classes.",
        )
    if len(classes) == 2:
        yield classes[1], truth == 1, scores
        return
    for number in np.flatnonzero(present).tolist():
        yield classes[number], truth == number, scores[:, number]


def thinned(x: Array, y: Array, most: int = _POINTS) -> Array:
    """Indices of at most ``most`` points at equal steps along the curve, its first and its last one among them.

    A step counts what both coordinates change, so that no point left out is further from a kept one than a step.
    """
    if len(x) <= most:
        return np.arange(len(x))
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    steps = np.searchsorted(way, np.linspace(0.0, way[-1], most))
    steps[-1] = len(x) - 1
    return np.unique(steps)
