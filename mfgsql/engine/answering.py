"""Between SQL's lists of rows, one an entity, and the answers to them: as many lists of structs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.engine.scoring import DEFAULT_LEVEL, class_columns, interval_columns, masked
from mfgsql.engine.windowing import ROW, TIME
from mfgsql.errors import SourceError

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.scoring import RowStatus, Scorer
    from mfgsql.scoring.histories import Answers, Asked

Columns = dict[str, pa.Array]
# Columns of a part's answered rows, which rows these are, and their status.
Part = Callable[
    ["Scorer", Columns, pa.Array, Any, dict[str, Any], Callable[[], None]], tuple[Columns, Any, "RowStatus"]
]


def answer_classes(engine: Engine, lists: pa.Array, told: pa.Array) -> pa.Array:
    """Lists of label, probability, scores, status, why."""
    return _answer(engine, lists, told, _classes)


def answer_values(engine: Engine, lists: pa.Array, told: pa.Array) -> pa.Array:
    """Lists of value, lower, upper, status, why."""
    return _answer(engine, lists, told, _values)


def answer_anomalies(engine: Engine, lists: pa.Array, told: pa.Array) -> pa.Array:
    """Lists of score, threshold, changepoint, status, why."""
    return _answer(engine, lists, told, _anomalies)


def _answer(engine: Engine, lists: pa.Array, told: pa.Array, answer_part: Part) -> pa.Array:
    """Answers of all lists of a call, in as many passes as memory asks for."""
    from mfgsql.scoring.histories import parts_of

    asked = json.loads(told[0].as_py())
    check = engine.cancellation(asked["session"]).check
    # What lies behind a NULL or a slice is no part of the lists.
    flat, offsets = lists.flatten(), np.append(0, np.cumsum(np.asarray(pc.fill_null(pc.list_value_length(lists), 0))))
    parts: list[pa.Array] = []
    counts = np.zeros(len(lists), np.int64)
    with engine.scorer(asked["model"]) as scorer:
        for part in parts_of(offsets):
            start, stop = int(offsets[part.start]), int(offsets[part.stop])
            if start == stop:
                continue
            rows = flat.slice(start, stop - start)
            first = np.repeat(offsets[part.start : part.stop] - start, np.diff(offsets[part.start : part.stop + 1]))
            fields = {rows.type.field(i).name: column for i, column in enumerate(rows.flatten())}
            check_times(scorer, fields[TIME])
            columns = {name: fields[name] for name in scorer.model.manifest.features.names}
            answer, where, status = answer_part(scorer, columns, fields[TIME], first, asked, check)
            why = answer.pop("why", pa.nulls(len(where), WHY))
            masked(answer, status)
            answer |= {"ml_status": status.status.cast(pa.string()), "ml_reason": status.reason}
            answer |= {"why": why, ROW: fields[ROW].take(pa.array(where))}
            parts.append(pa.StructArray.from_arrays(list(answer.values()), list(answer)))
            counts += np.bincount(np.searchsorted(offsets, where + start, side="right") - 1, minlength=len(lists))
    if not parts:
        return pa.nulls(len(lists), pa.list_(pa.struct([(ROW, pa.int64())])))
    return pa.ListArray.from_arrays(np.append(0, np.cumsum(counts)).astype(np.int32), pa.concat_arrays(parts))


def _which(asked: dict[str, Any]) -> Asked:
    from mfgsql.scoring.histories import Asked

    return Asked(asked["latest"], asked["since"])


def _classes(
    scorer: Scorer, columns: Columns, times: pa.Array, first: Any, asked: dict[str, Any], check: Callable[[], None]
) -> tuple[Columns, Any, RowStatus]:
    answers = _answers(scorer, columns, times, first, asked, check)
    found = class_columns(scorer, answers.prediction) | _why(scorer, answers, columns, times, asked, check)
    return found, answers.rows, answers.status


def _values(
    scorer: Scorer, columns: Columns, times: pa.Array, first: Any, asked: dict[str, Any], check: Callable[[], None]
) -> tuple[Columns, Any, RowStatus]:
    answers = _answers(scorer, columns, times, first, asked, check)
    found = interval_columns(scorer, answers.prediction, asked["level"] or DEFAULT_LEVEL)
    return found | _why(scorer, answers, columns, times, asked, check), answers.rows, answers.status


def _answers(
    scorer: Scorer, columns: Columns, times: pa.Array, first: Any, asked: dict[str, Any], check: Callable[[], None]
) -> Answers:
    from mfgsql.scoring.histories import score_histories

    return score_histories(scorer, columns, times, first, _which(asked), check)


def _why(
    scorer: Scorer,
    answers: Answers,
    columns: Columns,
    times: pa.Array,
    asked: dict[str, Any],
    check: Callable[[], None],
) -> Columns:
    if not asked["explain"]:
        return {}
    from mfgsql.engine.reasons import reasons_of

    return {"why": reasons_of(scorer, answers, columns, times, int(asked["explain"]), check)}


def _anomalies(
    scorer: Scorer, columns: Columns, times: pa.Array, first: Any, asked: dict[str, Any], check: Callable[[], None]
) -> tuple[Columns, Any, RowStatus]:
    from mfgsql.engine.reasons import culprits_of
    from mfgsql.scoring.anomalies import detect

    found = detect(scorer, columns, times, first, _which(asked), check, explained=bool(asked["explain"]))
    limit = float(scorer.model.manifest.calibration["threshold"])
    told = {
        "score": pa.array(found.score, pa.float64()),
        "threshold": pa.array(np.full(len(found.score), limit)),
        "changepoint": pa.array(found.begins),
    }
    if asked["explain"]:
        told["why"] = culprits_of(scorer, found, columns, times, int(asked["explain"]))
    return told, found.rows, found.status


WHY = pa.list_(
    pa.struct([("feature", pa.string()), ("at", pa.string()), ("value", pa.string()), ("contribution", pa.float64())])
)


def check_times(scorer: Scorer, times: pa.Array) -> None:
    """Refuse an order that the model has not learnt by.

    Raises:
        SourceError: text, or times where it was numbers, or the other way round.
    """
    history = scorer.model.manifest.history
    assert history is not None
    kind = times.type
    timed = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if (timed if history.timed else number) or pa.types.is_null(kind):
        return
    wanted = "TIMESTAMP" if history.timed else "DOUBLE"
    name, what = history.order_by, "times" if history.timed else "numbers"
    raise SourceError(
        f"The source's {name!r} is {kind}, and the model orders histories by {what}.",
        remedy=f'Cast it in the source: SELECT * REPLACE ("{name}"::{wanted} AS "{name}") FROM ...',
    )
