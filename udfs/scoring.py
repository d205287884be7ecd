"""Scoring: one function per shape of output. The row is ``{'m@3': {features}}``: the model comes pinned, as a name."""

import pyarrow as pa

from mfgsql.engine.comparing import compare_lists
from mfgsql.engine.curves import judge
from mfgsql.engine.engine import Engine
from mfgsql.engine.functions import udf
from mfgsql.engine.scoring import DEFAULT_LEVEL, evaluate_lists, pin, score_class, score_labels, score_row, score_value

STATUS = "ml_status VARCHAR, ml_reason VARCHAR"
CLASS = f"STRUCT(label VARCHAR, probability DOUBLE, scores DOUBLE[], {STATUS})"
LABELS = f"STRUCT(labels VARCHAR[], scores DOUBLE[], {STATUS})"
VALUE = f'STRUCT("value" DOUBLE, "lower" DOUBLE, "upper" DOUBLE, {STATUS})'
ROW = f'STRUCT(label VARCHAR, probability DOUBLE, "value" DOUBLE, "lower" DOUBLE, "upper" DOUBLE, {STATUS})'


@udf("_ml_score_class", CLASS, volatile=True)
def ml_score_class(engine: Engine, row: pa.Array) -> pa.Array:
    """Class, probability, and the probability of each class in order."""
    return score_class(engine, row)


@udf("_ml_score_labels", LABELS, volatile=True)
def ml_score_labels(engine: Engine, row: pa.Array) -> pa.Array:
    """The labels, and the probability of each label in order."""
    return score_labels(engine, row)


@udf("_ml_score_value", VALUE, volatile=True)
def ml_score_value(engine: Engine, row: pa.Array, *level: pa.Array) -> pa.Array:
    """Value and its interval at ``level``, or at the usual one."""
    return score_value(engine, row, float(level[0][0].as_py()) if level else DEFAULT_LEVEL)


@udf("_ml_score_row", ROW)
def ml_score_row(engine: Engine, model: pa.Array, row: pa.Array) -> pa.Array:
    """Any task's prediction of any row that has the model's columns; pure, so that an alias of it can be used."""
    return score_row(engine, model, row)


@udf("_ml_pin", "VARCHAR")
def ml_pin(engine: Engine, model: pa.Array) -> pa.Array:
    """``m`` or ``m@candidate`` as ``m@3``."""
    return pin(engine, model)


@udf("_ml_evaluate", "VARCHAR")
def ml_evaluate(engine: Engine, model: pa.Array, truth: pa.Array, predicted: pa.Array, scores: pa.Array) -> pa.Array:
    """Metrics (JSON rows) of lists of truths, predictions and probabilities."""
    return evaluate_lists(engine, model, truth, predicted, scores)


@udf("_ml_judge", "VARCHAR")
def ml_judge(engine: Engine, kind: pa.Array, model: pa.Array, truth: pa.Array, *more: pa.Array) -> pa.Array:
    """Curves, calibration or thresholds (JSON rows) of lists of truths and what was said of them."""
    return judge(engine, kind, model, truth, *more)


@udf("_ml_compare", "VARCHAR")
def ml_compare(engine: Engine, told: pa.Array, *lists: pa.Array) -> pa.Array:
    """Metrics of two versions and their difference (JSON rows), of lists of what both said of the same rows."""
    return compare_lists(engine, told, *lists)
