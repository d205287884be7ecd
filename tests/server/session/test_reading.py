"""Which statements the server answers itself, and what they say; all others are DuckDB's."""

import pytest

from mfgsql.server.session import command as c
from mfgsql.server.session.reading import read_command
from mfgsql.server.session.settings import Settings
from mfgsql.wire.errors import WireError

KNOWN = Settings({}).__contains__


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("BEGIN", c.Begin(False)),
        ("/* a ; */ begin -- b", c.Begin(False)),
        ("START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", c.Begin(True)),
        ("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE", c.Begin(False)),
        ("COMMIT WORK", c.Commit()),
        ("END", c.Commit()),
        ("ROLLBACK", c.Rollback()),
        ("ABORT TRANSACTION", c.Rollback()),
        ('SAVEPOINT "My Point"', c.Savepoint("My Point")),
        ("RELEASE SAVEPOINT a", c.Release("a")),
        ("ROLLBACK TRANSACTION TO SAVEPOINT a", c.RollbackTo("a")),
        ("ROLLBACK TO a", c.RollbackTo("a")),
        ("SET client_encoding TO 'UTF8'", c.Set("client_encoding", "UTF8")),
        ("SET search_path = a, \"B c\", public", c.Set("search_path", "a, b c, public")),
        ("SET LOCAL statement_timeout = 500", c.Set("statement_timeout", "500", local=True)),
        ("SET SESSION application_name TO 'it''s'", c.Set("application_name", "it's")),
        ("set extra_float_digits = -3", c.Set("extra_float_digits", "-3")),
        ("SET TIME ZONE 'Asia/Tokyo'", c.Set("timezone", "Asia/Tokyo")),
        ("SET TIME ZONE DEFAULT", c.Set("timezone", None)),
        ("SET TimeZone TO DEFAULT", c.Set("timezone", None)),
        ("SET NAMES 'utf8'", c.Set("client_encoding", "utf8")),
        ("SET my.setting = 'x'", c.Set("my.setting", "x")),
        ("RESET ALL", c.Set("all", None)),
        ("RESET timezone", c.Set("timezone", None)),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", c.SetTransaction(True)),
        ("SET TRANSACTION READ WRITE", c.SetTransaction(False)),
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", c.SetTransaction(None)),
        ("SHOW server_version", c.Show("server_version")),
        ("SHOW TRANSACTION ISOLATION LEVEL", c.Show("transaction_isolation")),
        ("SHOW ALL", c.Show("all")),
        ("DECLARE a CURSOR FOR SELECT 1 ; ", c.Declare("a", "SELECT 1 ; ", hold=False)),
        ("declare a no scroll cursor with hold for from t", c.Declare("a", "from t", hold=True)),
        ("FETCH 100 FROM a", c.Fetch("a", 100, move=False)),
        ("FETCH a", c.Fetch("a", 1, move=False)),
        ("FETCH FORWARD ALL IN a", c.Fetch("a", None, move=False)),
        ("MOVE FORWARD 5 FROM a", c.Fetch("a", 5, move=True)),
        ("CLOSE ALL", c.CloseCursor(None)),
        ("CLOSE a", c.CloseCursor("a")),
        ("DEALLOCATE PREPARE a", c.Deallocate("a")),
        ("DISCARD ALL", c.Discard("all")),
        ("SET application_name = E'a\\'b\\t''c'", c.Set("application_name", "a'b\t'c")),
        ("COPY t FROM STDIN DELIMITER E'\\t'", c.Copy(None, "t", (), True, {"format": "text", "delimiter": "\t"})),
        ("UNLISTEN *", c.Nothing("UNLISTEN")),
        ("SELECT pg_catalog.set_config('search_path', 'it''s', false)", c.SetConfig("search_path", "it's", local=False)),
        ("select set_config('jit', 'on', TRUE)", c.SetConfig("jit", "on", local=True)),
        ("SELECT pg_cancel_backend(7)", c.Signal("pg_cancel_backend", 7)),
        ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid='7'", c.Signal("pg_terminate_backend", 7)),
        ("COPY t TO STDOUT", c.Copy(None, "t", (), False, {"format": "text"})),
        (
            'COPY a."B c" (x, "y z") FROM STDIN WITH (FORMAT csv, HEADER, DELIMITER \';\', NULL \'-\', FORCE_NULL (x))',
            c.Copy(
                None, 'a."B c"', ("x", '"y z"'), True,
                {"format": "csv", "header": True, "delimiter": ";", "null": "-", "force_null": ("x",)},
            ),
        ),
        ("COPY (SELECT (1), ')') TO STDOUT BINARY", c.Copy("SELECT (1), ')'", None, (), False, {"format": "binary"})),
        ("copy t from stdin csv header delimiter as ','",
         c.Copy(None, "t", (), True, {"format": "csv", "header": True, "delimiter": ","})),
    ],
)  # fmt: skip
def test_commands(sql, expected):
    assert read_command(sql, KNOWN) == expected


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1", "", "SELECT set_config('a', $1, false)", "-- nothing", "SHOW TABLES", "SHOW ALL TABLES", "SET VARIABLE a = 1", "COPY t TO 'x.csv'",
     "COPY t FROM 'x.csv'", "FROM t", "SELECT pg_cancel_backend(7) + 1", "SELECT pg_cancel_backend(pid) FROM t", "DESCRIBE t", "INSERT INTO t VALUES (1)", "WITH a AS (SELECT 1) FROM a"],
)  # fmt: skip
def test_what_is_duckdbs(sql):
    assert read_command(sql, KNOWN) is None


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [
        ("BEGIN nonsense", "42601"), ("COMMIT AND CHAIN", "0A000"), ("SET x", "42601"), ("FETCH PRIOR FROM a", "0A000"),
        ("DECLARE a SCROLL CURSOR FOR SELECT 1", "0A000"), ("DECLARE a BINARY CURSOR FOR SELECT 1", "0A000"),
        ("DECLARE a", "42601"), ("COPY t TO STDOUT (NONSENSE)", "42601"), ("COPY t TO STDOUT (FORMAT json)", "22023"),
        ("LISTEN a", "0A000"), ("GRANT SELECT ON t TO a", "0A000"), ("SAVEPOINT", "42601"), ("CLOSE a b", "42601"),
        ("COPY (SELECT 1 TO STDOUT", "42601"), ("DISCARD nothing", "42601"), ("DISCARD ALL nothing", "42601"),
        (f"FETCH {'9' * 5000} FROM a", "42601"),
    ],
)  # fmt: skip
def test_what_is_wrong(sql, sqlstate):
    with pytest.raises(WireError) as caught:
        read_command(sql, KNOWN)
    assert caught.value.sqlstate == sqlstate
    assert not caught.value.fatal


def test_where_it_is_wrong():
    with pytest.raises(WireError) as caught:
        read_command("BEGIN wörk nonsense", KNOWN)
    assert caught.value.position == 7
