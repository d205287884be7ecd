"""Statements of PostgreSQL that the server answers itself: those about the session, which DuckDB has otherwise or not
at all.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Begin:
    """A transaction begins."""

    read_only: bool


@dataclass(frozen=True)
class Commit:
    """It ends, and stays."""


@dataclass(frozen=True)
class Rollback:
    """It ends as though it had not been."""


@dataclass(frozen=True)
class Savepoint:
    """A name for this point of the transaction."""

    name: str


@dataclass(frozen=True)
class Release:
    """That name is not needed any more."""

    name: str


@dataclass(frozen=True)
class RollbackTo:
    """Back to that point."""

    name: str


@dataclass(frozen=True)
class Set:
    """A setting of the session; None: its default. ``local`` holds until the transaction ends."""

    name: str
    value: str | None
    local: bool = False


@dataclass(frozen=True)
class SetTransaction:
    """Of the transaction, or of all to come; None: nothing that matters here."""

    read_only: bool | None


@dataclass(frozen=True)
class Show:
    """A setting's value; ``all`` for all of them."""

    name: str


@dataclass(frozen=True)
class Declare:
    """A cursor over a query; with ``hold`` it outlives its transaction."""

    name: str
    query: str
    hold: bool


@dataclass(frozen=True)
class Fetch:
    """Rows of a cursor; None: all that are left. ``move`` passes over them."""

    name: str
    rows: int | None
    move: bool


@dataclass(frozen=True)
class CloseCursor:
    """Forget a cursor, or all."""

    name: str | None


@dataclass(frozen=True)
class Deallocate:
    """Forget a prepared statement, or all."""

    name: str | None


@dataclass(frozen=True)
class Discard:
    """Forget all that the session has set, prepared and opened."""

    what: str


@dataclass(frozen=True)
class Copy:
    """Data in or out over the connection itself.

    Attributes:
        query: what goes out, or None. table: as written, what comes in (or goes out). columns: as written.
        options: of COPY by lower-case name.
    """

    query: str | None
    table: str | None
    columns: tuple[str, ...]
    into: bool
    options: dict[str, str | bool | tuple[str, ...]]


@dataclass(frozen=True)
class SetConfig:
    """``SELECT set_config(...)``: a setting, told in a row."""

    name: str
    value: str
    local: bool


@dataclass(frozen=True)
class Signal:
    """``SELECT pg_cancel_backend(...)``: stop what another session runs; or ``pg_terminate_backend``: end it."""

    function: str
    process: int


@dataclass(frozen=True)
class Nothing:
    """Accepted, and of no consequence here."""

    tag: str
    notice: str | None = None


Command = (
    Begin | Commit | Rollback | Savepoint | Release | RollbackTo | Set | SetTransaction | Show | Declare | Fetch
    | CloseCursor | Deallocate | Discard | Copy | SetConfig | Signal | Nothing
)  # fmt: skip
