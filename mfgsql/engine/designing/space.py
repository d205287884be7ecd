"""What new designs may be: the values that each column had, less those that conditions on it alone rule out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mfgsql.designs import Points
from mfgsql.engine.conditions import Range
from mfgsql.features import FeatureSet
from mfgsql.features.binned import BinnedEncoder
from mfgsql.features.categorical import FIRST, MISSING, CategoricalEncoder

Values = dict[str, npt.NDArray[Any]]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]
_SAME = 1e-9  # relatively


class DesignSpace:
    """Values of columns: numbers, times as seconds since 1970, categories as text; NaN or None where missing.

    Args:
        wanted: what conditions leave of columns.
    """

    def __init__(self, features: FeatureSet, wanted: Mapping[str, Range]) -> None:
        self.names, self.wanted = features.names, dict(wanted)
        self.encoders: list[BinnedEncoder | CategoricalEncoder] = []
        for encoder in features.encoders:
            assert isinstance(encoder, BinnedEncoder | CategoricalEncoder), "all columns of a design are codes"
            self.encoders.append(encoder)
        self._allowed = [self._of(encoder) for encoder in self.encoders]

    @property
    def allowed(self) -> Mask:
        """Values that may be said, [tokens]."""
        return np.concatenate(self._allowed)

    def allowed_of(self, column: int) -> Mask:
        """Codes that a column may have, [codes]."""
        return self._allowed[column]

    @property
    def first(self) -> Mask:
        """Columns that conditions speak of, which are said first, so that the others follow them."""
        return np.array([name in self.wanted for name in self.names])

    @property
    def impossible(self) -> list[str]:
        """Columns of which no value is left."""
        return [name for name, some in zip(self.names, self._allowed, strict=True) if not some.any()]

    def trained(self, name: str) -> str:
        """What a column was, in words."""
        encoder = self.encoders[self.names.index(name)]
        if isinstance(encoder, CategoricalEncoder):
            few = encoder.categories[:10]
            return f"{name} was {', '.join(few)}{', ...' if len(encoder.categories) > len(few) else ''}"
        if encoder.timed:
            return f"{name} was {_time(encoder.low)} to {_time(encoder.high)}"
        return f"{name} was {encoder.low:.6g} to {encoder.high:.6g}"

    def around(self, name: str, value: Any) -> list[float]:
        """The nearest numbers that a column may have, of one that is within its range; none of other columns."""
        encoder = self.encoders[self.names.index(name)]
        if isinstance(value, bool | str | None) or isinstance(encoder, CategoricalEncoder) or encoder.timed:
            return []
        if not encoder.low <= value <= encoder.high:
            return []
        return encoder.around(float(value))

    @property
    def numbers(self) -> list[str]:
        """Columns of numbers that are no times."""
        return [e.column.name for e in self.encoders if isinstance(e, BinnedEncoder) and not e.timed]

    @property
    def continuous(self) -> list[str]:
        """Columns of numbers of which bins hold more than one."""
        binned = [encoder for encoder in self.encoders if isinstance(encoder, BinnedEncoder)]
        return [encoder.column.name for encoder in binned if len(encoder.single) < len(encoder.points)]

    def reach(self, name: str, wholly: bool = False) -> tuple[float, float]:
        """The least and the largest number that a column may have; or ``wholly`` that it had."""
        encoder, wanted = self.encoders[self.names.index(name)], Range() if wholly else self.wanted.get(name, Range())
        assert isinstance(encoder, BinnedEncoder)
        if wanted.among is not None and len(listed := _listed(encoder, wanted)):
            return float(listed.min()), float(listed.max())
        return max(encoder.low, wanted.low), min(encoder.high, wanted.high)

    def _of(self, encoder: BinnedEncoder | CategoricalEncoder) -> Mask:
        wanted = self.wanted.get(encoder.column.name)
        found = np.zeros(encoder.column.size, bool)
        found[FIRST:] = True
        found[MISSING] = encoder.nullable and wanted is None
        if wanted is None:
            return found
        if wanted.among == (None,):  # it is to be missing
            found[FIRST:] = False
            found[MISSING] = encoder.nullable and not np.isfinite([wanted.low, wanted.high]).any()
            return found
        if isinstance(encoder, CategoricalEncoder):
            if wanted.among is not None:
                texts = {_text(value) for value in wanted.among}
                found[FIRST:] = [category in texts for category in encoder.categories]
            return found
        if wanted.among is None:
            found[FIRST:] = encoder.within(wanted.low, wanted.high)
            return found
        found[FIRST:] = False
        found[encoder.codes(_listed(encoder, wanted))] = True
        return found

    def values(self, codes: Codes, places: npt.NDArray[np.float64]) -> Values:
        """A value of each code; numbers lie in their bins at those places, in probability, from 0 to 1."""
        found: Values = {}
        for column, encoder in enumerate(self.encoders):
            own, wanted = codes[:, column], self.wanted.get(encoder.column.name, Range())
            if isinstance(encoder, CategoricalEncoder):
                texts = np.array([None, None, *encoder.categories], object)
                found[encoder.column.name] = texts[own]
                continue
            numbers = encoder.decode(own, places[:, column], wanted.low, wanted.high)
            if wanted.among is not None and len(listed := _listed(encoder, wanted)):
                numbers = _of_listed(encoder, listed, own, numbers)
            found[encoder.column.name] = numbers
        return found

    def nearest(self, codes: Codes, values: Values, draw: np.random.Generator) -> tuple[Codes, Values]:
        """Designs moved to values that they may have, as little as can be; another category is any that may be."""
        found, moved = codes.copy(), dict(values)
        for column, (encoder, allowed) in enumerate(zip(self.encoders, self._allowed, strict=True)):
            name, own = encoder.column.name, found[:, column]
            if isinstance(encoder, CategoricalEncoder):
                wrong = ~allowed[own]
                own[wrong] = draw.choice(np.flatnonzero(allowed), int(wrong.sum()))
                moved[name] = np.array([None, None, *encoder.categories], object)[own]
                continue
            numbers, bins = values[name].copy(), allowed[FIRST:]
            missing = np.isnan(numbers) | (not bins.any())
            if missing.any() and not allowed[MISSING]:
                numbers[missing], missing = draw.uniform(encoder.low, encoder.high, int(missing.sum())), missing & False
            own[missing], numbers[missing] = MISSING, np.nan
            if not missing.all():
                wanted = self.wanted.get(name, Range())
                own[~missing], numbers[~missing] = encoder.near(numbers[~missing], bins, wanted.low, wanted.high)
                if wanted.among is not None:
                    numbers[~missing] = _of_listed(encoder, _listed(encoder, wanted), own, numbers)[~missing]
            moved[name] = numbers
        return found, moved

    def recoded(self, codes: Codes, values: Values, names: Collection[str]) -> Codes:
        """Codes of other values in some columns of numbers."""
        found = codes.copy()
        for column, encoder in enumerate(self.encoders):
            if encoder.column.name in names and isinstance(encoder, BinnedEncoder):
                found[:, column] = encoder.codes(values[encoder.column.name])
        return found

    def arrow(self, values: Values) -> dict[str, pa.Array]:
        """Values as models and SQL read them."""
        return {e.column.name: _arrow(e, values[e.column.name]) for e in self.encoders}

    def points(self, codes: Codes, values: Values, but: Collection[str] = ()) -> Points:
        """Designs as numbers, for distances, ``but`` for some columns."""
        numbers = [values[self.names[column]] for column in self.numeric if self.names[column] not in but]
        stacked = np.stack(numbers, axis=1) if numbers else np.empty((len(codes), 0))
        texts = [column for column, name in enumerate(self.names) if column not in self.numeric and name not in but]
        return Points(stacked.astype(np.float64), codes[:, texts])

    @property
    def numeric(self) -> npt.NDArray[np.int64]:
        """Numbers of the columns whose values `points` has as numbers."""
        return np.flatnonzero([isinstance(encoder, BinnedEncoder) for encoder in self.encoders])

    def read(self, table: pa.Table) -> tuple[Codes, Values]:
        """Past designs: their codes and values."""
        codes, values = [], {}
        for encoder in self.encoders:
            column = table[encoder.column.name].combine_chunks()
            codes.append(encoder.encode(column).values)
            if isinstance(encoder, BinnedEncoder):
                values[encoder.column.name] = encoder.numbers(column)
            else:
                texts = np.array([None, None, *encoder.categories], object)
                values[encoder.column.name] = texts[codes[-1]]
        return np.stack(codes, axis=1), values

    def rows(self, values: Values) -> list[dict[str, Any]]:
        """Designs as JSON can hold them."""
        columns = [_told(encoder, values[encoder.column.name]) for encoder in self.encoders]
        return [dict(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _listed(encoder: BinnedEncoder, wanted: Range) -> npt.NDArray[np.float64]:
    """Numbers that are listed, of those that the column may have."""
    numbers = encoder.numbers(pa.array([str(value) for value in wanted.among or ()], pa.string()))
    numbers = numbers[(numbers >= max(wanted.low, encoder.low)) & (numbers <= min(wanted.high, encoder.high))]
    near = encoder.near(numbers, np.ones(len(encoder.points), bool))[1]
    found: npt.NDArray[np.float64] = numbers[np.abs(near - numbers) <= _SAME * np.maximum(np.abs(numbers), 1.0)]
    return found


def _of_listed(
    encoder: BinnedEncoder, listed: npt.NDArray[np.float64], codes: Codes, numbers: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Of numbers the nearest ones that are listed, in the same bins."""
    apart = np.where(codes[:, None] == encoder.codes(listed), np.abs(numbers[:, None] - listed), np.inf)
    return np.where(np.isnan(numbers), np.nan, listed[apart.argmin(axis=1)])


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(" ")


def _arrow(encoder: BinnedEncoder | CategoricalEncoder, values: npt.NDArray[Any]) -> pa.Array:
    if isinstance(encoder, CategoricalEncoder):
        return pa.array(values, pa.string())
    numbers = pa.array(values, pa.float64(), from_pandas=True)
    return pa.compute.multiply(numbers, 1e6).cast(pa.int64()).cast(pa.timestamp("us")) if encoder.timed else numbers


def _told(encoder: BinnedEncoder | CategoricalEncoder, values: npt.NDArray[Any]) -> Sequence[Any]:
    if isinstance(encoder, CategoricalEncoder):
        return list(values)
    return [None if np.isnan(v) else _time(v) if encoder.timed else float(v) for v in values]
