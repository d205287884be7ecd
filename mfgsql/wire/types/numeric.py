"""numeric in binary: digits to the base of 10,000 behind a header, made of decimal digits by one matrix product."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from mfgsql.wire.types.arrow import Array, Numbers, binary, contents, of_bytes, validity
from mfgsql.wire.types.numbers import unscaled_digits

_BASE = 4  # decimal digits in one of base 10,000
_NEGATIVE = 0x4000
_HEADER = np.dtype([("digits", ">i2"), ("weight", ">i2"), ("sign", ">u2"), ("scale", ">i2")])


def numeric_binary(array: Array, *, unsigned: bool = False) -> Array:
    """Decimals of any precision. ``unsigned`` reads the bits of a UHUGEINT."""
    scale = array.type.scale
    texts = pc.fill_null(unscaled_digits(array, unsigned=unsigned), "0")
    negative = pc.starts_with(texts, "-").to_numpy(zero_copy_only=False)
    groups, whole = _groups(pc.ascii_ltrim(texts, "-"), scale)
    used = groups != 0
    some = used.any(axis=1)
    first = np.where(some, used.argmax(axis=1), 0)
    last = np.where(some, groups.shape[1] - used[:, ::-1].argmax(axis=1), 0)
    header = np.zeros(len(array), _HEADER)
    header["digits"], header["scale"] = last - first, scale
    header["weight"] = np.where(some, whole - 1 - first, 0)
    header["sign"] = np.where(negative & some, _NEGATIVE, 0)
    return _compact(header, groups.astype(">i2"), first, last, validity(array))


def _groups(digits: Array, scale: int) -> tuple[Numbers, int]:
    """Each number's digits in fours, the point between two groups; and how many groups stand before it."""
    longest = max(int(pc.max(pc.binary_length(digits)).as_py() or 1), scale + 1)
    behind = -scale % _BASE
    before = -(longest - scale) % _BASE
    padded = binary(pc.ascii_lpad(digits, width=longest, padding="0"))
    matrix = np.zeros((len(digits), before + longest + behind), np.int16)
    matrix[:, before : before + longest] = contents(padded).reshape(len(digits), longest) - ord("0")
    groups = matrix.reshape(len(digits), matrix.shape[1] // _BASE, _BASE) @ np.array([1000, 100, 10, 1], np.int16)
    return groups, (before + longest - scale) // _BASE


def _compact(header: Numbers, groups: Numbers, first: Numbers, last: Numbers, valid: Numbers | None) -> Array:
    """Header and the groups from the first to the last that is not zero, without gaps."""
    place = np.arange(groups.shape[1])
    kept = (place >= first[:, None]) & (place < last[:, None])
    all_kept = np.concatenate([np.ones((len(header), 4), np.bool_), kept], axis=1)
    units = np.concatenate([header.view(">i2").reshape(len(header), 4), groups], axis=1)
    ends = np.concatenate([[0], np.cumsum((last - first) * 2 + _HEADER.itemsize)])
    return of_bytes(units[all_kept].astype(">i2"), ends, valid)
