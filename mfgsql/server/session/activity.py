"""What a session is doing, for those who watch it from other threads: to cancel it, time it out or end it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mfgsql.server.sqlstates import CANCELLED


class Activity:
    """The state of one session.

    Args:
        interrupt: stops what the database does for it.

    Attributes:
        process, secret: the key by which a client cancels. user: who it is; empty until that is known.
    """

    def __init__(self, process: int, secret: int) -> None:
        self.process, self.secret = process, secret
        self.user = ""
        self.interrupt: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self._busy = self._in_transaction = False
        self._since = time.monotonic()
        self._reason: str | None = None
        self._unbroken = False

    def begin(self) -> None:
        """A statement begins."""
        with self._lock:
            self._busy, self._since, self._reason = True, time.monotonic(), None

    def end(self, *, in_transaction: bool = False) -> None:
        """It is done: nothing is left to cancel. The client may have left a transaction open."""
        with self._lock:
            self._busy, self._since, self._in_transaction = False, time.monotonic(), in_transaction

    def state(self) -> tuple[bool, bool, float]:
        """Whether a statement runs, whether a transaction waits for the client, and for how many seconds already; all
        of the same moment: a statement that has just begun is not as old as the silence before it.
        """
        with self._lock:
            return self._busy, self._in_transaction, time.monotonic() - self._since

    @property
    def busy(self) -> bool:
        """Whether a statement runs."""
        return self._busy

    @property
    def since(self) -> float:
        """Since when it is busy or idle, by the monotonic clock."""
        return self._since

    @property
    def reason(self) -> str:
        """Why the statement was stopped, as PostgreSQL words it."""
        return self._reason or CANCELLED

    def cancel(self, reason: str = CANCELLED) -> bool:
        """Stop the statement that runs; whether there was one."""
        with self._lock:
            if not self._busy or self.interrupt is None:
                return False
            self._reason = self._reason or reason
            self._stop()
            return True

    def remind(self) -> None:
        """Stop again what was to stop and has not: DuckDB forgets it where it was between two statements just then."""
        with self._lock:
            if self._busy and self._reason:
                self._stop()

    def _stop(self) -> None:
        if self.interrupt is not None and not self._unbroken:
            self.interrupt()

    @contextmanager
    def unbroken(self) -> Iterator[None]:
        """What runs meanwhile is not stopped, so that a transaction has begun or ended, or has not."""
        with self._lock:
            self._unbroken = True
        try:
            yield
        finally:
            with self._lock:
                self._unbroken = False
