"""Columns of strings as DuckDB can cast them: where PostgreSQL writes a type otherwise, it is read here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.wire.errors import WireError
from mfgsql.wire.types import dates, literals
from mfgsql.wire.types.arrow import Array
from mfgsql.wire.types.braces import read_array
from mfgsql.wire.types.duck import DuckType
from mfgsql.wire.types.pg import pg_of

_DATED = {
    "DATE": dates.day, "TIMESTAMP": dates.timestamp, "TIMESTAMP_S": dates.timestamp, "TIMESTAMP_MS": dates.timestamp,
    "TIMESTAMP_NS": dates.timestamp, "TIMESTAMP WITH TIME ZONE": dates.timestamptz,
}  # fmt: skip


def castable(texts: Array, duck: DuckType, where: Callable[[int], str]) -> Array:
    """The column as strings, bytes for a BLOB, lists of these for an array; most types as they are.

    Bytes, arrays and dates BC are read value by value.

    Args:
        texts: strings, NULLs among them.
        duck: the type of the table's column.
        where: says in words where the value of this place in the array stands.

    Raises:
        WireError: a value is none of its type (22P02). Most are found by DuckDB, when it casts.
    """
    if pg_of(duck).element is not None:
        inner = duck.children[0].name
        kind = pa.binary() if inner == "BLOB" else pa.string()
        read = literals.octets if inner == "BLOB" else str
        return _read(texts, lambda text: read_array(text, read), pa.list_(kind), duck, where)
    if duck.name == "BLOB":
        return _read(texts, literals.octets, pa.binary(), duck, where)
    if duck.name in _DATED and pc.any(pc.match_substring(texts, "BC", ignore_case=True)).as_py():
        dated = _DATED[duck.name]
        return _read(texts, lambda text: str(dated(text)), pa.string(), duck, where)
    if duck.name == "INTERVAL":
        return pc.replace_substring(texts, "+", "")  # which DuckDB doesn't read
    if duck.name == "BOOLEAN":
        on, off = pc.equal(pc.ascii_lower(texts), "on"), pc.equal(pc.ascii_lower(texts), "off")
        return pc.if_else(on, "true", pc.if_else(off, "false", texts))
    return texts


def _read(texts: Array, read: Callable[[str], Any], kind: Any, duck: DuckType, where: Callable[[int], str]) -> Array:
    values = []
    for place, text in enumerate(texts.to_pylist()):
        try:
            values.append(None if text is None else read(text))
        except ValueError:
            raise WireError("22P02", f"{where(place)}: {text[:60]!r} is no {duck.name}.") from None
    return pa.array(values, kind)
