"""Dates and times: where in the day, the week and the year, and how far along the trend."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.features.encoders import Column, EncodedColumn, Flag, Rejection, encoders
from mfgsql.features.profile import TIME_TYPES, ColumnProfile

DAY, WEEK, YEAR = 86_400.0, 7 * 86_400.0, 365.2425 * 86_400.0
_MICRO = 1e6


@encoders.register("temporal")
@dataclass(frozen=True)
class TemporalEncoder:
    """Trend and cycles of one column.

    Attributes:
        low, high: range of the fitted rows, seconds since 1970.
        periods: lengths in seconds of the cycles that the fitted rows cover.
        nullable: whether the fitted rows had NULLs.
    """

    kind: ClassVar[str] = "temporal"
    name: str
    low: float
    high: float
    periods: tuple[float, ...]
    nullable: bool

    @classmethod
    def fit(cls, profile: ColumnProfile) -> TemporalEncoder | Rejection | None:
        """See `Encoder.fit`; a cycle counts once the rows cover half of it."""
        if profile.base_type not in TIME_TYPES:
            return None
        if profile.minimum is None or profile.maximum is None:
            return Rejection(profile.name, "all NULL")
        if profile.minimum == profile.maximum:
            return Rejection(profile.name, "constant")
        span = profile.maximum - profile.minimum
        within = (WEEK, YEAR) if profile.base_type == "DATE" else (DAY, WEEK, YEAR)
        periods = tuple(p for p in within if span >= p / 2)
        return cls(profile.name, profile.minimum, profile.maximum, periods, profile.nulls > 0)

    @property
    def column(self) -> Column:
        """The trend, then sine and cosine of each cycle."""
        return Column(self.name, continuous=True, size=1 + 2 * len(self.periods))

    def encode(self, values: pa.Array) -> EncodedColumn:
        """float32 [rows, size]; the trend runs from -1.7 to 1.7 (unit variance) and stays there beyond the range."""
        seconds, unreadable = as_seconds(values)
        trend = np.clip((seconds - self.low) / (self.high - self.low), 0.0, 1.0) * 3.4 - 1.7
        phases = [2 * np.pi * np.mod(seconds, p) / p for p in self.periods]
        channels = [trend, *(wave(p) for p in phases for wave in (np.sin, np.cos))]
        encoded = np.stack(channels, axis=1).astype(np.float32)
        missing = np.isnan(seconds)
        if not self.nullable:
            encoded[missing] = 0.0
        flags = []
        if unreadable is not None:
            flags.append(
                Flag(
                    "unreadable",
                    unreadable,
                    lambda row: f"{self.name} = {values[row].as_py()!r} is not a time",
                )
            )
        if not self.nullable and missing.any():
            flags.append(Flag("missing", missing, lambda row: f"{self.name} is missing (never so in training)"))
        return EncodedColumn(encoded, tuple(flags))

    def widen(self, profile: ColumnProfile) -> Self:
        """The scale stays, since the base's weights were learnt under it."""
        return replace(self, nullable=self.nullable or profile.nulls > 0)

    def to_dict(self) -> dict[str, Any]:
        """See `Encoder.to_dict`."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> TemporalEncoder:
        """See `Encoder.from_dict`."""
        fields = {k: v for k, v in saved.items() if k != "kind"}
        return cls(**fields | {"periods": tuple(saved["periods"])})


def as_seconds(values: pa.Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_] | None]:
    """Seconds since 1970 with NaN for NULL, and a mask of values that are no times."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    unreadable = None
    if pa.types.is_string(values.type):
        import polars as pl

        texts = pl.Series(values.cast(pa.large_string()))
        parsed = texts.str.to_datetime(strict=False, time_unit="us")
        bad = (parsed.is_null() & texts.is_not_null()).to_numpy()
        unreadable, values = (bad if bad.any() else None), parsed.to_arrow()
    if not (pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)):
        return np.full(len(values), np.nan), np.asarray(values.is_valid())
    micros = pc.cast(values, pa.timestamp("us", tz=getattr(values.type, "tz", None)), safe=False).cast(pa.int64())
    seconds = np.asarray(pc.fill_null(micros.cast(pa.float64(), safe=False), float("nan"))) / _MICRO
    return seconds, unreadable
