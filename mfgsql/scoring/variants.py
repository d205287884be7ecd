"""Variants of rows: the same with other values in some columns, asked about by the thousand.

What doesn't change is encoded once. Of histories it is the newest row that is varied; what came before stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import torch

from mfgsql.features import Batch
from mfgsql.features.histories import EXTRA
from mfgsql.scoring.familiarity import Familiarity
from mfgsql.scoring.reading import predict, read
from mfgsql.scoring.scorer import Scorer
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array

_FARTHEST = 20.0  # deviations: as a track of histories cuts values
_PASS = 8_192  # variants asked about at a time
_NUMBERS = 2**24  # in windows that are made at a time


@dataclass(frozen=True)
class Told:
    """What is said of variants.

    Attributes:
        prediction: of each. strangeness: from 1 on it is unlike the rows that were learnt from, [n].
    """

    prediction: Prediction
    strangeness: Array


class Variants:
    """Rows, encoded, whose variants are asked about.

    Args:
        batch: the rows [n, channels], or windows of histories that end at them [n, length, channels + 2].
        familiarity: of the model with rows; None: nothing is known of it.
        unknown: what the batch has something usual for, because it is missing, bool [n, channels].
    """

    def __init__(
        self, scorer: Scorer, batch: Batch, familiarity: Familiarity | None, unknown: Array | None = None
    ) -> None:
        self.scorer, self.familiarity = scorer, familiarity
        self.batch = read(scorer, batch)
        features = scorer.model.manifest.features
        self.unknown = np.zeros(newest(self.batch)[0].shape, bool) if unknown is None else unknown
        self._encoders = {e.column.name.lower(): e for e in features.encoders}
        self._places = features.places

    def told(
        self, rows: Array, changed: Mapping[str, pa.Array], check: Callable[[], None] = lambda: None,
        computed: Collection[str] = (),
    ) -> Told:
        """What is said of variants.

        Args:
            rows: number of the row that each varies, [n]. changed: values of columns, [n], whatever the case of their
                names; NULL: as it is. computed: of them those of which a NULL is one.
        """
        width = self.batch.continuous.shape[1:]
        size = max(64, min(_PASS, _NUMBERS // max(1, int(np.prod(width)))))
        parts = []
        for at in range(0, len(rows), size):
            check()
            some = {n: v.slice(at, size) for n, v in changed.items()}
            parts.append(self._told(*self._varied(rows[at : at + size], some, computed)))
        return Told(Prediction.concat([p.prediction for p in parts]), np.concatenate([p.strangeness for p in parts]))

    def _told(self, batch: Batch, unknown: Array) -> Told:
        prediction, spread = asked(self.scorer, batch)
        if self.familiarity is None:
            return Told(prediction, np.zeros(len(batch)))
        return Told(prediction, self.familiarity.strangeness(*newest(batch), spread, unknown))

    def _varied(self, rows: Array, changed: Mapping[str, pa.Array], computed: Collection[str]) -> tuple[Batch, Array]:
        """The rows as the network takes them, and which of their channels are unknown."""
        continuous, codes, unknown = self.batch.continuous[rows], self.batch.codes[rows], self.unknown[rows]
        for name, values in changed.items():
            encoder = self._encoders.get(name.lower())
            if encoder is None:
                continue
            given = np.asarray(values.is_valid()) | (name in computed)
            place, new = self._places[encoder.column.name], encoder.encode(values).values[given]
            if place.code is not None:
                codes[(given, -1, place.code) if codes.ndim == 3 else (given, place.code)] = new
                continue
            unknown[given, place.channels] = np.asarray(values.is_null())[given, None]
            if continuous.ndim == 3:
                continuous[given, -1, place.channels] = np.clip(new, -_FARTHEST, _FARTHEST)
            else:
                continuous[given, place.channels] = new
        fields = tuple(field[torch.from_numpy(rows)] for field in self.batch.fields)
        return replace(self.batch, continuous=continuous, codes=codes, flags=(), fields=fields), unknown


def newest(batch: Batch) -> tuple[Array, Array]:
    """Channels and codes of the rows; of windows those of their last row."""
    if batch.continuous.ndim == 2:
        return batch.continuous, batch.codes
    return batch.continuous[:, -1, :-EXTRA], batch.codes[:, -1]


def asked(scorer: Scorer, batch: Batch) -> tuple[Prediction, Array | None]:
    """Predictions, and how far an ensemble's members are apart, [n]: of a number in its unit, of classes at most."""
    if batch.fields:
        return predict(scorer, batch), None
    with scorer.passing():
        output = scorer.output(batch.continuous, batch.codes)
        task, target = scorer.model.task, scorer.model.target
        members = [task.predict(output[:, i : i + 1], target) for i in range(output.shape[1])]
        told = scorer.model.predict(output)
    if len(members) == 1:
        return told, None
    if told.scores is None:
        return told, np.asarray(np.std([m.values for m in members], axis=0))
    each = np.stack([m.scores for m in members if m.scores is not None])
    return told, np.asarray(each.std(axis=0).max(axis=1))
