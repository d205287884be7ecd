"""A column whose values have parts of a network of their own: lines, machines, suppliers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.features.categorical import as_text
from mfgsql.features.encoders import Column, EncodedColumn, Flag, Rejection, encoders
from mfgsql.features.profile import ColumnProfile

SHARED = 0  # code of rows that go through what all share


@encoders.register("adapter")
@dataclass(frozen=True)
class GroupEncoder:
    """Codes of one column: 0 what all rows share, then the values that have an adapter of their own.

    Attributes:
        values: those that were met, as text. own: of them, those with an adapter, in the order of their codes.
        nullable: whether the fitted rows had NULLs.
    """

    kind: ClassVar[str] = "adapter"
    name: str
    values: tuple[str, ...]
    own: tuple[str, ...]
    nullable: bool

    @classmethod
    def fit(cls, profile: ColumnProfile) -> Self | Rejection | None:
        """See `Encoder.fit`: no column is one unless a statement says so."""
        return None

    @property
    def column(self) -> Column:
        """One code, which is no token."""
        return Column(self.name, continuous=False, size=1 + len(self.own), chooses=True)

    def encode(self, values: pa.Array) -> EncodedColumn:
        """int64 [rows] of codes."""
        texts = as_text(values)
        found = pc.index_in(texts, value_set=pa.array(self.own, pa.string()))
        codes = np.asarray(pc.add(pc.fill_null(found, SHARED - 1), 1).cast(pa.int64()))
        null = np.asarray(texts.is_null())
        unseen = (codes == SHARED) & ~null
        if unseen.any():
            unseen &= ~np.asarray(pc.is_in(texts, value_set=pa.array(self.values, pa.string())))
        flags = []
        if unseen.any():
            flags.append(Flag("unseen", unseen, lambda row: f"{self.name} = {texts[row].as_py()!r} (new)"))
        if not self.nullable and null.any():
            flags.append(Flag("missing", null, lambda row: f"{self.name} is missing (never so in training)"))
        return EncodedColumn(codes, tuple(flags))

    def widen(self, profile: ColumnProfile) -> Self:
        """See `Encoder.widen`: which values are met is counted, not taken from a profile."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """See `Encoder.to_dict`."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """See `Encoder.from_dict`."""
        lists = {name: tuple(saved[name]) for name in ("values", "own")}
        return cls(**{k: v for k, v in saved.items() if k != "kind"} | lists)
