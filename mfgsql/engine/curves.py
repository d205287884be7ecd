"""Between SQL's lists over all rows and the judging of scores: curves, calibration, thresholds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.errors import DataError, OptionError, SourceError

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.engine.planning import Rows
    from mfgsql.tasks import Target

Array = npt.NDArray[Any]
_DAY = 86_400e6  # microseconds


def judge(engine: Engine, kind: pa.Array, model: pa.Array, truth: pa.Array, *more: pa.Array) -> pa.Array:
    """JSON rows of what ``kind`` names; ``truth`` and its companions are one list each over all rows."""
    with engine.scorer(str(model[0].as_py())) as scorer:
        target = scorer.model.target
        if not truth[0].is_valid or len(truth.flatten()) == 0:
            raise SourceError(f"No row of the source has a {target.name!r} to compare with.")
        rows = _KINDS[kind[0].as_py()](scorer.model.task.encode, target, truth.flatten(), *more)
    return pa.array([json.dumps(rows)])


def _known(
    encode: Callable[[pa.Array, Target], Array], target: Target, truth: pa.Array, scores: pa.Array
) -> tuple[Array, Array]:
    """Class numbers, and probabilities: of the second of two classes [rows], or of all [rows, classes]."""
    numbers, flat = encode(truth, target), scores.flatten()
    if pa.types.is_list(flat.type):
        values = flat.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(target.classes))
    else:
        values = flat.to_numpy(zero_copy_only=False)
    known = numbers >= 0
    if not known.any():
        raise DataError(f"No row's {target.name!r} is a class that the model knows.")
    return numbers[known], values[known]


def _roc(encode: Any, target: Target, truth: pa.Array, scores: pa.Array) -> Rows:
    from mfgsql.evaluation.curves import roc_curve

    return roc_curve(*_known(encode, target, truth, scores), target.classes)


def _pr(encode: Any, target: Target, truth: pa.Array, scores: pa.Array) -> Rows:
    from mfgsql.evaluation.curves import pr_curve

    return pr_curve(*_known(encode, target, truth, scores), target.classes)


def _reliability(encode: Any, target: Target, truth: pa.Array, scores: pa.Array) -> Rows:
    from mfgsql.evaluation.calibration import reliability

    numbers, values = _known(encode, target, truth, scores)
    columns = {1: values} if len(target.classes) == 2 else dict(enumerate(values.T))
    return [
        {"class": target.classes[n], **row}
        for n, column in columns.items()
        for row in reliability(numbers == n, column)
    ]


def _coverage(encode: Any, target: Target, levels: pa.Array, *columns: pa.Array) -> Rows:
    from mfgsql.evaluation.calibration import coverage

    inside, width, rows, truths = (c.flatten().to_pylist() for c in columns)
    if not any(truths):
        raise SourceError(f"No row of the source has a {target.name!r} to compare with.")
    return coverage(levels.to_pylist(), inside, width, rows)


def _thresholds(
    encode: Any, target: Target, truth: pa.Array, scores: pa.Array, costs: pa.Array, span: pa.Array
) -> Rows:
    from mfgsql.decision import Costs
    from mfgsql.evaluation.thresholds import threshold_table

    told = costs[0].as_py()
    numbers, values = _known(encode, target, truth, scores)
    return threshold_table(numbers, values, costs=Costs(**json.loads(told)) if told else None, days=_days(span))


def _days(span: pa.Array) -> float | None:
    """Between the first and the last moment of a list of both; dates count to their end. None: no time told."""
    ends = span.flatten()
    if ends.null_count or len(ends) == 0:
        return None
    if not (pa.types.is_timestamp(ends.type) or pa.types.is_date(ends.type)):
        raise OptionError(
            f"order_by names a column of type {ends.type}, not of time, and alarms are counted by day.",
            remedy="Cast it in the source: SELECT *, my_column::TIMESTAMP AS ts FROM ...",
        )
    first, last = pc.cast(ends, pa.timestamp("us", tz=getattr(ends.type, "tz", None))).cast(pa.int64()).to_pylist()
    return (last - first) / _DAY + pa.types.is_date(ends.type) or None


_KINDS: dict[str, Callable[..., Rows]] = {
    "roc_curve": _roc,
    "pr_curve": _pr,
    "reliability": _reliability,
    "coverage": _coverage,
    "thresholds": _thresholds,
}
