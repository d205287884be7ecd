"""Pictures in a column: decoded to the one size that a network takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import torch

from mfgsql.features.decoding import decode_many
from mfgsql.features.encoders import Column, EncodedColumn, Flag, Rejection, encoders
from mfgsql.features.fields import Pictures
from mfgsql.features.pictures import Data
from mfgsql.features.profile import ColumnProfile

SIZE = (96, 96)
CHANNELS = 3
NOT_OPENED = "a path is opened only where a verb reads the table itself; give the picture as a BLOB"


@encoders.register("image")
@dataclass(frozen=True)
class ImageEncoder:
    """Pixels of one column's pictures.

    Attributes:
        size: height and width. channels: 1 (grey) or 3 (RGB). nullable: whether the fitted rows had NULLs.
    """

    kind: ClassVar[str] = "image"
    name: str
    nullable: bool
    size: tuple[int, int] = SIZE
    channels: int = CHANNELS

    @classmethod
    def fit(cls, profile: ColumnProfile) -> Self | Rejection | None:
        """See `Encoder.fit`; a BLOB most of whose values are pictures, or texts that are names of picture files."""
        if profile.holds_pictures:
            return cls(profile.name, profile.nulls > 0)
        if profile.base_type != "BLOB":
            return None
        share = f"of its values {profile.pictures:.0%} look like pictures that can be read"
        return Rejection(profile.name, "all NULL" if profile.nulls == profile.rows else f"a BLOB: {share}")

    def sized(self, size: tuple[int, int], channels: int) -> Self:
        """The same pictures at another size."""
        return replace(self, size=size, channels=channels)

    @property
    def column(self) -> Column:
        """A picture."""
        return Column(self.name, continuous=False, size=0, field="image")

    def encode(self, values: pa.Array, check: Callable[[], None] = lambda: None) -> EncodedColumn:
        """`Pictures` of an array of bytes, or of structs ``path`` (permitted) and ``reason`` (why it may not be read).

        Args:
            check: called while they are decoded; what it raises ends that.
        """
        cells, reasons = _cells(values)
        pixels, unreadable = decode_many(cells, self.size, self.channels, check=check)
        reasons = [before or found for before, found in zip(reasons, unreadable, strict=True)]
        bad = np.array([reason is not None for reason in reasons], bool)
        there = np.array([cell is not None for cell in cells], bool) & ~bad
        flags = []
        if bad.any():
            flags.append(Flag("unreadable", bad, lambda row: f"{self.name} can't be read: {reasons[row]}"))
        missing = ~there & ~bad
        if not self.nullable and missing.any():
            flags.append(Flag("missing", missing, lambda row: f"{self.name} is missing (never so in training)"))
        return EncodedColumn(Pictures(torch.from_numpy(pixels), torch.from_numpy(there)), tuple(flags))

    def widen(self, profile: ColumnProfile) -> Self:
        """The size stays: the base's weights were learnt at it."""
        return replace(self, nullable=self.nullable or profile.nulls > 0)

    def to_dict(self) -> dict[str, Any]:
        """See `Encoder.to_dict`."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """See `Encoder.from_dict`."""
        fields = {k: v for k, v in saved.items() if k != "kind"}
        return cls(**fields | {"size": tuple(saved["size"])})


def _cells(values: pa.Array) -> tuple[Sequence[Data | None], list[str | None]]:
    """What is to be decoded of each row, and why a row holds nothing that may be."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if _is_bytes(values.type):  # not a byte of them is copied here
        buffers = [value.as_buffer() if value.is_valid else None for value in values]
        return [None if b is None else memoryview(b) for b in buffers], [None] * len(values)
    if pa.types.is_struct(values.type) and {"path", "reason"} <= {field.name for field in values.type}:
        rows = [row or {"path": None, "reason": None} for row in values.to_pylist()]
        closed = [row["path"] is None or row["reason"] is not None for row in rows]
        paths = [None if shut else Path(row["path"]) for shut, row in zip(closed, rows, strict=True)]
        return paths, [row["reason"] for row in rows]
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    reason = NOT_OPENED if is_text or pa.types.is_string_view(values.type) else f"{values.type} is no picture"
    return [None] * len(values), [reason if valid else None for valid in values.is_valid().to_pylist()]


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    )
