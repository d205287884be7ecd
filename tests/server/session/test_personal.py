"""The session's own answers, as constants in any statement, and in nothing that only looks like them."""

import duckdb
import pytest

from mfgsql.server.session.personal import personal

OWN = {"version": "PostgreSQL 15.0", "pg_backend_pid": 7}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT current_user", "SELECT 'an''na' AS \"current_user\""),
        ("select session_user, pg_catalog.version() from t", 'select \'an\'\'na\' AS "session_user", \'PostgreSQL 15.0\' AS "version" from t'),
        ("SELECT current_user AS who, a + pg_backend_pid() FROM t WHERE u = current_role",
         "SELECT 'an''na' AS who, a + 7 FROM t WHERE u = 'an''na'"),
        ("INSERT INTO log VALUES (1, current_user)", "INSERT INTO log VALUES (1, 'an''na')"),
        ("SELECT f(current_user, 1)", "SELECT f('an''na', 1)"),
        ("SELECT (SELECT current_user)", "SELECT (SELECT 'an''na' AS \"current_user\")"),
        ("UPDATE t SET u = current_user", "UPDATE t SET u = 'an''na'"),
    ],
)  # fmt: skip
def test_what_changes(sql, expected):
    assert personal(sql, "an'na", OWN) == expected


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1", "SELECT t.current_user FROM t", 'SELECT "current_user" FROM t', "SELECT 'current_user', version FROM t",
     "SELECT 1 AS current_user", "SELECT $$ version() $$ -- current_user", "SELECT version(1)"],
)  # fmt: skip
def test_what_stays(sql):
    assert personal(sql, "anna", OWN) == sql


def test_what_is_made_runs():
    with duckdb.connect() as con:
        rows = con.execute(personal("SELECT current_user, version() UNION ALL SELECT current_user, 'x'", "anna", OWN))
        assert [d[0] for d in rows.description] == ["current_user", "version"]
        assert rows.fetchall() == [("anna", "PostgreSQL 15.0"), ("anna", "x")]
