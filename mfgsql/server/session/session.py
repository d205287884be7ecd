"""The dialogue with one client who is known: messages in, answers out, until one of both leaves.

After an error the messages of the extended protocol are passed over until Sync, as PostgreSQL does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from mfgsql.errors import CancelledError
from mfgsql.server import sqlstates
from mfgsql.server.errors import Disconnected, Woken
from mfgsql.server.protocol import backend, frontend
from mfgsql.server.protocol.stream import Stream
from mfgsql.server.session.activity import Activity
from mfgsql.server.session.copying import copy_in, copy_out
from mfgsql.server.session.executor import Executor
from mfgsql.server.session.meter import Meter
from mfgsql.server.session.outcome import Outcome
from mfgsql.server.session.prepared import Names, Portal
from mfgsql.server.session.sending import each, fields_of, send
from mfgsql.wire.errors import WireError
from mfgsql.wire.rows import Columns
from mfgsql.wire.types.parameters import decode

log = logging.getLogger("mfgsql.server")


class Session:
    """One client.

    Args:
        ending: why the session is to end, or None; another thread says so and stops the reading.
    """

    def __init__(
        self,
        stream: Stream,
        executor: Executor,
        activity: Activity,
        meter: Meter,
        ending: Callable[[], WireError | None],
    ) -> None:
        self._stream, self._executor, self._activity = stream, executor, activity
        self._meter, self._ending = meter, ending
        self._skipping = False  # until Sync

    def run(self) -> None:
        """Talk until the client leaves, or is asked to."""
        self._ready()
        while True:
            try:
                message = self._stream.message()
            except Woken:
                if why := self._ending():
                    raise why from None
                continue
            except WireError as error:
                if error.fatal:
                    raise
                self._failed(error, None)
                continue
            if isinstance(message, frontend.Terminate):
                return
            self._take(message)
            if (why := self._ending()) and not self._executor.transaction.is_open:
                raise why

    def _take(self, message: frontend.Message) -> None:
        self._activity.begin()
        try:
            if isinstance(message, frontend.Sync):
                self._sync()
            elif self._skipping:
                return
            elif isinstance(message, frontend.Query):
                self._query(message.sql)
            else:
                self._extended(message)
        finally:
            self._meter.took(time.monotonic() - self._activity.since)
            self._activity.end(in_transaction=self._executor.transaction.is_open)

    # -- the simple protocol ----------------------------------------------------------------------------------------

    def _query(self, sql: str) -> None:
        """A text of statements; those that are not in a transaction share one of their own."""
        self._executor.names.close("")
        self._executor.names.prepared.pop("", None)
        current = sql
        try:
            statements = self._executor.split(sql)
            for current in statements:
                self._run_simple(current)
            current = sql
            self._leave()
            if not statements:
                self._stream.write(backend.empty_query())
        except Exception as error:  # noqa: BLE001  (the border: whatever it is, the client is told)
            self._failed(error, current, skip=False)
        self._ready()

    def _run_simple(self, sql: str) -> None:
        prepared = self._executor.prepare(sql)
        if prepared.is_empty:
            return
        if prepared.numbers:
            raise WireError("42P02", f"there is no parameter ${prepared.numbers[0]}")
        outcome = self._executor.run(prepared, {})
        if outcome.copy is not None:
            self._copy(outcome)
            return
        if outcome.rows is not None:
            self._stream.write(backend.row_description(fields_of(outcome.rows.columns, [])))
        self._finish(outcome, [], None)

    # -- the extended protocol --------------------------------------------------------------------------------------

    def _extended(self, message: frontend.Message) -> None:
        try:
            if isinstance(message, frontend.Parse):
                self._parse(message)
            elif isinstance(message, frontend.Bind):
                self._bind(message)
            elif isinstance(message, frontend.Describe):
                self._describe(message)
            elif isinstance(message, frontend.Execute):
                self._execute(message)
            elif isinstance(message, frontend.Close):
                self._close(message)
            elif isinstance(message, frontend.Flush):
                self._stream.flush()
            elif isinstance(message, frontend.Password):
                raise WireError("08P01", "Nobody has asked for a password.", fatal=True)
            # A COPY that has failed may still send: its data is passed over.
        except Exception as error:  # noqa: BLE001  (the border)
            self._failed(error, _sql_of(message, self._executor.names))

    def _parse(self, message: frontend.Parse) -> None:
        statements = self._executor.split(message.sql)
        if len(statements) > 1:
            raise WireError("42601", "cannot insert multiple commands into a prepared statement")
        prepared = self._executor.prepare(statements[0] if statements else "", message.types)
        self._executor.names.keep(message.name, prepared)
        self._stream.write(backend.parse_complete())

    def _bind(self, message: frontend.Bind) -> None:
        prepared = self._executor.names.statement(message.statement)
        if len(message.values) != len(prepared.oids):
            words = f"bind message supplies {len(message.values)} parameters"
            raise WireError("08P01", f"{words}, but the statement requires {len(prepared.oids)}")
        formats = each(message.formats, len(message.values))
        values = {
            str(i): decode(value, oid, form)
            for i, (value, oid, form) in enumerate(zip(message.values, prepared.oids, formats, strict=True), 1)
        }
        self._executor.names.open(message.portal, Portal(prepared, values, message.results))
        self._stream.write(backend.bind_complete())

    def _describe(self, message: frontend.Describe) -> None:
        if message.kind == "S":
            prepared = self._executor.names.statement(message.name)
            self._stream.write(backend.parameter_description(prepared.oids))
            self._columns(self._executor.columns(prepared), [])
            return
        portal = self._executor.names.portal(message.name)
        following = self._stream.waiting()
        runs = isinstance(following, frontend.Execute) and following.portal == message.name
        if runs and not portal.prepared.is_empty:
            self._start(portal)  # it runs anyway, and then knows its columns
        if portal.outcome is not None:
            rows = portal.outcome.rows if portal.outcome.copy is None else None
            self._columns(rows.columns if rows else None, portal.formats)
        else:
            self._columns(self._executor.columns(portal.prepared), portal.formats)

    def _columns(self, columns: Columns | None, formats: Sequence[int]) -> None:
        self._stream.write(
            backend.no_data() if columns is None else backend.row_description(fields_of(columns, formats))
        )

    def _start(self, portal: Portal) -> None:
        if portal.outcome is None:
            portal.outcome = self._executor.run(portal.prepared, portal.values)

    def _execute(self, message: frontend.Execute) -> None:
        portal = self._executor.names.portal(message.portal)
        if portal.prepared.is_empty:
            self._stream.write(backend.empty_query())
            return
        if portal.ended:
            raise WireError("55000", f'portal "{message.portal}" cannot be run')
        if portal.outcome is not None and portal.outcome.rows is not None:
            self._executor.transaction.check()
        self._start(portal)
        assert portal.outcome is not None
        portal.ended = portal.outcome.rows is None or portal.outcome.copy is not None
        if portal.outcome.copy is not None:
            self._copy(portal.outcome)
            return
        self._finish(portal.outcome, portal.formats, message.rows or None)

    def _close(self, message: frontend.Close) -> None:
        if message.kind == "S":
            self._executor.names.prepared.pop(message.name, None)
        else:
            self._executor.names.close(message.name)
        self._stream.write(backend.close_complete())

    def _sync(self) -> None:
        self._skipping = False
        try:
            self._leave()
        except Exception as error:  # noqa: BLE001  (the border: a commit may fail)
            self._failed(error, None, skip=False)
        self._ready()

    # -- both -------------------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        """What belongs together is done: outside a transaction of the client's, portals go, and all is committed."""
        transaction, names = self._executor.transaction, self._executor.names
        if not transaction.is_open:
            names.before_commit()
            self._executor.database.free()
            transaction.leave()
            names.end_of_transaction(committed=True)

    def _finish(self, outcome: Outcome, formats: Sequence[int], most: int | None) -> None:
        """Send the rows, and how it ended."""
        for sqlstate, words in outcome.notices:
            self._stream.write(backend.notice("WARNING", sqlstate, words))
        count = 0
        if outcome.rows is not None:
            before = outcome.rows.taken
            send(self._stream, outcome.rows, formats, most, self._executor.settings["timezone"])
            count = outcome.rows.taken - before
            self._meter.rows(count)
            if most is not None and not outcome.rows.ended:
                self._stream.write(backend.portal_suspended())
                return
        self._complete(outcome, count)

    def _complete(self, outcome: Outcome, count: int) -> None:
        tag = outcome.tag.format(n=count)
        self._stream.write(backend.command_complete(tag))
        self._meter.statement(tag)

    def _copy(self, outcome: Outcome) -> None:
        assert outcome.copy is not None
        if outcome.copy.into:
            count = copy_in(self._stream, outcome.copy, self._executor.database)
        else:
            assert outcome.rows is not None
            count = copy_out(self._stream, outcome.copy, outcome.rows, self._executor.settings["timezone"])
            self._meter.rows(count)
        self._complete(outcome, count)

    def _failed(self, error: Exception, sql: str | None, *, skip: bool = True) -> None:
        """Tell of an error; the transaction has failed."""
        if isinstance(error, Disconnected):
            raise error
        self._skipping = skip
        transaction, database = self._executor.transaction, self._executor.database
        if transaction.is_open:
            with suppress(CancelledError):  # the rows are broken then, as their reader is told; this error is told now
                database.free()  # cursors may outlive it, by a savepoint
        else:
            database.forget()
        transaction.fail()
        if not transaction.is_open:
            self._executor.names.end_of_transaction(committed=False)
        self._tell(error, sql)
        if isinstance(error, WireError) and error.fatal:
            raise error

    def _tell(self, error: Exception, sql: str | None = None) -> None:
        told = sqlstates.report(error, sql)
        message = (
            self._activity.reason if told.sqlstate == "57014" and not isinstance(error, WireError) else told.message
        )
        self._meter.error(told.sqlstate)
        if told.sqlstate == sqlstates.UNFORESEEN:
            log.error("nobody thought of this error of %s", self._activity.user, exc_info=error)
        more = {"hint": told.hint, "routine": told.routine}
        self._stream.write(backend.error(told.severity, told.sqlstate, message, position=told.position, **more))

    def _ready(self) -> None:
        self._stream.write(backend.ready(self._executor.transaction.status))
        self._stream.flush()


def _sql_of(message: frontend.Message, names: Names) -> str | None:
    """The statement that a message is about, for an error's position."""
    if isinstance(message, frontend.Parse):
        return message.sql
    if isinstance(message, frontend.Execute):
        return names.sql("P", message.portal)
    return names.sql(message.kind, message.name) if isinstance(message, frontend.Describe) else None
