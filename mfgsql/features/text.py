"""Notes: texts that differ from row to row, read by pieces of words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.errors import SourceError
from mfgsql.features.encoders import Column, EncodedColumn, Flag, Mask, Rejection, encoders
from mfgsql.features.profile import TEXT_TYPES, ColumnProfile
from mfgsql.features.tokens import Tokenizer

MOST = 512  # pieces of a text that are read
_WORDS = 2.0  # of a note, on average; one word is a name
_SHARE = 0.2  # of notes that differ; of names of categories fewer do
_REPEATED = 256  # values that are still names of categories, however many words they have


@encoders.register("text")
@dataclass(frozen=True)
class TextEncoder:
    """Pieces of one column's texts.

    Attributes:
        most: pieces read of a text; what is longer is cut. words: see `Tokenizer.encode`.
        nullable: whether the fitted rows had NULLs.
        tokenizer: kept with the weights, not in the manifest; whoever reads a model hands it over.
    """

    kind: ClassVar[str] = "text"
    name: str
    nullable: bool
    most: int = MOST
    words: str | None = None
    tokenizer: Tokenizer | None = field(default=None, repr=False, compare=False)

    @classmethod
    def fit(cls, profile: ColumnProfile) -> Self | Rejection | None:
        """See `Encoder.fit`; values of a single word, or few different ones, are categories."""
        notes = profile.base_type in TEXT_TYPES and profile.words >= _WORDS and profile.picture_paths < 0.5
        if not notes or profile.distinct <= min(_REPEATED, _SHARE * profile.sampled):
            return None
        return cls.of(profile)

    @classmethod
    def of(cls, profile: ColumnProfile) -> Self:
        """An encoder of a column that is said to be a text, whatever it looks like."""
        return cls(profile.name, profile.nulls > 0)

    @property
    def column(self) -> Column:
        """A text."""
        return Column(self.name, continuous=False, size=0, field="text")

    def encode(self, values: pa.Array) -> EncodedColumn:
        """`Texts`; a text that is not UTF-8 is read with a mark in place of each byte that is none."""
        assert self.tokenizer is not None, "the tokenizer comes with the weights"
        texts, broken = as_texts(values, self.name)
        encoded, cut = self.tokenizer.encode(texts, self.most, self.words)
        flags = []
        if cut.any():
            words = f"{self.name} is longer than the {self.most:,} pieces of words that are read"
            flags.append(Flag("truncated", cut, lambda row: f"{words}: {len(texts[row] or ''):,} characters"))
        if broken is not None:
            flags.append(Flag("unseen", broken, lambda row: f"{self.name} holds bytes that are no text (UTF-8)"))
        if not self.nullable and not bool(encoded.there.all()):
            absent = ~encoded.there.numpy()
            flags.append(Flag("missing", absent, lambda row: f"{self.name} is missing (never so in training)"))
        return EncodedColumn(encoded, tuple(flags))

    def widen(self, profile: ColumnProfile) -> Self:
        """The tokenizer stays: the base's weights were learnt with it."""
        return replace(self, nullable=self.nullable or profile.nulls > 0)

    def to_dict(self) -> dict[str, Any]:
        """See `Encoder.to_dict`."""
        names = ("name", "nullable", "most", "words")
        return {"kind": self.kind, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """See `Encoder.from_dict`."""
        return cls(**{k: v for k, v in saved.items() if k != "kind"})


def as_texts(values: pa.Array, name: str) -> tuple[list[str | None], Mask | None]:
    """Values as strings, and which rows hold bytes that are no UTF-8, where some do.

    Raises:
        SourceError: values of that type are no texts.
    """
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type) or pa.types.is_binary_view(values.type):
        raw = values.to_pylist()
        texts = [None if value is None else value.decode("utf-8", "replace") for value in raw]
        broken = [t is not None and t.encode() != value for t, value in zip(texts, raw, strict=True)]
        return texts, np.array(broken, bool) if any(broken) else None
    try:
        return pc.cast(values, pa.string()).to_pylist(), None
    except pa.ArrowNotImplementedError:
        told = f"{name} is read as a text, and the column is {values.type}."
        raise SourceError(told, remedy=f'Cast it in the source: "{name}"::VARCHAR AS "{name}"') from None
