"""One number for each row, with an interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch.nn.functional as F
from torch import Tensor

from mfgsql.errors import DataError
from mfgsql.features import ColumnProfile, is_numeric_type
from mfgsql.metrics import REGRESSION, Metric
from mfgsql.tasks.task import Array, OutputColumn, Prediction, Target, Task, tasks

_Values = TypeVar("_Values", Array, Tensor)
_GRID = 1001  # quantiles of the absolute errors that are kept


class Regression(Task):
    """Squared or Huber error on the standardised target; intervals by split conformal prediction.

    The interval is the prediction plus and minus the quantile of the absolute errors on rows not trained on
    (Vovk et al., "Algorithmic Learning in a Random World", 2005; Lei et al., JASA 2018).
    """

    name: ClassVar[str] = "regression"
    shape: ClassVar[str] = "value"
    losses: ClassVar[tuple[str, ...]] = ("mse", "huber")
    jumps: ClassVar[bool] = False

    def fit_target(self, profile: ColumnProfile, options: dict[str, Any]) -> Target:
        """Mean and deviation of the target."""
        if not is_numeric_type(profile.type):
            quoted = '"' + profile.name.replace('"', '""') + '"'
            commas = any("," in value for value, _ in profile.top)
            number = f"replace({quoted}, ',', '.')" if commas else quoted
            raise DataError(
                f"The target {profile.name!r} is {profile.type}, not a number.",
                remedy="Use task := 'classification', or cast it in the source: "
                f"SELECT * REPLACE (TRY_CAST({number} AS DOUBLE) AS {quoted}) FROM ...",
            )
        if profile.mean is None:
            raise DataError(f"The target {profile.name!r} is NULL in every row.")
        if profile.minimum == profile.maximum:
            raise DataError(f"The target {profile.name!r} is {profile.minimum:g} in every row: nothing to learn.")
        return Target(profile.name, profile.type, mean=profile.mean, deviation=profile.deviation or 1.0)

    def encode(self, values: pa.Array, target: Target) -> Array:
        """float64, NaN for NULL."""
        numbers = pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False)
        return np.where(np.isfinite(numbers), numbers, np.nan)

    def truth_sql(self, column: str, target: Target) -> str:
        """A number."""
        return f"CAST({column} AS DOUBLE)"

    def numbers(self, truth: Array, target: Target) -> Array:
        """The standardised value."""
        return _standardised(truth, target)[:, None]

    def outputs(self, target: Target) -> int:
        """The standardised value."""
        return 1

    def loss(self, output: Tensor, truth: Tensor, target: Target, options: dict[str, Any]) -> Tensor:
        """Squared error, or Huber with ``loss = 'huber'``, in deviations of the target."""
        wanted = _standardised(truth, target)
        kind = F.huber_loss if options.get("loss") == "huber" else F.mse_loss
        return kind(output[:, 0], wanted.to(output.dtype), reduction="none")

    def predict(self, output: Tensor, target: Target) -> Prediction:
        """Values in the target's unit."""
        return Prediction(output[..., 0].double().mean(dim=1).numpy() * target.deviation + target.mean)

    def baseline(self, target: Target, rows: int) -> Prediction:
        """The mean."""
        return Prediction(np.full(rows, target.mean))

    def metrics(self, target: Target) -> Sequence[Metric]:
        """RMSE first."""
        return REGRESSION

    def calibrate(self, truth: Array, prediction: Prediction, options: dict[str, Any]) -> dict[str, Any]:
        """Quantiles of the absolute errors, and how many there were."""
        errors = np.abs(truth - prediction.values)
        if len(errors) == 0:
            return {}
        grid = np.quantile(errors, np.linspace(0, 1, min(_GRID, len(errors))), method="higher")
        return {"rows": len(errors), "errors": grid.tolist()}

    def interval(self, values: Array, calibration: dict[str, Any], level: float) -> tuple[Array, Array]:
        """As far below the value as above it."""
        half = half_width(calibration, level)
        return values - half, values + half

    def adjust(self, prediction: Prediction, calibration: dict[str, Any]) -> Prediction:
        """As it is: the errors make intervals, not other values."""
        return prediction

    def columns(self, target: Target) -> list[OutputColumn]:
        """The value, and the ends of its interval."""
        return [
            OutputColumn(f"predicted_{target.column}", "{ml}.value"),
            OutputColumn("lower", "{ml}.lower"),
            OutputColumn("upper", "{ml}.upper"),
        ]


def _standardised(truth: _Values, target: Target) -> _Values:
    return (truth - target.mean) / target.deviation


def half_width(calibration: dict[str, Any], level: float) -> float:
    """Half the interval that holds ``level`` of new rows; infinite where there were too few errors to tell."""
    rows, errors = calibration.get("rows", 0), calibration.get("errors", [])
    rank = math.ceil((rows + 1) * level)
    if rank > rows:
        return math.inf
    return float(errors[min(math.ceil(rank / rows * (len(errors) - 1)), len(errors) - 1)])


tasks.register("regression")(Regression())
