"""One connection: its thread, from the first byte to the last."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mfgsql.engine.access import Role
from mfgsql.engine.session import Session as Opened
from mfgsql.engine.users import User
from mfgsql.server import sqlstates
from mfgsql.server.errors import Disconnected
from mfgsql.server.gate import PATIENCE, Guest, address_of
from mfgsql.server.protocol import backend, frontend
from mfgsql.server.protocol.stream import Stream
from mfgsql.server.session.activity import Activity
from mfgsql.server.session.executor import Executor
from mfgsql.server.session.session import Session
from mfgsql.server.session.settings import REPORTED, Change, Settings
from mfgsql.server.session.transaction import Transaction
from mfgsql.wire.database import Database
from mfgsql.wire.errors import WireError

if TYPE_CHECKING:
    from mfgsql.server.server import Server

log = logging.getLogger("mfgsql.server")


class Connection:
    """One client's connection.

    Attributes:
        ending: why it is to end; set by the server, read by the session. user: who logged in, as they were then.
    """

    def __init__(self, server: Server, connected: socket.socket, process: int, secret: int) -> None:
        self._server = server
        self.address = address_of(connected)
        self.stream = Stream(connected)
        self.stream.patience(PATIENCE)
        self.activity = Activity(process, secret)
        self.ending: WireError | None = None
        self.settings: Settings | None = None
        self.user: User | None = None

    def serve(self) -> None:
        """Serve it to its end. The thread's whole work: nothing may leave it but by here."""
        try:
            first = self._server.gate.begin(self.stream)
            if isinstance(first, frontend.CancelRequest):
                self._server.cancel(first.process, first.secret)
                return
            self._welcome(first)
        except Disconnected:
            return
        except WireError as error:
            self._last_word(error)
        except Exception as error:
            log.exception("a connection from %s failed", self.address or "this machine")
            self._last_word(error)
        finally:
            self.stream.close()
            self._server.left(self)

    def _welcome(self, startup: frontend.Startup) -> None:
        name = startup.parameters.get("user", "")
        try:
            guest = self._server.gate.admit(self.stream, startup, self.address)
        except WireError as error:
            self._server.metrics.logins.labels("failed").inc()
            log.warning("login of %r from %s failed: %s", name, self.address or "this machine", error.message)
            raise
        self.activity.user, self.user = guest.identity.name, guest.user
        self._server.entered(self, reserved=guest.identity.role is Role.ADMIN)
        self._server.metrics.logins.labels("ok").inc()
        log.info("%s (%s) from %s", guest.identity.name, guest.identity.role.value, self.address or "this machine")
        self._talk(guest)

    def _talk(self, guest: Guest) -> None:
        opened = self._server.session.cursor()
        opened.identity = guest.identity
        database = Database(opened)
        try:
            self.activity.interrupt = partial(self._interrupt, opened)
            settings = Settings(self._server.defaults(guest.identity))
            self.settings = settings
            transaction = Transaction(self._unbroken(database), read_only=guest.identity.role is Role.READER)
            executor = Executor(
                database,
                guest.identity,
                settings,
                transaction,
                self._tell,
                self._server.signal,
                self.activity.process,
            )
            for setting, value in guest.parameters.items():
                if not setting.startswith("_pq_."):
                    executor.answers.set(setting, value)
            for name, known in REPORTED.items():
                self._tell(Change(known, settings[name]))
            self.stream.write(backend.backend_key(self.activity.process, self.activity.secret))
            self.stream.patience(None)
            Session(self.stream, executor, self.activity, self._server.metrics, lambda: self.ending).run()
        finally:
            self.activity.interrupt = None
            self._server.metrics.bytes.inc(self.stream.sent)
            database.close()

    def _unbroken(self, database: Database) -> Callable[[str], None]:
        def run(sql: str) -> None:
            with self.activity.unbroken():
                database.run(sql)

        return run

    def _interrupt(self, opened: Opened) -> None:
        """Stop what the database does for it, or its waiting for a COPY's data."""
        opened.interrupt()
        self.stream.wake()

    def _tell(self, change: Change) -> None:
        self.stream.write(backend.parameter_status(change.name, change.value))

    def _last_word(self, error: Exception) -> None:
        told = sqlstates.report(error)
        if not isinstance(error, WireError) or error is not self.ending or not error.fatal:
            self._server.metrics.error(told.sqlstate)
        try:
            self.stream.write(backend.error("FATAL", told.sqlstate, told.message, hint=told.hint))
            self.stream.flush()
        except Disconnected:
            return

    # -- by the server's watch, from another thread -----------------------------------------------------------------

    def watch(
        self, idle_timeout: float | None, transaction_timeout: float | None, statement_timeout: float | None
    ) -> None:
        """Stop what takes longer than it may."""
        settings, activity = self.settings, self.activity
        busy, in_transaction, passed = activity.state()
        if settings is None and passed > PATIENCE:  # a byte now and then keeps nobody in the door
            self.stream.stop()
        if settings is None or self.ending is not None:
            return
        activity.remind()
        if busy:
            allowed = min(filter(None, (settings.seconds("statement_timeout"), statement_timeout)), default=None)
            if allowed and passed > allowed:
                activity.cancel("canceling statement due to statement timeout")
                if self.stream.sending and passed > allowed + PATIENCE:  # it does not take its rows either
                    self.stream.stop()
        elif in_transaction:
            allowed = settings.seconds("idle_in_transaction_session_timeout") or transaction_timeout
            if allowed and passed > allowed:
                self.end(WireError("25P03", "terminating connection due to idle-in-transaction timeout", fatal=True))
        elif idle_timeout and passed > idle_timeout:
            self.end(WireError("57P05", "terminating connection due to idle-session timeout", fatal=True))

    def end(self, why: WireError) -> None:
        """Let it end: at once where it waits for the client, else after its statement."""
        self.ending = why
        self.stream.wake()
