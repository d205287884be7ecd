"""The transaction that a client is in, as PostgreSQL has it, over DuckDB's.

A statement outside of a transaction has one of its own, which lasts until the client says Sync or the text of
statements ends. What a reader runs is READ ONLY throughout: DuckDB itself then refuses to write.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from mfgsql.wire.errors import WireError


class State(Enum):
    """Of a transaction."""

    IDLE = "idle"
    IMPLICIT = "implicit"
    EXPLICIT = "explicit"
    FAILED = "failed"


class Transaction:
    """Begins, ends, and says where it stands.

    Args:
        execute: runs a statement in DuckDB. read_only: nothing may be written, ever.
    """

    def __init__(self, execute: Callable[[str], object], *, read_only: bool) -> None:
        self._execute, self._always = execute, read_only
        self.state = State.IDLE
        self.read_only = read_only  # of transactions to come
        self._current = read_only
        self._wrote = False
        self._savepoints: list[tuple[str, bool]] = []  # with whether something was written before

    @property
    def status(self) -> str:
        """For ReadyForQuery."""
        return {State.EXPLICIT: "T", State.FAILED: "E"}.get(self.state, "I")

    @property
    def is_open(self) -> bool:
        """Whether the client has begun one."""
        return self.state in (State.EXPLICIT, State.FAILED)

    def set_default(self, read_only: bool) -> None:
        """Of all transactions to come."""
        self.read_only = self._always or read_only

    def check(self) -> None:
        """See that it has not failed.

        Raises:
            WireError: it has (25P02).
        """
        if self.state is State.FAILED:
            raise WireError(
                "25P02",
                "current transaction is aborted, commands ignored until end of transaction block",
                remedy="ROLLBACK",
            )

    def enter(self) -> None:
        """A statement is to run: outside of a transaction one begins for it.

        Raises:
            WireError: the transaction has failed (25P02).
        """
        self.check()
        if self.state is State.IDLE:
            self._start(self.read_only)
            self.state = State.IMPLICIT

    def wrote(self) -> None:
        """Something was written: there is no way back to a savepoint before it."""
        self._wrote = True

    def begin(self, read_only: bool) -> str | None:
        """BEGIN; a warning where one is under way."""
        self.check()
        if self.state is State.EXPLICIT:
            return "there is already a transaction in progress"
        if self.state is State.IMPLICIT and self._wrote:  # what was written so far becomes part of it
            self.state = State.EXPLICIT
            return None
        self.leave()
        self._start(read_only or self.read_only)
        self.state = State.EXPLICIT
        return None

    def restrict(self, read_only: bool) -> None:
        """SET TRANSACTION READ ONLY, or READ WRITE."""
        if self._current and not read_only:
            raise WireError("25001", "A transaction that is read-only stays so.", remedy="Begin another one.")
        if read_only and self._wrote:
            raise WireError("25001", "The transaction has written already.", remedy="Begin another one.")
        if read_only and not self._current and not self._wrote and self.state is not State.IDLE:
            self._execute("COMMIT")
            state = self.state
            self._start(True)
            self.state = state

    def commit(self) -> tuple[str, str | None]:
        """COMMIT: the tag of what happened, and a warning. A failed transaction is rolled back."""
        if self.state is State.FAILED:
            self._end("ROLLBACK")
            return "ROLLBACK", None
        warning = None if self.is_open else "there is no transaction in progress"
        self._end("COMMIT")
        return "COMMIT", warning

    def rollback(self) -> str | None:
        """ROLLBACK; a warning where there is nothing to roll back."""
        warning = None if self.is_open else "there is no transaction in progress"
        self._end("ROLLBACK")
        return warning

    def leave(self) -> None:
        """The statements that belong together are done: an implicit transaction is committed."""
        if self.state is State.IMPLICIT:
            self._end("COMMIT")

    def fail(self) -> None:
        """A statement failed: an implicit transaction is rolled back, an explicit one waits for that."""
        if self.state is State.IMPLICIT:
            self._end("ROLLBACK")
        elif self.state is State.EXPLICIT:
            self.state = State.FAILED

    # DuckDB has no savepoints. Their usual purpose is to survive an error (pgjdbc's autosave, psqlodbc, nested blocks):
    # that works where nothing was written since, and DuckDB itself did not give the transaction up.

    def savepoint(self, name: str) -> None:
        """SAVEPOINT."""
        self._within("SAVEPOINT")
        self.enter()
        self._savepoints.append((name, self._wrote))
        self._wrote = False

    def release(self, name: str) -> None:
        """RELEASE SAVEPOINT."""
        self._within("RELEASE SAVEPOINT")
        self.enter()
        at = self._find(name)
        self._wrote = self._wrote or any(wrote for _, wrote in self._savepoints[at:])
        del self._savepoints[at:]

    def rollback_to(self, name: str) -> None:
        """ROLLBACK TO SAVEPOINT.

        Raises:
            WireError: something was written since, and DuckDB can't undo a part of a transaction (0A000).
        """
        self._within("ROLLBACK TO SAVEPOINT")
        at = self._find(name)
        since = self._wrote or any(wrote for _, wrote in self._savepoints[at + 1 :])
        if since or (self.state is State.FAILED and not self._alive()):
            self.state = State.FAILED
            raise WireError(
                "0A000",
                "DuckDB has no savepoints: a part of a transaction can't be undone.",
                remedy="ROLLBACK undoes all of it.",
            )
        del self._savepoints[at + 1 :]
        self._wrote = False
        self.state = State.EXPLICIT

    def _alive(self) -> bool:
        """Whether DuckDB has not given the transaction up."""
        try:
            self._execute("SELECT 1")
        except Exception as error:
            if type(error).__name__ == "TransactionException":
                return False
            raise
        return True

    def _within(self, what: str) -> None:
        if not self.is_open:
            raise WireError("25P01", f"{what} can only be used in transaction blocks")

    def _find(self, name: str) -> int:
        for at in range(len(self._savepoints) - 1, -1, -1):
            if self._savepoints[at][0] == name:
                return at
        self.fail()
        raise WireError("3B001", f'savepoint "{name}" does not exist')

    def _start(self, read_only: bool) -> None:
        self._execute("BEGIN TRANSACTION READ ONLY" if read_only else "BEGIN TRANSACTION")
        self._current, self._wrote, self._savepoints = read_only, False, []

    def _end(self, how: str) -> None:
        open_, self.state = self.state is not State.IDLE, State.IDLE
        self._savepoints, self._wrote, self._current = [], False, self.read_only
        if open_:
            try:
                self._execute(how)
            except Exception:
                if how == "COMMIT":
                    self._abandon()
                raise

    def _abandon(self) -> None:
        """A COMMIT that failed leaves none open, or one that is to go."""
        try:
            self._execute("ROLLBACK")
        except Exception as error:
            if type(error).__name__ != "TransactionException":
                raise
