"""Numbers: mapped to a normal distribution through the quantiles of the fitted rows.

The map is monotone, so heavy tails and skew cost nothing and order is kept (the preprocessing of
Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data", 2021). NaN, infinities and sentinels
such as -9999 count as missing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from statistics import NormalDist
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.features.encoders import Column, EncodedColumn, Flag, Rejection, encoders
from mfgsql.features.interpolation import Interpolation
from mfgsql.features.profile import INTEGER_TYPES, NUMERIC_TYPES, ColumnProfile

# What historians and drivers write in place of "no value".
SENTINELS = frozenset(
    sign * v for v in (99, 999, 9999, 99999, 999999, 32767, 65535, 2147483647, 1e20, 1e30) for sign in (1, -1)
) | {-32768.0, -2147483648.0, -1.0}
_FARTHEST = 1e6  # deviations; float32 has no room for more
_FAR = 3.0  # a sentinel lies this many ranges of the other values away


def find_sentinel(profile: ColumnProfile) -> float | None:
    """A value that stands for "no value": a known one, repeated, at an end of the range, far from all others."""
    counts = {float(text): count for text, count in profile.top}
    for value in (profile.minimum, profile.maximum):
        if value is None or value not in SENTINELS or counts.get(value, 0) < 2:
            continue
        rest = [q for q in profile.quantiles if q != value]
        # Quantiles beside the sentinel are interpolated towards it: leave the two next to it out.
        inner = rest[2:] if value == profile.minimum else rest[:-2]
        if len(inner) > 2 and min(abs(value - inner[0]), abs(value - inner[-1])) > _FAR * (inner[-1] - inner[0]):
            return value
    return None


@encoders.register("numeric")
@dataclass(frozen=True)
class NumericEncoder:
    """Rank-to-normal map of one column.

    Attributes:
        grid, normal: strictly increasing values and what they become; linear in between, clipped outside.
        low, high: range of the fitted rows.
        nullable: whether the fitted rows had missing values; if not, a missing one becomes the median.
        sentinel: a value that counts as missing.
        mean, deviation: of the fitted rows, where the column is only standardised: what reads it bends it itself.
    """

    kind: ClassVar[str] = "numeric"
    name: str
    grid: tuple[float, ...]
    normal: tuple[float, ...]
    low: float
    high: float
    nullable: bool
    sentinel: float | None = None
    mean: float | None = None
    deviation: float | None = None

    @classmethod
    def fit(cls, profile: ColumnProfile) -> NumericEncoder | Rejection | None:
        """See `Encoder.fit`; integers that number the rows are ids."""
        if profile.base_type not in NUMERIC_TYPES:
            return None
        if profile.minimum is None or profile.maximum is None:
            return Rejection(profile.name, "all NULL")
        if profile.minimum == profile.maximum:
            return Rejection(profile.name, "constant")
        if _numbers_the_rows(profile):
            return Rejection(profile.name, "an id: every row has its own value")
        grid, normal = _rank_map(profile)
        nullable = profile.nulls > 0 or profile.sentinel is not None
        return cls(profile.name, grid, normal, profile.minimum, profile.maximum, nullable, profile.sentinel)

    @property
    def column(self) -> Column:
        """One float channel."""
        return Column(self.name, continuous=True, size=1)

    @cached_property
    def _map(self) -> Interpolation:
        return Interpolation(self.grid, self.normal)

    def encode(self, values: pa.Array) -> EncodedColumn:
        """float32 [rows, 1]: about standard normal, or standardised; NaN where missing and the model knows such."""
        numbers, unreadable = as_float(values)
        flags = [] if unreadable is None else [_unreadable(self.name, values, unreadable)]
        if self.sentinel is not None:
            numbers = np.where(numbers == self.sentinel, np.nan, numbers)
        outside = (numbers < self.low) | (numbers > self.high)
        missing = ~np.isfinite(numbers)
        some = missing.any()
        z = self._scaled(np.where(missing, self.low, numbers) if some else numbers).astype(np.float32)
        if some:
            z[missing] = np.nan if self.nullable else 0.0
        if outside.any():
            flags.append(self._out_of_range(numbers, outside))
        if some and not self.nullable:
            absent = missing & ~outside if unreadable is None else missing & ~outside & ~unreadable
            if absent.any():
                flags.append(Flag("missing", absent, lambda row: f"{self.name} is missing (never so in training)"))
        return EncodedColumn(z[:, None], tuple(flags))

    def _scaled(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if self.mean is None or not self.deviation:
            return self._map(numbers)
        return np.clip((numbers - self.mean) / self.deviation, -_FARTHEST, _FARTHEST)

    def standardised(self, profile: ColumnProfile) -> NumericEncoder:
        """The same column, shifted and scaled instead of bent."""
        if profile.mean is None or not profile.deviation or not np.isfinite(profile.deviation):
            return self
        return replace(self, mean=profile.mean, deviation=profile.deviation)

    def _out_of_range(self, numbers: npt.NDArray[np.float64], outside: npt.NDArray[np.bool_]) -> Flag:
        trained = f"(trained {self.low:.6g} to {self.high:.6g})"
        return Flag("out_of_range", outside, lambda row: f"{self.name} = {numbers[row]:.6g} {trained}")

    def widen(self, profile: ColumnProfile) -> Self:
        """A wider range; the map stays, since the base's weights were learnt under it."""
        return replace(
            self,
            low=min(self.low, self.low if profile.minimum is None else profile.minimum),
            high=max(self.high, self.high if profile.maximum is None else profile.maximum),
            nullable=self.nullable or profile.nulls > 0,
        )

    def to_dict(self) -> dict[str, Any]:
        """See `Encoder.to_dict`."""
        return {"kind": self.kind, **{f.name: getattr(self, f.name) for f in fields(self)}}  # asdict copies each number

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> NumericEncoder:
        """See `Encoder.from_dict`."""
        known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in saved.items() if k != "kind"}
        return cls(**known)


