"""Held-out rows that are worth a look, with their values, doubts and reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.heldout import HeldOut
from mfgsql.engine.unseen import arrays
from mfgsql.evaluation.importance import Importance
from mfgsql.reporting.facts import Example, ExampleGroup, Missing
from mfgsql.reporting.formats import number, short
from mfgsql.scoring.scorer import row_status
from mfgsql.tasks.task import Array

if TYPE_CHECKING:
    from mfgsql.engine.highlights import Shown

Reasons = tuple[Mapping[str, float], "Shown"]

_EACH = 5  # rows of a sort
_VALUES = 4  # features of a row


def examples_of(
    engine: Engine, held: HeldOut, importance: tuple[Importance, ...] | Missing, *, explained: bool
) -> tuple[ExampleGroup, ...]:
    """The surest mistakes and the surest hits; of numbers the largest errors and the smallest."""
    sorts = list(_sorts(held))
    rows = np.concatenate([places for _, places in sorts])
    table = held.columns.take(pa.array(rows))
    reasons = row_status(held.model.manifest.features.encode(arrays(table), len(table)).flags, len(table)).reason
    features = held.model.manifest.features.names
    ranked = features if isinstance(importance, Missing) else [i.feature for i in importance]
    told = reasons_of(engine, held, rows, arrays(table)) if explained else [({}, ((), ())) for _ in rows]
    examples = iter(
        [
            _example(held, int(row), table.slice(at, 1), reasons[at].as_py(), told[at], ranked)
            for at, row in enumerate(rows)
        ]
    )
    return tuple(ExampleGroup(*words, tuple(next(examples) for _ in places)) for words, places in sorts)


def reasons_of(engine: Engine, held: HeldOut, rows: Array, columns: Mapping[str, pa.Array]) -> list[Reasons]:
    """What each feature adds to the prediction of each of these rows, by their numbers; their texts and pictures.

    Args:
        columns: of these rows.
    """
    from mfgsql.engine.highlights import highlights
    from mfgsql.scoring.explaining import explain

    manifest, check = held.model.manifest, engine.check_open
    with engine.scorer(held.version.name) as scorer:
        batch = held.unseen.take(rows).batch(manifest)
        found = explain(scorer, batch, check)
        shown = highlights(scorer, batch, columns, found, check)
    added = [dict(zip(manifest.features.names, line, strict=True)) for line in found.tolist()]
    return list(zip(added, shown, strict=True))


def _sorts(held: HeldOut) -> Iterator[tuple[tuple[str, str], Array]]:
    """Titles and hints, and places of the rows, the clearest first."""
    truth, prediction = held.truth, held.prediction
    if prediction.scores is None:
        errors = np.abs(truth - prediction.values)
        yield ("The largest errors", "Furthest off first."), _first(errors >= 0, -errors)
        yield ("The smallest errors", "Closest first."), _first(errors >= 0, errors)
        return
    if truth.ndim > 1:
        wrong, score = (truth != prediction.values).any(axis=1), np.abs(truth - prediction.scores).max(axis=1)
        yield ("The surest mistakes", "Not the row's labels; the furthest off first."), _first(wrong, -score)
        yield ("The surest hits", "The row's labels; the surest first."), _first(~wrong, score)
        return
    wrong = truth != prediction.values
    if prediction.scores.shape[1] == 2:
        score, name = prediction.scores[:, 1], held.model.target.classes[1]
        yield (
            ("Missed", f"Actually {name}, predicted otherwise; the surest first."),
            _first(wrong & (truth == 1), score),
        )
        yield ("False alarms", f"Predicted {name}, and not so; the surest first."), _first(wrong & (truth == 0), -score)
        yield ("Found", f"Predicted {name}, and so; the surest first."), _first(~wrong & (truth == 1), -score)
        return
    score = prediction.scores.max(axis=1)
    yield ("The surest mistakes", "Wrong, with the highest probability first."), _first(wrong, -score)
    yield ("The surest hits", "Right, with the highest probability first."), _first(~wrong, -score)


def _first(mask: Array, order: Array) -> Array:
    """Places where the mask is set, by rising order."""
    places = np.flatnonzero(mask)
    return places[np.argsort(order[places], kind="stable")[:_EACH]]


def _example(
    held: HeldOut, row: int, values: pa.Table, reason: str | None, told: Reasons, ranked: list[str]
) -> Example:
    added, (texts, pictures) = told
    names = sorted(added, key=lambda n: -abs(added[n])) if added else ranked
    beside = {*(text.name for text in texts), *(picture.name for picture in pictures)}
    names = [name for name in names if name not in beside]
    shown = tuple((name, _text(values[name][0].as_py())) for name in names[:_VALUES])
    scores, classes = held.prediction.scores, held.model.target.classes
    if scores is None:
        actual, predicted = number(float(held.truth[row])), number(float(held.prediction.values[row]))
        return Example(actual, predicted, None, shown, reason, added, texts, pictures)
    if held.truth.ndim > 1:
        actual, predicted = (_listed(classes, has[row]) for has in (held.truth, held.prediction.values))
        return Example(short(actual), short(predicted), None, shown, reason, added, texts, pictures)
    said = int(held.prediction.values[row])
    actual, predicted = classes[int(held.truth[row])], classes[said]
    return Example(short(actual), short(predicted), float(scores[row, said]), shown, reason, added, texts, pictures)


def _listed(labels: Sequence[str], has: Array) -> str:
    return ", ".join(labels[i] for i in np.flatnonzero(has).tolist()) or "none"


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, bool) or value is None:
        return "missing" if value is None else str(value).lower()
    return number(float(value)) if isinstance(value, int | float) else short(str(value), 40)
