"""What a training's figures mean in words."""

from __future__ import annotations

from mfgsql.evaluation import beats
from mfgsql.training import Learned

_FEW = 50  # rows judged; below, and below ten of the rarer class, a verdict would be luck


def verdict_of(learned: Learned) -> tuple[str | None, float | None, float | None, str]:
    """The deciding metric, its value and the baseline's, and what they mean in words: beyond chance, or not."""
    model, judged = learned.model, learned.judgement
    if model.manifest.task is None:
        useful = learned.best_step > 0
        loss = judged.loss if judged else None
        return "loss", loss, None, "useful" if useful else "no better than the baseline"
    metric = model.task.metrics(model.target)[0]
    if judged is None:
        return metric.name, None, None, "too little data"
    value, baseline = judged.metrics.get(metric.name), learned.baseline.get(metric.name)
    rare = min((int((judged.truth == c).sum()) for c in range(len(model.target.classes))), default=_FEW)
    if len(judged.truth) < _FEW or rare < 10:
        return metric.name, value, baseline, "too little data"
    naive = model.task.baseline(model.target, len(judged.truth))
    better = judged.prediction is not None and beats(metric, judged.truth, judged.prediction, naive)
    return metric.name, value, baseline, "useful" if better else "no better than the baseline"
