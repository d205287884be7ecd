"""Numbers and times as tokens of a language: a code for each bin, and back from a bin to a value of the column's grid.

Values that many rows share have a bin of their own; between them bins hold about equally many rows. Of each bin the
distribution of the fitted rows within it is kept, so that a bin that was drawn becomes a value as the rows have them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property, reduce
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mfgsql.features.categorical import FIRST, MISSING, UNKNOWN
from mfgsql.features.encoders import Column, EncodedColumn, Rejection, encoders
from mfgsql.features.numeric import as_float
from mfgsql.features.profile import TIME_TYPES, ColumnProfile, base_type
from mfgsql.features.temporal import as_seconds

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_OWN = 40  # different values, up to which each has a bin of its own
_FEWEST, _MOST = 8, 48  # bins of others, by the number of rows
_POINTS = 9  # of the distribution within a bin
_DECIMALS = 9  # more are no grid but the noise of a computation
_HEAVY = 0.75  # of a bin's share, from which a single value has a bin of its own


@encoders.register("binned")
@dataclass(frozen=True)
class BinnedEncoder:
    """Bins of one column, in order.

    Attributes:
        type: DuckDB's type of the column.
        points: of each bin the values at equal steps of probability, ends included; of a single value all the same.
        origin, step: values are ``origin + k * step``; a step of 0 is no grid. decimals: that values are rounded to.
        nullable: whether the fitted rows had missing values. sentinel: a value that counts as one.
    """

    kind: ClassVar[str] = "binned"
    name: str
    type: str
    points: tuple[tuple[float, ...], ...]
    origin: float
    step: float
    decimals: int
    nullable: bool
    sentinel: float | None = None

    @classmethod
    def fit(cls, profile: ColumnProfile) -> BinnedEncoder | Rejection | None:
        """None: no column is binned by itself; see `of`."""
        return None

    @classmethod
    def of(cls, profile: ColumnProfile) -> Self:
        """Bins of a column of numbers or times.

        Args:
            profile: with quantiles, and in ``top`` the most frequent values; all of them where there are not more.
        """
        counts = {_read(text, profile.base_type): count for text, count in profile.top}
        counts = {v: c for v, c in counts.items() if math.isfinite(v) and v != profile.sentinel}
        quantiles = np.asarray(profile.quantiles or sorted(counts), np.float64)
        values, weights = np.unique(quantiles, return_counts=True)
        if profile.distinct <= len(profile.top):
            values = np.array(sorted(counts))
            weights = np.array([counts[v] for v in values])
        step, decimals = _grid(sorted(counts))
        rows = profile.rows - profile.nulls
        bins = len(values) if len(values) <= _OWN else int(np.clip(round(1.2 * math.sqrt(rows)), _FEWEST, _MOST))
        points = _bins(values, weights.astype(np.float64), bins)
        nullable = profile.nulls > 0 or profile.sentinel is not None
        return cls(profile.name, profile.type, points, float(values[0]), step, decimals, nullable, profile.sentinel)

    @property
    def column(self) -> Column:
        """One code."""
        return Column(self.name, continuous=False, size=FIRST + len(self.points))

    @property
    def single(self) -> list[int]:
        """Codes of values that have a bin of their own."""
        return [FIRST + number for number, points in enumerate(self.points) if points[0] == points[-1]]

    @property
    def timed(self) -> bool:
        """Whether values are times, in seconds since 1970."""
        return base_type(self.type) in TIME_TYPES

    @property
    def low(self) -> float:
        """The least value that was learnt from."""
        return self.points[0][0]

    @property
    def high(self) -> float:
        """The largest value that was learnt from."""
        return self.points[-1][-1]

    @cached_property
    def _table(self) -> Floats:
        return np.asarray(self.points, np.float64)

    @cached_property
    def _borders(self) -> Floats:
        """Half-way between neighbouring bins."""
        borders: Floats = (self._table[:-1, -1] + self._table[1:, 0]) / 2
        return borders

    def encode(self, values: pa.Array) -> EncodedColumn:
        """int64 [rows] of codes."""
        return EncodedColumn(self.codes(self.numbers(values)))

    def numbers(self, values: pa.Array) -> Floats:
        """Numbers, of times seconds since 1970, NaN where missing."""
        numbers = (as_seconds(values) if self.timed else as_float(values))[0]
        return np.where(np.isfinite(numbers) & (numbers != self.sentinel), numbers, np.nan)

    def codes(self, numbers: Floats) -> npt.NDArray[np.int64]:
        """Of numbers, NaN where missing; beyond the range the bins at its ends."""
        missing = np.isnan(numbers)
        found = FIRST + np.searchsorted(self._borders, np.where(missing, self.low, numbers), side="right")
        return np.where(missing, MISSING if self.nullable else UNKNOWN, found).astype(np.int64)

    def within(self, low: float, high: float) -> Mask:
        """Which bins have a value of the grid from ``low`` to ``high``, [bins]."""
        first, last = np.maximum(self._table[:, 0], low), np.minimum(self._table[:, -1], high)
        least, most = self._on_grid(first, np.ceil), self._on_grid(last, np.floor)
        found: Mask = (first <= last) & (least <= most)
        return found

    def decode(
        self, codes: npt.NDArray[np.int64], draw: Floats, low: float = -math.inf, high: float = math.inf
    ) -> Floats:
        """Values of bins, [rows], NaN of the code for missing.

        Args:
            draw: where in its bin each lies, in probability, from 0 to 1. low, high: that values keep to.
        """
        bins = np.maximum(codes - FIRST, 0)
        table = self._table[bins]
        shares = np.linspace(0.0, 1.0, table.shape[1])
        first = np.array([np.interp(low, row, shares) if low > row[0] else 0.0 for row in self._table])[bins]
        last = np.array([np.interp(high, row, shares) if high < row[-1] else 1.0 for row in self._table])[bins]
        place = (first + np.clip(draw, 0.0, 1.0) * np.maximum(last - first, 0.0)) * (table.shape[1] - 1)
        left = np.minimum(place.astype(np.int64), table.shape[1] - 2)
        rows = np.arange(len(codes))
        values = table[rows, left] + (place - left) * (table[rows, left + 1] - table[rows, left])
        values = self._on_grid(values, np.round)
        least = self._on_grid(np.maximum(table[:, 0], low), np.ceil)
        most = self._on_grid(np.minimum(table[:, -1], high), np.floor)
        decoded: Floats = np.where(codes < FIRST, np.nan, np.minimum(np.maximum(values, least), most))
        return decoded

    def near(
        self, numbers: Floats, allowed: Mask, low: float = -math.inf, high: float = math.inf
    ) -> tuple[npt.NDArray[np.int64], Floats]:
        """The nearest values that the column may have, and their codes, [rows] each.

        Args:
            numbers: none missing. allowed: bins, one at least, each with a value from ``low`` to ``high``.
        """
        table = self._table[allowed]
        least = self._on_grid(np.maximum(table[:, 0], low), np.ceil)
        most = self._on_grid(np.minimum(table[:, -1], high), np.floor)
        inside = np.clip(numbers[:, None], least, most)
        which = np.abs(inside - numbers[:, None]).argmin(axis=1)
        values = self._on_grid(inside[np.arange(len(numbers)), which], np.round)
        return FIRST + np.flatnonzero(allowed)[which], np.clip(values, least[which], most[which])

    def around(self, number: float) -> list[float]:
        """The next values that the column may have, below and above a number within its range."""
        bins = np.stack([self._table[:, 0], self._table[:, -1]], axis=1)
        inside = ((bins[:, 0] <= number) & (number <= bins[:, 1])).any()
        below = self._on_grid(np.array([number]), np.floor)[0] if inside else bins[bins[:, 1] < number, 1].max()
        above = self._on_grid(np.array([number]), np.ceil)[0] if inside else bins[bins[:, 0] > number, 0].min()
        return [float(below), float(above)]

    def snapped(self, numbers: Floats) -> Floats:
        """The nearest values of the grid."""
        return self._on_grid(numbers, np.round)

    def _on_grid(self, values: Floats, rounded: Any) -> Floats:
        """The next value of the grid."""
        if not self.step:
            return values
        steps = (values - self.origin) / self.step
        near = np.round(steps)
        steps = np.where(np.abs(steps - near) < 1e-6, near, rounded(steps))  # what lies on it stays
        found: Floats = np.round(self.origin + steps * self.step, self.decimals)
        return found

    def widen(self, profile: ColumnProfile) -> Self:
        """The same bins: what they mean was learnt."""
        return replace(self, nullable=self.nullable or profile.nulls > 0)

    def to_dict(self) -> dict[str, Any]:
        """See `Encoder.to_dict`."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> BinnedEncoder:
        """See `Encoder.from_dict`."""
        fields = {k: v for k, v in saved.items() if k != "kind"}
        return cls(**fields | {"points": tuple(tuple(row) for row in saved["points"])})


