"""Which row it is: by what a model reads of it and its truth, whatever the order and the types of the columns."""

from __future__ import annotations

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mfgsql.engine.profiling import describe
from mfgsql.engine.quoting import quote_identifier
from mfgsql.features.profile import NUMERIC_TYPES, TEXT_TYPES, TIME_TYPES, base_type
from mfgsql.manifest import Manifest
from mfgsql.training.windows import HISTORY, MOMENT

Keys = npt.NDArray[np.uint64]
_ROWS, _NUMBER = "__ml_identified", "__ml_number"


def keys_of(con: duckdb.DuckDBPyConnection, rows: pa.Table, manifest: Manifest) -> Keys:
    """A hash of each row of a snapshot, [rows]: of features and target, of histories also of machine and moment."""
    target = [manifest.target.name] if manifest.target else []
    names = sorted({*manifest.features.names, *target, HISTORY, MOMENT} & {*rows.column_names})
    con.register(_ROWS, rows.select(names).append_column(_NUMBER, pa.array(np.arange(len(rows)))))
    try:
        types = describe(con, _ROWS)
        values = ", ".join(_compared(name, types[name]) for name in names)
        found = con.execute(f"SELECT hash({values}) AS key FROM {_ROWS} ORDER BY {_NUMBER}").fetchnumpy()
    finally:
        con.unregister(_ROWS)
    return np.asarray(found["key"], np.uint64)


def _compared(name: str, type_name: str) -> str:
    """A column as SQL, the same for equal values of types that are of one kind."""
    column, kind = quote_identifier(name), base_type(type_name)
    if kind in NUMERIC_TYPES:
        return f"CAST({column} AS DOUBLE)"
    if kind in TIME_TYPES:
        return f"epoch_us({column})" if kind == "TIMESTAMP WITH TIME ZONE" else f"epoch_us(CAST({column} AS TIMESTAMP))"
    return f"CAST({column} AS VARCHAR)" if kind in TEXT_TYPES else column
