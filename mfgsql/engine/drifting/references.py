"""What a version says of rows, in the form in which it is kept and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load, save

from mfgsql.backbones import MixedConfig, SeriesConfig, TabularConfig
from mfgsql.catalog.references import Reference
from mfgsql.drift.distributions import quantiles_of
from mfgsql.engine.unseen import Unseen, arrays, judged_rows
from mfgsql.evaluation import apart
from mfgsql.evaluation.judge import resampled
from mfgsql.features import Batch
from mfgsql.manifest import Manifest
from mfgsql.metrics import measure
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.scoring.turns import in_turns
from mfgsql.scoring.vectors import vectors_of
from mfgsql.tasks import ANOMALY, PROCESS, Prediction, Target, Task
from mfgsql.tasks.task import Array
from mfgsql.training.snapshot import HASH

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.training import Learned, Snapshot

VECTORS = 500  # rows at most whose vectors are kept
_DRAWS = 60  # resamples by which a metric's deviation is told
_FEWEST = 10  # rows that tell anything of a distribution
_THINNED = 20  # rows of histories that are read for one whose window is taken


def scores_of(task: Task, target: Target, prediction: Prediction) -> dict[str, Array]:
    """Outputs by name, [rows] each: numbers as float64, class numbers as int64."""
    said = f"predicted_{target.column}"
    if task.shape == PROCESS:
        assert prediction.scores is not None
        return {said: prediction.scores.argmax(axis=1), "predicted_remaining": prediction.values[:, 1]}
    if prediction.scores is None:
        return {said: prediction.values.astype(np.float64)}
    if task.shape == "class" and prediction.scores.shape[1] == 2:
        return {"probability": prediction.scores[:, 1].astype(np.float64)}
    most = {"probability": prediction.scores.max(axis=1).astype(np.float64)}
    return {said: prediction.values.astype(np.int64), **most} if task.shape == "class" else most


def errors_of(task: Task, truth: Array, prediction: Prediction) -> Array | None:
    """How far off each row's prediction is, float64 [rows]: of classes what the true one's probability lacks of 1."""
    if task.shape == "class":
        assert prediction.scores is not None
        return 1.0 - prediction.scores[np.arange(len(truth)), truth].astype(np.float64)
    if task.shape == "labels":
        assert prediction.scores is not None
        return np.asarray(np.abs(truth - prediction.scores).mean(axis=1), np.float64)
    return np.abs(truth - prediction.values).astype(np.float64) if task.shape == "value" else None


def of_predictions(task: Task, target: Target, prediction: Prediction) -> list[Reference]:
    """Distributions of what is said."""
    return [
        _distribution("score", name, values, target) for name, values in scores_of(task, target, prediction).items()
    ]


def _distribution(kind: str, name: str, values: Array, target: Target) -> Reference:
    if values.dtype.kind == "i":
        counts = np.bincount(values, minlength=len(target.classes)).tolist()
        return Reference(kind, name, len(values), counts=dict(zip(target.classes, counts, strict=True)))
    return Reference(kind, name, len(values), quantiles=quantiles_of(values))


def of_truth(task: Task, target: Target, truth: Array, prediction: Prediction) -> list[Reference]:
    """The metric that decides, with how far chance takes it, and the distribution of errors."""
    metric = task.metrics(target)[0]
    value, found = measure(metric, truth, prediction.values, prediction.scores), list[Reference]()
    if value is not None:
        draws = resampled(metric, truth, [prediction], 0, _DRAWS)[0]
        deviation = float(np.std(draws)) if len(draws) > _DRAWS // 3 else None
        found.append(Reference("performance", metric.name, len(truth), value, deviation))
    errors = errors_of(task, truth, prediction)
    return found if errors is None else [*found, _distribution("error", "error", errors, target)]


def of_vectors(vectors: Mapping[str, Array]) -> list[Reference]:
    """Vectors by column, half as exact as they come."""
    return [
        Reference("embedding", name, len(rows), vectors=save({"vectors": rows.astype(np.float16)}))
        for name, rows in vectors.items()
        if len(rows) >= _FEWEST
    ]


def vectors_in(reference: Reference) -> Array:
    """Those that a reference keeps, float32 [n, width]."""
    assert reference.vectors is not None
    return np.asarray(load(reference.vectors)["vectors"], np.float32)


def references_of(
    engine: Engine, learned: Learned, snapshot: Snapshot, check: Callable[[], None]
) -> list[Reference]:
    """What a training has to tell of the rows held out; nothing where there are none.

    Args:
        check: called now and then; raises where the work shall stop.
    """
    manifest, judged, found = learned.model.manifest, learned.judgement, list[Reference]()
    if manifest.grid is not None:
        return []
    if judged is not None and judged.prediction is not None and manifest.target is not None:
        length = manifest.history.length if manifest.history is not None else 1
        rows = apart(len(judged.truth), length)
        if len(rows) >= _FEWEST:
            task, truth, said = learned.model.task, judged.truth[rows], judged.prediction.take(rows)
            found += of_predictions(task, manifest.target, said) + of_truth(task, manifest.target, truth, said)
        check()
    return found + of_vectors(_held_out(engine, learned.model, snapshot, check))


def _held_out(engine: Engine, model: Model, snapshot: Snapshot, check: Callable[[], None]) -> dict[str, Array]:
    """Vectors of some rows that the network which makes them was not trained on."""
    manifest = model.manifest
    if not has_vectors(manifest):
        return {}
    histories = manifest.history is not None
    names = [*manifest.features.names, HASH]
    rows = judged_rows(snapshot.path, names, VECTORS * (_THINNED if histories else 1), 1)
    if not len(rows.rows):
        return {}
    scorer = Scorer(model, engine.device, engine.settings.threads)
    try:
        parts = []
        for batch in _batches(model, rows):
            check()
            parts.append(vectors_of(scorer, batch))
        return joined(parts)
    finally:
        model.network.to("cpu")


def has_vectors(manifest: Manifest) -> bool:
    """Whether rows have vectors that can be compared."""
    if manifest.history is None and manifest.task == ANOMALY:
        return False  # good pictures are remembered patch by patch
    return isinstance(manifest.backbone, MixedConfig | SeriesConfig | TabularConfig)


def _batches(model: Model, rows: Unseen) -> Iterator[Batch]:
    history = model.manifest.history
    if history is None:
        return in_turns(model, arrays(rows.judged), len(rows.rows))
    which = apart(len(rows.rows), history.length)[:VECTORS]
    return iter([rows.take(which).batch(model.manifest)])


def joined(parts: Iterable[Mapping[str, Array]]) -> dict[str, Array]:
    """Vectors of batches, one behind the other."""
    found: dict[str, list[Array]] = {}
    for part in parts:
        for name, vectors in part.items():
            found.setdefault(name, []).append(vectors)
    return {name: np.concatenate(vectors) for name, vectors in found.items()}
