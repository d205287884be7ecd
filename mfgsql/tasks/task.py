"""The interface of a supervised task."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from torch import Tensor, nn

from mfgsql.features import ColumnProfile
from mfgsql.heads import PredictionHead
from mfgsql.metrics import Metric
from mfgsql.registry import Registry

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Target:
    """The column that is predicted.

    Attributes:
        name, type: as the database says.
        classes: values as text; of two, the second is the positive one. Empty for numbers. Of several labels a row:
            the labels.
        counts: fitted rows of each class. rows: all of them, where a row may have several labels or none.
        mean, deviation: of a number, over the fitted rows. cap: a remaining life counts up to it.
        lives: quantiles of whole lives, at equal steps, where the target is what remains of them.
        separator: what parts the labels in a text. usual: the labels that stand together most often, by number.
        horizon: steps that are forecast at once.
    """

    name: str
    type: str
    classes: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0
    cap: float | None = None
    lives: tuple[float, ...] = ()
    rows: int = 0
    separator: str | None = None
    usual: tuple[int, ...] = ()
    horizon: int = 0

    @property
    def column(self) -> str:
        """The target's name inside output columns: ``Machine failure`` -> ``machine_failure``."""
        return re.sub(r"\W", "_", self.name.lower())

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Target:
        """What `to_dict` saved."""
        lists = {name: tuple(saved.get(name, ())) for name in ("classes", "counts", "lives", "usual")}
        return cls(**saved | lists)


@dataclass(frozen=True)
class Prediction:
    """What a network says of a batch.

    Attributes:
        values: class numbers (int64) or values (float64), [rows]; of several labels a row which it has, bool
            [rows, classes].
        scores: probabilities [rows, classes], or None.
    """

    values: Array
    scores: Array | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Array) -> Prediction:
        """Those rows."""
        return Prediction(self.values[rows], None if self.scores is None else self.scores[rows])

    @classmethod
    def concat(cls, parts: Sequence[Prediction]) -> Prediction:
        """One prediction of many batches, in order."""
        scores = [p.scores for p in parts if p.scores is not None]
        return cls(np.concatenate([p.values for p in parts]), np.concatenate(scores) if scores else None)


def known(truth: Array) -> Array:
    """Mask of the rows whose truth is known, of what `Task.encode` gave."""
    mask: Array = np.isfinite(truth) if truth.dtype.kind == "f" else truth >= 0
    return mask if mask.ndim == 1 else np.asarray(mask.all(axis=1))


@dataclass(frozen=True)
class OutputColumn:
    """A column of the result: its name, and its SQL over the scored struct ``{ml}`` and the list of ``{classes}``."""

    name: str
    sql: str


class Task(ABC):
    """A supervised task. Stateless: what depends on the data is in `Target`."""

    name: ClassVar[str]
    shape: ClassVar[str]  # of the scored struct; names the scoring function: class, labels, value
    losses: ClassVar[tuple[str, ...]]  # that the option chooses from
    jumps: ClassVar[bool]  # whether the truth jumps from one value of a column to the next
    looks: ClassVar[bool] = False  # whether its head looks at each state of a row, of which an ensemble has but one

    @abstractmethod
    def fit_target(self, profile: ColumnProfile, options: dict[str, Any]) -> Target:
        """The target as learnt from its profile.

        Raises:
            DataError: it can't be learnt from (one class, no number, all NULL ...).
        """

    @abstractmethod
    def encode(self, values: pa.Array, target: Target) -> Array:
        """The truth as the loss takes it, [rows] or [rows, classes]; -1 or NaN where unknown.

        Args:
            values: what `truth_sql` gives.
        """

    def truth_sql(self, column: str, target: Target) -> str:
        """SQL of the truth as `encode` takes it, over that of the target's column."""
        return f"CAST({column} AS VARCHAR)"

    @abstractmethod
    def numbers(self, truth: Array, target: Target) -> Array:
        """The known truth as numbers whose means say something, float64 [rows, n]."""

    @abstractmethod
    def outputs(self, target: Target) -> int:
        """Numbers that the head gives for a row."""

    def make_head(self, target: Target, width: int, dropout: float) -> nn.Module:
        """From hidden states ``[rows, tokens, width]`` to the ``outputs`` of each row, freshly initialised."""
        return PredictionHead(width, self.outputs(target), dropout)

    @abstractmethod
    def loss(self, output: Tensor, truth: Tensor, target: Target, options: dict[str, Any]) -> Tensor:
        """Loss of each row, [rows]."""

    @abstractmethod
    def predict(self, output: Tensor, target: Target) -> Prediction:
        """The members' numbers ``[rows, members, outputs]`` as one prediction for each row."""

    @abstractmethod
    def baseline(self, target: Target, rows: int) -> Prediction:
        """What one would say without looking at a row."""

    def naive(self, truth: Array, target: Target) -> Prediction:
        """The same where the truth itself tells it, as a forecast's tells what was a season before."""
        return self.baseline(target, len(truth))

    @abstractmethod
    def metrics(self, target: Target) -> Sequence[Metric]:
        """Metrics, the one that decides first."""

    @abstractmethod
    def calibrate(self, truth: Array, prediction: Prediction, options: dict[str, Any]) -> dict[str, Any]:
        """What rows not trained on teach about the errors; goes with the model."""

    @abstractmethod
    def adjust(self, prediction: Prediction, calibration: dict[str, Any]) -> Prediction:
        """The prediction in the light of what `calibrate` learnt."""

    def judged(self, truth: Array, prediction: Prediction, calibration: dict[str, Any]) -> Prediction:
        """The same of the rows that taught the calibration, as fair as if they hadn't."""
        return self.adjust(prediction, calibration)

    @abstractmethod
    def columns(self, target: Target) -> list[OutputColumn]:
        """The result's columns besides ``ml_status`` and ``ml_reason``."""

    def reaches(self, output: Tensor, truth: Tensor, target: Target) -> Tensor:
        """Whether what is said is at least the truth, [rows]."""
        raise NotImplementedError(f"{self.name} knows no lower bounds")

    def interval(self, values: Array, calibration: dict[str, Any], level: float) -> tuple[Array, Array]:
        """Ends of each value's interval, [rows] each; infinite where there were too few rows to tell."""
        raise NotImplementedError(f"{self.name} has no intervals")

    def at_level(self, target: Target, calibration: dict[str, Any], level: float) -> list[OutputColumn]:
        """Columns that are there only where a level was asked for."""
        return []


tasks: Registry[Task] = Registry("task")
