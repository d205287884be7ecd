"""The queue of rows to be labelled."""

import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.functions import udf
from mfgsql.engine.queueing import ROW, label_queue


@udf("_ml_label_queue", ROW, volatile=True)
def ml_label_queue(engine: Engine, told: pa.Array, numbers: pa.Array, named: pa.Array, said: pa.Array) -> pa.Array:
    """Which rows are most worth a label, best first, of lists over all rows."""
    return label_queue(engine, told, numbers, named, said)
