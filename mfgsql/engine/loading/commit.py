"""All rows or none: the one transaction in which a load changes the database."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import duckdb

from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.options import Loaded
from mfgsql.engine.loading.part import Part, fold
from mfgsql.engine.loading.target import Target, existing_columns
from mfgsql.engine.loading.unify import Schema, schema_of, select
from mfgsql.engine.quoting import quote_identifier
from mfgsql.errors import InputError, SourceError


def refuse_open_transaction(con: duckdb.DuckDBPyConnection) -> None:
    """A load commits; inside the caller's own transaction it would commit that, too.

    Raises:
        InputError: a transaction is open on the connection.
    """
    try:
        con.begin()
    except duckdb.TransactionException:
        raise InputError("A transaction is open on this connection.", remedy="COMMIT or ROLLBACK first.") from None
    con.rollback()


def refuse_existing(job: Job, target: Target) -> None:
    """Say before any work that the table is there.

    Raises:
        SourceError: it exists, and neither append nor replace was asked for; or it is a view.
    """
    there = existing_columns(job, target) is not None
    if there and not (job.options.append or job.options.replace):
        raise SourceError(
            f"Table {target} exists already.", remedy="Add --append to add rows to it, or --replace to put new ones in."
        )


def commit(job: Job, target: Target, parts: Sequence[Part]) -> Loaded:
    """Puts the parts' rows into the table.

    Raises:
        SourceError: a column or value does not fit; the table is as it was.
    """
    existing = existing_columns(job, target) if job.options.append else None
    schema = _appended(job, target, parts, existing) if existing else schema_of(job, parts)
    remedy = f"Mend the file, or load it with --replace into a table of its own types ({target} stays as it was)."
    selects = [select(job, part, schema, remedy=remedy if existing else "") for part in parts]
    names = ", ".join(quote_identifier(name) for name, _ in schema)
    with _transaction(job.con):
        if not existing:
            _create(job, target, schema)
        rows = sum(int(job.row(f"INSERT INTO {target.sql} ({names}) {query}")[0]) for query in selects)
    columns = existing_columns(job, target) or []
    return Loaded(str(target), rows, columns, job.notes, job.rejected)


def _create(job: Job, target: Target, schema: Schema) -> None:
    if job.options.replace:
        job.con.execute(f"DROP TABLE IF EXISTS {target.sql}")
    columns = ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in schema)
    job.con.execute(f"CREATE TABLE {target.sql} ({columns})")


def _appended(job: Job, target: Target, parts: Sequence[Part], existing: Schema) -> Schema:
    """The table's own schema, cut to the columns that the files have."""
    known = {fold(name) for name, _ in existing}
    found = schema_of(job, parts) if any(fold(c.name) not in known for p in parts for c in p.columns) else []
    extra = [(name, kind) for name, kind in found if fold(name) not in known]
    if extra:
        listed = ", ".join(f"'{name}'" for name, _ in extra)
        adding = " ".join(
            f"ALTER TABLE {target} ADD COLUMN {quote_identifier(name)} {kind};" for name, kind in extra
        )
        raise SourceError(f"Table {target} has no column {listed}, which the files have.", remedy=f"Add first: {adding}")
    kept = [(name, kind) for name, kind in existing if any(part.find(name) for part in parts)]
    if not kept:
        raise SourceError(f"Table {target} and the files share no column.", remedy="Choose another table.")
    if lacking := [name for name, _ in existing if (name, _) not in kept]:
        job.note(f"no file has the table's column {', '.join(map(repr, lacking))}: NULL (or its default) there")
    _note_lacking(job, parts, kept)
    return kept


def _note_lacking(job: Job, parts: Sequence[Part], kept: Schema) -> None:
    for part in parts:
        if lacking := [name for name, _ in kept if not part.find(name)]:
            job.note(f"no column {', '.join(map(repr, lacking))}: NULL there", part.path)


@contextlib.contextmanager
def _transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    con.begin()
    try:
        yield
        con.commit()
    except BaseException:  # an interrupt, too, must leave the table as it was
        with contextlib.suppress(duckdb.Error):  # a full disk has rolled back and closed the database by itself
            con.rollback()
        raise
