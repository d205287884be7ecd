"""Answers to statements about the session itself: settings, transactions, cursors, what is prepared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import singledispatchmethod

import pyarrow as pa

from mfgsql.engine.quoting import quote_identifier
from mfgsql.server.session import command as c
from mfgsql.server.session.outcome import Outcome
from mfgsql.server.session.prepared import Names
from mfgsql.server.session.settings import REPORTED, Change, Settings
from mfgsql.server.session.transaction import Transaction
from mfgsql.wire.database import Database
from mfgsql.wire.errors import WireError
from mfgsql.wire.rows import Columns, Rows

_NO_TRANSACTION, _IN_ONE = "25P01", "25001"


class Answers:
    """The session's own statements.

    Args:
        tell: called with each setting that changed, by the name that clients know it by.
        signal: stops what a session runs, by its number, or ends it; whether it could.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        transaction: Transaction,
        names: Names,
        tell: Callable[[Change], None],
        signal: Callable[[int, bool], bool],
    ) -> None:
        self._database, self._settings, self._names = database, settings, names
        self._transaction, self._tell, self._signal = transaction, tell, signal

    def columns(self, command: c.Command) -> Columns | None:
        """Columns of the rows that a command returns; None: it returns none."""
        if isinstance(command, c.Show):
            return _shown(command.name)
        if isinstance(command, c.SetConfig):
            return [("set_config", "VARCHAR")]
        if isinstance(command, c.Signal):
            return [(command.function, "BOOLEAN")]
        if isinstance(command, c.Fetch) and not command.move:
            outcome = self._names.portal(command.name).outcome
            return outcome.rows.columns if outcome and outcome.rows else None
        return None

    def set(self, name: str, value: str) -> None:
        """A setting that came with the start of the connection."""
        self._set(c.Set(name, value))

    def _set(self, command: c.Set) -> None:
        """Set it, where DuckDB takes it, too: there may be no such schema."""
        known = command.name in self._settings
        before = self._settings[command.name] if known else None
        change = self._settings.set(command.name, command.value, local=command.local)
        try:
            self._changed([change])
        except Exception:
            self._settings.set(command.name, before, local=command.local)
            raise

    @singledispatchmethod
    def answer(self, command: c.Command) -> Outcome:
        """Do what it says."""
        raise TypeError(f"no answer to {command!r}")

    @answer.register
    def _(self, command: c.Begin) -> Outcome:
        warning = self._transaction.begin(command.read_only)
        self._settings.begin()
        return Outcome("BEGIN", notices=[(_IN_ONE, warning)] if warning else [])

    @answer.register
    def _(self, command: c.Commit) -> Outcome:
        self._names.before_commit()
        self._database.free()
        try:
            tag, warning = self._transaction.commit()
        except Exception:
            self._ended(committed=False)
            raise
        self._ended(committed=tag == "COMMIT")
        return Outcome(tag, notices=[(_NO_TRANSACTION, warning)] if warning else [])

    @answer.register
    def _(self, command: c.Rollback) -> Outcome:
        self._database.forget()
        warning = self._transaction.rollback()
        self._ended(committed=False)
        return Outcome("ROLLBACK", notices=[(_NO_TRANSACTION, warning)] if warning else [])

    def _ended(self, *, committed: bool) -> None:
        self._names.end_of_transaction(committed=committed)
        self._changed(self._settings.end(committed=committed))

    @answer.register
    def _(self, command: c.Savepoint) -> Outcome:
        self._transaction.savepoint(command.name)
        return Outcome("SAVEPOINT")

    @answer.register
    def _(self, command: c.Release) -> Outcome:
        self._transaction.release(command.name)
        return Outcome("RELEASE")

    @answer.register
    def _(self, command: c.RollbackTo) -> Outcome:
        self._database.free()
        self._transaction.rollback_to(command.name)
        return Outcome("ROLLBACK")

    @answer.register
    def _(self, command: c.SetTransaction) -> Outcome:
        if command.read_only is not None:
            if self._transaction.is_open:
                self._transaction.restrict(command.read_only)
            else:
                self._transaction.set_default(command.read_only)
        return Outcome("SET")

    @answer.register
    def _(self, command: c.Set) -> Outcome:
        if command.name == "all":
            self._changed(self._settings.reset())
            return Outcome("RESET")
        if command.local and not self._transaction.is_open:
            words = "SET LOCAL can only be used in transaction blocks"
            return Outcome("SET", notices=[(_NO_TRANSACTION, words)])
        self._set(command)
        return Outcome("SET")

    def _changed(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.name == "search_path":
                self._database.search(self._settings.schemas())
            if change.name == "timezone":
                self._database.zone(change.value)
            if change.name == "default_transaction_read_only":
                self._transaction.set_default(change.value == "on")
            if change.name in REPORTED:
                self._tell(Change(REPORTED[change.name], change.value))

    @answer.register
    def _(self, command: c.SetConfig) -> Outcome:
        self._set(c.Set(command.name, command.value, command.local))
        return _told("set_config", self._settings[command.name])

    @answer.register
    def _(self, command: c.Signal) -> Outcome:
        return _told(command.function, self._signal(command.process, command.function == "pg_terminate_backend"))

    @answer.register
    def _(self, command: c.Show) -> Outcome:
        columns = _shown(command.name)
        if command.name != "all":
            return _told(columns[0][0], self._settings[command.name], "SHOW")
        values = [(REPORTED.get(name, name), self._settings[name], "") for name in self._settings]
        arrays = [pa.array(column, pa.string()) for column in zip(*values, strict=True)]
        return Outcome("SHOW", Rows(columns, iter([pa.record_batch(arrays, [n for n, _ in columns])])))

    @answer.register
    def _(self, command: c.Fetch) -> Outcome:
        outcome = self._names.portal(command.name).outcome
        if outcome is None or outcome.rows is None:
            raise WireError("55000", f'portal "{command.name}" cannot be run')
        if command.move:
            moved = sum(batch.num_rows for batch in outcome.rows.take(command.rows))
            return Outcome(f"MOVE {moved}")
        return Outcome("FETCH {n}", Rows(outcome.rows.columns, outcome.rows.take(command.rows)))

    @answer.register
    def _(self, command: c.CloseCursor) -> Outcome:
        if command.name is None:
            for name in [n for n in self._names.portals if n]:
                self._names.close(name)
            return Outcome("CLOSE CURSOR ALL")
        self._names.portal(command.name)
        self._names.close(command.name)
        return Outcome("CLOSE CURSOR")

    @answer.register
    def _(self, command: c.Deallocate) -> Outcome:
        if command.name is None:
            self._names.prepared.clear()
            return Outcome("DEALLOCATE ALL")
        if self._names.prepared.pop(command.name, None) is None:
            self._database.run(f"DEALLOCATE {quote_identifier(command.name)}")  # made by PREPARE
        return Outcome("DEALLOCATE")

    @answer.register
    def _(self, command: c.Discard) -> Outcome:
        if command.what == "all":
            if self._transaction.is_open:
                raise WireError("25001", "DISCARD ALL cannot run inside a transaction block")
            self._names.prepared.clear()
            self._names.end_of_transaction(committed=False)
            self._changed(self._settings.reset())
        if command.what in ("all", "temp", "temporary"):
            self._database.forget_temporary(all_of_it=command.what == "all")
        return Outcome(f"DISCARD {command.what.upper()}")

    @answer.register
    def _(self, command: c.Nothing) -> Outcome:
        return Outcome(command.tag, notices=[("00000", command.notice)] if command.notice else [])


def _told(name: str, value: str | bool, tag: str = "SELECT {n}") -> Outcome:
    """One row with one value."""
    kind = "BOOLEAN" if isinstance(value, bool) else "VARCHAR"
    return Outcome(tag, Rows([(name, kind)], iter([pa.record_batch([pa.array([value])], [name])])))


def _shown(name: str) -> Columns:
    if name == "all":
        return [("name", "VARCHAR"), ("setting", "VARCHAR"), ("description", "VARCHAR")]
    return [(REPORTED.get(name.lower(), name), "VARCHAR")]
