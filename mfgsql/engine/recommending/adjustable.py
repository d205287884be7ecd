"""A column that may be set: its values as the search has them, as the source's type holds them, and as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mfgsql.engine.conditions import Condition, Range, ranges
from mfgsql.engine.proofs import cant_hold
from mfgsql.errors import one_of
from mfgsql.features.profile import INTEGER_TYPES, NUMERIC_TYPES, base_type
from mfgsql.optimization.spaces import Space

Floats = npt.NDArray[np.float64]
_MOST_DECIMALS, _NEARLY_ALL = 6, 0.99
_BITS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}
_FINEST = 1_000  # steps in a range, where the values that were learnt from have no common one


@dataclass(frozen=True)
class Adjustable:
    """A column that may be set.

    Attributes:
        name, type: as the source has them. low, high: of numbers. step: between two values, 0 where none is told;
            anchor: a value it goes through. choices: texts that it may be set to instead; none of numbers.
    """

    name: str
    type: str
    low: float = -math.inf
    high: float = math.inf
    step: float = 0.0
    anchor: float = 0.0
    choices: tuple[str, ...] = ()

    def values(self, numbers: Floats) -> pa.Array:
        """As the source's type holds them, [n]; NULL where it is NaN."""
        unknown, kind = np.isnan(numbers), base_type(self.type)
        if self.choices and kind in NUMERIC_TYPES:
            told = np.array([float(text) for text in self.choices])
            numbers = np.where(unknown, np.nan, told[np.where(unknown, 0, numbers).astype(np.int64)])
        elif self.choices:
            texts = pa.array(self.choices).take(pa.array(np.where(unknown, 0, numbers).astype(np.int64)))
            texts = pa.array(texts.to_pylist(), pa.string(), mask=unknown)
            return texts.cast(pa.bool_()) if kind == "BOOLEAN" else texts
        if kind in INTEGER_TYPES:
            return pa.array(np.where(unknown, 0, np.round(numbers)).astype(np.int64), mask=unknown)
        return pa.array(numbers.astype(np.float32) if kind == "FLOAT" else numbers, mask=unknown)

    def numbers(self, values: pa.Array) -> Floats:
        """Values as the search has them, [n]; NaN where there is none, or one that may not be set to."""
        if base_type(self.type) in NUMERIC_TYPES:
            numbers = np.asarray(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
            if not self.choices:
                return numbers
            by_value = {float(text): float(number) for number, text in enumerate(self.choices)}
            return np.array([by_value.get(value, np.nan) for value in numbers.tolist()])
        texts = [None if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in values.to_pylist()]
        place = {text: float(number) for number, text in enumerate(self.choices)}
        return np.array([place.get(text, np.nan) if text is not None else np.nan for text in texts])

    def text(self, number: float) -> str | None:
        """A value as DuckDB reads and people write it."""
        (value,) = self.values(np.array([number])).to_pylist()
        if value is None or isinstance(value, bool | str):
            return None if value is None else str(value).lower() if isinstance(value, bool) else value
        if isinstance(value, float) and base_type(self.type) == "FLOAT":
            return str(np.float32(value))
        return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def limits(type_name: str) -> Range:
    """The numbers that a column of this type can hold."""
    kind = base_type(type_name)
    if kind in INTEGER_TYPES:
        signed, bits = not kind.startswith("U"), _BITS[kind.removeprefix("U")]
        return Range(-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if signed else Range(0.0, 2.0**bits - 1)
    if digits := _digits(type_name):
        width, scale = digits
        most = 10.0 ** (width - scale) - 10.0**-scale
        return Range(-most, most)
    return Range()


def _digits(type_name: str) -> tuple[int, int] | None:
    """All digits of a DECIMAL, and those behind the point; None of other types."""
    if base_type(type_name) != "DECIMAL" or "," not in type_name:
        return None
    width, scale = type_name.split("(")[1].rstrip(") ").split(",")
    return int(width), int(scale)


def within(found: Sequence[Adjustable], conditions: Sequence[Condition]) -> tuple[list[Adjustable], str | None]:
    """The columns in what conditions on each alone leave, and which conditions leave nothing."""
    left = ranges(conditions)
    narrowed, conflict = [], None
    for one in found:
        new, here = one, left.get(one.name, Range())
        if one.choices and here.among is not None:
            words = {str(v).lower() if isinstance(v, bool) else str(v) for v in here.among}
            new = replace(one, choices=tuple(c for c in one.choices if c in words))
        elif not one.choices:
            new = replace(one, low=max(one.low, here.low), high=min(one.high, here.high))
        if (one.choices and not new.choices) or new.low > new.high:
            may = one_of(one.choices) if one.choices else f"{one.low:g} to {one.high:g}"
            texts = [f"'{c.text}'" for c in conditions if one.name in c.columns]
            new, conflict = one, conflict or cant_hold(texts, f"{one.name} may be {may}")
        narrowed.append(new)
    return narrowed, conflict


def stepped(one: Adjustable, values: Floats) -> Adjustable:
    """With a step, where none was told: whole numbers, or as many decimals as the values that were learnt from."""
    kind = base_type(one.type)
    if one.choices or one.step:
        return one
    if kind in INTEGER_TYPES:
        return replace(one, step=1.0, anchor=0.0)
    digits = _digits(one.type)
    most = digits[1] if digits else _MOST_DECIMALS
    known = values[np.isfinite(values)]
    for decimals in range(most + 1):
        scaled = known * 10**decimals
        if len(known) and (np.abs(scaled - np.round(scaled)) < 1e-6).mean() >= _NEARLY_ALL:
            return replace(one, step=10.0**-decimals)
    span = one.high - one.low
    finest = 10.0 ** math.floor(math.log10(span / _FINEST)) if 0 < span < math.inf else 0.0
    return replace(one, step=max(finest, 10.0**-most) if kind == "DECIMAL" else finest)


def space_of(found: Sequence[Adjustable]) -> Space:
    """What the search may do."""
    low = [0.0 if a.choices else a.low for a in found]
    high = [len(a.choices) - 1.0 if a.choices else a.high for a in found]
    step = [1.0 if a.choices else a.step for a in found]
    anchor = [0.0 if a.choices else a.anchor for a in found]
    return Space(*map(np.array, (low, high, step, [bool(a.choices) for a in found], anchor)))
