"""What is rewritten, what is left alone, and what a rewritten statement may hold."""

from __future__ import annotations

import timeit

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from mfgsql.server.catalog import rewrite

Con = duckdb.DuckDBPyConnection

LEFT_ALONE = [
    "SELECT 1",
    "SELECT * FROM machines WHERE name = 'pg_class'",
    "SELECT 'information_schema.columns' AS place, '::regclass' AS c",
    "SELECT pg_id, pg_class FROM lots",
    "SELECT l.pg_type FROM lots l",
    "SELECT * FROM pg_class_backup",
    "SELECT * FROM lab.pg_class",
    'SELECT "user" FROM logins',
    "SELECT user FROM logins",
    "SELECT current_role FROM staff",
    "SELECT * FROM machines -- pg_class\n",
    "SELECT /* information_schema.tables */ 1",
    "WITH pg_type AS (SELECT 1 AS oid) SELECT oid FROM pg_type",
    "WITH PG_Index AS (SELECT 1 AS oid) SELECT * FROM pg_index",
    'SELECT age(born) AS "pg_age" FROM staff',
    "SELECT format('{} of {}', a, pg_b) FROM t",
    "SELECT current_setting('threads') AS pg_threads",
    "INSERT INTO lots SELECT * FROM pg_class",
    "CREATE TABLE copy_of AS SELECT * FROM pg_catalog.pg_class",
    "UPDATE lots SET pg_id = 1",
    "DELETE FROM lots WHERE pg_id IN (SELECT oid FROM pg_class)",
    "DROP TABLE pg_class",
    "SELECT 1; SELECT * FROM pg_class",
    "SELECT FROM WHERE pg_class (",
    "FROM ml_predict('pg_model', 'SELECT * FROM pg_class')",
]


@pytest.mark.parametrize("sql", LEFT_ALONE)
def test_left_alone(sql: str) -> None:
    assert rewrite(sql, "hans") is None


REWRITTEN = {
    "SELECT version()": "ml_pg.pg.version()",
    "SELECT pg_catalog.version()": "ml_pg.pg.version()",
    "SELECT current_user": "'hans'",
    "SELECT session_user": "'hans'",
    "SELECT user": "'hans'",
    "SELECT current_role": "'hans'",
    "SELECT pg_get_userbyid(10)": "'hans'",
    "SELECT * FROM pg_class": "FROM ml_pg.pg.pg_class",
    "SELECT * FROM PG_Catalog.PG_Class": "FROM ml_pg.pg.pg_class",
    "SELECT * FROM information_schema.tables": "FROM ml_pg.info.tables",
    "SELECT 'machines'::regclass": "ml_pg.pg.to_regclass('machines')",
    "SELECT $1::regclass::oid": "CAST(ml_pg.pg.to_regclass($1) AS UINTEGER)",
    "SELECT attrelid::regclass FROM pg_attribute": "ml_pg.pg.regclass_name(attrelid)",
    "SELECT 1 FROM pg_attribute WHERE attrelid = 'x'::regclass": "attrelid = ml_pg.pg.to_regclass('x')",
    "SELECT indkey[0], indkey[attnum - 1] FROM pg_index, pg_attribute": 'indkey[1] AS "indkey", indkey[(attnum - 1) + 1]',
    "SELECT relname ~ '^m' FROM pg_class": "REGEXP_MATCHES(relname, '^m')",
    "SELECT relname OPERATOR(pg_catalog.!~) '^m' FROM pg_class": "NOT (REGEXP_MATCHES(relname, '^m'))",
    "SELECT relkind = ANY('{r,v}') FROM pg_class": "relkind = ANY(['r', 'v'])",
    "SELECT oid FROM pg_type WHERE oid = ANY($1::oid[])": "CAST($1 AS UINTEGER[])",
    "SELECT format('%I.%I', nspname, $1) FROM pg_namespace": "CONCAT(ml_pg.pg.quote_ident(CAST(nspname AS TEXT)), '.'",
    "SELECT relname LIKE 'a\\_%' FROM pg_class": "LIKE 'a\\_%' ESCAPE '\\'",
    "SELECT current_setting('server_version_num')::int / 100": "// 100",
    "SELECT current_setting('foo.bar', true)": "NULL",
    "SELECT version(), path LIKE 'C:\\%' FROM files": "path LIKE 'C:\\%' AS",
}


