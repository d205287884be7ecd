"""Types of parameters: from what they stand beside, by DuckDB's own word."""

import duckdb
import pytest

from mfgsql.server.session.inference import infer
from mfgsql.wire.placeholders import catalog_casts, parameters, replaced, typed_nulls


@pytest.fixture(scope="module")
def describe():
    with duckdb.connect() as con:
        con.execute("CREATE TABLE a (i INTEGER, l VARCHAR[], n DECIMAL(10,2))")
        con.execute('CREATE TABLE t (i BIGINT, d DATE, s VARCHAR, "Odd name" DOUBLE)')
        yield lambda sql: [row[1] for row in con.execute(f"DESCRIBE {sql}").fetchall()]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("INSERT INTO a VALUES ($1,$2,$3)", {"1": "INTEGER", "2": "VARCHAR[]", "3": "DECIMAL(10,2)"}),
        ("INSERT INTO a (n, i) VALUES ($1,$2),($3,$4)",
         {"1": "DECIMAL(10,2)", "2": "INTEGER", "3": "DECIMAL(10,2)", "4": "INTEGER"}),
        ("INSERT INTO a SELECT $1,$2,$3", {"1": "INTEGER", "2": "VARCHAR[]", "3": "DECIMAL(10,2)"}),
        ("SELECT * FROM t WHERE d > $1 AND i+$2 > 3 LIMIT $3 OFFSET $4",
         {"1": "DATE", "2": "BIGINT", "3": "BIGINT", "4": "BIGINT"}),
        ('SELECT * FROM t WHERE "Odd name" < $1', {"1": "DOUBLE"}),
        ("UPDATE t SET d = $1 WHERE i = $2", {"1": "DATE", "2": "BIGINT"}),
        ("DELETE FROM t WHERE i IN ($1,$2)", {"1": "BIGINT", "2": "BIGINT"}),
        ("SELECT * FROM t WHERE i = ANY($1)", {"1": "BIGINT[]"}),
        ("WITH c AS (FROM t) SELECT * FROM c WHERE c.d BETWEEN $1 AND $2", {"1": "DATE", "2": "DATE"}),
        ("SELECT x.i FROM t x JOIN t y ON x.i = y.i AND y.d = $1", {"1": "DATE"}),
        ("SELECT i FROM t WHERE (SELECT max(d) FROM t u WHERE u.i = t.i) = $1", {"1": "DATE"}),
        ("SELECT * FROM t WHERE $1 IN (SELECT d FROM t)", {"1": "DATE"}),
        ("SELECT $1::INT, CAST($2 AS TEXT)", {"1": "INTEGER", "2": "VARCHAR"}),
        ("SELECT '$1', s || $1 FROM t WHERE s LIKE $2", {}),
        ("SELECT * FROM nowhere WHERE i = $1", {}),
        ("this is no SQL $1", {}),
    ],
)  # fmt: skip
def test_infer(sql, expected, describe):
    assert infer(sql, parameters(sql), describe) == expected


def test_only_what_is_asked_for(describe):
    assert infer("SELECT * FROM t WHERE i = $1 AND d = $2", ["2"], describe) == {"2": "DATE"}


def test_parameters_are_no_text_and_no_comment():
    sql = "SELECT '$1', \"$2\", $$ $3 $$, /* $4 */ é, $10, $5 -- $6"
    assert parameters(sql) == ["5", "10"]
    assert replaced(sql, lambda n: f"<{n}>") == "SELECT '$1', \"$2\", $$ $3 $$, /* $4 */ é, <10>, <5> -- $6"
    assert typed_nulls("SELECT $1, $2", {"1": "DATE"}) == "SELECT CAST(NULL AS DATE), CAST(NULL AS VARCHAR)"


def test_casts_to_the_catalogs_types():
    assert catalog_casts("SELECT $1::oid[], $2 :: pg_catalog.regclass, $3::int, '$4::oid'") == {"1": 1028, "2": 2205}
