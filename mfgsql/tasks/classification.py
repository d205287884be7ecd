"""One class of several for each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
import torch.nn.functional as F
from torch import Tensor

from mfgsql.decision import Costs, cheapest_threshold
from mfgsql.errors import DataError, OptionError, one_of
from mfgsql.features import ColumnProfile, is_numeric_type
from mfgsql.metrics import BINARY, MULTICLASS, Metric
from mfgsql.tasks.calibration import fit_temperature, given_to_classes, set_thresholds, tempered
from mfgsql.tasks.task import Array, OutputColumn, Prediction, Target, Task, tasks

MAX_CLASSES = 1000
_FEWEST = 50  # rows that a temperature is fitted on
_FEWEST_OF_CLASS = 10  # rows of each class that a threshold is counted by
_FREQUENT = 4  # classes by which columns are looked at
_YES = ("true", "1", "1.0", "yes", "y")


class Classification(Task):
    """Cross-entropy over the classes; probabilities by softmax."""

    name: ClassVar[str] = "classification"
    shape: ClassVar[str] = "class"
    losses: ClassVar[tuple[str, ...]] = ("cross_entropy",)
    jumps: ClassVar[bool] = True

    def fit_target(self, profile: ColumnProfile, options: dict[str, Any]) -> Target:
        """Classes in order (numbers by value, words by alphabet); of two, the positive one last."""
        counts = dict(profile.top)
        if not counts:
            raise DataError(f"The target {profile.name!r} is NULL in every row.")
        if len(counts) == 1:
            raise DataError(
                f"The target {profile.name!r} has one class only, {next(iter(counts))!r}: nothing to tell apart.",
                remedy="Add rows of another class, or leave the target out and use ml_pretrain.",
            )
        if len(counts) > MAX_CLASSES:
            raise DataError(
                f"The target {profile.name!r} has more than {MAX_CLASSES} classes.",
                remedy="Predict it as a number with task := 'regression', or group the classes.",
            )
        if len(counts) > max(20, (profile.rows - profile.nulls) / 2):
            raise DataError(
                f"The target {profile.name!r} has {len(counts)} classes in {profile.rows - profile.nulls} rows: an id, "
                "or a text of its own in nearly every row."
            )
        numeric = is_numeric_type(profile.type)
        classes = sorted(counts, key=float if numeric else str)
        if len(classes) == 2:
            positive = self._positive(profile.name, classes, counts, options.get("positive"))
            classes = [c for c in classes if c != positive] + [positive]
        elif options.get("positive") is not None:
            raise OptionError(f"positive is for two classes; {profile.name!r} has {len(classes)}.")
        return Target(profile.name, profile.type, tuple(classes), tuple(counts[c] for c in classes))

    @staticmethod
    def _positive(name: str, classes: list[str], counts: dict[str, int], wanted: Any) -> str:
        """The class that ``probability`` speaks of: as told, else TRUE or 1, else the rarer."""
        if wanted is not None:
            text = str(wanted).lower() if isinstance(wanted, bool) else str(wanted)
            if text not in classes:
                raise OptionError(f"positive = {wanted!r} is no value of {name!r}; it has {one_of(classes)}.")
            return text
        yes = [c for c in classes if c.lower() in _YES]
        return yes[0] if len(yes) == 1 else min(classes, key=lambda c: counts[c])

    def encode(self, values: pa.Array, target: Target) -> Array:
        """int64 class numbers, -1 for NULL and classes never seen."""
        found = pc.index_in(values.cast(pa.string()), value_set=pa.array(target.classes, pa.string()))
        return np.asarray(pc.fill_null(found, -1), dtype=np.int64)

    def numbers(self, truth: Array, target: Target) -> Array:
        """Whether it is the positive class, or of more than two whether it is each of the most frequent."""
        frequent = np.argsort(target.counts)[::-1][:_FREQUENT] if len(target.classes) > 2 else np.array([1])
        is_one: Array = truth[:, None] == frequent
        return is_one.astype(np.float64)

    def outputs(self, target: Target) -> int:
        """One logit a class."""
        return len(target.classes)

    def loss(self, output: Tensor, truth: Tensor, target: Target, options: dict[str, Any]) -> Tensor:
        """Cross-entropy; with ``class_weight = 'balanced'`` every class weighs the same in sum."""
        weight = None
        if options.get("class_weight") == "balanced":
            counts = torch.tensor(target.counts, dtype=output.dtype, device=output.device)
            weight = counts.sum() / (len(counts) * counts)
        return F.cross_entropy(output, truth, weight=weight, reduction="none")

    def predict(self, output: Tensor, target: Target) -> Prediction:
        """Probabilities, the mean of the members', and the most probable class."""
        scores = torch.softmax(output.double(), dim=-1).mean(dim=1).numpy()
        return Prediction(scores.argmax(axis=1), scores)

    def baseline(self, target: Target, rows: int) -> Prediction:
        """The largest class, with the classes' shares as probabilities."""
        shares = np.asarray(target.counts, dtype=np.float64) / sum(target.counts)
        return Prediction(np.full(rows, shares.argmax()), np.tile(shares, (rows, 1)))

    def metrics(self, target: Target) -> Sequence[Metric]:
        """PR-AUC first for two classes, macro F1 for more."""
        return BINARY if len(target.classes) == 2 else MULTICLASS

    def calibrate(self, truth: Array, prediction: Prediction, options: dict[str, Any]) -> dict[str, Any]:
        """A temperature for the probabilities, for each class what its rows were given (for prediction sets), and
        with ``costs`` the threshold at which mistakes cost least.
        """
        assert prediction.scores is not None
        learnt: dict[str, Any] = {}
        # Weighted classes ask for distorted probabilities on purpose.
        if len(truth) >= _FEWEST and options.get("class_weight") != "balanced":
            learnt["temperature"] = fit_temperature(truth, prediction.scores)
        scores = tempered(prediction.scores, learnt.get("temperature", 1.0))
        learnt["given"] = given_to_classes(truth, scores)
        if costs := options.get("costs"):
            learnt |= {"costs": costs, "threshold": _threshold(truth, scores[:, 1], Costs(**costs))}
        return learnt

    def adjust(self, prediction: Prediction, calibration: dict[str, Any]) -> Prediction:
        """Probabilities at the temperature; of two classes the positive one from the threshold that costs chose."""
        assert prediction.scores is not None
        scores = tempered(prediction.scores, calibration.get("temperature", 1.0))
        threshold = calibration.get("threshold")
        values = prediction.values if threshold is None else (scores[:, 1] >= threshold).astype(np.int64)
        return Prediction(values, scores)

    def columns(self, target: Target) -> list[OutputColumn]:
        """The class in the target's own type, its probability, and that of all classes."""
        type_name = target.type.replace("{", "{{").replace("}", "}}")  # an ENUM's values are part of its name
        return [
            OutputColumn(f"predicted_{target.column}", f"CAST({{ml}}.label AS {type_name})"),
            OutputColumn("probability", "{ml}.probability"),
            OutputColumn("probabilities", "map({classes}, {ml}.scores)"),
        ]

    def at_level(self, target: Target, calibration: dict[str, Any], level: float) -> list[OutputColumn]:
        """The classes that a row may be of: of the rows of each class ``level`` are given sets that hold it."""
        least = set_thresholds(calibration.get("given") or [{"rows": 0, "quantiles": []}] * len(target.classes), level)
        zipped = f"list_zip({{classes}}, {{ml}}.scores, {least}::DOUBLE[])"
        chosen = f"list_transform(list_filter({zipped}, lambda e: e[2] >= e[3]), lambda e: e[1])"
        return [OutputColumn("prediction_set", f"CASE WHEN {{ml}}.label IS NOT NULL THEN {chosen} END")]


def _threshold(truth: Array, scores: Array, costs: Costs) -> float:
    """By counting, or where rows of a class are too few for that by what probabilities mean.

    A hair lower than the row that it was chosen by, which another batch gives another last digit.
    """
    if min((truth == 0).sum(), (truth == 1).sum()) < _FEWEST_OF_CLASS:
        return costs.threshold
    found = cheapest_threshold(truth, scores, costs).threshold
    return found if found > 1 else found * (1 - 1e-6)


tasks.register("classification")(Classification())
