"""Bring the schema ``ml_catalog`` up to date: forward only, each step in one transaction with its own record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mfgsql.errors import CatalogError
from mfgsql.resources import resource
from mfgsql.version import __version__

SCHEMA = "ml_catalog"


@dataclass(frozen=True)
class Migration:
    """One file of ``migrations/``."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped(folder: Path | None = None) -> list[Migration]:
    """All migrations of this package, in order."""
    files = sorted((folder or resource("migrations")).glob("[0-9]*.sql"))
    return [Migration(int(f.stem.split("_")[0]), f.stem, f.read_text(encoding="utf-8")) for f in files]


def pending(con: duckdb.DuckDBPyConnection, folder: Path | None = None) -> list[Migration]:
    """Migrations that this database lacks.

    Raises:
        CatalogError: the database is newer than the package, or a step was changed after it was applied.
    """
    ours = shipped(folder)
    known = con.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE schema_name = ? AND table_name = 'migrations' "
        "AND database_name = current_database()",
        [SCHEMA],
    ).fetchone()
    if not known or not known[0]:
        return ours
    applied = con.execute(f"SELECT number, checksum, package FROM {SCHEMA}.migrations ORDER BY number").fetchall()
    by_number = {m.number: m for m in ours}
    for number, checksum, package in applied:
        if number not in by_number:
            raise CatalogError(
                f"This database was written by mfgsql {package}; this is {__version__}, which is older.",
                remedy=f"pip install 'mfgsql>={package}'",
            )
        if by_number[number].checksum != checksum:
            raise CatalogError(f"Migration {by_number[number].name} differs from the one this database was made by.")
    done = {number for number, _, _ in applied}
    return [m for m in ours if m.number not in done]


def migrate(con: duckdb.DuckDBPyConnection, folder: Path | None = None) -> list[str]:
    """Apply what is pending; names of the steps applied."""
    steps = pending(con, folder)
    for step in steps:
        con.execute("BEGIN")
        try:
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            con.execute(
                f"CREATE TABLE IF NOT EXISTS {SCHEMA}.migrations"
                " (number INTEGER, name VARCHAR, checksum VARCHAR, package VARCHAR, applied_at TIMESTAMPTZ)"
            )
            con.execute(step.sql)
            con.execute(
                f"INSERT INTO {SCHEMA}.migrations VALUES (?, ?, ?, ?, now())",
                [step.number, step.name, step.checksum, __version__],
            )
            con.execute("COMMIT")
        except BaseException:
            con.execute("ROLLBACK")
            raise
    return [s.name for s in steps]