def _numbers_the_rows(profile: ColumnProfile) -> bool:
    """An integer column without repetition that is dense in its range."""
    if profile.base_type not in INTEGER_TYPES or profile.sampled < 50 or profile.distinct < profile.sampled:
        return False
    span = (profile.maximum or 0.0) - (profile.minimum or 0.0) + 1
    return span <= 1.5 * (profile.rows - profile.nulls) or profile.name.lower().endswith("id")


def _rank_map(profile: ColumnProfile) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Distinct quantiles, and the normal score of each one's middle rank."""
    quantiles = np.asarray(profile.quantiles or (profile.minimum, profile.maximum), dtype=np.float64)
    quantiles[0], quantiles[-1] = profile.minimum, profile.maximum
    ranks = np.linspace(0.0, 1.0, len(quantiles))
    grid, index = np.unique(np.maximum.accumulate(quantiles), return_inverse=True)
    middle = np.bincount(index, ranks) / np.bincount(index)
    edge = 0.5 / max(len(quantiles) - 1, 1)
    normal = [NormalDist().inv_cdf(float(p)) for p in np.clip(middle, edge, 1 - edge)]
    return tuple(grid.tolist()), tuple(normal)


def as_float(values: pa.Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_] | None]:
    """float64 with NaN for NULL, and a mask of texts that are no numbers (None where there is none)."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return _parse_numbers(values)
    if pa.types.is_null(values.type):
        return np.full(len(values), np.nan), None
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        try:
            values = pc.cast(values, pa.float64())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return np.full(len(values), np.nan), np.asarray(values.is_valid())
    numbers = values.to_numpy(zero_copy_only=False)
    return np.asarray(numbers, dtype=np.float64), None


def _parse_numbers(values: pa.Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_] | None]:
    """A column that was numeric and arrives as text: parse what can be parsed."""
    import polars as pl

    texts = pl.Series(values.cast(pa.large_string()))
    parsed = texts.str.strip_chars().cast(pl.Float64, strict=False)
    unreadable = (parsed.is_null() & texts.is_not_null()).to_numpy()
    return parsed.fill_null(float("nan")).to_numpy(), unreadable if unreadable.any() else None


def _unreadable(name: str, values: pa.Array, rows: npt.NDArray[np.bool_]) -> Flag:
    return Flag("unreadable", rows, lambda row: f"{name} = {values[row].as_py()!r} is not a number")
