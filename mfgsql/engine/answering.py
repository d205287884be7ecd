"""Between SQL's lists of rows, one an entity, and the answers to them: as many lists of structs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.engine.explaining import WHY_TYPE
from mfgsql.engine.scoring import DEFAULT_LEVEL, class_columns, interval_columns, label_columns, masked, process_columns
from mfgsql.engine.windowing import ROW, TIME
from mfgsql.errors import SourceError

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.scoring import Scorer
    from mfgsql.scoring.histories import Answers, Asked, Histories, Placed

Columns = dict[str, pa.Array]


@dataclass(frozen=True)
class Part:
    """Some of a call's histories, and what is asked of them: as the plan tells it."""

    scorer: Scorer
    histories: Histories
    told: dict[str, Any]
    check: Callable[[], None]

    @property
    def asked(self) -> Asked:
        """Which rows."""
        from mfgsql.scoring.histories import Asked

        return Asked(self.told["latest"], self.told["since"])


Answer = Callable[[Part], "tuple[Columns, Placed]"]  # columns of the rows that are asked for, and which these are


def answer_classes(engine: Engine, lists: pa.Array, told: pa.Array) -> pa.Array:
    """Lists of label, probability, scores, status, why."""
    return _answer(engine, lists, told, _classes)


def answer_labels(engine: Engine, lists: pa.Array, told: pa.Array) -> pa.Array:
    """Lists of labels, scores, status, why."""
    return _answer(engine, lists, told, _labels)


def answer_values(engine: Engine, lists: pa.Array, told: pa.Array) -> pa.Array:
    """Lists of value, lower, upper, status, why."""
    return _answer(engine, lists, told, _values)


def answer_processes(engine: Engine, lists: pa.Array, told: pa.Array) -> pa.Array:
    """Lists of label, probability, scores, value, lower, upper, quantiles, status, why."""
    return _answer(engine, lists, told, _processes)


def answer_anomalies(engine: Engine, lists: pa.Array, told: pa.Array) -> pa.Array:
    """Lists of score, threshold, changepoint, status, why."""
    return _answer(engine, lists, told, _anomalies)


def _answer(engine: Engine, lists: pa.Array, told: pa.Array, answer: Answer) -> pa.Array:
    """Answers of all lists of a call, in as many passes as memory asks for."""
    from mfgsql.scoring.histories import Histories, parts_of

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
            history = scorer.model.manifest.history
            assert history is not None
            check_times(history.order_by, fields[TIME].type, timed=history.timed)
            columns = {name: fields[name] for name in scorer.model.manifest.features.names}
            found, placed = answer(Part(scorer, Histories(columns, fields[TIME], first), asked, check))
            parts.append(_structs(found, placed, fields[ROW]))
            counts += np.bincount(np.searchsorted(offsets, placed.rows + start, "right") - 1, minlength=len(lists))
    if not parts:
        return pa.nulls(len(lists), pa.list_(pa.struct([(ROW, pa.int64())])))
    return pa.ListArray.from_arrays(np.append(0, np.cumsum(counts)).astype(np.int32), pa.concat_arrays(parts))


def _structs(found: Columns, placed: Placed, numbers: pa.Array) -> pa.Array:
    """The columns with status, reasons and the rows' numbers; a void row's columns are NULL."""
    why = found.pop("why", pa.nulls(len(placed.asked), WHY_TYPE))
    masked(found, placed.status)
    found |= {"ml_status": placed.status.status.cast(pa.string()), "ml_reason": placed.status.reason}
    found |= {"why": why, ROW: numbers.take(pa.array(placed.rows))}
    return pa.StructArray.from_arrays(list(found.values()), list(found))


def _classes(part: Part) -> tuple[Columns, Placed]:
    answers = _answers(part)
    return class_columns(part.scorer, answers.prediction) | _why(part, answers), answers.placed


def _labels(part: Part) -> tuple[Columns, Placed]:
    answers = _answers(part)
    return label_columns(part.scorer, answers.prediction) | _why(part, answers), answers.placed


def _processes(part: Part) -> tuple[Columns, Placed]:
    answers = _answers(part)
    found = process_columns(part.scorer, answers.prediction, part.told["level"] or DEFAULT_LEVEL)
    return found | _why(part, answers), answers.placed


def _values(part: Part) -> tuple[Columns, Placed]:
    answers = _answers(part)
    found = interval_columns(part.scorer, answers.prediction, part.told["level"] or DEFAULT_LEVEL)
    return found | _why(part, answers), answers.placed


def _answers(part: Part) -> Answers:
    from mfgsql.scoring.histories import score_histories

    return score_histories(part.scorer, part.histories, part.asked, part.check)


def _why(part: Part, answers: Answers) -> Columns:
    if not part.told["explain"]:
        return {}
    from mfgsql.engine.reasons import reasons_of

    return {"why": reasons_of(part.scorer, answers, part.histories, int(part.told["explain"]), part.check)}


def _anomalies(part: Part) -> tuple[Columns, Placed]:
    from mfgsql.engine.reasons import culprits_of
    from mfgsql.scoring.anomalies import detect

    most = part.told["explain"]
    found = detect(part.scorer, part.histories, part.asked, part.check, explained=bool(most))
    limit = float(part.scorer.model.manifest.calibration["threshold"])
    columns = {
        "score": pa.array(found.score, pa.float64()),
        "threshold": pa.array(np.full(len(found.score), limit)),
        "changepoint": pa.array(found.begins),
    }
    if most:
        columns["why"] = culprits_of(part.scorer, found, part.histories, int(most))
    return columns, found.placed


def check_times(name: str, kind: pa.DataType, *, timed: bool) -> None:
    """Refuse an order that the model has not learnt by.

    Raises:
        SourceError: text, or times where it was numbers, or the other way round.
    """
    moments = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if (moments if timed else number) or pa.types.is_null(kind):
        return
    wanted, what = ("TIMESTAMP", "times") if timed else ("DOUBLE", "numbers")
    raise SourceError(
        f"The source's {name!r} is {kind}, and the model orders rows by {what}.",
        remedy=f'Cast it in the source: SELECT * REPLACE ("{name}"::{wanted} AS "{name}") FROM ...',
    )
