"""Several labels for each row, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
import torch.nn.functional as F
from torch import Tensor

from mfgsql.errors import DataError, OptionError
from mfgsql.features import ColumnProfile, is_numeric_type
from mfgsql.features.profile import base_type
from mfgsql.metrics import MULTILABEL, Metric
from mfgsql.tasks.classification import MAX_CLASSES
from mfgsql.tasks.cutting import cuts_of
from mfgsql.tasks.task import Array, OutputColumn, Prediction, Target, Task, tasks

LEAST = 2  # rows of a label that is learnt
_FREQUENT = 4  # labels by which columns are looked at
_WEIGHT = 20.0  # of a rare label's rows, at most
_PARTS = 5  # of judged rows, each cut where the others say


class MultiLabel(Task):
    """Binary cross-entropy for each label; the mean probability of the members, cut for each label by itself."""

    name: ClassVar[str] = "multilabel"
    shape: ClassVar[str] = "labels"
    losses: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    jumps: ClassVar[bool] = True

    def fit_target(self, profile: ColumnProfile, options: dict[str, Any]) -> Target:
        """Labels in order (numbers by value, words by alphabet); those of fewer than `LEAST` rows are left out.

        Args:
            profile: of the column; ``top`` counts the rows of each label.
        """
        name, separator = profile.name, separator_of(profile, options.get("separator"))
        counts = {label: rows for label, rows in profile.top if rows >= LEAST}
        rows = profile.rows - profile.nulls
        if not profile.top:
            raise DataError(f"No row of the target {name!r} has a label: nothing to learn.")
        if all(n == rows for n in counts.values()):
            raise DataError(f"The target {name!r} has the same labels in every row, or each in one row only.")
        if len(counts) > MAX_CLASSES:
            raise DataError(f"The target {name!r} has more than {MAX_CLASSES} labels.", remedy="Group them.")
        numbers = separator is None and is_numeric_type(element_type(profile.type))
        labels = sorted(counts, key=float if numbers else str)
        told = tuple(counts[label] for label in labels)
        return Target(name, profile.type, tuple(labels), told, rows=rows, separator=separator)

    def truth_sql(self, column: str, target: Target) -> str:
        """The row's labels, as VARCHAR[]."""
        if target.separator is None:
            return f"list_filter(CAST({column} AS VARCHAR[]), lambda e: e IS NOT NULL)"
        parts = f"string_split(CAST({column} AS VARCHAR), {_quoted(target.separator)})"
        return f"list_filter(list_transform({parts}, lambda e: trim(e)), lambda e: e <> '')"

    def encode(self, values: pa.Array, target: Target) -> Array:
        """float32 [rows, labels], 1 where a row has the label; NaN where it is NULL, or has labels never seen only."""
        found = pc.index_in(values.flatten(), value_set=pa.array(target.classes, pa.string()))
        numbers = np.asarray(pc.fill_null(found, -1), np.int64)
        lengths = pc.list_value_length(values)
        rows = np.repeat(np.arange(len(values)), np.asarray(pc.fill_null(lengths, 0)))
        truth = np.zeros((len(values), len(target.classes)), np.float32)
        truth[rows[numbers >= 0], numbers[numbers >= 0]] = 1.0
        stray = np.zeros(len(values), bool)
        stray[rows[numbers < 0]] = True
        truth[np.asarray(lengths.is_null()) | (stray & ~truth.any(axis=1))] = np.nan
        return truth

    def numbers(self, truth: Array, target: Target) -> Array:
        """Whether it has each of the most frequent labels."""
        return np.nan_to_num(truth[:, frequent(target)]).astype(np.float64)

    def outputs(self, target: Target) -> int:
        """One logit a label."""
        return len(target.classes)

    def loss(self, output: Tensor, truth: Tensor, target: Target, options: dict[str, Any]) -> Tensor:
        """Cross-entropy, the mean over labels; with ``class_weight = 'balanced'`` having a label weighs in sum as much
        as not having it, up to 20 times for a row.
        """
        weight = None
        if options.get("class_weight") == "balanced":
            counts = torch.tensor(target.counts, dtype=output.dtype, device=output.device)
            weight = ((target.rows - counts) / counts).clamp(1 / _WEIGHT, _WEIGHT)
        wanted = truth.to(output.dtype)
        losses = F.binary_cross_entropy_with_logits(output, wanted, pos_weight=weight, reduction="none")
        return losses.mean(dim=1)

    def predict(self, output: Tensor, target: Target) -> Prediction:
        """Probabilities, the mean of the members', and the labels from one half on."""
        scores = torch.sigmoid(output.double()).mean(dim=1).numpy()
        return Prediction(scores >= 0.5, scores)

    def baseline(self, target: Target, rows: int) -> Prediction:
        """The labels that stand together most often, with the labels' shares as probabilities."""
        usual = np.isin(np.arange(len(target.classes)), target.usual)
        shares = np.asarray(target.counts, np.float64) / target.rows
        return Prediction(np.tile(usual, (rows, 1)), np.tile(shares, (rows, 1)))

    def metrics(self, target: Target) -> Sequence[Metric]:
        """Micro F1 first."""
        return MULTILABEL

    def calibrate(self, truth: Array, prediction: Prediction, options: dict[str, Any]) -> dict[str, Any]:
        """For each label the probability from which on a row is given it, and whether each row has a label."""
        assert prediction.scores is not None
        if not len(truth):
            return {}
        filled = bool(truth.any(axis=1).all())
        return {"cuts": cuts_of(truth > 0, prediction.scores).tolist(), "filled": filled}

    def adjust(self, prediction: Prediction, calibration: dict[str, Any]) -> Prediction:
        """Labels from their own probabilities on; at least the most probable one where no row was without."""
        assert prediction.scores is not None
        if not calibration:
            return prediction
        return _cut(prediction.scores, np.asarray(calibration["cuts"]), calibration["filled"])

    def judged(self, truth: Array, prediction: Prediction, calibration: dict[str, Any]) -> Prediction:
        """Each part of the rows is cut where the others say."""
        assert prediction.scores is not None
        if not calibration:
            return prediction
        part = np.arange(len(truth)) % _PARTS  # rows lie in no order
        values = np.empty(prediction.scores.shape, bool)
        for number in range(_PARTS):
            own = part == number
            cuts = cuts_of(truth[~own] > 0, prediction.scores[~own])
            values[own] = _cut(prediction.scores[own], cuts, calibration["filled"]).values
        return Prediction(values, prediction.scores)

    def columns(self, target: Target) -> list[OutputColumn]:
        """The labels in the target's own type, and the probabilities of all."""
        return [
            OutputColumn(f"predicted_{target.column}", _in_type(target)),
            OutputColumn("probabilities", "map({classes}, {ml}.scores)"),
        ]

    def at_level(self, target: Target, calibration: dict[str, Any], level: float) -> list[OutputColumn]:
        """There are none."""
        raise OptionError(f"{target.name!r} has several labels a row, which have neither intervals nor sets: no level.")


