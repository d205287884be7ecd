"""What is unlike normal rows: how a network's errors become a score, an alarm and a sensor's name.

The network tells each sensor's newest values twice: from the past of all sensors, and from the others while the sensor
is hidden. Both errors, standardised by rows not trained on, are smoothed along the history (an EWMA sees small shifts
that stay) and measured together by Hotelling's T2 (a multivariate EWMA chart, Lowry et al., Technometrics 1992).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mfgsql.backbones.series import SeriesEncoder
from mfgsql.features.histories import Integers
from mfgsql.heads import PatchHead
from mfgsql.tasks.histories import series_objectives
from mfgsql.tasks.task import Array

ANOMALY = "anomaly"  # the task's name
_CLIP = 4.0  # deviations: one wild reading must not be an alarm of many rows
_MEMORY = 3.0  # spans after which a row is forgotten
_LEVEL = 0.01  # share of normal rows above the threshold, where nothing else is asked
_FEWEST = 30  # rows that a threshold is told by
_BLOCK = 10  # rows whose mean shows the level
_ARRAYS = ("center", "scale", "noise", "drift", "precision")


def turns(channels: int) -> int:
    """In how many turns sensors are hidden, each time some of them."""
    return min(channels, 3) if channels > 1 else 0


@series_objectives.register("residual")
def residual(encoder: SeriesEncoder, head: PatchHead, continuous: Tensor, codes: Tensor, mask_ratio: float) -> Tensor:
    """Tell the newest patch: of half of the windows from the past, of the others from the sensors that are shown."""
    values = continuous[:, -encoder.config.window :, : -encoder.config.extra]
    rows, channels, patch = len(values), values.shape[2], encoder.config.patch
    hide = torch.zeros(rows, encoder.config.patches, channels, dtype=torch.bool)
    forecast = torch.rand(rows) < (0.5 if turns(channels) else 2.0)
    hide[forecast, -1] = True
    if turns(channels):
        draw = torch.rand(rows, channels)
        chosen = (draw < 1 / turns(channels)) | (draw == draw.min(dim=1, keepdim=True).values)
        hide |= (chosen & ~forecast[:, None])[:, None]
    hide = hide.to(values.device)
    newest = encoder(continuous, codes, hidden=hide)[:, :1]
    return head.loss(newest, values[:, -patch:], hide[:, -1:])


def residuals(encoder: SeriesEncoder, head: PatchHead, continuous: Tensor, codes: Tensor) -> Tensor:
    """Errors at the windows' ends, [n, 2 * channels] or of a single channel [n, 1]; NaN where nothing was read."""
    values = continuous[:, -1, : -encoder.config.extra]
    channels = values.shape[1]
    hide = torch.zeros(1, encoder.config.patches, channels, dtype=torch.bool, device=values.device)
    hide[:, -1] = True
    forecast = values - _told(encoder, head, continuous, codes, hide)
    if not turns(channels):
        return forecast
    others = torch.empty_like(forecast)
    for turn in range(turns(channels)):
        own = torch.arange(channels, device=values.device) % turns(channels) == turn
        said = _told(encoder, head, continuous, codes, own.expand(1, encoder.config.patches, -1))
        others[:, own] = (values - said)[:, own]
    return torch.cat([forecast, others], dim=1)


def _told(encoder: SeriesEncoder, head: PatchHead, continuous: Tensor, codes: Tensor, hide: Tensor) -> Tensor:
    newest = encoder(continuous, codes, hidden=hide.expand(len(continuous), -1, -1))[:, :1]
    last: Tensor = head(newest)[:, -1]
    return last


