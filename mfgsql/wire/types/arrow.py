"""Arrow arrays as their buffers: numpy views without a copy, and arrays made of numpy bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Array = Any  # pyarrow has no types of its own
Numbers = npt.NDArray[Any]


def numbers(array: Array, dtype: npt.DTypeLike) -> Numbers:
    """The values of a fixed width array as they lie in memory. What stands under a NULL is anything."""
    found: Numbers = np.frombuffer(array.buffers()[1] or b"", dtype=dtype)
    return found[array.offset : array.offset + len(array)]


def validity(array: Array) -> Numbers | None:
    """Which values are not NULL; None where all are."""
    return None if array.null_count == 0 else array.is_valid().to_numpy(zero_copy_only=False)


def known(array: Array) -> Numbers:
    """Which values are not NULL."""
    valid = validity(array)
    return np.ones(len(array), np.bool_) if valid is None else valid


def under(array: Array, values: Array) -> Array:
    """The values, NULL where the array is."""
    return values if array.null_count == 0 else pc.if_else(array.is_valid(), values, None)


def binary(array: Array) -> Array:
    """Strings or bytes as an array of bytes without an offset of its own."""
    return array if array.type == pa.binary() else array.cast(pa.binary())


def offsets(array: Array) -> Numbers:
    """Where the values of a binary array begin, and where the last one ends."""
    found: Numbers = np.frombuffer(array.buffers()[1], dtype=np.int32)
    return found[array.offset : array.offset + len(array) + 1]


def contents(array: Array) -> Numbers:
    """All bytes of a binary array, one after the other; those under NULLs as well, where there are some."""
    if len(array) == 0 or (data := array.buffers()[2]) is None:
        return np.empty(0, np.uint8)
    ends = offsets(array)
    found: Numbers = np.frombuffer(data, dtype=np.uint8)
    return found[ends[0] : ends[-1]]


def lengths(array: Array) -> Numbers:
    """Bytes of each value, 0 under a NULL."""
    sizes: Numbers = pc.binary_length(array).fill_null(0).to_numpy()
    return sizes


def of_rows(rows: Numbers, valid: Numbers | None = None) -> Array:
    """A binary array of a contiguous numpy array, each item a value. Where ``valid`` is false, NULL."""
    ends = np.arange(len(rows) + 1, dtype=np.int64) * rows.dtype.itemsize
    return of_bytes(np.ascontiguousarray(rows), ends, valid)


def of_bytes(data: Numbers, ends: Numbers, valid: Numbers | None = None) -> Array:
    """A binary array of bytes and of the offsets of its values. Where ``valid`` is false, NULL."""
    bitmap = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [bitmap, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(ends) - 1, buffers)


def holds_any(array: Array, characters: bytes) -> bool:
    """Whether one of these bytes is anywhere in a binary array. C searches for one 25 times as fast as numpy."""
    data = contents(array).tobytes()
    return any(character in data for character in characters)


def replaced(array: Array, rows: Numbers, values: Array) -> Array:
    """The array with other values where ``rows`` is true, taken in their order."""
    return pc.replace_with_mask(array, pa.array(rows), values)
