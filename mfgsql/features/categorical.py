"""Words and truth values: a code for each frequent value, one for all others, one for NULL."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.features.encoders import Column, EncodedColumn, Flag, Rejection, encoders
from mfgsql.features.profile import TEXT_TYPES, ColumnProfile

UNKNOWN, MISSING, FIRST = 0, 1, 2
MAX_CATEGORIES = 256
_TEXT_LENGTH = 64  # longer values are notes, not names of categories


@encoders.register("categorical")
@dataclass(frozen=True)
class CategoricalEncoder:
    """Codes of one column: 0 unknown, 1 missing, then ``categories`` in order.

    Attributes:
        categories: known values as text, most frequent first.
        complete: whether these were all values of the fitted rows; only then is another one ``unseen``.
        nullable: whether the fitted rows had NULLs.
    """

    kind: ClassVar[str] = "categorical"
    name: str
    categories: tuple[str, ...]
    complete: bool
    nullable: bool

    @classmethod
    def fit(cls, profile: ColumnProfile) -> Self | Rejection | None:
        """See `Encoder.fit`; texts that differ in nearly every row are ids or notes."""
        if profile.base_type not in TEXT_TYPES or profile.holds_pictures:
            return None
        if not profile.top:
            return Rejection(profile.name, "all NULL")
        if profile.distinct <= 1:
            return Rejection(profile.name, "constant")
        if profile.sampled >= 50 and profile.distinct > 0.5 * profile.sampled:
            note = profile.longest > _TEXT_LENGTH
            return Rejection(profile.name, "free text" if note else "an id: nearly every row has its own value")
        return cls._from_profile(profile)

    @classmethod
    def _from_profile(cls, profile: ColumnProfile) -> Self:
        categories = tuple(text for text, _ in profile.top[:MAX_CATEGORIES])
        return cls(profile.name, categories, profile.distinct <= len(categories), profile.nulls > 0)

    @property
    def column(self) -> Column:
        """One code."""
        return Column(self.name, continuous=False, size=FIRST + len(self.categories))

    def encode(self, values: pa.Array) -> EncodedColumn:
        """int64 [rows] of codes."""
        texts = as_text(values)
        found = pc.index_in(texts, value_set=pa.array(self.categories, pa.string()))
        codes = np.asarray(pc.add(pc.fill_null(found, UNKNOWN - FIRST), FIRST).cast(pa.int64()))
        null = np.asarray(texts.is_null())
        codes = np.where(null, MISSING if self.nullable else UNKNOWN, codes)
        flags = []
        unseen = (codes == UNKNOWN) & ~null
        if self.complete and unseen.any():
            flags.append(Flag("unseen", unseen, lambda row: f"{self.name} = {texts[row].as_py()!r} (new)"))
        if not self.nullable and null.any():
            flags.append(Flag("missing", null, lambda row: f"{self.name} is missing (never so in training)"))
        return EncodedColumn(codes, tuple(flags))

    def widen(self, profile: ColumnProfile) -> Self:
        """New values get codes behind the old ones, whose embeddings stay where they are."""
        room = MAX_CATEGORIES - len(self.categories)
        known = frozenset(self.categories)
        new = tuple(text for text, _ in profile.top if text not in known)
        return replace(
            self,
            categories=self.categories + new[: max(room, 0)],
            complete=self.complete and len(new) <= room,
            nullable=self.nullable or profile.nulls > 0,
        )

    def to_dict(self) -> dict[str, Any]:
        """See `Encoder.to_dict`."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """See `Encoder.from_dict`."""
        fields = {k: v for k, v in saved.items() if k != "kind"}
        return cls(**fields | {"categories": tuple(saved["categories"])})


@encoders.register("boolean")
@dataclass(frozen=True)
class BooleanEncoder(CategoricalEncoder):
    """Truth values: the codes of ``false`` and ``true``."""

    kind: ClassVar[str] = "boolean"

    @classmethod
    def fit(cls, profile: ColumnProfile) -> Self | Rejection | None:
        """See `Encoder.fit`."""
        if profile.base_type != "BOOLEAN":
            return None
        if profile.distinct <= 1:
            return Rejection(profile.name, "constant" if profile.distinct else "all NULL")
        return cls(profile.name, ("false", "true"), complete=True, nullable=profile.nulls > 0)


def as_text(values: pa.Array) -> pa.Array:
    """Any Arrow array as strings, spelled as DuckDB's cast to VARCHAR spells them."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_string(values.type):
        return values
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    try:
        return pc.cast(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if v is None else str(v) for v in values.to_pylist()], pa.string())
