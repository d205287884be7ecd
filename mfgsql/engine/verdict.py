"""What a training's figures mean in words, and which of them are kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mfgsql.decision import Costs, fair_cost
from mfgsql.evaluation import apart, beats
from mfgsql.metrics import Metric
from mfgsql.model import Model
from mfgsql.tasks import ANOMALY, PROCESS, TOKENS, Prediction
from mfgsql.tasks.task import Array
from mfgsql.tasks.tokens import SPAN_F1
from mfgsql.training import Learned

_FEW, _FEW_RARE = 50, 10  # rows judged, and rows of all classes but the largest; below, a verdict would be luck


def verdict_of(learned: Learned) -> tuple[str | None, float | None, float | None, str]:
    """The deciding metric, its value and the baseline's, and what they mean in words: beyond chance, or not."""
    model, judged = learned.model, learned.judgement
    if model.manifest.task == ANOMALY and model.manifest.history is None:
        return None, None, None, "not judged"  # by good pictures alone no one tells
    if model.manifest.target is None:
        loss = judged.loss if judged else None
        baseline = learned.baseline.get("loss")
        useful = learned.best_step > 0 and (loss is None or baseline is None or loss < baseline)
        return "loss", loss, baseline, "useful" if useful else "no better than the baseline"
    if model.manifest.task == TOKENS:
        return _of_spans(learned)
    metric = model.task.metrics(model.target)[0]
    if judged is None:
        return metric.name, None, None, "too little data"
    value, baseline = judged.metrics.get(metric.name), learned.baseline.get(metric.name)
    in_costs, saves = _in_costs(judged.truth, judged.prediction, model.manifest.calibration)
    rare = _rare(model, judged.truth)
    if len(judged.truth) < _FEW or rare < _FEW_RARE:
        return metric.name, value, baseline, f"too little data{in_costs}"
    better = judged.prediction is not None and _beats_naive(model, metric, judged.truth, judged.prediction)
    word = "useful" if better and saves else "no better than the baseline"
    return metric.name, value, baseline, f"{word}{in_costs}"


def final_metrics(learned: Learned) -> list[tuple[Any, ...]]:
    """What is recorded of the version that is kept."""
    if learned.judgement is None:
        return []
    values = {"loss": learned.judgement.loss, **learned.judgement.metrics}
    return [
        (learned.best_step, "validation", name, value, learned.baseline.get(name), True)
        for name, value in values.items()
    ]


def _of_spans(learned: Learned) -> tuple[str | None, float | None, float | None, str]:
    """Beyond chance is twice what so many spans leave to it."""
    judged = learned.judgement
    if judged is None:
        return SPAN_F1, None, None, "too little data"
    value, baseline = judged.metrics[SPAN_F1], learned.baseline[SPAN_F1]
    if judged.spans < _FEW_RARE:
        return SPAN_F1, value, baseline, "too little data"
    chance = 2 * math.sqrt(max(value * (1 - value), 0.0) / judged.spans)
    return SPAN_F1, value, baseline, "useful" if value - chance > baseline else "no better than the baseline"


def _rare(model: Model, truth: Array) -> int:
    """Rows that are not of the largest class, or have not the most usual labels; of numbers there is no such thing."""
    if not model.target.classes:
        return _FEW_RARE
    if model.manifest.task == PROCESS:
        truth = truth[np.isfinite(truth[:, 0]), 0].astype(np.int64)
    if truth.ndim > 1:
        return int((truth != model.task.baseline(model.target, len(truth)).values).any(axis=1).sum())
    return len(truth) - int(np.bincount(truth).max())


def _beats_naive(model: Model, metric: Metric, truth: Array, said: Prediction) -> bool:
    history, grid = model.manifest.history, model.manifest.grid
    length = history.length if history else grid.horizon if grid else 1
    rows = apart(len(truth), length)
    return beats(metric, truth[rows], said.take(rows), model.task.naive(truth[rows], model.target))


def _in_costs(truth: Array, prediction: Prediction | None, calibration: dict[str, Any]) -> tuple[str, bool]:
    """What alarms cost beside doing without a model, in words, and whether they cost less. Empty without costs."""
    if not calibration.get("costs") or prediction is None or prediction.scores is None or len(truth) < 2:
        return "", True
    costs, rows = Costs(**calibration["costs"]), len(truth)
    mine = fair_cost(truth, prediction.scores[:, 1], costs)
    otherwise, theirs = costs.without_model(int(truth.sum()), rows)
    threshold = calibration["threshold"]
    if threshold > 1:
        return f": at these costs no alarm pays ({otherwise} cost {theirs / rows:.4g} a row)", False
    alarms = f"alarms from probability {threshold:.3g} on"
    return f": {alarms} cost {mine / rows:.4g} a row, {otherwise} {theirs / rows:.4g}", mine < theirs
