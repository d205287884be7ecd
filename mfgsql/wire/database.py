"""The database as one client's session sees it: statements in, rows out, with one set of rows under way at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from mfgsql.engine.lexing import tokens
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.session import Session
from mfgsql.errors import of_duckdb
from mfgsql.wire.documents import read_document
from mfgsql.wire.errors import WireError
from mfgsql.wire.placeholders import typed_nulls
from mfgsql.wire.rows import VECTOR, Columns, Rows, gathered
from mfgsql.wire.types.pg import carried_as


class Database:
    """DuckDB for one client.

    Args:
        session: of the engine, with the client's identity; closed with this.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._under_way: Rows | None = None

    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> Rows:
        """Run a statement; rows of an earlier one that are left are put aside first."""
        self.free()
        columns = self._begin(sql, values)
        if any(carried_as(kind) for _, kind in columns):
            self._begin(_carried(sql, columns), values)
        rows = Rows(columns, gathered(self.session.batches(VECTOR)))
        self._under_way = rows
        return rows

    def _begin(self, sql: str, values: Mapping[str, Any] | None) -> list[tuple[str, str]]:
        self.session.execute(sql, dict(values) if values else None)
        return [(name, str(kind)) for name, kind, *_ in self.session.description or []]

    def run(self, sql: str) -> None:
        """Run a statement whose rows don't matter."""
        self.free()
        self.session.execute(sql)

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a small query."""
        self.free()
        return list(self.session.execute(sql).fetchall())

    def free(self) -> None:
        """Let DuckDB begin another statement."""
        if self._under_way is not None:
            self._under_way.put_aside()
            self._under_way = None

    def forget(self) -> None:
        """The rows under way are not wanted any more."""
        if self._under_way is not None:
            self._under_way.close()
            self._under_way = None

    def describe(self, sql: str, types: Mapping[str, str]) -> Columns:
        """What a query would return, with parameters of these types; it does not run."""
        rows = self._described_by_reading(sql, types) if types else None
        if rows is None:
            rows = self.fetch(f"DESCRIBE {typed_nulls(sql, types)}")
        return [(row[0], row[1]) for row in rows]

    def _described_by_reading(self, sql: str, types: Mapping[str, str]) -> list[tuple[Any, ...]] | None:
        """DuckDB forgets the type of ``'a' || CAST(NULL AS VARCHAR)``, not of a NULL that it reads. None: that may not
        stand everywhere, as behind IN or in a table function.
        """
        try:
            return self.fetch(f"DESCRIBE {typed_nulls(sql, types, '(SELECT CAST(NULL AS {}))')}")
        except Exception as error:
            if of_duckdb(error):
                return None
            raise

    def types(self, sql: str) -> list[str]:
        """Types of a SELECT's columns."""
        return [kind for _, kind in self.describe(sql, {})]

    def insert(
        self, table: str, columns: Sequence[str], kinds: Sequence[str], batch: pa.RecordBatch, name: str
    ) -> None:
        """Append a batch to a table, each value cast to its column's type, of ``kinds``, by DuckDB."""
        self.free()
        into = f" ({', '.join(columns)})" if columns else ""
        names = [quote_identifier(n) for n in batch.schema.names]
        values = ", ".join(read_document(n, kind) or n for n, kind in zip(names, kinds, strict=True))
        con = self.session.con
        con.register(name, batch)
        try:
            self.session.execute(f"INSERT INTO {table}{into} SELECT {values} FROM {quote_identifier(name)}")
        finally:
            con.unregister(name)

    def search(self, schemas: Sequence[str]) -> None:
        """Where names without a schema are looked for; the verbs stay in reach."""
        path = ",".join(quote_identifier(s) for s in dict.fromkeys([*schemas, "main"]))
        self.run(f"SET search_path = {quote_literal(path)}")

    def forget_temporary(self, *, all_of_it: bool) -> None:
        """Drop temporary tables and views; with all of it what PREPARE and SET VARIABLE have named, too."""
        made = "SELECT 'TABLE', table_name FROM duckdb_tables() WHERE temporary UNION ALL "
        made += "SELECT 'VIEW', view_name FROM duckdb_views() WHERE temporary AND NOT internal"
        for kind, name in self.fetch(made):
            self.run(f"DROP {kind} temp.{quote_identifier(name)}")
        if all_of_it:
            for (name,) in self.fetch("SELECT name FROM duckdb_prepared_statements()"):
                self.run(f"DEALLOCATE {quote_identifier(name)}")
            for (name,) in self.fetch("SELECT name FROM duckdb_variables()"):
                self.run(f"RESET VARIABLE {quote_identifier(name)}")

    def zone(self, name: str) -> None:
        """Where DuckDB's own functions take the session to be."""
        self.run(f"SET TimeZone = {quote_literal(name)}")

    def close(self) -> None:
        """End the session."""
        self.forget()
        self.session.close()


def _carried(sql: str, columns: Columns) -> str:
    """A query whose columns Arrow can carry: some only as text.

    Raises:
        WireError: it is no query, and what it has done can't be asked again (0A000).
    """
    if tokens(sql)[0].word in ("insert", "update", "delete", "merge"):
        name, kind = next((name, kind) for name, kind in columns if carried_as(kind))
        raise WireError(
            "0A000",
            f"RETURNING hands out no {kind}, as '{name}' is.",
            remedy=f"RETURNING CAST({quote_identifier(name)} AS VARCHAR)",
        )
    names = [f"c{i}" for i in range(len(columns))]
    taken = [
        f"CAST({name} AS {carried})" if (carried := carried_as(kind)) else name
        for name, (_, kind) in zip(names, columns, strict=True)
    ]
    return f"SELECT {', '.join(taken)} FROM (\n{sql}\n) AS __carried({', '.join(names)})"
