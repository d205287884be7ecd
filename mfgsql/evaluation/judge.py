"""Metrics of predictions with bootstrap intervals (Efron and Tibshirani, 1993)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mfgsql.metrics import Metric, measure
from mfgsql.tasks import Prediction, Target, Task
from mfgsql.tasks.task import Array

_MANY, _FEW_DRAWS = 4_000, 150  # rows, and resamples that tell then who is better: a second's work otherwise
_FEWEST_APART = 50
_WORK = 4_000_000  # rows over all resamples: two seconds or so


@dataclass(frozen=True)
class MetricRow:
    """One metric: its value, the baseline's, and a 95 % interval; None where undefined."""

    metric: str
    value: float | None
    baseline: float | None
    lower: float | None
    upper: float | None
    rows: int


def evaluate(task: Task, target: Target, truth: Array, prediction: Prediction, *, seed: int = 0) -> list[MetricRow]:
    """All metrics of the task over rows with a known truth."""
    naive = task.naive(truth, target)
    rows = []
    for metric in task.metrics(target):
        value = measure(metric, truth, prediction.values, prediction.scores)
        baseline = measure(metric, truth, naive.values, naive.scores)
        lower, upper = _interval(metric, truth, prediction, seed) if value is not None else (None, None)
        rows.append(MetricRow(metric.name, value, baseline, lower, upper, len(truth)))
    return rows


def _interval(metric: Metric, truth: Array, prediction: Prediction, seed: int) -> tuple[float | None, float | None]:
    values = resampled(metric, truth, [prediction], seed)[0]
    if len(values) < 20:
        return None, None
    lower, upper = np.quantile(values, [0.025, 0.975])
    return float(lower), float(upper)


def resampled(
    metric: Metric, truth: Array, predictions: list[Prediction], seed: int, draws: int | None = None
) -> list[list[float]]:
    """The metric of each prediction over the same resamples of the rows (paired); ``draws``: how many, at most."""
    rng = np.random.default_rng(seed)
    values: list[list[float]] = [[] for _ in predictions]
    for _ in range(min(draws or 400, max(_WORK // max(truth.size, 1), 30))):
        rows = rng.integers(0, len(truth), len(truth))
        drawn = [measure(metric, truth[rows], p.values[rows], p.take(rows).scores) for p in predictions]
        if all(d is not None for d in drawn):
            for kept, value in zip(values, drawn, strict=True):
                kept.append(value)  # type: ignore[arg-type]
    return values


def apart(rows: int, window: int) -> Array:
    """Numbers of rows of histories, one drawn from each so many, fifty at least: neighbours share their windows, and
    are nearly one. Drawn, since every so many-th row may be the same step of every cycle.
    """
    step = max(1, min(window, rows // _FEWEST_APART))
    starts = np.arange(0, rows, step)
    return starts + np.random.default_rng(0).integers(0, np.minimum(step, rows - starts))


def beats(metric: Metric, truth: Array, one: Prediction, other: Prediction, *, seed: int = 0) -> bool:
    """Whether ``one`` is better than ``other`` beyond chance: the paired 95 % interval excludes zero."""
    a, b = resampled(metric, truth, [one, other], seed, draws=_FEW_DRAWS if len(truth) > _MANY else None)
    if len(a) < 20:
        return False
    difference = (np.asarray(a) - np.asarray(b)) * (1 if metric.higher else -1)
    return bool(np.quantile(difference, 0.025) > 0)
