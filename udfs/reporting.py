"""The report of a model, as the HTML text of one page."""

import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.functions import udf


@udf("_ml_report", "VARCHAR", volatile=True)
def ml_report(engine: Engine, model: pa.Array) -> pa.Array:
    """One page for each model; made when it is executed, not while a statement is bound or explained."""
    from mfgsql.engine.verbs.reporting import report  # it needs torch: whoever asks for no report should not wait

    return pa.array([report(engine, name) for name in model.to_pylist()], pa.string())
