"""A session: DuckDB with the verbs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb

from mfgsql.cancellation import Cancellation
from mfgsql.engine.access import Identity
from mfgsql.engine.engine import Engine, caller
from mfgsql.engine.quoting import call, render
from mfgsql.engine.shorthands import Shorthands
from mfgsql.engine.streaming import raised_in_stream
from mfgsql.engine.waiting import listening
from mfgsql.errors import ClosedError, MfgsqlError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from mfgsql.engine.intake import Loaded, LoadOptions


class Session(Shorthands):
    """A connection of DuckDB whose ``ml_*`` verbs work; ``execute`` and the fetches are DuckDB's own.

    Errors of mfgsql are raised as `MfgsqlError`, those of plain SQL as ``duckdb.Error``.
    """

    def __init__(
        self, engine: Engine, con: duckdb.DuckDBPyConnection, *, owns_engine: bool = False, owns_con: bool = True
    ) -> None:
        self.engine, self._con, self._owns_engine = engine, con, owns_engine
        self.id = uuid.uuid4().hex
        self.identity: Identity | None = None  # of whom a server works for; None is embedded use
        self.cancellation = Cancellation()
        self._owns_con = owns_con
        if owns_con:  # a name in SQL must never mean a Python variable of this package
            con.execute("SET python_enable_replacements = false")
        self._closed = False
        engine.sessions[self.id] = self

    # -- DuckDB's way -----------------------------------------------------------------------------------------------

    def execute(self, sql: str, parameters: Any = None) -> Self:
        """Run SQL; fetch from the session itself."""
        with self._guard(sql):
            self.cancellation.clear()
            self._con.execute(sql, parameters)
        return self

    def sql(self, sql: str, parameters: Any = None) -> pa.Table:
        """Run SQL once; its rows as an Arrow table."""
        return self.execute(sql, parameters).arrow()

    def fetchall(self) -> list[Any]:
        """All rows as tuples."""
        with self._guard():
            return self._con.fetchall()

    def fetchone(self) -> Any:
        """The next row, or None."""
        with self._guard():
            return self._con.fetchone()

    def df(self) -> pd.DataFrame:
        """The rows as a pandas frame (pandas must be installed)."""
        with self._guard():
            return self._con.df()

    def pl(self) -> pl.DataFrame:
        """The rows as a polars frame."""
        with self._guard():
            return self._con.pl()

    def arrow(self) -> pa.Table:
        """The rows as an Arrow table."""
        with self._guard():
            return self._con.to_arrow_table()

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow batches of so many, made while they are taken. None may be left when the session executes
        another statement: DuckDB then drops them without a word.
        """
        with self._guard():
            reader = self._con.to_arrow_reader(rows)
        while True:
            with self._guard():
                self.cancellation.check()
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
                except OSError as error:  # through Arrow, DuckDB's errors come as text
                    raise raised_in_stream(error) from None
            yield batch

    @property
    def description(self) -> list[Any] | None:
        """Names and types of the last result's columns."""
        return self._con.description

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection below."""
        return self._con

    def cursor(self) -> Session:
        """Another session on the same database, for another thread."""
        self.engine.check_open()
        session = Session(self.engine, self._con.cursor())
        session.identity = self.identity
        return session

    @property
    def ibis(self) -> Any:
        """The ibis backend over this connection."""
        import ibis

        return ibis.duckdb.from_connection(self._con)

    # -- the verbs --------------------------------------------------------------------------------------------------

    def verb(self, name: str, /, *args: Any, **named: Any) -> dict[str, Any] | list[dict[str, Any]]:
        """Execute a verb once, as ``s.verb('finetune', 'm', 't', target='y')``; its rows as dictionaries.

        A verb that returns one row gives it alone.
        """
        rows: list[dict[str, Any]] = self.sql(call(name, args, named)).to_pylist()
        return rows[0] if len(rows) == 1 else rows

    def table(self, name: str, /, *args: Any, **named: Any) -> Any:
        """A predict-like verb as a lazy ibis table, as ``s.table('predict', 'm', 't')``."""
        with self._guard():
            return self.ibis.sql(call(name, args, named))

    def report(self, model: str) -> str:
        """``SELECT ml_report(...)``: one HTML page."""
        return str(self.execute(f"SELECT ml_report({render(model)})").fetchone()[0])

    # -- the end ----------------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Stop what this session runs: a query, a scoring, a training."""
        self.cancellation.set()
        if not self._closed:
            with suppress(duckdb.ConnectionException):  # whoever owns the connection has closed it
                self._con.interrupt()

    def release(self) -> None:
        """Close the connection below, unless somebody else owns it."""
        self._closed = True
        if self._owns_con:
            self._con.close()

    def load(self, files: Sequence[str], table: str, options: LoadOptions | None = None) -> Loaded:
        """Load files (globs allowed) into a table, all or nothing; see `mfgsql.engine.intake.load`."""
        from mfgsql.engine.intake import LoadOptions, load

        with self._guard():
            self.cancellation.clear()
            return load(self._con, files, table, options or LoadOptions(), self.cancellation.check)

    def close(self) -> None:
        """Close the session; the one that opened the database closes it."""
        if self._closed:
            return
        if self._owns_engine:
            self.engine.close()
        else:
            self.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def _guard(self, statement: str = "") -> Iterator[None]:
        if self._closed:
            raise ClosedError("The session is closed.")
        token = caller.set(self)
        try:
            with self.engine.entered(), listening(self.interrupt):
                yield
        except duckdb.Error as error:
            translated = self.engine.translate(error, statement)
            raise translated from (None if isinstance(translated, MfgsqlError) else error)
        finally:
            caller.reset(token)
