"""Prepared statements and portals: what a client has named, and goes on with later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mfgsql.server.session.command import Command
from mfgsql.server.session.outcome import Outcome
from mfgsql.wire.errors import WireError
from mfgsql.wire.rows import Columns

_MOST = 64 << 20  # characters of all prepared statements of a session


@dataclass
class Prepared:
    """A statement that was understood, and not run.

    Attributes:
        sql: as the client wrote it. text: as DuckDB is to run it.
        command: what the server answers itself; then ``kind`` is empty.
        kind: DuckDB's type of statement.
        numbers: of its parameters. oids: their types on the wire. types: their types in DuckDB, by number.
        columns: what it returns, once that was asked. about_catalog: it asks what there is.
    """

    sql: str
    text: str = ""
    command: Command | None = None
    kind: str = ""
    returns_rows: bool = False
    reads_only: bool = True
    numbers: Sequence[str] = ()
    oids: Sequence[int] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    columns: Columns | None = None
    about_catalog: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is no statement in it."""
        return self.command is None and not self.kind


@dataclass
class Portal:
    """A statement with its values, ready to run or half-way through its rows.

    Attributes:
        formats: of its columns, as Bind has them. outcome: None before it runs. hold: it outlives its transaction.
        ended: it returned no rows, and can't do so again. kept: its transaction was committed.
    """

    prepared: Prepared
    values: Mapping[str, Any]
    formats: Sequence[int] = ()
    outcome: Outcome | None = None
    hold: bool = False
    ended: bool = False
    kept: bool = False

    def close(self) -> None:
        """No more rows are wanted."""
        if self.outcome is not None and self.outcome.rows is not None:
            self.outcome.rows.close()


class Names:
    """What a session has named: statements and portals (cursors are portals)."""

    def __init__(self) -> None:
        self.prepared: dict[str, Prepared] = {}
        self.portals: dict[str, Portal] = {}

    def statement(self, name: str) -> Prepared:
        """A prepared statement.

        Raises:
            WireError: there is none of that name (26000).
        """
        if name not in self.prepared:
            raise WireError("26000", f'prepared statement "{name}" does not exist')
        return self.prepared[name]

    def portal(self, name: str) -> Portal:
        """A portal.

        Raises:
            WireError: there is none of that name (34000).
        """
        if name not in self.portals:
            what = f'portal "{name}" does not exist' if name == "" else f'cursor "{name}" does not exist'
            raise WireError("34000", what)
        return self.portals[name]

    def sql(self, kind: str, name: str) -> str | None:
        """As its client wrote it, of a statement (S) or a portal (P), where there is one."""
        if kind == "S":
            return self.prepared[name].sql if name in self.prepared else None
        return self.portals[name].prepared.sql if name in self.portals else None

    def keep(self, name: str, prepared: Prepared) -> None:
        """Name a statement; the nameless one makes place."""
        if name and name in self.prepared:
            raise WireError("42P05", f'prepared statement "{name}" already exists')
        if sum(len(p.sql) for p in self.prepared.values()) + len(prepared.sql) > _MOST:
            raise WireError("53400", "Too many prepared statements.", remedy="DEALLOCATE ALL")
        self.prepared[name] = prepared

    def open(self, name: str, portal: Portal) -> None:
        """Name a portal; the nameless one makes place."""
        if name and name in self.portals:
            raise WireError("42P03", f'cursor "{name}" already exists')
        self.close(name)
        self.portals[name] = portal

    def close(self, name: str) -> None:
        """Forget a portal, where there is one."""
        if portal := self.portals.pop(name, None):
            portal.close()

    def before_commit(self) -> None:
        """Rows of cursors WITH HOLD are put aside, since they outlive the transaction that makes them; those of other
        portals are not wanted any more.
        """
        for name, portal in list(self.portals.items()):
            if not portal.hold:
                self.close(name)
            elif portal.outcome is not None and portal.outcome.rows is not None:
                portal.outcome.rows.put_aside()

    def end_of_transaction(self, *, committed: bool) -> None:
        """Portals go with their transaction; those WITH HOLD stay where it was committed."""
        for name, portal in list(self.portals.items()):
            portal.kept = portal.kept or (portal.hold and committed)
            if not portal.kept:
                self.close(name)
