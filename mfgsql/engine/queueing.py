"""Between SQL's rows and the queue of those to be labelled."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.catalog import resolve
from mfgsql.engine.scoring import features_of, version_and_row
from mfgsql.errors import SourceError

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.scoring import Scorer
    from mfgsql.scoring.familiarity import Familiarity
    from mfgsql.tasks.task import Array

ROW = "STRUCT(__ml_row BIGINT, rank BIGINT, score DOUBLE, uncertainty DOUBLE, novelty DOUBLE, why VARCHAR)[]"
# Of each shape of an answer what the queue asks for, as SQL over the scored struct; the first is NULL where none is.
ASKED = {
    "class": {"label": "__ml.label", "scores": "__ml.scores"},
    "labels": {"scores": "__ml.scores"},
    "value": {"value": '__ml."value"', "lower": '__ml."lower"', "upper": '__ml."upper"'},
    "spans": {
        "scores": "list_transform(__ml.spans, lambda s: s.score)",
        "labels": "list_transform(__ml.spans, lambda s: s.label)",
    },
    "anomaly": {"score": "__ml.score", "threshold": "__ml.threshold"},
}  # fmt: skip
_FIGURES = [(name, pa.float64()) for name in ("score", "uncertainty", "novelty")]
_TYPE = pa.list_(
    pa.struct([("__ml_row", pa.int64()), ("rank", pa.int64()), *_FIGURES, ("why", pa.string())])
)  # fmt: skip
_MOST = 200_000  # rows that are weighed at once
_FAMILIAR = 2_000  # rows learnt from that each is compared with
_ODD = 1.0  # from here on a row is stranger than nine in ten of those learnt from


@dataclass(frozen=True)
class Doubts:
    """How unsure a model is of each row, from 0 to 1, and why in words, asked for those that are shown."""

    uncertainty: Array
    words: Callable[[int], str]


def label_queue(engine: Engine, told: pa.Array, numbers: pa.Array, named: pa.Array, said: pa.Array) -> pa.Array:
    """The rows to be labelled, best first; each argument but the first is one list over all rows.

    Args:
        told: JSON of ``k``, ``novelty`` (its weight), ``uncertainty`` (margin or entropy), ``shape``, ``session``.
        numbers: of the rows. named: as scoring takes them. said: structs of `ASKED`.
    """
    from mfgsql.scoring.familiarity import Familiarity
    from mfgsql.scoring.queueing import encoded, in_turn, shares

    asked: dict[str, Any] = json.loads(told[0].as_py())
    if not numbers[0].is_valid:
        return pa.array([[]], _TYPE)
    rows, values, answers = numbers.flatten(), named.flatten(), said.flatten()
    novelty: Array | None
    if len(rows) > _MOST:
        raise SourceError(f"{len(rows):,} rows are more than the {_MOST:,} weighed at once.",
                          remedy=f"Choose some: 'SELECT * FROM my_table USING SAMPLE {_MOST}'.")  # fmt: skip
    check = engine.cancellation(asked["session"]).check
    fields = dict(zip((f.name for f in answers.type), answers.flatten(), strict=True))
    version, _ = version_and_row(values)
    with engine.scorer(version) as scorer:
        columns = features_of(engine, scorer, values)
        if asked["shape"] == "anomaly":
            doubts, novelty, points = _of_detector(scorer, columns, fields)
        else:
            points = encoded(scorer, columns, len(rows), check)
            known = _familiar(engine, scorer, version, check)
            doubts = _doubts(scorer, fields, asked, columns)
            novelty = None if known is None else known.strangeness(*points, None)
    weight = asked["novelty"] if novelty is not None else 0.0
    score = (1 - weight) * shares(doubts.uncertainty)
    if novelty is not None:
        score = score + weight * shares(novelty)
    some = np.linspace(0, len(rows) - 1, min(len(rows), _FAMILIAR)).astype(np.int64)
    far = Familiarity(points[0][some], points[1][some]).far
    order = in_turn(score, *points, far if np.isfinite(far) else 1.0, asked["k"])
    return _told(order, rows, score, doubts, novelty, fields["ml_reason"])


def _told(
    order: Array, rows: pa.Array, score: Array, doubts: Doubts, novelty: Array | None, reasons: pa.Array
) -> pa.Array:
    found = []
    for place, row in enumerate(order.tolist(), start=1):
        strange = None if novelty is None else float(novelty[row])
        words = [doubts.words(row)]
        if strange is not None and strange >= _ODD:
            words.append("unlike nine in ten of the rows learnt from")
        if reasons[row].is_valid:
            words.append(reasons[row].as_py())
        found.append({
            "__ml_row": rows[row].as_py(), "rank": place, "score": float(score[row]),
            "uncertainty": float(doubts.uncertainty[row]), "novelty": strange, "why": "; ".join(words),
        })  # fmt: skip
    return pa.array([found], _TYPE)


def _familiar(engine: Engine, scorer: Scorer, name: str, check: Callable[[], None]) -> Familiarity | None:
    """Rows learnt from; None where they are gone."""
    from mfgsql.engine.learnt import snapshot_of
    from mfgsql.engine.unseen import arrays, judged_rows
    from mfgsql.scoring.familiarity import Familiarity
    from mfgsql.scoring.queueing import encoded

    manifest = scorer.model.manifest
    with engine.cursor() as cursor:
        path = snapshot_of(engine, cursor, resolve(cursor, name).name)
    if path is None:
        return None
    judged = judged_rows(path, manifest.features.names, _FAMILIAR, manifest.backbone.groups).judged
    if len(judged) < 2:
        return None
    return Familiarity(*encoded(scorer, arrays(judged.select(manifest.features.names)), len(judged), check))


def _doubts(scorer: Scorer, said: dict[str, pa.Array], asked: dict[str, Any], columns: dict[str, pa.Array]) -> Doubts:
    from mfgsql.scoring.queueing import unsure_of_classes, unsure_of_labels

    if asked["shape"] == "value":
        return _of_values(scorer, said, columns)
    if asked["shape"] == "spans":
        return _of_spans(said)
    classes = scorer.model.target.classes
    scores = said["scores"].flatten().to_numpy().reshape(-1, len(classes))
    if asked["shape"] == "labels":
        even = np.abs(scores - 0.5)
        return Doubts(unsure_of_labels(scores), lambda row: _likeliest(classes, scores[row], even[row], 1))
    unsure = unsure_of_classes(scores, asked["uncertainty"])
    return Doubts(unsure, lambda row: _likeliest(classes, scores[row], -scores[row], 2))


def _likeliest(classes: tuple[str, ...], scores: Array, order: Array, count: int) -> str:
    first = np.argsort(order, kind="stable")[:count].tolist()
    return " or ".join(f"{classes[i]} ({scores[i]:.1%})" for i in first)


def _of_values(scorer: Scorer, said: dict[str, pa.Array], columns: dict[str, pa.Array]) -> Doubts:
    from mfgsql.scoring.queueing import unsure_of_values
    from mfgsql.scoring.variants import asked as ask

    value, lower, upper = (_numbers(said[name]) for name in ("value", "lower", "upper"))
    manifest, spread = scorer.model.manifest, None
    if manifest.history is None and not manifest.features.fields():
        _, spread = ask(scorer, manifest.features.encode(columns, len(value)))
    uncertainty, wide = unsure_of_values(lower, upper, spread, scorer.model.target.deviation)
    return Doubts(uncertainty, lambda row: f"{value[row]:.4g} ± {wide[row]:.3g}")


def _numbers(column: pa.Array) -> Array:
    """float64 [rows], NaN for NULL."""
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False))


def _of_spans(said: dict[str, pa.Array]) -> Doubts:
    """By the span that it is least sure of; of a text without spans nothing is known, which counts as a half."""
    scores, labels = said["scores"].to_pylist(), said["labels"].to_pylist()
    unsure = np.array([1.0 - min(one) if one else 0.5 for one in scores])

    def words(row: int) -> str:
        least = min(zip(scores[row], labels[row], strict=True), default=None)
        return "no span found" if least is None else f"{least[1]} ({least[0]:.1%})"

    return Doubts(unsure, words)


def _of_detector(
    scorer: Scorer, columns: dict[str, pa.Array], said: dict[str, pa.Array]
) -> tuple[Doubts, Array, tuple[Array, Array]]:
    """A score near the threshold is a doubt, and what lies beyond is new; the score tells both."""
    score, limit = _numbers(said["score"]), _numbers(said["threshold"])
    low, high = np.minimum(score, limit), np.maximum(score, limit)
    doubt = np.clip(low / np.maximum(high, 1e-12), 0.0, 1.0)
    features = scorer.model.manifest.features
    if features.fields():  # a detector of pictures has no vector of a whole one: their scores tell them apart
        points = (score[:, None].astype(np.float32), np.zeros((len(score), 0), np.int64))
    else:
        batch = features.encode(columns, len(score))
        points = np.nan_to_num(batch.continuous), batch.codes
    words = Doubts(doubt, lambda row: f"score {score[row]:.4g}, threshold {limit[row]:.4g}")
    return words, score / np.maximum(limit, 1e-12), points