@pytest.mark.parametrize("sql", REWRITTEN)
def test_rewritten(sql: str) -> None:
    rewritten = rewrite(sql, "hans")
    assert rewritten is not None
    assert REWRITTEN[sql] in rewritten


@pytest.mark.parametrize("sql", REWRITTEN)
def test_a_select_stays_one_select(sql: str) -> None:
    trees = sqlglot.parse(rewrite(sql, "hans") or "", dialect="duckdb")
    assert len(trees) == 1
    assert isinstance(trees[0], exp.Query)


def test_parameters_survive() -> None:
    sql = "SELECT $2::text, relname FROM pg_class WHERE oid = $1 AND relkind = ANY($3) LIMIT $4"
    rewritten = rewrite(sql, "hans") or ""
    assert [f"${k}" in rewritten for k in (1, 2, 3, 4)] == [True] * 4


@pytest.mark.parametrize("user", ["o'brien", 'a"b', "x'; DROP TABLE machines; --", "用户", ""])
def test_a_user_is_a_value(user: str, con: Con) -> None:
    for sql in (
        "SELECT current_user",
        "SELECT rolname FROM pg_roles",
        "SELECT schema_owner FROM information_schema.schemata LIMIT 1",
    ):
        assert con.execute(rewrite(sql, user) or "").fetchall() == [(user,)]


@settings(deadline=None, max_examples=150)
@given(name=st.text(min_size=1).filter(lambda t: "\0" not in t and not any(0xD800 <= ord(c) < 0xE000 for c in t)))
def test_texts_and_names_come_through(con: Con, name: str) -> None:
    """Whatever stands in a text or a quoted name is the same afterwards, and nothing else."""
    literal, quoted = name.replace("'", "''"), name.replace('"', '""')
    sql = f"SELECT '{literal}' AS \"{quoted}\", count(*) AS n FROM pg_class WHERE relname = '{literal}'"
    cursor = con.execute(rewrite(sql, name) or "")
    assert [d[0] for d in cursor.description or []] == [name, "n"]
    found = cursor.fetchone()
    assert found == (name, *con.execute("SELECT count(*) FROM ml_pg.pg.relations WHERE name = ?", [name]).fetchall()[0])


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(["machines", "readings", "lots"]),
    st.sampled_from(
        ["pg_class", "pg_type", "information_schema", "version()", "regclass", "x::oid", "pg_catalog.pg_class"]
    ),
    st.sampled_from(["WHERE name = '{}'", "WHERE note LIKE '%{}%' ESCAPE '!'", "-- {}", "/* {} */", 'ORDER BY "{}"']),
)
def test_words_that_only_look_like_the_catalog(table: str, word: str, where: str) -> None:
    assert rewrite(f"SELECT * FROM {table} {where.format(word)}", "hans") is None


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT pg_catalog.format_type(23, -1), 1, oid::text, 'x'::regclass, NULL FROM pg_class", ["format_type", "?column?", "oid", "regclass", "?column?"]),
        ("SELECT Oid AS Name, RelName, (SELECT nspname FROM pg_namespace LIMIT 1) FROM pg_class", ["name", "relname", "nspname"]),
        ("SELECT CASE WHEN true THEN 1 END, CASE WHEN true THEN '' ELSE relname::text END, EXISTS (SELECT 1) FROM pg_class", ["case", "relname", "exists"]),
        ("SELECT current_user, pg_get_viewdef(1), array(SELECT 1), coalesce(relname, '') FROM pg_class", ["current_user", "pg_get_viewdef", "array", "coalesce"]),
        ("SELECT NULL FROM pg_class UNION SELECT 1", ["?column?"]),
    ],
)  # fmt: skip
def test_names_of_outputs(sql: str, names: list[str], con: Con) -> None:
    assert [d[0] for d in con.execute(rewrite(sql, "hans") or "").description or []] == names


def test_other_statements_cost_next_to_nothing() -> None:
    sql = "SELECT t.unit, avg(t.torque) FROM telemetry t WHERE t.at > TIMESTAMP '2026-01-01' GROUP BY ALL ORDER BY 2 DESC LIMIT 20"
    assert rewrite(sql, "hans") is None
    assert (
        min(timeit.repeat(lambda: rewrite(sql, "hans"), number=100, repeat=5)) / 100 < 100e-6
    )  # 20 us where it is quiet
