"""Spans of a text: a tag for each word, B where a span begins, I where it goes on, O outside of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mfgsql.errors import DataError
from mfgsql.features import ColumnProfile
from mfgsql.features.fields import NOT_ASKED
from mfgsql.heads import PieceHead
from mfgsql.metrics import Metric
from mfgsql.tasks.task import Array, OutputColumn, Prediction, Target, Task, tasks

TOKENS = "token_classification"
OUTSIDE = "O"
SPAN_F1 = "span_f1"  # the metric that decides


class TokenClassification(Task):
    """Cross-entropy over the tags of the words; what is said of a text are spans, so that judging goes by these."""

    name: ClassVar[str] = TOKENS
    shape: ClassVar[str] = "spans"
    losses: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    jumps: ClassVar[bool] = True
    looks: ClassVar[bool] = True

    def fit_target(self, profile: ColumnProfile, options: dict[str, Any]) -> Target:
        """O, then B and I of each label, by alphabet; ``profile.top`` are the labels with the number of their spans."""
        labels = sorted(label for label, _ in profile.top)
        if not labels:
            raise DataError(
                f"No row of {profile.name!r} holds a span.",
                remedy="A span is a struct: [{'label': 'part', 'begin': 0, 'stop': 7}], characters counted from 0.",
            )
        counts = dict(profile.top)
        tags = [OUTSIDE, *(f"{tag}-{label}" for label in labels for tag in "BI")]
        return Target(profile.name, profile.type, tuple(tags), (0, *(counts[t[2:]] for t in tags[1:])))

    def encode(self, values: pa.Array, target: Target) -> Array:
        """Not of a column alone: tags belong to the pieces of another column's texts."""
        raise NotImplementedError("tags are encoded beside their texts")

    def numbers(self, truth: Array, target: Target) -> Array:
        """Tags have no means."""
        raise NotImplementedError("tags have no means")

    def outputs(self, target: Target) -> int:
        """One logit a tag."""
        return len(target.classes)

    def make_head(self, target: Target, width: int, dropout: float) -> nn.Module:
        """On the states of the pieces."""
        return PieceHead(width, self.outputs(target), dropout)

    def loss(self, output: Tensor, truth: Tensor, target: Target, options: dict[str, Any]) -> Tensor:
        """Loss of each row; their mean over a batch is the mean over its words.

        Args:
            output: [rows, pieces, tags]. truth: [rows, pieces].
        """
        each = F.cross_entropy(output.transpose(1, 2), truth, ignore_index=NOT_ASKED, reduction="none")
        words = (truth != NOT_ASKED).sum()
        return each.sum(dim=1) * len(truth) / words.clamp(min=1)

    def predict(self, output: Tensor, target: Target) -> Prediction:
        """The most probable tag of each piece, [rows, pieces], and its probability."""
        scores, tags = torch.softmax(output.double(), dim=-1).mean(dim=1).max(dim=-1)
        return Prediction(tags.numpy(), scores.numpy())

    def baseline(self, target: Target, rows: int) -> Prediction:
        """No span anywhere."""
        return Prediction(np.zeros((rows, 0), np.int64))

    def metrics(self, target: Target) -> Sequence[Metric]:
        """None over rows: spans are counted."""
        return ()

    def calibrate(self, truth: Array, prediction: Prediction, options: dict[str, Any]) -> dict[str, Any]:
        """Nothing."""
        return {}

    def adjust(self, prediction: Prediction, calibration: dict[str, Any]) -> Prediction:
        """As it is."""
        return prediction

    def columns(self, target: Target) -> list[OutputColumn]:
        """The spans of the row."""
        return [OutputColumn("spans", "{ml}.spans")]


tasks.register(TOKENS)(TokenClassification())
