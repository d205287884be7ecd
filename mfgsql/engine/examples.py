"""Held-out rows that are worth a look, with their values, doubts and reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

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
    added = contributions(engine, held, rows) if explained else [{} for _ in rows]
    examples = iter(
        [
            _example(held, int(row), table.slice(at, 1), reasons[at].as_py(), added[at], ranked)
            for at, row in enumerate(rows)
        ]
    )
    return tuple(ExampleGroup(*words, tuple(next(examples) for _ in places)) for words, places in sorts)


def contributions(engine: Engine, held: HeldOut, rows: Array) -> list[dict[str, float]]:
    """What each feature adds to the prediction of each of these rows, by their numbers."""
    from mfgsql.scoring.explaining import explain

    manifest = held.model.manifest
    with engine.scorer(held.version.name) as scorer:
        found = explain(scorer, held.unseen.take(rows).batch(manifest), engine.check_open)
    return [dict(zip(manifest.features.names, line, strict=True)) for line in found.tolist()]


def _sorts(held: HeldOut) -> Iterator[tuple[tuple[str, str], Array]]:
    """Titles and hints, and places of the rows, the clearest first."""
    truth, prediction = held.truth, held.prediction
    if prediction.scores is None:
        errors = np.abs(truth - prediction.values)
        yield ("The largest errors", "Furthest off first."), _first(errors >= 0, -errors)
        yield ("The smallest errors", "Closest first."), _first(errors >= 0, errors)
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
    held: HeldOut, row: int, values: pa.Table, reason: str | None, added: Mapping[str, float], ranked: list[str]
) -> Example:
    names = sorted(added, key=lambda n: -abs(added[n])) if added else ranked
    shown = tuple((name, _text(values[name][0].as_py())) for name in names[:_VALUES])
    scores, classes = held.prediction.scores, held.model.target.classes
    if scores is None:
        actual, predicted = number(float(held.truth[row])), number(float(held.prediction.values[row]))
        return Example(actual, predicted, None, shown, reason, added)
    said = int(held.prediction.values[row])
    actual, predicted = classes[int(held.truth[row])], classes[said]
    return Example(short(actual), short(predicted), float(scores[row, said]), shown, reason, added)


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "missing" if value is None else str(value).lower()
    return number(float(value)) if isinstance(value, int | float) else short(str(value), 40)