def _read(text: str, kind: str) -> float:
    """A value; of 32 bits with the digits that it was written by."""
    return float(str(np.float32(text))) if kind == "FLOAT" else float(text)


def _grid(values: list[float]) -> tuple[float, int]:
    """The largest step that all values are whole multiples of, counted from the least; and its decimals."""
    for decimals in range(_DECIMALS + 1):
        scaled = np.asarray(values) * 10.0**decimals
        whole = np.round(scaled)
        if np.all(np.abs(scaled - whole) <= 1e-12 * np.maximum(np.abs(scaled), 1.0)) and np.abs(whole).max() < 2**53:
            units = reduce(math.gcd, (int(v - whole[0]) for v in whole), 0) or 1
            return units / 10.0**decimals, decimals
    return 0.0, 0


def _bins(values: Floats, weights: Floats, bins: int) -> tuple[tuple[float, ...], ...]:
    """Points of each bin: values that weigh much alone, the others in runs between them."""
    share = weights.sum() / bins
    alone = weights >= _HEAVY * share if bins < len(values) else np.ones(len(values), bool)
    runs = np.split(np.arange(len(values)), np.flatnonzero(alone[1:] | alone[:-1]) + 1)
    found: list[tuple[float, ...]] = []
    for run in runs:
        if alone[run[0]]:
            found.append((float(values[run[0]]),) * _POINTS)
            continue
        before = np.cumsum(weights[run]) - weights[run] / 2
        count = min(max(1, round(weights[run].sum() / share)), len(run))
        number = np.minimum(before / weights[run].sum() * count, count - 1e-9).astype(np.int64)
        found += _of_run([run[number == n] for n in range(count) if (number == n).any()], values, weights)
    return tuple(found)


def _of_run(groups: list[npt.NDArray[np.int64]], values: Floats, weights: Floats) -> list[tuple[float, ...]]:
    """Points of neighbouring bins, which meet half-way."""
    found = []
    for n, group in enumerate(groups):
        low = values[group[0]] if n == 0 else (values[groups[n - 1][-1]] + values[group[0]]) / 2
        high = values[group[-1]] if n == len(groups) - 1 else (values[group[-1]] + values[groups[n + 1][0]]) / 2
        middle = (np.cumsum(weights[group]) - weights[group] / 2) / weights[group].sum()
        known = np.concatenate([[low], values[group], [high]])
        found.append(tuple(np.interp(np.linspace(0, 1, _POINTS), [0.0, *middle, 1.0], known).tolist()))
    return found
