"""psycopg2: it binds values itself, in the text of statements."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg2
import psycopg2.errors
import psycopg2.extras
import pytest

from tests.server.clients.conftest import LIKELY
from tests.server.conftest import Served


@pytest.fixture()
def con(served: Served) -> Iterator:
    con = psycopg2.connect(**served.named())
    yield con
    con.close()


def test_every_type_comes_as_duckdb_has_it(con, everything: Callable) -> None:
    psycopg2.extras.register_uuid(conn_or_curs=con)
    cursor = con.cursor()
    cursor.execute("SELECT * FROM everything ORDER BY id")
    names = [c.name for c in cursor.description]
    for got, expected in zip(cursor.fetchall(), everything(False), strict=True):
        row = dict(zip(names, got, strict=True))
        row["c_blob"] = None if row["c_blob"] is None else bytes(row["c_blob"])
        assert row == expected


def test_values_go_there_and_back(con) -> None:
    psycopg2.extras.register_uuid(conn_or_curs=con)
    values = {
        "VARCHAR": "o'b\"a\\r 设备 %s", "BIGINT": -5, "DOUBLE": 1e-300, "DECIMAL(9,2)": Decimal("1.25"), "DATE": date(2026, 1, 2),
        "TIMESTAMPTZ": datetime(2026, 1, 2, 3, tzinfo=UTC), "BOOLEAN": True, "INTEGER[]": [1, 2], "VARCHAR[]": ["a'b", "{}"],
    }  # fmt: skip
    cursor = con.cursor()
    cursor.execute("SELECT " + ", ".join(f"%s::{kind}" for kind in values), list(values.values()))
    assert cursor.fetchone() == tuple(values.values())
    cursor.execute("SELECT %(b)s::BLOB, %(j)s::JSON, %(n)s", {"b": b"\0\xff'\\", "j": psycopg2.extras.Json({"a": 1}), "n": None})
    blob, document, nothing = cursor.fetchone()
    assert (bytes(blob), document, nothing) == (b"\0\xff'\\", {"a": 1}, None)


def test_a_named_cursor(con, truth: Callable) -> None:
    with con.cursor("named one") as cursor:
        cursor.itersize = 999
        cursor.execute("SELECT id, label FROM many WHERE id < %s ORDER BY id", (5000,))
        assert cursor.fetchone() == (0, "row 0")
        assert list(cursor) == truth("SELECT id, label FROM many WHERE id BETWEEN 1 AND 4999 ORDER BY id")


def test_a_named_cursor_with_hold(con) -> None:
    cursor = con.cursor("held", withhold=True)
    cursor.execute("SELECT id FROM many ORDER BY id")
    con.commit()
    assert cursor.fetchmany(2) == [(0,), (1,)]
    con.commit()
    assert len(cursor.fetchall()) == 29998
    cursor.close()


def test_many_values_at_once(con, truth: Callable) -> None:
    with con, con.cursor() as cursor:
        cursor.execute("CREATE TABLE pg2_many (id INTEGER PRIMARY KEY, label VARCHAR, seen TIMESTAMP)")
        rows = [(i, f"n'{i}", datetime(2026, 1, 1, i % 24)) for i in range(1000)]
        psycopg2.extras.execute_values(cursor, "INSERT INTO pg2_many VALUES %s", rows, page_size=300)
        got = psycopg2.extras.execute_values(
            cursor, "INSERT INTO pg2_many VALUES %s RETURNING id", [(5000, "x", None)], fetch=True
        )
        assert got == [(5000,)]
        psycopg2.extras.execute_batch(cursor, "UPDATE pg2_many SET label = %s WHERE id = %s", [("a", 1), ("b", 2)])
        assert cursor.rowcount == 1
    assert truth("FROM pg2_many WHERE id BETWEEN 3 AND 999 ORDER BY id") == rows[3:]
    assert truth("SELECT label FROM pg2_many WHERE id IN (1, 2) ORDER BY id") == [("a",), ("b",)]


@pytest.mark.parametrize("options", ["FORMAT text", "FORMAT csv, HEADER", "FORMAT binary"])
def test_copy_expert(con, truth: Callable, options: str) -> None:
    name, file = f"pg2_copied_{options[7:10]}", io.BytesIO()
    with con, con.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} AS FROM everything LIMIT 0")
        cursor.copy_expert(f"COPY everything TO STDOUT WITH ({options})", file)
        file.seek(0)
        cursor.copy_expert(f"COPY {name} FROM STDIN WITH ({options})", file, size=777)
        assert cursor.rowcount == 4
    assert truth(f"FROM {name} ORDER BY id") == truth("FROM everything ORDER BY id")


def test_copy_by_its_short_forms(con, truth: Callable) -> None:
    with con, con.cursor() as cursor:
        cursor.execute("CREATE TABLE pg2_short (a INTEGER, b VARCHAR)")
        cursor.copy_from(io.StringIO("1|x\n2|\\N\n"), "pg2_short", sep="|", columns=("a", "b"))
        out = io.StringIO()
        cursor.copy_to(out, "pg2_short", sep=";", null="-")
    assert out.getvalue() == "1;x\n2;-\n"
    assert truth("FROM pg2_short ORDER BY a") == [(1, "x"), (2, None)]


def test_transactions_and_errors(con, truth: Callable) -> None:
    cursor = con.cursor()
    cursor.execute("CREATE TABLE pg2_tx (a INTEGER)")
    with pytest.raises(psycopg2.errors.UndefinedColumn) as told:
        cursor.execute("SELECT nope FROM pg2_tx")
    assert told.value.diag.statement_position == "8"
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        cursor.execute("SELECT 1")
    con.rollback()
    con.set_session(readonly=True, autocommit=True)
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        cursor.execute("CREATE TABLE pg2_tx (a INTEGER)")
    assert truth("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'pg2_tx'") == [(0,)]
    assert con.server_version == 150000


def test_predictions(con, truth: Callable) -> None:
    cursor = con.cursor()
    cursor.execute(LIKELY.replace("0.2", "%s"), (0.2,))
    assert cursor.fetchall() == truth(LIKELY)
