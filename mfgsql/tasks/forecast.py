"""Forecasts: a mean and quantiles of a number for each of the steps to come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import ndtri
from torch import Tensor

from mfgsql.metrics import FORECAST as METRICS
from mfgsql.metrics import LEVELS, Metric, split_truth
from mfgsql.tasks.regression import Regression
from mfgsql.tasks.task import Array, OutputColumn, Prediction, Target, tasks

FORECAST = "forecast"
_MEAN, _BEND = 0.5, 3.0  # weight of the mean's error, and deviations from which on it grows slowly
_BUCKETS, _FEWEST = 8, 50  # stretches of the horizon, and errors of one, that are calibrated by themselves
_PARTS = 5  # of the rows, that judge each other's calibration


class Forecast(Regression):
    """Pinball losses of quantiles, and a Huber loss of the mean, in deviations of the window.

    The truth of a row is its steps to come, what they were a season before, and by what errors are told: see
    `mfgsql.metrics.split_truth`. Quantiles are set right by errors on the latest rows, which no network was trained on
    (Romano et al., "Conformalized Quantile Regression", NeurIPS 2019), for each stretch of the horizon, in parts of
    what lies between them. How errors go together over steps, and over series, is kept as correlations, by which paths
    are drawn.
    """

    name: ClassVar[str] = "forecast"
    shape: ClassVar[str] = "forecast"
    losses: ClassVar[tuple[str, ...]] = ()

    def outputs(self, target: Target) -> int:
        """Mean and quantiles of each step."""
        return target.horizon * (1 + len(LEVELS))

    def loss(self, output: Tensor, truth: Tensor, target: Target, options: dict[str, Any]) -> Tensor:
        """The mean over the steps that are known."""
        said = output.view(len(output), target.horizon, -1)
        wanted = truth[:, : target.horizon].to(output.dtype)
        known = ~wanted.isnan()
        wanted = wanted.nan_to_num(0.0)
        levels = torch.tensor(LEVELS, dtype=output.dtype, device=output.device)
        short = wanted[..., None] - said[..., 1:]
        pinball = 2 * torch.maximum(levels * short, (levels - 1) * short).mean(dim=-1)
        errors = pinball + _MEAN * F.huber_loss(said[..., 0], wanted, reduction="none", delta=_BEND)
        return (errors * known).sum(dim=1) / known.sum(dim=1).clamp(min=1)

    def predict(self, output: Tensor, target: Target) -> Prediction:
        """Means [rows, steps] and quantiles [rows, steps * levels], in deviations: the means over members."""
        said = output.double().mean(dim=1).view(len(output), target.horizon, -1).numpy()
        return Prediction(said[..., 0].copy(), said[..., 1:].reshape(len(said), -1))

    def baseline(self, target: Target, rows: int) -> Prediction:
        """The window's mean, with quantiles of the normal distribution."""
        spread = np.tile(ndtri(np.array(LEVELS)), target.horizon)
        return Prediction(np.zeros((rows, target.horizon)), np.tile(spread, (rows, 1)))

    def naive(self, truth: Array, target: Target) -> Prediction:
        """What was a season before; quantiles by how far off that was within the window, wider by each season
        (Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", 3rd ed., 5.5).
        """
        told = split_truth(truth)
        wide = told.spread[:, None] * np.sqrt(told.seasons)
        quantiles = told.naive[..., None] + wide[..., None] * ndtri(np.array(LEVELS))
        return Prediction(told.naive, quantiles.reshape(len(truth), told.naive.shape[1] * len(LEVELS)))

    def metrics(self, target: Target) -> Sequence[Metric]:
        """MASE first."""
        return METRICS

    def calibrate(self, truth: Array, prediction: Prediction, options: dict[str, Any]) -> dict[str, Any]:
        """By how much each quantile is set off in each stretch of the horizon, and how errors go together."""
        if not len(truth):
            return {}
        known, quantiles = split_truth(truth).values, quantiles_of(prediction)
        places = _buckets(known)
        learnt = {"stretches": places.tolist(), "offsets": _offsets(known, quantiles, places).tolist()}
        set_right = self.adjust(prediction, learnt)
        scores = normal_scores(known, quantiles_of(set_right))
        shared = _shared(scores, split_truth(truth).at)
        told = _by_step(truth, self.judged(truth, prediction, learnt))
        return learnt | {"together": _together(scores), "shared": shared, "rows": len(truth), "steps": told}

    def adjust(self, prediction: Prediction, calibration: dict[str, Any]) -> Prediction:
        """With quantiles set right, still in order."""
        if not calibration:
            return prediction
        quantiles = quantiles_of(prediction)
        offsets = np.array(calibration["offsets"])[np.array(calibration["stretches"])]
        moved = np.sort(quantiles + offsets * _between(quantiles), axis=-1)
        return Prediction(prediction.values, moved.reshape(len(moved), -1))

    def judged(self, truth: Array, prediction: Prediction, calibration: dict[str, Any]) -> Prediction:
        """Each part of the rows as the others would set it right; rows lie by series, so parts are of series."""
        if not calibration or len(truth) < 2 * _PARTS:
            return self.adjust(prediction, calibration)
        part, scores = np.arange(len(truth)) * _PARTS // len(truth), np.empty_like(prediction.scores)
        places = np.array(calibration["stretches"])
        for number in range(_PARTS):
            own = part == number
            others = _offsets(split_truth(truth[~own]).values, quantiles_of(prediction.take(~own)), places)
            learnt = {"stretches": places, "offsets": others}
            scores[own] = self.adjust(prediction.take(own), learnt).scores
        return Prediction(prediction.values, scores)

    def columns(self, target: Target) -> list[OutputColumn]:
        """None for rows: forecasts have rows of their own."""
        return []


