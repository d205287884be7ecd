"""What a change of rows returns, known before it runs."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from mfgsql.server.session.returning import returned_by
from mfgsql.wire.placeholders import typed_nulls


@pytest.fixture()
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute('CREATE TABLE "T t" ("Id" INTEGER, x DECIMAL(9, 2), "a""b" VARCHAR[])')
        yield con


@pytest.mark.parametrize(
    ("sql", "types"),
    [
        ('INSERT INTO "T t" ("Id", x) VALUES ($1, $2) RETURNING *', {"1": "INTEGER", "2": "DECIMAL(9,2)"}),
        ('INSERT INTO "T t" BY NAME SELECT 1 AS "Id" RETURNING "Id" AS k, x * 2 AS y', {}),
        ('UPDATE "T t" SET x = 1 FROM range(2) r(i) WHERE "Id" = i RETURNING x, \'z\' || "Id" AS z', {}),
        ('UPDATE "T t" AS u SET x = 1 RETURNING u.x, "a""b"', {}),
        ('DELETE FROM "T t" WHERE x > $1 RETURNING "T t".*', {"1": "DECIMAL(9,2)"}),
    ],
)
def test_columns_are_those_that_it_returns(con: duckdb.DuckDBPyConnection, sql: str, types: dict[str, str]) -> None:
    query = returned_by(sql)
    assert query is not None
    rows = con.execute(f"DESCRIBE {typed_nulls(query, types)}").fetchall()
    con.execute(sql, dict.fromkeys(types))
    assert con.description is not None
    assert [(name, kind) for name, kind, *_ in rows] == [(name, str(kind)) for name, kind, *_ in con.description]


@pytest.mark.parametrize("sql", ["INSERT INTO t VALUES (1)", "SELECT 1 AS returning_", "DELETE FROM t", "COPY t TO 'x'", "SELEC"])
def test_others_return_nothing(sql: str) -> None:
    assert returned_by(sql) is None
