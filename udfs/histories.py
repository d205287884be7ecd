"""Scoring of histories: a list of rows for each entity in, a list of answers out. One function per shape of output."""

import pyarrow as pa

from mfgsql.engine.answering import (
    answer_anomalies,
    answer_classes,
    answer_labels,
    answer_processes,
    answer_values,
)
from mfgsql.engine.engine import Engine
from mfgsql.engine.explaining import WHY
from mfgsql.engine.functions import udf

STATUS = f"ml_status VARCHAR, ml_reason VARCHAR, why {WHY}, __ml_row BIGINT"
CLASS = f"STRUCT(label VARCHAR, probability DOUBLE, scores DOUBLE[], {STATUS})[]"
LABELS = f"STRUCT(labels VARCHAR[], scores DOUBLE[], {STATUS})[]"
PROCESS = (
    'STRUCT(label VARCHAR, probability DOUBLE, scores DOUBLE[], "value" DOUBLE, "lower" DOUBLE, "upper" DOUBLE, '
    f"quantiles DOUBLE[], {STATUS})[]"
)
ANOMALY = f"STRUCT(score DOUBLE, threshold DOUBLE, changepoint BOOLEAN, {STATUS})[]"
VALUE = f'STRUCT("value" DOUBLE, "lower" DOUBLE, "upper" DOUBLE, {STATUS})[]'


@udf("_ml_history_class", CLASS, volatile=True)
def ml_history_class(engine: Engine, rows: pa.Array, told: pa.Array) -> pa.Array:
    """Class, probability, and the probability of each class in order, for each row that is asked for."""
    return answer_classes(engine, rows, told)


@udf("_ml_history_labels", LABELS, volatile=True)
def ml_history_labels(engine: Engine, rows: pa.Array, told: pa.Array) -> pa.Array:
    """The labels, and the probability of each label in order, for each row that is asked for."""
    return answer_labels(engine, rows, told)


@udf("_ml_history_value", VALUE, volatile=True)
def ml_history_value(engine: Engine, rows: pa.Array, told: pa.Array) -> pa.Array:
    """Value and its interval, for each row that is asked for."""
    return answer_values(engine, rows, told)


@udf("_ml_history_process", PROCESS, volatile=True)
def ml_history_process(engine: Engine, rows: pa.Array, told: pa.Array) -> pa.Array:
    """The next activity, how long the case still takes, and quantiles of that, for each row that is asked for."""
    return answer_processes(engine, rows, told)


@udf("_ml_history_anomaly", ANOMALY, volatile=True)
def ml_history_anomaly(engine: Engine, rows: pa.Array, told: pa.Array) -> pa.Array:
    """How unlike the normal rows each row is that is asked for, and the score above which that is an anomaly."""
    return answer_anomalies(engine, rows, told)
