"""Statements, understood and run: those about the session here, all others by DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from mfgsql.engine.access import Identity, Role, check_statements
from mfgsql.engine.lexing import split
from mfgsql.errors import AccessError
from mfgsql.server.catalog import rewrite
from mfgsql.server.catalog.wire import wire_type
from mfgsql.server.session.answers import Answers
from mfgsql.server.session.command import Copy, Declare, Fetch
from mfgsql.server.session.inference import infer
from mfgsql.server.session.outcome import Outcome, changed, tag_of
from mfgsql.server.session.personal import personal
from mfgsql.server.session.prepared import Names, Portal, Prepared
from mfgsql.server.session.reading import read_command
from mfgsql.server.session.returning import returned_by
from mfgsql.server.session.settings import VERSION, Change, Settings
from mfgsql.server.session.spelling import spelled
from mfgsql.server.session.templates import templated
from mfgsql.server.session.transaction import Transaction
from mfgsql.wire.database import Database
from mfgsql.wire.errors import WireError
from mfgsql.wire.placeholders import casting, catalog_casts, parameters
from mfgsql.wire.rows import Columns
from mfgsql.wire.types.parameters import duckdb_type_of
from mfgsql.wire.types.pg import pg_type

UNKNOWN = (0, 705)  # oids of a type that the server is to find
_TEXT = 25
Signals = Callable[[Identity, int, bool], bool]  # who asks, a session's number, whether to end it; whether it was done
_LONGEST = {Role.READER: 1 << 20, Role.ANALYST: 16 << 20, Role.ADMIN: 16 << 20}  # characters of a text
_ALONE = ("VACUUM", "CALL")  # they run outside of transactions


class Executor:
    """One session's statements.

    Args:
        identity: who asks.
        tell: called with each setting that changed.
        signals: what stops other sessions; process: this one's number among them.
    """

    def __init__(
        self,
        database: Database,
        identity: Identity,
        settings: Settings,
        transaction: Transaction,
        tell: Callable[[Change], None],
        signals: Signals,
        process: int,
    ) -> None:
        self.database, self.identity = database, identity
        self._own: dict[str, str | int] = {"pg_backend_pid": process, "version": VERSION}
        self.settings, self.transaction = settings, transaction
        self.names = Names()
        self.answers = Answers(database, settings, transaction, self.names, tell, partial(signals, identity))

    def split(self, sql: str) -> list[str]:
        """The statements of a text.

        Raises:
            WireError: it is too long: what takes long to read can't be stopped meanwhile (54000).
        """
        most = _LONGEST[self.identity.role]
        if len(sql) > most:
            raise WireError("54000", f"A statement of {len(sql):,} characters; {most:,} are allowed.", remedy="COPY")
        return split(sql)

    def prepare(self, sql: str, oids: Sequence[int] = ()) -> Prepared:
        """Understand one statement.

        Raises:
            AccessError: the client may not do that. duckdb.Error: DuckDB's parser refuses it.
        """
        command = read_command(sql, self.settings.__contains__)
        if command is not None:
            if isinstance(command, Declare):
                return self._declared(sql, command)
            return Prepared(sql, command=command)
        known = templated(spelled(personal(sql, self.identity.name, self._own)))
        rewritten = rewrite(known, self.identity.name, self.settings.told())
        statements = check_statements(self.database.session.con, rewritten or known, self.identity)
        if not statements:
            return Prepared(sql)
        (statement,) = statements
        prepared = Prepared(
            sql,
            statement.text,  # as it was judged
            kind=statement.kind,
            returns_rows=statement.returns_rows,
            reads_only=statement.reads_only,
            numbers=parameters(statement.text),
            about_catalog=rewritten is not None,
        )
        return self._typed(prepared, oids)

    def _declared(self, sql: str, command: Declare) -> Prepared:
        inner = self.prepare(command.query)
        if inner.command is not None or not inner.returns_rows:
            raise WireError("42601", "A cursor is over a query.")
        return replace(inner, sql=sql, command=command, kind="", returns_rows=False)

    def _typed(self, prepared: Prepared, oids: Sequence[int]) -> Prepared:
        """The parameters' types: the client's, else found, else text."""
        told = {
            n: oids[int(n) - 1] for n in prepared.numbers if int(n) <= len(oids) and oids[int(n) - 1] not in UNKNOWN
        }
        if prepared.about_catalog:
            told = catalog_casts(prepared.sql) | told
        unknown = [n for n in prepared.numbers if n not in told]
        found: dict[str, str] = {}
        if unknown:
            self.transaction.enter()
            found = infer(prepared.text, unknown, self.database.types)
        types = {n: found.get(n) or duckdb_type_of(told.get(n, _TEXT)) or "VARCHAR" for n in prepared.numbers}
        most = max([len(oids), *map(int, prepared.numbers)])
        by_number = {int(n): told.get(n) or pg_type(types[n]).oid for n in prepared.numbers}
        prepared.oids = [
            by_number.get(i) or (oids[i - 1] if i <= len(oids) else 0) or _TEXT for i in range(1, most + 1)
        ]
        prepared.types = types
        return prepared

    def columns(self, prepared: Prepared) -> Columns | None:
        """What a statement returns, without running it; None: no rows."""
        if prepared.command is not None:
            return self.answers.columns(prepared.command)
        if not prepared.returns_rows:
            return None
        if prepared.columns is None:
            self.transaction.enter()
            columns = self.database.describe(returned_by(prepared.text) or prepared.text, prepared.types)
            prepared.columns = _of_catalog(columns) if prepared.about_catalog else columns
        return prepared.columns

    def run(self, prepared: Prepared, values: Mapping[str, Any]) -> Outcome:
        """Run it; its rows wait to be taken."""
        command = prepared.command
        if isinstance(command, Declare):
            return self._declare(command, prepared, values)
        if isinstance(command, Copy):
            return self._copy(command)
        if command is not None:
            if isinstance(command, Fetch):
                self._begin(self.names.portal(command.name))
            return self.answers.answer(command)
        if prepared.kind in _ALONE and not self.transaction.is_open:
            self.transaction.leave()
        else:
            self.transaction.enter()
        if not prepared.reads_only:
            self._check_path()
            self.transaction.wrote()
        given = {n: values[n] for n in prepared.numbers}
        rows = self.database.execute(casting(prepared.text, prepared.types, given), given)
        if prepared.about_catalog:
            rows.columns = _of_catalog(rows.columns)
        if prepared.columns is not None and _oids(prepared.columns) != _oids(rows.columns):
            prepared.columns = None  # drivers know these words, and prepare anew
            words = "cached plan must not change result type"
            raise WireError("0A000", words, routine="RevalidateCachedQuery")
        if prepared.returns_rows:
            return Outcome(tag_of(prepared.kind, prepared.sql), rows)
        return changed(prepared.kind, prepared.sql, rows)

    def _check_path(self) -> None:
        """A change must name what it changes in schema ml, so that who judges statements can see that."""
        if any(name.lower() == "ml" for name in self.settings.schemas()):
            raise AccessError("With ml on the search path one can only read.", remedy="RESET search_path;")

    def _declare(self, command: Declare, prepared: Prepared, values: Mapping[str, Any]) -> Outcome:
        if not self.transaction.is_open and not command.hold:
            raise WireError(
                "25P01", "DECLARE CURSOR can only be used in transaction blocks", remedy="BEGIN, or WITH HOLD."
            )
        self.transaction.enter()
        inner = replace(prepared, sql=command.query, command=None, kind="SELECT", returns_rows=True)
        portal = Portal(inner, values, hold=command.hold)
        portal.outcome = self.run(inner, values)
        self.names.open(command.name, portal)
        return Outcome("DECLARE CURSOR")

    def _begin(self, portal: Portal) -> None:
        """A cursor may be a portal that was bound, and has not run yet."""
        self.transaction.enter()
        if portal.outcome is None:
            portal.outcome = self.run(portal.prepared, portal.values)

    def _copy(self, command: Copy) -> Outcome:
        """Rows that go out, or the table that they come into; the data itself is the session's."""
        if command.into:
            self._check_path()
            columns = f" ({', '.join(command.columns)})" if command.columns else ""
            check_statements(
                self.database.session.con, f"INSERT INTO {command.table}{columns} VALUES (NULL)", self.identity
            )
            self.transaction.enter()
            self.transaction.wrote()
            return Outcome("COPY {n}", copy=command)
        query = command.query or f"SELECT {', '.join(command.columns) or '*'} FROM {command.table}"
        inner = self.prepare(query)
        if inner.command is not None or not inner.returns_rows:
            raise WireError("42601", "COPY goes out of a table or a query.")
        outcome = self.run(inner, {})
        return Outcome("COPY {n}", outcome.rows, copy=command)


def _oids(columns: Columns) -> list[int]:
    return [pg_type(kind).oid for _, kind in columns]


def _of_catalog(columns: Columns) -> Columns:
    """In answers about the catalog an oid is known by its type in DuckDB, which nothing else there has."""
    return [(name, wire_type(kind)) for name, kind in columns]
