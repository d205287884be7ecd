"""Values in PostgreSQL's binary format, a whole array at a time."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.wire.types import moments
from mfgsql.wire.types.arrow import Array, Numbers, binary, contents, numbers
from mfgsql.wire.types.duck import DuckType
from mfgsql.wire.types.numeric import numeric_binary
from mfgsql.wire.types.pieces import Piece
from mfgsql.wire.types.scalars import bits_of

BinaryWriter = Callable[[Array], Piece]

EPOCH_DAYS = 10_957  # from 1970-01-01 to 2000-01-01
EPOCH = EPOCH_DAYS * moments.DAY

_WIDE = {
    "TINYINT": ("i1", ">i2"), "UTINYINT": ("u1", ">i2"), "SMALLINT": ("<i2", ">i2"), "USMALLINT": ("<u2", ">i4"),
    "INTEGER": ("<i4", ">i4"), "UINTEGER": ("<u4", ">i8"), "BIGINT": ("<i8", ">i8"), "FLOAT": ("<f4", ">f4"),
    "DOUBLE": ("<f8", ">f8"), "OID": ("<u4", ">u4"),
}  # fmt: skip
_INTERVAL = np.dtype([("micros", ">i8"), ("days", ">i4"), ("months", ">i4")])
_ARROW_INTERVAL = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_HEX = np.zeros(256, np.uint8)
_HEX[np.frombuffer(b"0123456789abcdefABCDEF", np.uint8)] = [*range(16), *range(10, 16)]
_NO_UUID = "00000000-0000-0000-0000-000000000000"
_UUID_DIGITS = [k for k, letter in enumerate(_NO_UUID) if letter == "0"]


def binary_writer(duck: DuckType) -> BinaryWriter | None:
    """The function that writes values of a type; None where binary is the bytes of the text."""
    if duck.name in _WIDE:
        return partial(_swapped, *_WIDE[duck.name])
    known: dict[str, BinaryWriter] = {
        "BOOLEAN": _boolean, "UBIGINT": _ubigint, "HUGEINT": numeric_binary, "DECIMAL": numeric_binary,
        "UHUGEINT": partial(numeric_binary, unsigned=True), "BLOB": binary, "DATE": _date, "TIME": _time,
        "TIME_NS": _time, "TIME WITH TIME ZONE": _timetz, "TIMESTAMP": _timestamp, "TIMESTAMP_S": _timestamp,
        "TIMESTAMP_MS": _timestamp, "TIMESTAMP_NS": _timestamp, "TIMESTAMP WITH TIME ZONE": _timestamp,
        "INTERVAL": _interval, "UUID": _uuid, "BIT": _bit,
        "CHAR": _char, "INT2VECTOR": partial(_vector, 21, ">h"), "OIDVECTOR": partial(_vector, 26, ">I"),
    }  # fmt: skip
    return known.get(duck.name)


def _swapped(source: npt.DTypeLike, target: npt.DTypeLike, array: Array) -> Numbers:
    return numbers(array, source).astype(target)


def _boolean(array: Array) -> Numbers:
    return numbers(array.cast(pa.uint8()), np.uint8)


def _ubigint(array: Array) -> Array:
    return numeric_binary(array.cast(pa.decimal128(20, 0)))


def _since_2000(found: Numbers, epoch: int, dtype: npt.DTypeLike) -> Numbers:
    """Counted from 2000. What is before the first value that PostgreSQL has, and -infinity, is -infinity."""
    bounds = np.iinfo(found.dtype)
    shifted = np.maximum(found, bounds.min + epoch) - epoch
    return np.where(found == bounds.max, bounds.max, shifted).astype(dtype)


def _date(array: Array) -> Numbers:
    return _since_2000(numbers(array, np.int32), EPOCH_DAYS, ">i4")


def _timestamp(array: Array) -> Numbers:
    return _since_2000(moments.micros_of(array), EPOCH, ">i8")


def _time(array: Array) -> Numbers:
    return moments.micros_of_day(array).astype(">i8")


def _timetz(array: Array) -> Array:
    """Microseconds, and seconds that the zone is behind UTC. Value by value: a rare type, which comes as text."""
    if pa.types.is_time(array.type):
        array = moments.time_text(array)
    return pa.array([None if v is None else _timetz_value(v) for v in array.to_pylist()], pa.binary())


def _timetz_value(text: str) -> bytes:
    sign = max(text.find("+"), text.find("-"))
    clock, zone = (text[:sign], text[sign:]) if sign > 0 else (text, "+00")
    hours, minutes, seconds = clock.split(":")
    parts = [int(p) for p in zone[1:].split(":")] + [0, 0]
    ahead = (parts[0] * 3600 + parts[1] * 60 + parts[2]) * (-1 if zone[0] == "-" else 1)
    whole, _, part = seconds.partition(".")
    micros = (int(hours) * 3600 + int(minutes) * 60 + int(whole)) * 1_000_000 + int(f"{part:0<6}"[:6])
    return struct.pack(">qi", micros, -ahead)


def _interval(array: Array) -> Numbers:
    raw = numbers(array, _ARROW_INTERVAL)
    made = np.empty(len(raw), _INTERVAL)
    made["micros"], made["days"], made["months"] = raw["nanoseconds"] // 1000, raw["days"], raw["months"]
    return made


def _uuid(array: Array) -> Numbers:
    """From the 36 letters that DuckDB hands over."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if array.type == pa.binary(16):
        return numbers(array, "V16")
    letters = contents(binary(pc.fill_null(array, _NO_UUID))).reshape(len(array), len(_NO_UUID))
    halves = _HEX[letters[:, _UUID_DIGITS]]
    whole: Any = np.ascontiguousarray(halves[:, 0::2] << 4 | halves[:, 1::2])
    rows: Numbers = whole.view("V16").reshape(len(array))
    return rows


def _char(array: Array) -> Array:
    """One byte, zero where there is no letter. Value by value: the catalog's."""
    return pa.array([None if v is None else v.encode() or b"\0" for v in array.to_pylist()], pa.binary())


def _vector(oid: int, form: str, array: Array) -> Array:
    """An array whose first element is number 0. Value by value: the catalog's."""
    layout = struct.Struct(form)
    return pa.array([None if v is None else _vector_value(v, oid, layout) for v in array.to_pylist()], pa.binary())


def _vector_value(values: list[int], oid: int, layout: struct.Struct) -> bytes:
    header = struct.pack(">iiIii", 1, 0, oid, len(values), 0)
    return header + b"".join(struct.pack(">i", layout.size) + layout.pack(v) for v in values)


def _bit(array: Array) -> Array:
    """The number of bits, then the bits from the left. Value by value: a rare type."""
    return pa.array([None if v is None else _bit_value(bits_of(v)) for v in array.to_pylist()], pa.binary())


def _bit_value(bits: str) -> bytes:
    size = -(-len(bits) // 8)
    return struct.pack(">i", len(bits)) + int(bits.ljust(size * 8, "0") or "0", 2).to_bytes(size, "big")
