"""What all encoders share: the column they make, the flags they raise, and the reasons to reject one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mfgsql.features.profile import ColumnProfile
from mfgsql.registry import Registry

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """How the network sees a column: ``size`` float channels, one code below ``size``, or a text or picture.

    Attributes:
        field: ``text`` or ``image`` where the column is one; it has neither channels nor a code then, and no size.
        chooses: whether its code chooses what of the network a row goes through, and is no token of it.
    """

    name: str
    continuous: bool
    size: int
    field: str | None = None
    chooses: bool = False

    @property
    def categorical(self) -> bool:
        """Whether it is a code."""
        return not self.continuous and self.field is None


@dataclass(frozen=True)
class Rejection:
    """A column that is left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Flag:
    """Rows a column gives reason to distrust.

    Attributes:
        status: a word of ``ml_status``.
        rows: mask over the batch.
        describe: text for one flagged row number; called for flagged rows only.
    """

    status: str
    rows: Mask
    describe: Callable[[int], str]


@dataclass(frozen=True)
class EncodedColumn:
    """One column of a batch: ``values`` float32 [rows, size], int64 [rows] of codes, or texts or pictures."""

    values: Any
    flags: tuple[Flag, ...] = ()


class Encoder(Protocol):
    """One kind of column."""

    kind: ClassVar[str]

    @classmethod
    def fit(cls, profile: ColumnProfile) -> Self | Rejection | None:
        """An encoder of the column, a rejection, or None where it is of another kind."""

    @property
    def column(self) -> Column:
        """The column the network gets."""

    def encode(self, values: pa.Array) -> EncodedColumn:
        """Numbers for the network, and flags; as many rows as ``values`` has."""

    def widen(self, profile: ColumnProfile) -> Self:
        """The same encoding for rows that also look like ``profile``: ranges grow, codes are appended."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it, ``kind`` included."""

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The encoder that ``to_dict`` saved."""


encoders: Registry[type[Encoder]] = Registry("encoder")
