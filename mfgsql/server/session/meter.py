"""What a session tells of itself to whoever counts."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Counts what sessions do."""

    def statement(self, tag: str) -> None:
        """One that ended well."""

    def error(self, sqlstate: str) -> None:
        """One that failed."""

    def rows(self, count: int) -> None:
        """Rows that went out."""

    def took(self, seconds: float) -> None:
        """Time for a client's message, answers and all."""
