"""Files on this side, tables on the server's: between them lies a database in memory, which reads and writes files
as it does for a database of one's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from mfgsql.cli.remote.errors import told
from mfgsql.engine import Session, connect
from mfgsql.engine.intake import Loaded, LoadOptions
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.errors import OptionError
from mfgsql.wire.database import Database
from mfgsql.wire.types.copying import CopyDecoder, CopyEncoder, CopyLayout
from mfgsql.wire.types.duck import DuckType, read_type
from mfgsql.wire.types.pg import JSON, pg_of

if TYPE_CHECKING:
    from mfgsql.cli.remote.session import Columns, Remote

_BINARY = "(FORMAT binary)"
_COLUMNS = """
SELECT column_name, data_type FROM duckdb_columns()
WHERE database_name = current_database() AND lower(table_name) = lower($1) AND lower(schema_name) = lower($2)
ORDER BY column_index
"""
_PART = 2**20  # bytes


def load(remote: Remote, files: Sequence[str], table: str, options: LoadOptions) -> Loaded:
    """Load files into a table of the server's, in one transaction; see `mfgsql.engine.intake.load`."""
    target = ".".join(quote_identifier(part) for part in table.split("."))
    with connect(":memory:", progress="off") as bench:
        there = _copied_empty(remote, bench, table, target)
        loaded = bench.load(files, table, options)
        _check_carried(loaded.columns)
        with told(), remote.connection.transaction():
            if not (there and options.append):
                make = "CREATE OR REPLACE TABLE" if options.replace else "CREATE TABLE"
                remote.execute(f"{make} {target} ({_written(loaded.columns)})")
            names = ", ".join(quote_identifier(name) for name, _ in loaded.columns)
            with remote.copying(f"COPY {target} ({names}) FROM STDIN {_BINARY}") as copy:
                for data in _stream_of(Database(bench), target):
                    copy.write(data)
    return loaded


def _copied_empty(remote: Remote, bench: Session, table: str, target: str) -> bool:
    """A table of the server's as an empty one of ours, so that files are refused or fitted to it here; whether there
    is one.
    """
    *path, name = table.split(".")
    if len(path) == 2:
        bench.execute(f"ATTACH ':memory:' AS {quote_identifier(path[0])}")
    if path and path[-1] != "main":
        bench.execute(f"CREATE SCHEMA {'.'.join(map(quote_identifier, path))}")
    columns = remote.execute(_COLUMNS, [name, path[-1] if path else "main"]).fetchall()
    if columns:
        bench.execute(f"CREATE TABLE {target} ({_written(columns)})")
    return bool(columns)


def _check_carried(columns: Columns) -> None:
    """Refuse types whose values JSON, as which nested ones travel, does not keep apart."""
    for name, kind in columns:
        duck = read_type(kind)
        if pg_of(duck) is JSON and not _is_carried(duck):
            raise OptionError(
                f"The column {name!r} is a {kind}, whose values can't travel between a file and a server.",
                remedy="Leave it out, or cast it to VARCHAR.",
            )


def _is_carried(duck: DuckType) -> bool:
    flat_keys = duck.name != "MAP" or not duck.children[0].nested
    return duck.name not in ("BLOB", "UNION") and flat_keys and all(map(_is_carried, duck.children))


def _written(columns: Columns) -> str:
    return ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in columns)


def _stream_of(database: Database, table: str) -> Iterator[memoryview]:
    """A table as COPY's binary stream."""
    rows = database.execute(f"FROM {table}")
    names, kinds = zip(*rows.columns, strict=True)
    encoder = CopyEncoder(kinds, names, CopyLayout(form="binary"), messages=False)
    yield memoryview(encoder.start())
    for batch in rows.take():
        yield memoryview(encoder.encode(batch))
    yield memoryview(encoder.finish())


def write(remote: Remote, query: str, path: Path, how: str) -> int:
    """The rows of a query to a file; how many they were."""
    columns = remote.columns(query)
    _check_carried(columns)
    stored = [(f"c{at}", kind) for at, (_, kind) in enumerate(columns)]
    with connect(":memory:", progress="off") as bench:
        zone = remote.connection.info.parameter_status("TimeZone") or "UTC"
        bench.execute(f"SET TimeZone = {quote_literal(zone)}; CREATE TABLE rows ({_written(stored)})")
        database = Database(bench)
        for batch in _batches(remote, query, stored):
            database.insert("rows", (), [kind for _, kind in stored], batch, "__ml_batch")
        named = ", ".join(f"c{at} AS {quote_identifier(name)}" for at, (name, _) in enumerate(columns))
        bench.execute(f"COPY (SELECT {named} FROM rows) TO {quote_literal(str(path))} ({how})")
        return int(bench.fetchone()[0])


def _batches(remote: Remote, query: str, columns: Columns) -> Iterator[pa.RecordBatch]:
    """The rows of a query by COPY, a part at a time."""
    decoder = CopyDecoder([k for _, k in columns], [n for n, _ in columns], CopyLayout(form="binary"))
    part = bytearray()
    with remote.copying(f"COPY (\n{query}\n) TO STDOUT {_BINARY}") as copy:
        for row in copy:  # a message each
            part += row
            if len(part) > _PART:
                yield from decoder.feed(bytes(part))
                part.clear()
        yield from decoder.feed(bytes(part))
        yield from decoder.finish()
