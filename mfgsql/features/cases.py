"""How the events of a process are read: an event ends a step of its case, and others follow it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Cases:
    """Roles of an event log's columns, and what is derived from them.

    Attributes:
        activity: column of the steps. started: of when a step began, or None; the histories' order says when it ended.
        due: of when the case is promised, or None. trend: whether the date itself tells something.
        open: BOOLEAN column of cases that are not over, or None.
    """

    activity: str
    started: str | None = None
    due: str | None = None
    trend: bool = False
    open: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Cases:
        """What `to_dict` saved."""
        return cls(**saved)