def separator_of(profile: ColumnProfile, separator: Any) -> str | None:
    """What parts the labels of a text; None where the target is a list of them.

    Raises:
        DataError: it is neither. OptionError: nothing is said to part a text.
    """
    name = profile.name
    if profile.type.endswith("]"):
        if base_type(element_type(profile.type)) == "NESTED":
            raise DataError(
                f"The target {name!r} is {profile.type}; labels are a list of texts or numbers.",
                remedy="Where it holds spans of a text, say so: task := 'token_classification'.",
            )
        if separator is not None:
            raise OptionError(f"separator is for labels in a text, and {name!r} is a list: leave it out.")
        return None
    if profile.base_type not in ("VARCHAR", "ENUM"):
        raise DataError(f"The target {name!r} is {profile.type}; several labels are a list, or a text.")
    if separator is None:
        raise OptionError(
            f"The target {name!r} is text, and nothing says what parts its labels.",
            remedy="Say it: options := {'separator': ', '}, or split it in the source.",
        )
    if not isinstance(separator, str) or not separator or "\0" in separator:
        raise OptionError(f"separator is a text such as ', ' or '_', not {separator!r}.")
    return separator


def element_type(list_type: str) -> str:
    """``VARCHAR[]`` and ``VARCHAR[3]`` -> ``VARCHAR``."""
    return list_type[: list_type.rindex("[")]


def frequent(target: Target) -> Array:
    """Numbers of the few labels that most rows have."""
    return np.argsort(-np.asarray(target.counts), kind="stable")[:_FREQUENT]


def _cut(scores: Array, cuts: Array, filled: bool) -> Prediction:
    values = scores >= cuts
    if filled:
        bare = np.flatnonzero(~values.any(axis=1))
        values[bare, scores[bare].argmax(axis=1)] = True
    return Prediction(values, scores)


def _in_type(target: Target) -> str:
    if target.separator is None:
        return f"CAST({{ml}}.labels AS {_braced(element_type(target.type))}[])"
    return f"array_to_string({{ml}}.labels, {_braced(_quoted(target.separator))})"


def _braced(sql: str) -> str:
    """As `str.format` leaves it."""
    return sql.replace("{", "{{").replace("}", "}}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


tasks.register("multilabel")(MultiLabel())
