"""Weights in the database: one table of BLOB chunks per version.

One table for all versions would be fatal: blobs share row groups, so that every checkpoint rewrites them all, and
at the memory limit the instance dies. A table of its own is written once and dropped whole.
"""

from __future__ import annotations

import uuid

import duckdb

from mfgsql.catalog.migrate import SCHEMA
from mfgsql.errors import CatalogError, ResourceError
from mfgsql.settings import parse_bytes

CHUNK = 4 * 2**20
_SMALLER = "Raise the memory setting (MFGSQL_MEMORY), or lower options width and layers."


def check_size(con: duckdb.DuckDBPyConnection, size: int, what: str = "The model", remedy: str = _SMALLER) -> None:
    """Refuse what a transaction could not hold.

    Args:
        size: bytes. what: that is stored.

    Raises:
        ResourceError: near half of DuckDB's memory limit.
    """
    row = con.execute("SELECT current_setting('memory_limit')").fetchone()
    limit = parse_bytes(str(row[0])) if row else 0
    if size > 0.45 * limit:
        raise ResourceError(
            f"{what} would weigh {size / 2**20:,.0f} MiB; with memory_limit = {limit / 2**20:,.0f} MiB at most "
            f"{0.45 * limit / 2**20:,.0f} MiB can be stored.",
            remedy=remedy,
        )


def new_artifact() -> str:
    """A name that no artifact has had."""
    return f"artifact_{uuid.uuid4().hex}"


def write_artifact(con: duckdb.DuckDBPyConnection, name: str, data: bytes) -> None:
    """Create the version's table, inside the caller's transaction."""
    con.execute(f'CREATE TABLE {SCHEMA}."{name}" (part INTEGER NOT NULL, data BLOB NOT NULL)')
    for part, start in enumerate(range(0, len(data), CHUNK)):
        con.execute(f'INSERT INTO {SCHEMA}."{name}" VALUES (?, ?)', [part, data[start : start + CHUNK]])


def read_artifact(con: duckdb.DuckDBPyConnection, name: str, size: int) -> bytes:
    """The bytes, read chunk by chunk.

    Raises:
        CatalogError: parts are missing.
    """
    parts = []
    for part in range(-(-size // CHUNK)):
        row = con.execute(f'SELECT data FROM {SCHEMA}."{name}" WHERE part = ?', [part]).fetchone()
        if row is None:
            break
        parts.append(row[0])
    data = b"".join(parts)
    if len(data) != size:
        raise CatalogError(f"The weights of {name} are damaged: {len(data)} of {size} bytes.")
    return data


def drop_artifact(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Delete the version's table, inside the caller's transaction."""
    con.execute(f'DROP TABLE IF EXISTS {SCHEMA}."{name}"')
