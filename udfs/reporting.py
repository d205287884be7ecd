"""Pages: all about a model, or what a verb suggests."""

import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.functions import udf
from mfgsql.engine.planning import plain
from mfgsql.errors import OptionError


@udf("_ml_report", "VARCHAR", volatile=True)
def ml_report(engine: Engine, model: pa.Array) -> pa.Array:
    """One page for each model; made when it is executed, not while a statement is bound or explained."""
    from mfgsql.engine.verbs.reporting import report  # it needs torch: whoever asks for no report should not wait

    return pa.array([report(engine, name) for name in model.to_pylist()], pa.string())


@udf("_ml_page", "VARCHAR")
def ml_page(engine: Engine, rows: pa.Array, title: pa.Array, x: pa.Array, y: pa.Array) -> pa.Array:
    """One page for each list of rows."""
    from mfgsql.reporting import render_rows

    kind = rows.type.value_type if pa.types.is_list(rows.type) else rows.type
    if not (pa.types.is_null(kind) or (kind is not rows.type and pa.types.is_struct(kind))):
        remedy = "SELECT ml_page(list(b)) FROM ml_bottlenecks(...) AS b;"
        raise OptionError(f"A page is of a list of rows, not of {rows.type}.", remedy=remedy)
    told = zip(plain(rows.to_pylist()), title.to_pylist(), x.to_pylist(), y.to_pylist(), strict=True)
    return pa.array([render_rows(*one) for one in told], pa.string())
