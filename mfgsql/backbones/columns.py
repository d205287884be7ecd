"""What the shape of every backbone over the columns of a row begins with: the columns themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class ColumnsConfig:
    """Columns by size.

    Attributes:
        continuous: names and channels of the continuous columns, in order.
        categorical: names and codes of the categorical columns, in order.
    """

    continuous: tuple[tuple[str, int], ...]
    categorical: tuple[tuple[str, int], ...]

    @property
    def columns(self) -> list[str]:
        """Names, continuous ones first."""
        return [name for name, _ in (*self.continuous, *self.categorical)]

    @property
    def channels(self) -> int:
        """Float channels of all continuous columns."""
        return sum(size for _, size in self.continuous)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The config that ``dataclasses.asdict`` saved as JSON."""
        pairs = {k: tuple((n, s) for n, s in saved[k]) for k in ("continuous", "categorical")}
        return cls(**saved | pairs)


@dataclass(frozen=True, kw_only=True)
class AdaptedConfig(ColumnsConfig):
    """Of a transformer, in whose layers there may be adapters.

    Attributes:
        lora: rank of those beside layers that stay as a base had them; 0: there are none.
        own: how many there are of each layer, of which every row goes through one; the first changes nothing. 0: none.
        own_rank: their rank.
    """

    lora: int = 0
    own: int = 0
    own_rank: int = 0
