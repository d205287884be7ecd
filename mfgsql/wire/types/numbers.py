"""Numbers as PostgreSQL prints them: floats by their shortest digits, decimals with their scale."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.wire.types.arrow import Array, Numbers, known, numbers, replaced

_LOWEST_FIXED = 1e-4
_SPECIAL = (("nan", "NaN"), ("inf", "Infinity"), ("-inf", "-Infinity"))


def float_text(array: Array) -> Array:
    """Shortest digits that read back as the same number.

    Arrow prints most as PostgreSQL does. Below 0.0001 its exponents are rewritten. Python prints, value by value, what
    one of the two writes with an exponent and the other without: from 1e10 to 1e15 (DOUBLE) or from 1e6 (FLOAT).
    Beyond 2**53 and 2**24, digits that lie just between two numbers count as shortest here, and not in PostgreSQL: now
    and then the last digit is another one, of the same number.
    """
    texts = array.cast(pa.string())
    single = array.type == pa.float32()
    size = np.abs(numbers(array, np.float32 if single else np.float64))
    finite, there = np.isfinite(size), known(array)
    if (small := (size < _LOWEST_FIXED) & (size != 0) & there).any():
        texts = replaced(texts, small, _small(texts.filter(pa.array(small)), size[small]))
    large = (size >= 1e6) & finite if single else (size >= 1e10) & (size < 1e15)
    if (large := large & there).any():
        picked = pa.array(large)
        rewritten = _scientific(texts.filter(picked)) if single else _repr(array.filter(picked))
        texts = replaced(texts, large, rewritten)
    for arrow, postgres in _SPECIAL if not finite.all() else ():
        texts = pc.if_else(pc.equal(texts, arrow), postgres, texts)
    return texts


def integer_text(array: Array) -> Array:
    """Digits."""
    return array.cast(pa.string())


def decimal_text(array: Array, *, unsigned: bool = False) -> Array:
    """All digits of the scale, never an exponent. ``unsigned`` reads the bits of a UHUGEINT."""
    scale = array.type.scale
    if scale <= 6 and not unsigned:  # beyond, Arrow writes small numbers with an exponent
        return array.cast(pa.string())
    digits = unscaled_digits(array, unsigned=unsigned)
    if scale == 0:
        return digits
    negative = pc.starts_with(digits, "-")
    padded = pc.ascii_lpad(pc.ascii_ltrim(digits, "-"), width=scale + 1, padding="0")
    whole, rest = pc.utf8_slice_codeunits(padded, 0, -scale), pc.utf8_slice_codeunits(padded, -scale)
    return pc.binary_join_element_wise(pc.if_else(negative, "-", ""), whole, ".", rest, "")


def unscaled_digits(array: Array, *, unsigned: bool = False) -> Array:
    """The digits of decimals without their point, as text.

    DuckDB hands a UHUGEINT over as a DECIMAL(38,0) of the same 128 bits: one of 2^127 and more looks negative, and
    is written value by value.
    """
    plain = pa.decimal128(38, 0)
    digits = pa.Array.from_buffers(plain, len(array), array.buffers(), offset=array.offset).cast(pa.string())
    if not unsigned:
        return digits
    high = numbers(array, np.dtype([("low", "<u8"), ("high", "<i8")]))["high"]
    wrapped = (high < 0) & known(array)
    if not wrapped.any():
        return digits
    low = digits.filter(pa.array(wrapped)).to_pylist()
    return replaced(digits, wrapped, pa.array([str(int(d) + 2**128) for d in low]))


def _small(texts: Array, size: Numbers) -> Array:
    """With an exponent of two digits: ``0.0000123`` as ``1.23e-05``, ``1e-7`` as ``1e-07``."""
    one_digit = pa.array(size >= size.dtype.type(1e-9))
    exponents = pc.if_else(one_digit, pc.replace_substring(texts, "e-", "e-0"), texts)
    digits = pc.ascii_ltrim(texts, "-0.")
    parts = (
        pc.if_else(pc.starts_with(texts, "-"), "-", ""),
        pc.utf8_slice_codeunits(digits, 0, 1),
        pc.if_else(pc.equal(pc.binary_length(digits), 1), "", "."),
        pc.utf8_slice_codeunits(digits, 1),
        pc.if_else(pa.array(size >= size.dtype.type(1e-5)), "e-05", "e-06"),
    )
    return pc.if_else(pc.match_substring(texts, "e"), exponents, pc.binary_join_element_wise(*parts, ""))


def _repr(array: Array) -> Array:
    """Python changes to exponents where PostgreSQL does, but for 1e15, which is not asked for here."""
    return pa.array([repr(v).removesuffix(".0") for v in array.to_pylist()], pa.string())


def _scientific(texts: Array) -> Array:
    """With an exponent, of digits in any form. A FLOAT has at most nine, which ``%.8e`` keeps."""
    written = pa.array([f"{float(t):.8e}" for t in texts.to_pylist()], pa.string())
    return pc.replace_substring_regex(written, r"\.?0+e", "e")
