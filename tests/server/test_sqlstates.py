"""Errors at the border: DuckDB's and ours, as PostgreSQL's clients know them, and where in the statement."""

import duckdb
import pytest

from mfgsql.errors import AccessError, CancelledError, NotFoundError, OptionError
from mfgsql.server.sqlstates import report
from mfgsql.wire.errors import WireError

SETUP = """
CREATE TABLE t (i INTEGER PRIMARY KEY, n INTEGER NOT NULL, c INTEGER CHECK (c > 0), s VARCHAR);
CREATE TABLE f (i INTEGER REFERENCES t (i)); INSERT INTO t VALUES (1, 1, 1, 'x');
"""


@pytest.fixture(scope="module")
def con():
    with duckdb.connect() as opened:
        opened.execute(SETUP)
        yield opened


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [
        ("SELEC 1", "42601"), ("SELECT * FROM nope", "42P01"), ("SELECT * FROM nope.t", "42P01"),
        ("SELECT * FROM already_exists_dependency", "42P01"), ("SELECT nope FROM t", "42703"), ("SELECT t.nope FROM t", "42703"), ("SELECT nope(1)", "42883"),
        ("SELECT * FROM nope(1)", "42883"), ("SELECT abs('x', 1)", "42883"), ("SELECT i FROM t, t AS u", "42702"),
        ("SELECT i, count(*) FROM t", "42803"), ("CREATE TABLE t (i INTEGER)", "42P07"),
        ("INSERT INTO t VALUES (1, 1, 1, 'y')", "23505"), ("INSERT INTO t VALUES (2, NULL, 1, 'y')", "23502"),
        ("INSERT INTO t VALUES (2, 1, -1, 'y')", "23514"), ("INSERT INTO f VALUES (9)", "23503"),
        ("SELECT CAST('x' AS INTEGER)", "22P02"), ("SELECT CAST(300 AS TINYINT)", "22003"),
        ("SELECT CAST('x' AS DATE)", "22007"), ("SELECT 9223372036854775807 + 1::BIGINT", "22003"),
        ("DROP SCHEMA nope", "3F000"), ("SELECT CAST(1 AS nope)", "42704"), ("DROP TABLE t", "2BP01"),
    ],
)  # fmt: skip
def test_duckdbs_errors(con, sql, sqlstate):
    with pytest.raises(duckdb.Error) as caught:
        con.execute(sql).fetchall()
    told = report(caught.value, sql)
    assert told.sqlstate == sqlstate, told
    assert told.severity == "ERROR"
    assert "LINE" not in told.message
    assert not told.message.startswith(("Catalog Error", "Binder Error", "Parser Error"))


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("SELECT nope FROM t", "nope"),
        ("SELECT 1,\n  2,\n  nope FROM t", "nope"),
        ("SELECT 'é', nope FROM t", "nope"),
        (f"SELECT {', '.join(f'{i} AS c{i}' for i in range(60))}, nope FROM t", "nope"),
        ("SELECT * FROM t WHERE i = = 1", "= 1"),
    ],
)
def test_where_it_is(con, sql, word):
    with pytest.raises(duckdb.Error) as caught:
        con.execute(sql)
    assert report(caught.value, sql).position == sql.index(word) + 1


def test_ours():
    assert report(AccessError("no")).sqlstate == "42501"
    assert report(NotFoundError("no model")).sqlstate == "42704"
    told = report(OptionError("bad", remedy="mend it"))
    assert (told.sqlstate, told.message, told.hint) == ("22023", "bad", "mend it")
    assert report(CancelledError("x")).sqlstate == "57014"
    assert report(WireError("53300", "full", fatal=True)).severity == "FATAL"
    assert report(ValueError("odd")).sqlstate == "XX000"
    assert report(MemoryError()).sqlstate == "53200"
