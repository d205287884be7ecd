"""Explaining: which of a row's columns move its prediction."""

import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.explaining import WHY, explain_rows
from mfgsql.engine.functions import udf


@udf("_ml_why", WHY, volatile=True)
def ml_why(engine: Engine, row: pa.Array, texts: pa.Array, most: pa.Array, session: pa.Array) -> pa.Array:
    """The columns of ``{'m@3': {features}}`` that contribute most; ``texts`` are their values as DuckDB spells them."""
    return explain_rows(engine, row, texts, int(most[0].as_py()), session[0].as_py())