@dataclass(frozen=True)
class Detector:
    """What rows not trained on teach about the errors of a network.

    Attributes:
        center, scale: of each error, [d]. noise: variance of its smoothed value, [d]; drift: how far its level may have
            moved since, as a variance, [d]. precision: inverse of both together, as a covariance, [d, d].
        span: rows of the EWMA.
        threshold: of the score. level: share of normal rows above it.
    """

    center: Array
    scale: Array
    noise: Array
    drift: Array
    precision: Array
    span: int
    threshold: float
    level: float

    @property
    def reach(self) -> int:
        """Rows before a row that its score depends on, beside those of its window."""
        return reach_of(self.span)

    @classmethod
    def fit(cls, errors: Array, first: Integers, span: int, level: float | None) -> Detector:
        """From errors [rows, d] of rows in the order of time, by networks that were not trained on them."""
        from sklearn.covariance import LedoitWolf

        level = _LEVEL if level is None else level
        center, scale = np.nanmean(errors, axis=0), np.maximum(np.nanstd(errors, axis=0), 1e-6)
        none = np.zeros(errors.shape[1])
        plain = cls(center, scale, none, none, np.eye(errors.shape[1]), span, 0.0, level)
        standard = plain.standard(errors)
        drift, noise = _wandering(standard, first)
        usual = _usual_spread(span)
        covariance = LedoitWolf().fit(standard).covariance_
        longer = np.sqrt(np.clip(noise / np.maximum(np.diag(covariance), 1e-12), 1.0, 10.0))  # neighbours are alike
        smooth = usual * covariance * np.outer(longer, longer)
        # Levels may go as far again as they have gone in the rows learnt from, whose mean is not known exactly either.
        drift += noise / len(errors)
        precision = np.linalg.inv(smooth + np.diag(drift))
        fitted = cls(center, scale, np.diag(smooth).copy(), drift, precision, span, 0.0, level)
        scores = fitted.score(errors, first)[0]
        whole = np.arange(len(first)) - first >= span  # rows with enough of a past
        scores = scores[whole] if whole.sum() >= _FEWEST else scores
        return replace(fitted, threshold=_limit(scores, errors.shape[1], level))

    def score(self, errors: Array, first: Integers) -> tuple[Array, Array]:
        """Scores [rows], and what each error adds to them, [rows, d]; rows lie history by history, in order."""
        smooth, spread = _smoothed(self.standard(errors), first, self.span)
        # Means of few rows vary more than those of many.
        wider = (self.noise * (spread / _usual_spread(self.span))[:, None] + self.drift) / (self.noise + self.drift)
        z = smooth / np.sqrt(wider)
        added = z * (z @ self.precision)
        return added.sum(axis=1), added

    def standard(self, errors: Array) -> Array:
        """Errors in deviations, [rows, d]; what is missing is no error."""
        return np.clip(np.nan_to_num((errors - self.center) / self.scale, nan=0.0), -_CLIP, _CLIP)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        arrays = {n: getattr(self, n).tolist() for n in _ARRAYS}
        return {**arrays, "span": self.span, "threshold": self.threshold, "level": self.level}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Detector:
        """What `to_dict` saved."""
        arrays = {n: np.asarray(saved[n], np.float64) for n in _ARRAYS}
        return cls(**arrays, span=saved["span"], threshold=saved["threshold"], level=saved["level"])


def reach_of(span: int) -> int:
    """Rows before a row that an EWMA of that span remembers."""
    return int(_MEMORY * span)


def _usual_spread(span: int) -> float:
    """The sum of squared weights of a row with enough of a past."""
    weights = (1 - 2 / (span + 1)) ** np.arange(reach_of(span))
    return float((weights**2).sum() / weights.sum() ** 2)


def _wandering(values: Array, first: Integers) -> tuple[Array, Array]:
    """Of each column how far its level has wandered, and the noise around it, neighbours' likeness and all; variances.

    By means of blocks: neighbouring ones differ by noise (von Neumann, "Distribution of the Ratio of the Mean Square
    Successive Difference to the Variance", 1941), all of them by noise and by how the level has moved.
    """
    size = max(1, min(_BLOCK, len(values) // 8))
    whole = len(values) // size * size
    blocks = values[:whole].reshape(-1, size, values.shape[1]).mean(axis=1)
    starts = first[:whole:size]
    steps = np.diff(blocks, axis=0)[starts[1:] == starts[:-1]]
    noise = 0.5 * (steps**2).mean(axis=0) if len(steps) else blocks.var(axis=0)
    return np.maximum(blocks.var(axis=0) - noise, 0.0), noise * size


def _smoothed(values: Array, first: Integers, span: int) -> tuple[Array, Array]:
    """Weighted means of each row and those before it in its history, [rows, d], and the sums of squared weights [rows].

    The weights fall by ``1 - 2 / (span + 1)`` from row to row and end after some spans, so that a row's score depends
    on so many rows only, wherever its history begins.
    """
    keep, rows = 1 - 2 / (span + 1), np.arange(len(values))
    total, weights, squares = values.copy(), np.ones(len(values)), np.ones(len(values))
    for back in range(1, reach_of(span)):
        own = np.flatnonzero(rows - back >= first)
        if not len(own):
            break
        weight = keep**back
        total[own] += weight * values[own - back]
        weights[own] += weight
        squares[own] += weight**2
    return total / weights[:, None], squares / weights**2


def _limit(scores: Array, dimensions: int, level: float) -> float:
    """The score that such a share of normal rows exceeds, and no less than theory asks for.

    It is that of a multiple of a chi-squared variable (Box, Annals of Mathematical Statistics 1954), fitted to the
    scores' median and ninth decile, which a few abnormal rows don't move.
    """
    from scipy import stats

    middle, high = np.quantile(scores, [0.5, 0.9])
    freedom = np.geomspace(0.3, 300, 400)
    ratio = stats.chi2.ppf(0.9, freedom) / stats.chi2.ppf(0.5, freedom)
    best = float(freedom[np.argmin(np.abs(np.log(ratio) - np.log(max(high, 1e-9) / max(middle, 1e-9))))])
    fitted = middle / stats.chi2.ppf(0.5, best) * stats.chi2.isf(level, best)
    return float(max(fitted, stats.chi2.isf(level, dimensions)))


def level_of(alarms_per_day: float, span: int, step: float) -> float:
    """The share of rows above the threshold at which so many alarms a day are false: one lasts about a span.

    Args:
        step: seconds between two rows.
    """
    return float(np.clip(alarms_per_day * span * step / 86_400, 1e-9, 0.2))
