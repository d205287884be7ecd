"""Probabilities that mean what they say, and sets of classes that hold the truth as often as asked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mfgsql.tasks.task import Array

_GRID, _NUMBERS = 201, 20_000  # given probabilities that are kept of a class, and of all
_TINY = 1e-12


def fit_temperature(truth: Array, scores: Array) -> float:
    """The temperature at which rows not trained on were the least surprise.

    Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017). One number can't overfit, keeps the order of two
    classes, and leaves the base rate where the loss has put it.

    Args:
        truth: class numbers, [rows]. scores: probabilities, [rows, classes].
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def surprise(log_temperature: float) -> float:
        picked = tempered(scores, math.exp(log_temperature))[rows, truth]
        return float(-np.log(np.maximum(picked, _TINY)).mean())

    found = minimize_scalar(surprise, bounds=(math.log(0.2), math.log(5.0)), method="bounded", options={"xatol": 1e-3})
    return float(math.exp(found.x)) if found.fun < surprise(0.0) else 1.0


def tempered(scores: Array, temperature: float) -> Array:
    """Probabilities ``[rows, classes]`` at a temperature: above 1 they move together, below 1 apart."""
    if temperature == 1.0:
        return scores
    logs = np.log(np.maximum(scores, _TINY)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    result: Array = powers / powers.sum(axis=1, keepdims=True)
    return result


def given_to_classes(truth: Array, scores: Array) -> list[dict[str, object]]:
    """For each class how many rows it had, and quantiles of the probability that these were given for it."""
    kept: list[dict[str, object]] = []
    most = min(_GRID, max(21, _NUMBERS // scores.shape[1]))
    for number in range(scores.shape[1]):
        given = np.sort(scores[truth == number, number])
        grid = np.quantile(given, np.linspace(0, 1, min(most, len(given))), method="lower") if len(given) else given
        kept.append({"rows": len(given), "quantiles": [_rounded_down(q) for q in grid]})
    return kept


def _rounded_down(probability: float) -> float:
    """To six digits: the row that set a threshold must not fall short of it, nor by what another batch size changes."""
    lower = probability * (1 - 1e-6)
    rounded = float(f"{lower:.6g}")
    return rounded if rounded <= lower else float(f"{rounded * (1 - 1e-5):.6g}")


def set_thresholds(given: Sequence[dict[str, object]], level: float) -> list[float]:
    """For each class the probability from which on it belongs to a row's prediction set.

    Of a class's rows at least ``level`` are given sets that hold it, by split conformal prediction within each class
    (Vovk, "Conditional validity of inductive conformal predictors", 2012). 0 where a class had too few rows to tell.
    """
    thresholds = []
    for kept in given:
        rows, quantiles = kept["rows"], kept["quantiles"]
        assert isinstance(rows, int)
        assert isinstance(quantiles, list)
        rank = math.floor((rows + 1) * (1 - level) + 1e-9)
        place = math.floor((rank - 1) / max(rows - 1, 1) * (len(quantiles) - 1))
        thresholds.append(float(quantiles[place]) if rank >= 1 else 0.0)
    return thresholds
