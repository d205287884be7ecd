"""Floats as text, by PostgreSQL's rule written down once more."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.wire.types.numbers import decimal_text, float_text


def by_the_rule(shortest: str, from_exponent: int) -> str:
    """With an exponent below 0.0001, and from a power of ten that the type has."""
    found = Decimal(shortest)
    sign, digits, _ = found.as_tuple()
    bare = "".join(map(str, digits)).rstrip("0") or "0"
    power = found.adjusted() if found else 0
    if -4 <= power < from_exponent:
        written = f"{abs(found):f}"
        written = written.rstrip("0").rstrip(".") if "." in written else written
    else:
        written = bare[0] + (f".{bare[1:]}" if bare[1:] else "") + f"e{'-' if power < 0 else '+'}{abs(power):02d}"
    return ("-" if sign else "") + written


NEAR = st.builds(lambda m, e: m * 10.0**e, st.floats(-10, 10, allow_nan=False), st.integers(-12, 14))


@given(values=st.lists(st.none() | st.floats(-(2.0**53), 2.0**53) | NEAR, max_size=20))
def test_doubles(values) -> None:
    found = float_text(pa.array(values, pa.float64())).to_pylist()
    assert found == [None if v is None else by_the_rule(repr(v), 15) for v in values]


@given(values=st.lists(st.none() | st.floats(-(2.0**24), 2.0**24, width=32) | NEAR.map(lambda v: float(np.float32(v / 1e7))), max_size=20))
def test_singles(values) -> None:
    found = float_text(pa.array(values, pa.float32())).to_pylist()
    assert found == [None if v is None else by_the_rule(str(np.float32(v)), 6) for v in values]


@given(values=st.lists(st.floats(width=32), min_size=1, max_size=20))
def test_any_single_reads_back(values) -> None:
    found = np.array(float_text(pa.array(values, pa.float32())).to_pylist()).astype(np.float32)
    np.testing.assert_array_equal(found, np.array(values, np.float32))


@pytest.mark.parametrize("scale", [0, 1, 6, 7, 20, 38])
@given(data=st.data())
def test_decimals_keep_their_scale(scale: int, data) -> None:
    whole = data.draw(st.lists(st.none() | st.integers(-(10**38) + 1, 10**38 - 1), max_size=10))
    values = [None if w is None else Decimal((int(w < 0), tuple(map(int, str(abs(w)))), -scale)) for w in whole]
    found = decimal_text(pa.array(values, pa.decimal128(38, scale))).to_pylist()
    zero_has_no_sign = [None if v is None else f"{v:f}" for v in values]
    assert found == zero_has_no_sign
