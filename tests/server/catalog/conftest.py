"""A DuckDB with the small plant of ``plant.sql`` and PostgreSQL's catalog over it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfgsql.server.catalog import install, rewrite

HERE = Path(__file__).parent
Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("ATTACH ':memory:' AS plant; USE plant; SET TimeZone = 'UTC'")
        con.execute((HERE / "plant.sql").read_text(encoding="utf-8"))
        install(con.execute, "plant")
        yield con


@pytest.fixture(scope="session")
def ask(con: duckdb.DuckDBPyConnection) -> Ask:
    """``(sql, *values)``: the rows of a catalog statement, as the user hans."""

    def asked(sql: str, *values: Any) -> list[tuple[Any, ...]]:
        rewritten = rewrite(sql, "hans")
        assert rewritten is not None, f"not seen as a catalog statement: {sql}"
        return con.execute(rewritten, list(values) or None).fetchall()

    return asked


@pytest.fixture(scope="session")
def oids(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The oids of relations and schemas by name."""
    return dict(
        con.execute(
            "SELECT name, oid FROM ml_pg.pg.relations WHERE oid >= 16384 UNION ALL SELECT nspname, oid FROM ml_pg.pg.pg_namespace"
        ).fetchall()
    )


@pytest.fixture(scope="session")
def with_oids(oids: dict[str, int]) -> Callable[[str], str]:
    """Puts the oid of machines where a query has ``:oid(machines)``."""
    return lambda text: re.sub(r":oid\(([^)]+)\)", lambda m: str(oids[m[1]]), text)
