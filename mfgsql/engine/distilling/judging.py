"""Students beside their teacher: what each is worth on rows that it has not learnt from, and how fast it answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from mfgsql.engine.unseen import Unseen, arrays
from mfgsql.metrics import ACCURACY, REGRESSION, Metric, measure
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.tasks import Prediction, Target
from mfgsql.tasks.task import Array

AGREEMENT = "agreement"
TEACHER = "teacher"
_R2 = next(metric for metric in REGRESSION if metric.name == "r2")
_BATCH = 2_048  # rows of a pass: DuckDB's
_PASSES, _LOOKED = 3, 0.2  # over the rows, and seconds at least


@dataclass(frozen=True)
class Figures:
    """One row of the result.

    Attributes:
        name: the student's size, or the teacher. parameters, bytes: of its weights. value: of the metric.
        agreement: with the teacher. rows_per_second: encoded and answered.
    """

    name: str
    parameters: int
    bytes: int
    value: float | None
    agreement: float
    rows_per_second: float


@dataclass(frozen=True)
class Judges:
    """Rows that judge.

    Attributes:
        rows: they themselves. truth: as the task encodes it, [rows]. said: what the teacher says of them.
        metric: the task's first one; None: the source has no labels, and agreement alone is told.
    """

    rows: Unseen
    truth: Array
    said: Prediction
    metric: Metric | None

    @property
    def name(self) -> str:
        """Of what `value` gives."""
        return self.metric.name if self.metric else AGREEMENT

    def figures(self, name: str, scorer: Scorer, said: Prediction) -> Figures:
        """What a model is worth that says this of the rows."""
        model = scorer.model
        agreement = agreement_of(model.target, self.said, said)
        value = measure(self.metric, self.truth, said.values, said.scores) if self.metric else agreement
        return Figures(name, parameters_of(model), model.size, value, agreement, rows_a_second(scorer, self.rows))

    def enough(self, found: Figures, teacher: Figures, loss: float) -> bool:
        """Whether a student lacks no more of the teacher's metric: of a share so much, of an error such a share."""
        if found.value is None or teacher.value is None:
            return False
        if self.metric is None or self.metric.higher:
            return found.value >= teacher.value - loss
        return found.value <= teacher.value * (1 + loss)


def agreement_of(target: Target, teacher: Prediction, said: Prediction) -> float:
    """Share of rows that get the teacher's class; of numbers R2 to what the teacher says."""
    metric = ACCURACY if target.classes else _R2
    found = measure(metric, teacher.values, said.values, None)
    return 0.0 if found is None else found


def parameters_of(model: Model) -> int:
    """How many weights are learnt."""
    return sum(parameter.numel() for parameter in model.network.parameters())


def rows_a_second(scorer: Scorer, rows: Unseen) -> float:
    """Rows that are encoded and answered in a second, one pass of DuckDB's size after the other: the fastest time."""
    passes = list(_passes(scorer, rows))
    best, until = np.inf, time.perf_counter() + _LOOKED
    done = 0
    while done < _PASSES or time.perf_counter() < until:
        started = time.perf_counter()
        for one in passes:
            one()
        best, done = min(best, time.perf_counter() - started), done + 1
    return float(len(rows.rows) / best)


def _passes(scorer: Scorer, rows: Unseen) -> list[Callable[[], object]]:
    if rows.of_histories:
        return [partial(rows.predict, scorer)]
    columns, count = arrays(rows.judged.select(scorer.model.manifest.features.names)), len(rows.rows)
    starts = range(0, count, _BATCH)
    parts = [{name: column.slice(start, _BATCH) for name, column in columns.items()} for start in starts]
    return [partial(scorer.score, part, _length(part)) for part in parts]


def _length(part: dict[str, pa.Array]) -> int:
    return len(next(iter(part.values())))