def quantiles_of(prediction: Prediction) -> Array:
    """Of each row and step, [rows, steps, levels]."""
    assert prediction.scores is not None
    return prediction.scores.reshape(*prediction.values.shape, len(LEVELS))


def _between(quantiles: Array) -> Array:
    """What lies between an early and a late quantile of each step, [rows, steps, 1]."""
    first, last = LEVELS.index(0.1), LEVELS.index(0.9)
    return np.asarray(np.maximum(quantiles[..., last : last + 1] - quantiles[..., first : first + 1], 1e-6))


def _buckets(truth: Array) -> Array:
    """Of each step the stretch of the horizon that it is calibrated in: as many as there are errors for."""
    horizon, errors = truth.shape[1], int(np.isfinite(truth).sum())
    count = int(np.clip(errors // (_FEWEST * len(LEVELS)), 1, min(_BUCKETS, horizon)))
    return np.asarray(np.arange(horizon) * count // horizon)


def _offsets(truth: Array, quantiles: Array, places: Array) -> Array:
    """Of each stretch and level, what has to be added so that as many of the errors lie below as should."""
    errors = (truth[..., None] - quantiles) / _between(quantiles)
    found = np.zeros((int(places.max()) + 1, len(LEVELS)))
    for place in range(len(found)):
        own = errors[:, places == place].reshape(-1, len(LEVELS))
        own = own[np.isfinite(own[:, 0])]
        for number, level in enumerate(LEVELS if len(own) else ()):
            # The finite-sample rank errs to the outside.
            outside = level / len(own) if level > 0.5 else -(1 - level) / len(own) if level < 0.5 else 0.0
            rank = np.clip(level + outside, 0, 1)
            found[place, number] = np.quantile(own[:, number], rank)
    return found


def _by_step(truth: Array, said: Prediction) -> dict[str, list[float]]:
    """Of each step ahead the error beside that of a season before, and how often the 90 % band holds the truth."""
    told, quantiles = split_truth(truth), quantiles_of(said)
    middle = quantiles[..., len(LEVELS) // 2]
    lower, upper = quantiles[..., LEVELS.index(0.05)], quantiles[..., LEVELS.index(0.95)]
    within = np.where(np.isfinite(told.values), (told.values >= lower) & (told.values <= upper), np.nan)
    errors = {"mase": np.abs(told.values - middle), "naive": np.abs(told.values - told.naive)}
    steps = {name: error / told.ruler[:, None] for name, error in errors.items()} | {"coverage": within}
    known = np.isfinite(told.values).any(axis=0)
    return {name: [round(float(x), 4) for x in np.nanmean(values[:, known], axis=0)] for name, values in steps.items()}


def _together(scores: Array) -> list[float]:
    """Correlation of errors, as normal scores, so many steps apart, from 0 on; a valid one by its spectrum."""
    known = np.isfinite(scores)
    scores = np.where(known, scores, 0.0)
    horizon, found = scores.shape[1], [1.0]
    for lag in range(1, horizon):
        both = known[:, lag:] & known[:, :-lag]
        one, other = scores[:, lag:][both], scores[:, :-lag][both]
        size = np.sqrt((one**2).mean() * (other**2).mean()) if len(one) else 0.0
        found.append(float((one * other).mean() / size) if size > 0 else 0.0)
    spectrum = np.maximum(np.fft.rfft(_mirrored(np.array(found))).real, 0.0)
    smooth = np.fft.irfft(spectrum, n=max(2 * horizon - 2, 1))[:horizon]
    return [round(float(x), 4) for x in np.clip(smooth / max(smooth[0], 1e-9), -1.0, 1.0)]


def _shared(scores: Array, at: Array) -> float:
    """Correlation of errors of different series at the same moments: by the squares of their sums."""
    _, moment = np.unique(at, return_inverse=True)
    known = np.isfinite(scores)
    filled = np.where(known, scores - np.nanmean(scores), 0.0) if known.any() else np.zeros_like(scores)
    shape = (int(moment.max(initial=0)) + 1, scores.shape[1])
    sums, squares, counts = (np.zeros(shape) for _ in range(3))
    for into, values in ((sums, filled), (squares, filled**2), (counts, known.astype(float))):
        np.add.at(into, moment, values)
    pairs, own = (counts * (counts - 1)).sum(), squares.sum() / max(counts.sum(), 1.0)
    if not pairs or not own:
        return 0.0
    return round(float(np.clip((sums**2 - squares).sum() / pairs / own, 0.0, 0.95)), 4)


def _mirrored(lags: Array) -> Array:
    return np.concatenate([lags, lags[-2:0:-1]])


def normal_scores(truth: Array, quantiles: Array) -> Array:
    """Where each truth lies in its distribution, as a standard normal number, [rows, steps]."""
    lying = np.array(ndtri(np.array(LEVELS)))
    below = (quantiles <= truth[..., None]).sum(axis=-1)
    low, high = np.clip(below - 1, 0, len(LEVELS) - 2), np.clip(below, 1, len(LEVELS) - 1)
    one, other = (np.take_along_axis(quantiles, i[..., None], axis=-1)[..., 0] for i in (low, high))
    share = np.clip((truth - one) / np.maximum(other - one, 1e-9), 0.0, 1.0)
    found = lying[low] + share * (lying[high] - lying[low])
    return np.asarray(np.where(np.isfinite(truth), found, np.nan))


def quantile_at(quantiles: Array, shares: Array) -> Array:
    """Quantiles at any shares, [..., shares]: between and beyond the levels linear in the normal number.

    Args:
        quantiles: [..., levels]. shares: float64 between 0 and 1, [shares] or broadcastable to [..., shares].
    """
    return at_scores(quantiles, np.asarray(ndtri(np.asarray(shares, np.float64))))


def at_scores(quantiles: Array, scores: Array) -> Array:
    """Values where a standard normal number lies so, [..., scores]."""
    lying = np.array(ndtri(np.array(LEVELS)))
    high = np.clip(np.searchsorted(lying, scores), 1, len(LEVELS) - 1)
    share = (scores - lying[high - 1]) / (lying[high] - lying[high - 1])
    high = np.broadcast_to(high, (*quantiles.shape[:-1], scores.shape[-1]))
    one, other = (np.take_along_axis(quantiles, i, axis=-1) for i in (high - 1, high))
    return np.asarray(one + share * (other - one))


tasks.register("forecast")(Forecast())
