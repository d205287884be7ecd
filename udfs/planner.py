"""The planner: called by DuckDB while it binds a verb, and the one function that acts."""

import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.functions import udf
from mfgsql.engine.planning import plan, run


@udf("_ml_plan", "VARCHAR")
def ml_plan(engine: Engine, verb: pa.Array, args: pa.Array) -> pa.Array:
    """The SELECT that a verb with these arguments (a struct) stands for."""
    pairs = zip(verb.to_pylist(), args.to_pylist(), strict=True)
    return pa.array([plan(engine, v, a) for v, a in pairs], pa.string())


@udf("_ml_run", "VARCHAR", volatile=True)
def ml_run(engine: Engine, job: pa.Array) -> pa.Array:
    """Execute a job (JSON) and return its rows (JSON)."""
    return pa.array([run(engine, j) for j in job.to_pylist()], pa.string())
