"""What comes next in a case, and how long it still takes: told after each of its events, from those so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
import torch.nn.functional as F
from torch import Tensor

from mfgsql.errors import DataError
from mfgsql.features import ColumnProfile
from mfgsql.metrics import PROCESS as METRICS
from mfgsql.metrics import Metric
from mfgsql.tasks.classification import Classification
from mfgsql.tasks.rul import Rul
from mfgsql.tasks.task import Array, OutputColumn, Prediction, Target, tasks

PROCESS = "process"
END = "(end)"  # what follows the last event of a case
NEXT, REMAINING, AT_LEAST = "next", "remaining", "at_least"  # fields of the truth
_BEND = 0.1  # from here on an error of the remaining time counts in proportion: medians are learnt
_FARTHEST = 10.0  # of logs of the time: an end must still be a date
_SHARES = np.arange(1, 100) / 100


class Process(Classification):
    """The next activity as a class, and beside it the remaining time as a number, by one network that reads a case's
    events so far: a language model of cases with a clock (Tax et al., "Predictive Business Process Monitoring with
    LSTM Neural Networks", CAiSE 2017; with attention Bukhsh et al., "ProcessTransformer", 2021). The time is learnt as
    ``log(1 + t / usual)``, so that hours count near the end; its intervals are conformal, as those of `Rul`.

    The truth is [rows, 3]: number of the class, time, and 1 where the case is still open and takes that long at least;
    NaN where it isn't known.
    """

    name: ClassVar[str] = PROCESS
    shape: ClassVar[str] = PROCESS
    losses: ClassVar[tuple[str, ...]] = ()
    _clock: ClassVar[Rul] = Rul()

    def fit_target(self, profile: ColumnProfile, options: dict[str, Any]) -> Target:
        """The activities, and the usual remaining time: ``mean`` and ``deviation`` are its median, above 0.

        Args:
            profile: of the next activity; ``quantiles`` is the remaining time's median, of those above 0, too.
        """
        if not any(value != END for value, _ in profile.top):
            raise DataError("No case has two events: nothing follows any, and nothing is to be learnt.")
        target = super().fit_target(profile, {})
        median, usual = profile.quantiles
        return replace(target, mean=float(median), deviation=float(usual) or 1.0)

    def encode(self, values: pa.Array, target: Target) -> Array:
        """float64 [rows, 3]; of activities alone, as text, int64 class numbers."""
        if not pa.types.is_struct(values.type):
            return super().encode(values, target)
        number = super().encode(values.field(NEXT), target).astype(np.float64)
        left = values.field(REMAINING).cast(pa.float64()).to_numpy(zero_copy_only=False)
        least = pc.fill_null(values.field(AT_LEAST), False).to_numpy(zero_copy_only=False)
        return np.stack([np.where(number < 0, np.nan, number), left, least], axis=1)

    def truth_sql(self, column: str, target: Target) -> str:
        """The struct that the engine made."""
        return column

    def numbers(self, truth: Array, target: Target) -> Array:
        """Not asked for: histories are read by transformers."""
        raise NotImplementedError(f"{self.name} is read by transformers")

    def outputs(self, target: Target) -> int:
        """A logit for each activity, and the time."""
        return len(target.classes) + 1

    def loss(self, output: Tensor, truth: Tensor, target: Target, options: dict[str, Any]) -> Tensor:
        """Cross-entropy, and the time's error on its scale; what isn't known costs nothing."""
        known, timed = ~truth[:, 0].isnan(), ~truth[:, 1].isnan()
        number = torch.where(known, truth[:, 0], 0).long()
        of_next = torch.where(known, F.cross_entropy(output[:, :-1], number, reduction="none"), 0.0)
        wanted = torch.log1p(torch.where(timed, truth[:, 1], 0).clamp(min=0) / target.deviation).to(output.dtype)
        # Of an open case a time that is long enough costs nothing.
        said = torch.where(truth[:, 2] > 0, torch.minimum(output[:, -1], wanted), output[:, -1])
        of_time = F.smooth_l1_loss(said, wanted, reduction="none", beta=_BEND)
        return of_next + torch.where(timed, of_time, 0.0)

    def predict(self, output: Tensor, target: Target) -> Prediction:
        """Probabilities and times, the mean of the members'."""
        of_next = super().predict(output[..., :-1], target)
        said = output[..., -1].double().mean(dim=1).clamp(0.0, _FARTHEST)
        left = (torch.expm1(said) * target.deviation).numpy()
        return Prediction(np.stack([of_next.values, left], axis=1), of_next.scores)

    def baseline(self, target: Target, rows: int) -> Prediction:
        """The most frequent activity, and the median time."""
        usual = super().baseline(target, rows)
        return Prediction(np.stack([usual.values, np.full(rows, target.mean)], axis=1), usual.scores)

    def metrics(self, target: Target) -> Sequence[Metric]:
        """Accuracy of the next activity first."""
        return METRICS

    def calibrate(self, truth: Array, prediction: Prediction, options: dict[str, Any]) -> dict[str, Any]:
        """As of classes, and under ``time`` as of remaining lives."""
        truth = truth.reshape(-1, 3)
        known = np.isfinite(truth[:, 0])
        of_next = next_of(prediction.take(np.flatnonzero(known)))
        learnt = super().calibrate(truth[known, 0].astype(np.int64), of_next, {})
        timed = np.isfinite(truth[:, 1]) & (truth[:, 2] == 0)
        return learnt | {"time": self._clock.calibrate(truth[timed, 1], Prediction(prediction.values[timed, 1]), {})}

    def adjust(self, prediction: Prediction, calibration: dict[str, Any]) -> Prediction:
        """Probabilities at the temperature."""
        of_next = super().adjust(next_of(prediction), calibration)
        return Prediction(np.stack([of_next.values, prediction.values[:, 1]], axis=1), of_next.scores)

    def interval(self, values: Array, calibration: dict[str, Any], level: float) -> tuple[Array, Array]:
        """Ends of the remaining time's interval."""
        return self._clock.interval(values[:, 1], calibration.get("time", {}), level)

    def quantiles(self, values: Array, calibration: dict[str, Any]) -> Array:
        """Times that 1 to 99 % of cases don't outlast, [rows, 99]; NaN where there were too few cases to tell."""
        told = self._clock.quantiles(values[:, 1], calibration.get("time", {}), _SHARES.tolist())
        return np.where(np.isfinite(told), told, np.nan)

    def columns(self, target: Target) -> list[OutputColumn]:
        """The next activity, and the time with its interval."""
        times = [("predicted_remaining", "value"), ("lower", "lower"), ("upper", "upper")]
        return [*super().columns(target), *(OutputColumn(name, f'{{ml}}."{field}"') for name, field in times)]


def next_of(prediction: Prediction) -> Prediction:
    """What is said of the next activity, as of classes."""
    return Prediction(prediction.values[:, 0].astype(np.int64), prediction.scores)


tasks.register(PROCESS)(Process())
