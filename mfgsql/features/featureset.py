"""All encoders of a model: which columns it reads, and one batch of rows as the network takes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

# They register themselves; the first that takes a column has it.
from mfgsql.features import image, text  # noqa: F401  # isort: skip
from mfgsql.features import binned, categorical, numeric, temporal  # noqa: F401
from mfgsql.features.encoders import Column, Encoder, Flag, Rejection, encoders
from mfgsql.features.fields import Field
from mfgsql.features.groups import GroupEncoder
from mfgsql.features.profile import ColumnProfile
from mfgsql.features.tokens import Tokenizer

FIELDS = ("text", "image")  # kinds of columns that a network reads by a tower of its own


@dataclass(frozen=True)
class Batch:
    """Rows as the network takes them.

    Attributes:
        continuous: float32 [rows, channels]; NaN marks a missing value.
        codes: int64 [rows, categorical columns].
        flags: reasons to distrust rows, in the order of columns.
        fields: texts and pictures, column by column.
    """

    continuous: npt.NDArray[np.float32]
    codes: npt.NDArray[np.int64]
    flags: tuple[Flag, ...] = ()
    fields: tuple[Field, ...] = ()

    def __len__(self) -> int:
        return len(self.continuous)


@dataclass(frozen=True)
class Place:
    """Channels of a column, or its number among the codes."""

    channels: slice
    code: int | None


@dataclass(frozen=True)
class FeatureSet:
    """Encoders in the order of the network's tokens: continuous columns, categorical ones, texts, pictures.

    The code of what chooses an adapter, which is no token, is the last one.
    """

    encoders: tuple[Encoder, ...]

    @classmethod
    def fit(
        cls,
        profiles: Iterable[ColumnProfile],
        base: FeatureSet | None = None,
        *,
        standardised: bool = False,
        texts: Collection[str] = (),
        binned_numbers: bool = False,
    ) -> tuple[FeatureSet, list[Rejection]]:
        """Encoders for the columns that can be learnt from, and the others with reasons.

        A column that ``base`` knows keeps its encoding, so that what the base has learnt about it stays true.

        Args:
            standardised: whether numbers keep their shape, for a network that bends them itself.
            texts: names of columns that are read as texts, whatever they look like.
            binned_numbers: whether numbers and times become codes of bins, for a network that says them.
        """
        known = {e.column.name.lower(): e for e in base.encoders} if base else {}
        fitted: list[Encoder] = []
        rejected: list[Rejection] = []
        for profile in profiles:
            result = text.TextEncoder.of(profile) if profile.name in texts else fit_encoder(profile)
            if isinstance(result, Rejection):
                rejected.append(result)
                continue
            if standardised and isinstance(result, numeric.NumericEncoder):
                result = result.standardised(profile)
            if binned_numbers and isinstance(result, numeric.NumericEncoder | temporal.TemporalEncoder):
                result = binned.BinnedEncoder.of(profile)
            old = known.get(profile.name.lower())
            fitted.append(_widened(old, profile) if old is not None and old.kind == result.kind else result)
        return cls(tuple(sorted(fitted, key=_order))), rejected

    def nullable(self) -> FeatureSet:
        """The same, where any value may be missing: of histories some row always is."""
        encoders: list[Any] = [replace(cast("Any", e), nullable=True) for e in self.encoders]
        return FeatureSet(tuple(encoders))

    @property
    def names(self) -> list[str]:
        """Names of the columns read, in token order."""
        return [e.column.name for e in self.encoders]

    @property
    def columns(self) -> list[Column]:
        """Columns as the network sees them, in token order."""
        return [e.column for e in self.encoders]

    @property
    def places(self) -> dict[str, Place]:
        """Where a batch holds each column."""
        found, channel, code = {}, 0, 0
        for column in self.columns:
            if column.continuous:
                found[column.name] = Place(slice(channel, channel + column.size), None)
                channel += column.size
            elif column.categorical:
                found[column.name] = Place(slice(0), code)
                code += 1
        return found

    @property
    def single(self) -> tuple[int, ...]:
        """Numbers, among the codes of all columns one after the other, of single values that are bins of their own."""
        found, start = list[int](), 0
        for encoder in self.encoders:
            if isinstance(encoder, binned.BinnedEncoder):
                found += [start + code for code in encoder.single]
            start += encoder.column.size
        return tuple(found)

    @property
    def scales(self) -> list[tuple[float, float]]:
        """Of each channel the shift and the factor that give back its column's unit; 0 and 1 where it has none."""
        return [scale for e in self.encoders if e.column.continuous for scale in _scales(e)]

    def encode(self, columns: Mapping[str, pa.Array], rows: int) -> Batch:
        """One batch; ``columns`` holds an Arrow array of ``rows`` values under each of `names`."""
        continuous: list[npt.NDArray[Any]] = []
        codes: list[npt.NDArray[Any]] = []
        fields: list[Field] = []
        flags: list[Flag] = []
        for encoder in self.encoders:
            column = encoder.encode(columns[encoder.column.name])
            kind: list[Any] = continuous if encoder.column.continuous else fields if encoder.column.field else codes
            kind.append(column.values)
            flags.extend(column.flags)
        return Batch(
            np.concatenate(continuous, axis=1) if continuous else np.empty((rows, 0), np.float32),
            np.stack(codes, axis=1) if codes else np.empty((rows, 0), np.int64),
            tuple(flags),
            tuple(fields),
        )

    def fields(self, kind: str | None = None) -> list[str]:
        """Names of the columns of texts and pictures, or of one kind of them."""
        return [c.name for c in self.columns if c.field and kind in (None, c.field)]

    @property
    def tokenizer(self) -> Tokenizer | None:
        """By which texts are read, where there are some."""
        return next((e.tokenizer for e in self.encoders if isinstance(e, text.TextEncoder)), None)

    def with_tokenizer(self, tokenizer: Tokenizer | None) -> FeatureSet:
        """The same, where texts are read by that tokenizer."""
        return FeatureSet(
            tuple(replace(e, tokenizer=tokenizer) if isinstance(e, text.TextEncoder) else e for e in self.encoders)
        )

    @property
    def group(self) -> GroupEncoder | None:
        """What chooses a row's adapter, where there are some."""
        return next((e for e in self.encoders if isinstance(e, GroupEncoder)), None)

    def with_group(self, group: GroupEncoder) -> FeatureSet:
        """The same with that one for a former one, or beside the others."""
        others = [e for e in self.encoders if not isinstance(e, GroupEncoder)]
        return FeatureSet(tuple(sorted([*others, group], key=_order)))

    def to_list(self) -> list[dict[str, Any]]:
        """As JSON can hold it."""
        return [e.to_dict() for e in self.encoders]

    @classmethod
    def from_list(cls, saved: Sequence[dict[str, Any]]) -> FeatureSet:
        """What `to_list` saved."""
        return cls(tuple(encoders[e["kind"]].from_dict(e) for e in saved))


def _order(encoder: Encoder) -> int:
    column = encoder.column
    if column.field:
        return 3 + FIELDS.index(column.field)
    return 2 if column.chooses else int(not column.continuous)


def _widened(encoder: Encoder, profile: ColumnProfile) -> Encoder:
    """The base's encoding under this source's spelling of the name."""
    widened: Any = encoder.widen(profile)
    return cast("Encoder", replace(widened, name=profile.name))


def _scales(encoder: Encoder) -> list[tuple[float, float]]:
    if isinstance(encoder, numeric.NumericEncoder) and encoder.mean is not None and encoder.deviation:
        return [(encoder.mean, encoder.deviation)]
    return [(0.0, 1.0)] * encoder.column.size


def fit_encoder(profile: ColumnProfile) -> Encoder | Rejection:
    """The encoder of a column's kind, or why it is left out."""
    for kind in encoders:
        fitted = encoders[kind].fit(profile)
        if fitted is not None:
            return fitted
    return Rejection(profile.name, f"type {profile.type} can't be a feature; cast it or leave it out")
