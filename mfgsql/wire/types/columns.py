"""Fields in PostgreSQL's binary format as a column for DuckDB, a whole array at a time where the width is fixed."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mfgsql.wire.errors import WireError
from mfgsql.wire.types import fields
from mfgsql.wire.types.arrow import Array, Numbers
from mfgsql.wire.types.binary import EPOCH, EPOCH_DAYS
from mfgsql.wire.types.duck import DuckType
from mfgsql.wire.types.pg import PgType, pg_of

Fields = Sequence[bytes | None]

_NUMBERS: dict[str, tuple[Any, Any]] = {
    "bool": (">u1", pa.uint8()), "int2": (">i2", pa.int16()), "int4": (">i4", pa.int32()), "int8": (">i8", pa.int64()),
    "float4": (">f4", pa.float32()), "float8": (">f8", pa.float64()), "date": (">i4", pa.date32()),
    "time": (">i8", pa.time64("us")), "timestamp": (">i8", pa.timestamp("us")),
    "timestamptz": (">i8", pa.timestamp("us", "UTC")),
    "interval": ([("micros", ">i8"), ("days", ">i4"), ("months", ">i4")], pa.month_day_nano_interval()),
}  # fmt: skip
_INTERVAL = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_TEXTS: dict[str, Callable[[bytes], Any]] = {
    "numeric": fields.numeric, "uuid": fields.identifier, "timetz": fields.time_with_zone, "varbit": fields.bits,
}  # fmt: skip


def column_of(values: Fields, duck: DuckType, where: Callable[[int], str]) -> Array:
    """A column that DuckDB can insert; numeric, uuid, timetz and bits as text, made value by value, as arrays are cut.

    Args:
        values: a field a row, None for NULL.
        duck: the type of the table's column.
        where: says in words where the value of this place stands.

    Raises:
        WireError: a field is none of its type (22P03), or not UTF-8 (22021).
    """
    pg = pg_of(duck)
    if pg.element is not None:
        return _lists(values, pg.element, duck.children[0], where)
    if pg.name in _NUMBERS:
        return _fixed(values, pg, where)
    if pg.name in _TEXTS:
        read = _TEXTS[pg.name]
        return pa.array(_each(values, lambda v: str(read(v)), pg.name, where), pa.string())
    found = pa.array(values, pa.binary())
    if pg.name == "bytea":
        return found
    try:
        return found.cast(pa.string())
    except pa.ArrowInvalid:
        _each(values, fields.text, pg.name, where)
        raise


def _fixed(values: Fields, pg: PgType, where: Callable[[int], str]) -> Array:
    layout, kind = _NUMBERS[pg.name]
    dtype = np.dtype(layout)
    empty = bytes(dtype.itemsize)
    whole = None not in values
    filled = [empty if v is None else v for v in values]
    if set(map(len, filled)) - {dtype.itemsize}:
        place = next(k for k, v in enumerate(filled) if len(v) != dtype.itemsize)
        raise WireError("22P03", f"{where(place)}: {len(filled[place])} bytes, where {pg.name} has {dtype.itemsize}.")
    raw = _native(np.frombuffer(b"".join(filled), dtype), pg.name)
    bitmap = None if whole else pa.py_buffer(np.packbits([v is not None for v in values], bitorder="little"))
    found = pa.Array.from_buffers(kind, len(values), [bitmap, pa.py_buffer(raw)])
    return found.cast(pa.bool_()) if pg.name == "bool" else found


def _native(raw: Numbers, name: str) -> Numbers:
    """In this machine's order of bytes, counted as DuckDB does."""
    if name == "interval":
        made = np.empty(len(raw), _INTERVAL)
        made["months"], made["days"], made["nanoseconds"] = raw["months"], raw["days"], raw["micros"] * 1000
        return made
    native = raw.astype(raw.dtype.newbyteorder("="))
    if name not in ("date", "timestamp", "timestamptz"):
        return native
    bounds = np.iinfo(native.dtype)
    shifted = native + native.dtype.type(EPOCH_DAYS if name == "date" else EPOCH)
    return np.where(native == bounds.max, bounds.max, np.where(native == bounds.min, -bounds.max, shifted))


def _lists(values: Fields, element: PgType, inner: DuckType, where: Callable[[int], str]) -> Array:
    lists = _each(values, lambda v: _flat(fields.array(v, element.oid, bytes)), f"{element.name}[]", where)
    ends = np.cumsum([0] + [len(v or ()) for v in lists])
    owners = np.repeat(np.arange(len(lists)), np.diff(ends))
    elements = column_of([field for v in lists for field in v or ()], inner, lambda place: where(int(owners[place])))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), elements, mask=pa.array([v is None for v in lists]))


def _flat(found: list[Any]) -> list[Any]:
    if any(isinstance(v, list) for v in found):
        raise ValueError("an array of more than one dimension")
    return found


def _each(values: Fields, read: Callable[[bytes], Any], name: str, where: Callable[[int], str]) -> list[Any]:
    found = []
    for place, value in enumerate(values):
        try:
            found.append(None if value is None else read(value))
        except UnicodeDecodeError:
            raise WireError("22021", f"{where(place)}: the text is not UTF-8.") from None
        except (ValueError, struct.error, ArithmeticError):
            raise WireError("22P03", f"{where(place)}: these bytes are no {name}.") from None
    return found
