"""Remaining useful life: how long until the failure, with units that have not failed yet, and a distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from mfgsql.errors import DataError
from mfgsql.features import ColumnProfile
from mfgsql.metrics import RUL, Metric
from mfgsql.tasks.regression import Regression
from mfgsql.tasks.task import Array, Prediction, Target, tasks

_LATE = 2.0  # what an hour too late costs over one too early, where the loss is asymmetric
_BINS, _FEWEST = 8, 100  # stretches of predicted life, and judged rows of one
_GRID = 201  # quantiles of the errors that are kept of each


class Rul(Regression):
    """A number from 0 on, whose errors are the smaller the nearer the end is.

    Far from the end nothing tells how far: with ``cap`` a longer life counts as the cap (Heimes, "Recurrent Neural
    Networks for Remaining Useful Life Estimation", PHM 2008). Of a unit that has not failed it is known that it lasts
    at least so long: a prediction beyond that costs nothing. Intervals are split conformal within stretches of
    predicted life (Vovk, "Conditional validity of inductive conformal predictors", 2012), each side by itself.
    """

    name: ClassVar[str] = "rul"
    losses: ClassVar[tuple[str, ...]] = ("mse", "huber", "asymmetric")

    def fit_target(self, profile: ColumnProfile, options: dict[str, Any]) -> Target:
        """Mean and deviation of the target below the cap."""
        if profile.minimum is not None and profile.minimum < 0:
            raise DataError(
                f"The target {profile.name!r} goes down to {profile.minimum:g}, and a remaining life ends at 0.",
                remedy="Leave those rows out: SELECT * FROM ... WHERE rul >= 0.",
            )
        cap = (options.get("options") or {}).get("cap") or None
        target = super().fit_target(profile, options)
        if cap is None or not profile.quantiles:
            return target
        lives = np.minimum(np.asarray(profile.quantiles), cap)
        return replace(target, cap=float(cap), mean=float(lives.mean()), deviation=float(lives.std()) or 1.0)

    def encode(self, values: pa.Array, target: Target) -> Array:
        """float64 up to the cap, NaN for NULL."""
        lives = super().encode(values, target)
        return lives if target.cap is None else np.minimum(lives, target.cap)

    def loss(self, output: Tensor, truth: Tensor, target: Target, options: dict[str, Any]) -> Tensor:
        """As for any number; with ``loss = 'asymmetric'`` a life predicted too long costs double."""
        losses = super().loss(output, truth, target, options)
        if options.get("loss") != "asymmetric":
            return losses
        return torch.where(self.reaches(output, truth, target), _LATE * losses, losses)

    def reaches(self, output: Tensor, truth: Tensor, target: Target) -> Tensor:
        """Whether the prediction is at least the truth, [rows]."""
        return output[:, 0] * target.deviation + target.mean >= truth

    def predict(self, output: Tensor, target: Target) -> Prediction:
        """Lives from 0 to the cap."""
        said = super().predict(output, target).values
        return Prediction(np.clip(said, 0.0, np.inf if target.cap is None else target.cap))

    def metrics(self, target: Target) -> Sequence[Metric]:
        """RMSE first; NASA's score beside it."""
        return RUL

    def calibrate(self, truth: Array, prediction: Prediction, options: dict[str, Any]) -> dict[str, Any]:
        """Quantiles of the errors in each stretch of predicted life, and how many there were."""
        if not len(truth):
            return {}
        bins = max(1, min(_BINS, len(truth) // _FEWEST))
        edges = np.unique(np.quantile(prediction.values, np.linspace(0, 1, bins + 1)[1:-1]))
        place = np.searchsorted(edges, prediction.values, side="right")
        errors = [truth[place == b] - prediction.values[place == b] for b in range(len(edges) + 1)]
        grids = [np.quantile(e, np.linspace(0, 1, min(_GRID, len(e)))).tolist() if len(e) else [0.0] for e in errors]
        return {"edges": edges.tolist(), "errors": grids, "rows": [len(e) for e in errors]}

    def interval(self, values: Array, calibration: dict[str, Any], level: float) -> tuple[Array, Array]:
        """Ends of the interval, the lower one from 0 on."""
        tail = (1 - level) / 2
        low, high = self.quantiles(values, calibration, [tail, 1 - tail]).T
        return low, high

    def quantiles(self, values: Array, calibration: dict[str, Any], shares: Sequence[float]) -> Array:
        """Lives that such shares of units don't outlast, [rows, shares]; infinite where there were too few to tell."""
        if not calibration:
            return np.full((len(values), len(shares)), np.nan)
        place = np.searchsorted(calibration["edges"], values, side="right")
        kept = [
            [_order_statistic(grid, rows, share) for share in shares]
            for grid, rows in zip(calibration["errors"], calibration["rows"], strict=True)
        ]
        lives: Array = np.maximum(values[:, None] + np.array(kept)[place], 0.0)
        return lives


def _order_statistic(grid: Sequence[float], rows: int, share: float) -> float:
    """The error that a new row stays below with at least (of low shares: at most) that probability."""
    if share >= 0.5:
        rank = np.ceil((rows + 1) * share)
        return float("inf") if rank > rows else _at(grid, (rank - 1) / max(rows - 1, 1), np.ceil)
    rank = np.floor((rows + 1) * share)
    return -float("inf") if rank < 1 else _at(grid, (rank - 1) / max(rows - 1, 1), np.floor)


def _at(grid: Sequence[float], share: float, to: Any) -> float:
    return float(grid[int(np.clip(to(share * (len(grid) - 1)), 0, len(grid) - 1))])


tasks.register("rul")(Rul())
