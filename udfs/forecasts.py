"""Forecasts: a list of rows for each series in, a list of steps to come out."""

import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.forecasts import answer_forecasts
from mfgsql.engine.functions import udf
from mfgsql.engine.ordering import NUMBERS, answer_policies

STEPS = (
    'STRUCT(step BIGINT, "at" DOUBLE, "value" DOUBLE, "lower" DOUBLE, "upper" DOUBLE, quantiles DOUBLE[], '
    "ml_status VARCHAR, ml_reason VARCHAR, behind BIGINT, paths DOUBLE[])[]"
)


POLICY = f"STRUCT({', '.join(f'{name} DOUBLE' for name in NUMBERS)}, ml_status VARCHAR, ml_reason VARCHAR)"


@udf("_ml_forecast", STEPS, volatile=True)
def ml_forecast(engine: Engine, rows: pa.Array, latest: pa.Array, key: pa.Array, told: pa.Array) -> pa.Array:
    """Moment, mean, interval, quantiles and paths of each step to come."""
    return answer_forecasts(engine, rows, latest, key, told)


@udf("_ml_order_policy", POLICY, volatile=True)
def ml_order_policy(
    engine: Engine, rows: pa.Array, latest: pa.Array, key: pa.Array, item: pa.Array, told: pa.Array
) -> pa.Array:
    """When to order each item, and how much."""
    return answer_policies(engine, rows, latest, key, item, told)
