"""Judging a network on rows it was not trained on, during and after training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from mfgsql.backbones import MixedBackbone, RowLanguage, SeriesBackbone
from mfgsql.cancellation import Cancellation
from mfgsql.features.fields import Tags, Texts
from mfgsql.metrics import measure
from mfgsql.model import Model
from mfgsql.tasks import (
    TOKENS,
    Prediction,
    SeriesObjective,
    objectives,
    picture_objectives,
    series_objectives,
    text_objectives,
)
from mfgsql.tasks.task import Array
from mfgsql.tasks.tokens import SPAN_F1
from mfgsql.training.designing import independent_loss
from mfgsql.training.panels import PanelSource
from mfgsql.training.recipe import Recipe
from mfgsql.training.rows import Rows, RowSource
from mfgsql.training.tagging import Tagged, by_usual_tags
from mfgsql.training.windows import WindowSource

BATCH = 1024  # more rows are no faster, and hold more memory
_FIELDS = 128  # rows with texts or pictures, which may take seconds, and whose parts' states are held
Source = RowSource | WindowSource | PanelSource


@dataclass(frozen=True)
class Judgement:
    """Loss and metrics over rows with a known truth, and the predictions themselves; of spans how many true ones."""

    loss: float
    metrics: dict[str, float]
    truth: Array
    prediction: Prediction | None
    spans: int = 0

    @property
    def criterion(self) -> float:
        """Of which the best weights have least: the loss, or what the F1 of spans lacks of 1.

        The loss of words grows where a network gets too sure of itself, while it still finds more spans.
        """
        return criterion_of(self.loss, self.metrics)


def criterion_of(loss: float, metrics: Mapping[str, float]) -> float:
    """See `Judgement.criterion`."""
    return 1.0 - metrics[SPAN_F1] if SPAN_F1 in metrics else loss


def judge(
    model: Model, rows: Source, recipe: Recipe, device: torch.device, cancellation: Cancellation
) -> Judgement | None:
    """Judge on all rows of the source; None where it has none with a truth."""
    model.network.eval()
    with torch.inference_mode():
        how = _judge_tags if model.manifest.task == TOKENS else _judge_task if model.manifest.target else _judge_base
        result = how(model, rows, recipe, device, cancellation)
    model.network.train()
    return result


def _judge_task(
    model: Model, rows: Source, recipe: Recipe, device: torch.device, cancellation: Cancellation
) -> Judgement | None:
    options = recipe.to_dict()
    said, loss, weight = _Said(rows.judged), 0.0, 0.0
    for batch in rows.in_order(at_once(model)):
        cancellation.check()
        known = batch[known_truth(batch.truth)].to(device)
        if not len(known):
            continue
        output = output_of(model, known)
        truth = truth_of(known, device)
        losses = model.losses(output, truth, options, known.least)
        loss, weight = loss + float((losses * known.weight).sum()), weight + float(known.weight.sum())
        exact = (~known.least).cpu()  # of the others no error is known
        said.add(truth.cpu()[exact].numpy(), model.predict(output.cpu()[exact]))
    if not said.rows or weight == 0.0:
        return None
    all_truth, prediction = said.whole()
    return Judgement(loss / weight, _metrics(model, all_truth, prediction), all_truth, prediction)


def _judge_tags(
    model: Model, rows: Source, recipe: Recipe, device: torch.device, cancellation: Cancellation
) -> Judgement | None:
    """By the spans that the tags make; those of all rows are counted, none is kept."""
    options, loss, weight, counted = recipe.to_dict(), 0.0, 0.0, Tagged(model.target)
    for batch in rows.in_order(_FIELDS):
        cancellation.check()
        known = batch[known_truth(batch.truth)].to(device)
        if not len(known):
            continue
        output, truth = output_of(model, known), truth_of(known, device)
        losses = model.losses(output, truth, options)
        loss, weight = loss + float((losses * known.weight).sum()), weight + float(known.weight.sum())
        counted.add(truth.cpu().numpy(), model.predict(output.cpu()).values)
    return Judgement(loss / weight, counted.metrics(), np.empty(0), None, counted.spans) if weight else None


def at_once(model: Model) -> int:
    """Rows that are judged at a time."""
    return _FIELDS if isinstance(model.network.backbone, MixedBackbone) else BATCH


def output_of(model: Model, rows: Rows) -> Tensor:
    """What the network says of rows."""
    said: Tensor = model.network(rows.continuous, rows.codes, rows.speaker, rows.fields)
    return said.float()


def truth_of(rows: Rows, device: torch.device) -> Tensor:
    """The truth as a loss takes it."""
    assert not isinstance(rows.truth, Texts), "pairs have no truth"
    return rows.truth.padded().to(device) if isinstance(rows.truth, Tags) else rows.truth


def calibrated(model: Model, judged: Judgement) -> Judgement:
    """The judgement of a model that was not calibrated yet, as it is now that it is: the loss knows no calibration."""
    if judged.prediction is None:
        return judged
    prediction = model.task.judged(judged.truth, judged.prediction, model.manifest.calibration)
    return replace(judged, prediction=prediction, metrics=_metrics(model, judged.truth, prediction))


def _metrics(model: Model, truth: Array, prediction: Prediction) -> dict[str, float]:
    metrics = model.task.metrics(model.target)
    values = {m.name: measure(m, truth, prediction.values, prediction.scores) for m in metrics}
    return {k: v for k, v in values.items() if v is not None}


def baseline_of(model: Model, judged: Judgement | None, train: Source, validation: Source) -> dict[str, float]:
    """Metrics of who says the same of each row, on the rows that judged; of spans of each word's usual tag, of designs
    the loss of who draws each column by itself.
    """
    if judged is not None and model.manifest.task == TOKENS:
        assert isinstance(train, RowSource)
        assert isinstance(validation, RowSource)
        assert model.manifest.features.tokenizer is not None
        pieces = model.manifest.features.tokenizer.size
        return by_usual_tags(train, validation, model.target, pieces).metrics()
    if isinstance(model.network.backbone, RowLanguage):
        assert isinstance(train, RowSource)
        assert isinstance(validation, RowSource)
        return independent_loss(model.network.backbone, train, validation)
    if judged is None or judged.prediction is None:
        return {}
    naive = model.task.naive(judged.truth, model.target)
    values = {m.name: measure(m, judged.truth, naive.values, naive.scores) for m in model.task.metrics(model.target)}
    return {k: v for k, v in values.items() if v is not None}


class _Said:
    """Truths and predictions of many batches, in arrays made once: small ones that stay, among the large ones that come
    and go, break up the heap, which then grew by half.
    """

    truth: Array
    values: Array
    scores: Array | None

    def __init__(self, most: int) -> None:
        self.most, self.rows = most, 0

    def add(self, truth: Array, prediction: Prediction) -> None:
        """The next rows."""
        if not self.rows:
            self.truth, self.values = self._room(truth), self._room(prediction.values)
            self.scores = None if prediction.scores is None else self._room(prediction.scores)
        here = slice(self.rows, self.rows + len(truth))
        self.truth[here], self.values[here] = truth, prediction.values
        if self.scores is not None:
            self.scores[here] = prediction.scores
        self.rows += len(truth)

    def _room(self, like: Array) -> Array:
        return np.empty((self.most, *like.shape[1:]), like.dtype)

    def whole(self) -> tuple[Array, Prediction]:
        """All of them."""
        scores = None if self.scores is None else self.scores[: self.rows]
        return self.truth[: self.rows], Prediction(self.values[: self.rows], scores)


def _judge_base(
    model: Model, rows: Source, recipe: Recipe, device: torch.device, cancellation: Cancellation
) -> Judgement | None:
    total, count = 0.0, 0
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(0)  # the same columns are hidden at every judgement
        for batch in rows.in_order(at_once(model)):
            cancellation.check()
            loss = base_loss(model, batch.to(device), recipe.mask_ratio)
            total, count = total + float(loss) * len(batch), count + len(batch)
    return Judgement(total / count, {}, np.empty(0), None) if count else None


def base_loss(model: Model, batch: Rows, mask_ratio: float) -> Tensor:
    """Mean loss of a base's objective."""
    backbone, head, name = model.network.backbone, model.network.head, model.manifest.objective or "masked"
    if isinstance(backbone, MixedBackbone):
        of_fields = (text_objectives if name in text_objectives and backbone.text else picture_objectives)[name]
        return of_fields(backbone, head, batch.fields[0], batch.truth, mask_ratio)
    if isinstance(backbone, SeriesBackbone):
        assert isinstance(head, nn.ModuleList)
        return _windows_loss(backbone, head, series_objectives[name], batch, mask_ratio)
    of_rows = objectives[name]
    return of_rows(backbone, head, batch.continuous, batch.codes, mask_ratio)  # type: ignore[arg-type]  # a transformer


def _windows_loss(
    backbone: SeriesBackbone, heads: nn.ModuleList, objective: SeriesObjective, batch: Rows, mask_ratio: float
) -> Tensor:
    """The mean over networks, each on the windows that are its own."""
    losses = []
    for number, (encoder, head) in enumerate(zip(backbone.encoders, heads, strict=True), start=1):
        own = batch if len(heads) == 1 else batch[batch.speaker == number]
        if len(own):
            losses.append(objective(encoder, head, own.continuous, own.codes, mask_ratio))  # type: ignore[arg-type]
    return torch.stack(losses).mean()


def known_truth(truth: Tensor | Tags | Texts) -> Tensor:
    """Mask of rows with a truth: no NaN, no -1 of the class numbers."""
    if isinstance(truth, Tags):
        return truth.known
    if isinstance(truth, Texts):
        return truth.there
    mask = ~truth.isnan() if truth.is_floating_point() else truth >= 0
    return mask if mask.ndim == 1 else mask.any(dim=1)  # of several numbers all are unknown, or of a forecast some
