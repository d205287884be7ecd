"""The text of values that hold no other: what PostgreSQL would print."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.wire.types import moments
from mfgsql.wire.types.arrow import Array, binary, contents, of_bytes, offsets, validity
from mfgsql.wire.types.duck import DuckType
from mfgsql.wire.types.numbers import decimal_text, float_text, integer_text

Writer = Callable[[Array], Array]

_PAIRS = np.array([f"{k:02x}" for k in range(256)], "S2").view("<u2")
_TEXT_TYPES = (pa.string(), pa.large_string(), pa.string_view())


def scalar_writer(duck: DuckType, zone: str) -> Writer:
    """The function that prints values of a type, as strings or as bytes; a NULL stays a NULL.

    A column that SQL has cast to text beforehand is passed through.
    """
    known: dict[str, Writer] = {
        "BOOLEAN": _boolean_text, "FLOAT": float_text, "DOUBLE": float_text, "DECIMAL": decimal_text,
        "UHUGEINT": partial(decimal_text, unsigned=True), "HUGEINT": decimal_text,
        "DATE": moments.date_text, "TIME": moments.time_text, "TIME_NS": moments.time_text,
        "TIMESTAMP": moments.timestamp_text, "TIMESTAMP_S": moments.timestamp_text,
        "TIMESTAMP_MS": moments.timestamp_text, "TIMESTAMP_NS": moments.timestamp_text,
        "TIMESTAMP WITH TIME ZONE": partial(moments.timestamp_text, zone=zone), "TIME WITH TIME ZONE": _timetz_text,
        "INTERVAL": moments.interval_text, "BLOB": _bytea_text, "BIT": _bit_text, "BIGNUM": _bignum_text,
        "GEOMETRY": _geometry_text, "INT2VECTOR": _vector_text, "OIDVECTOR": _vector_text,
    }  # fmt: skip
    return partial(_printed, known.get(duck.name, integer_text))


def _printed(write: Writer, array: Array) -> Array:
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), pa.string())
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    return array.cast(pa.string()) if array.type in _TEXT_TYPES else write(array)


def _boolean_text(array: Array) -> Array:
    return pc.if_else(array, "t", "f")


def _bytea_text(array: Array) -> Array:
    return pc.binary_join_element_wise("\\x", hexadecimal(array), "")


def _geometry_text(array: Array) -> Array:
    """As PostGIS prints it: hexadecimal WKB, upper case."""
    return pc.ascii_upper(hexadecimal(array))


def hexadecimal(array: Array) -> Array:
    """Bytes as pairs of digits, by one look into a table of all pairs."""
    array = binary(array)
    ends = offsets(array).astype(np.int64)
    return of_bytes(_PAIRS[contents(array)], (ends - ends[0]) * 2, validity(array)).cast(pa.string())


def _vector_text(array: Array) -> Array:
    """Numbers with a blank between."""
    return pc.binary_join(array.cast(pa.list_(pa.string())), " ")


def _timetz_text(array: Array) -> Array:
    """Arrow has lost the offset, unless the column came as text."""
    return pc.binary_join_element_wise(moments.time_text(array), "+00", "")


def _bit_text(array: Array) -> Array:
    """Value by value: a rare type."""
    return pa.array([None if v is None else bits_of(v) for v in array.to_pylist()], pa.string())


def bits_of(value: bytes) -> str:
    """The digits of a BIT: DuckDB puts how many bits pad the front into the first byte."""
    return "".join(f"{byte:08b}" for byte in value[1:])[value[0] :]


def _bignum_text(array: Array) -> Array:
    """Value by value: a rare type."""
    return pa.array([None if v is None else str(_bignum(v)) for v in array.to_pylist()], pa.string())


def _bignum(value: bytes) -> int:
    """Three bytes of sign and size, then the magnitude; all bits turned over below zero."""
    size = int.from_bytes(value[3:], "big")
    return size if value[0] & 0x80 else size - (1 << 8 * (len(value) - 3)) + 1
