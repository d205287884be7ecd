"""Plans of maintenance, from predicted lives."""

import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.functions import udf
from mfgsql.engine.upkeep import maintenance


@udf("_ml_maintenance", 'STRUCT("wait" DOUBLE, risk DOUBLE, cost DOUBLE, to_failure DOUBLE)')
def ml_maintenance(engine: Engine, value: pa.Array, told: pa.Array) -> pa.Array:
    """When to intervene at each unit, and what that is expected to cost."""
    return maintenance(engine, value, told)
