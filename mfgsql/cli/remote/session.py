"""A session on a server, which commands use as they use `mfgsql.Session`.

Ctrl-C asks the server to cancel, and waits for its answer; the second one does not wait. psycopg sees to both.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.pq import TransactionStatus

from mfgsql.cli.remote.errors import RemoteError, told
from mfgsql.cli.remote.values import as_duckdb, leave_alone
from mfgsql.engine.lexing import tokens
from mfgsql.engine.quoting import render
from mfgsql.wire.placeholders import replaced
from mfgsql.wire.types.parameters import duckdb_type_of

if TYPE_CHECKING:
    from pathlib import Path

    from mfgsql.engine.intake import Loaded, LoadOptions

_QUERIES = ("select", "from", "with", "values", "pivot", "unpivot", "(")
_CHUNK = 1000 if psycopg.capabilities.has_stream_chunked() else 1  # rows that are held at a time
Columns = list[tuple[str, str]]
Row = tuple[Any, ...]


class Remote:
    """A server's session. It has one statement at a time, whose rows come as they are fetched.

    Errors are raised as `RemoteError`.

    Args:
        url: without a password, to be shown.
    """

    def __init__(self, connection: psycopg.Connection[Any], url: str) -> None:
        self.connection, self.url = connection, url
        self.description: Columns | None = None  # names and DuckDB's types; None: the statement returned no rows
        self._rows: Iterator[Row] = iter(())
        self._stream: Generator[Row] | None = None  # under way
        leave_alone(connection)

    def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> Self:
        """Run a statement; fetch from the session itself. After one that returns none, the row is how many it changed.

        Args:
            parameters: for ``$1``, ``$2``.
        """
        if parameters:
            sql = replaced(sql, lambda number: render(parameters[int(number) - 1]))
        self._end()
        self.description = self._described(sql)
        rows = self._streamed(sql) if self.description else self._whole(sql)
        self._rows = as_duckdb(rows, [kind for _, kind in self.description]) if self.description else rows
        return self

    def _described(self, sql: str) -> Columns | None:
        """What a query will return, in DuckDB's types, not all of which the wire has.

        None of another statement; of one that is wrong, which says so when it runs; and inside of a transaction, which
        an error here would end.
        """
        words = tokens(sql)[:1]
        idle = self.connection.info.transaction_status == TransactionStatus.IDLE
        if not idle or not words or words[0].word not in _QUERIES:
            return None
        try:
            return self.columns(sql)
        except RemoteError:
            return None

    def columns(self, relation: str) -> Columns:
        """Names and DuckDB's types of a query, which does not run, or of a table."""
        with told(), self.connection.cursor() as cursor:
            return [(name, kind) for name, kind, *_ in cursor.execute(f"DESCRIBE {relation}".encode())]

    def _streamed(self, sql: str) -> Iterator[Row]:
        """The rows of a query as they come. The first ones at once: a statement runs where it is executed."""
        self._stream = self._fetched(sql)
        return itertools.chain(list(itertools.islice(self._stream, 1)), self._stream)

    def _fetched(self, sql: str) -> Generator[Row]:
        with told(), self.connection.cursor() as cursor:
            yield from cursor.stream(sql.encode(), size=_CHUNK)

    def _whole(self, sql: str) -> Iterator[Row]:
        """All rows of a statement that is no plain query, such as SHOW; or how many it changed."""
        with told(), self.connection.cursor() as cursor:
            cursor.execute(sql.encode())
            if cursor.description is None:
                return iter([(cursor.rowcount,)] if cursor.rowcount >= 0 else [])
            self.description = [(c.name, duckdb_type_of(c.type_code) or "VARCHAR") for c in cursor.description]
            return iter(cursor.fetchall())

    def _end(self) -> None:
        """Rows that are left of an earlier statement are not wanted any more."""
        if self._stream is not None:
            self._stream.close()
        self._stream, self._rows = None, iter(())

    def fetchone(self) -> Any:
        """The next row, or None."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return list(self._rows)

    def report(self, model: str) -> str:
        """One HTML page about a model."""
        return str(self.execute(f"SELECT ml_report({render(model)})").fetchone()[0])

    def load(self, files: Sequence[str], table: str, options: LoadOptions) -> Loaded:
        """Load files of this machine into a table of the server's, all or nothing; see `mfgsql.engine.intake.load`."""
        from mfgsql.cli.remote.moving import load

        return load(self, files, table, options)

    def write(self, query: str, path: Path, how: str) -> int:
        """Write the rows of a query to a file of this machine; how many they were.

        Args:
            how: the options of DuckDB's COPY TO.
        """
        from mfgsql.cli.remote.moving import write

        return write(self, query, path, how)

    @contextmanager
    def copying(self, statement: str) -> Iterator[psycopg.Copy]:
        """COPY from or to this side."""
        self._end()
        with told(), self.connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            yield copy

    def close(self) -> None:
        """Leave the server."""
        self._end()
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
