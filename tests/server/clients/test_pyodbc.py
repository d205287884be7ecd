"""psqlodbc by pyodbc: with cursors of the server and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from tests.server.clients.conftest import LIKELY
from tests.server.conftest import Served, required

PLACES = ("/usr/lib/x86_64-linux-gnu/odbc", "/usr/lib/aarch64-linux-gnu/odbc", "/usr/lib64", "/usr/lib/psqlodbc")
DRIVER = next((f"{place}/psqlodbcw.so" for place in PLACES if Path(place, "psqlodbcw.so").is_file()), None)


@pytest.fixture(params=["", "UseDeclareFetch=1;Fetch=100"], ids=["plain", "declare"])
def con(served: Served, request: pytest.FixtureRequest) -> Iterator:
    required("psqlodbc (odbc-postgresql)", DRIVER)
    try:
        import pyodbc
    except ImportError as error:  # it is there, and libodbc isn't
        required(f"pyodbc's library (unixodbc: {error})", None)
    told = {
        "DRIVER": DRIVER, "Server": served.host, "Port": served.port, "Database": served.database, "Uid": "analyst", "Pwd": served.password,
        "SSLmode": "require",
    }  # fmt: skip
    con = pyodbc.connect(";".join(f"{name}={value}" for name, value in told.items()) + f";{request.param}", autocommit=True)
    yield con
    con.close()


def test_all_rows(con, truth: Callable) -> None:
    assert [tuple(row) for row in con.execute("SELECT id, x, label, moment FROM many ORDER BY id")] == truth(
        "SELECT id, x, label, moment FROM many ORDER BY id"
    )


def test_every_type(con, everything: Callable) -> None:
    """What ODBC has no type for is text there."""
    names = (
        "id, c_boolean, c_tinyint, c_smallint, c_integer, c_bigint, c_hugeint, c_double, c_decimal, c_wide, c_varchar, c_blob, c_uuid, "
        "c_enum, c_date, c_timestamp"
    )
    cursor = con.execute(f"SELECT {names} FROM everything ORDER BY id")
    columns = [column[0] for column in cursor.description]
    for row, expected in zip(cursor.fetchall(), everything(True), strict=True):
        got = dict(zip(columns, row, strict=True))
        if got["c_boolean"] is not None:
            got["c_boolean"] = got["c_boolean"] in (True, "1")
            got["c_uuid"], expected["c_uuid"] = str(got["c_uuid"]).lower(), str(expected["c_uuid"])
            got["c_hugeint"] = int(got["c_hugeint"])
        assert got == {name: expected[name] for name in columns}
    nested = con.execute("SELECT c_list, c_struct, c_map, c_interval, c_timestamptz FROM everything WHERE id = 1").fetchone()
    assert [str(value) for value in nested][:4] == ["{1,2}", '{"a":1,"b c":"x"}', '{"k":1.5}', "1 year 2 mons 3 days 04:05:06.7"]


def test_parameters(con, truth: Callable) -> None:
    row = con.execute(
        "SELECT id, label FROM many WHERE id = ? AND label = ? AND moment = ? AND x < ? AND odd = ?",
        (7, "row 7", datetime(2026, 1, 1, 0, 0, 7), 2.0, True),
    ).fetchone()
    assert tuple(row) == (7, "row 7")
    con.execute("CREATE OR REPLACE TABLE odbc_kept (i BIGINT, d DOUBLE, n DECIMAL(9, 2), t VARCHAR, b BLOB, a DATE, m TIMESTAMP, o TIME, f BOOLEAN)")
    rows = [
        (2**40, 0.5, Decimal("1.25"), "设备 'x'", b"\0\xff", date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5), time(1, 2, 3), True),
        (None, None, None, None, None, None, None, None, None),
    ]  # fmt: skip
    con.cursor().executemany(f"INSERT INTO odbc_kept VALUES ({', '.join('?' * 9)})", rows)
    assert truth("FROM odbc_kept") == rows
    assert con.execute("UPDATE odbc_kept SET t = ? WHERE i = ?", ("x", 2**40)).rowcount == 1


def test_what_there_is(con) -> None:
    cursor = con.cursor()
    tables = {(t.table_schem, t.table_name): t.table_type for t in cursor.tables()}
    assert tables["main", "machines"] == "TABLE"
    assert tables["main", "risk"] == "VIEW"
    assert ("Lab 2", "Probe") in tables
    assert [t.table_name for t in cursor.tables(table="设备")] == ["设备"]
    columns = [(c.column_name, c.type_name, c.nullable) for c in cursor.columns("machines", schema="main")]
    assert columns[:4] == [("id", "int4", 0), ("name", "text", 0), ("site", "text", 1), ("rated", "numeric", 1)]
    assert [k.column_name for k in cursor.primaryKeys("readings")] == ["machine_id", "moment"]
    assert [(k.fkcolumn_name, k.pktable_name, k.pkcolumn_name) for k in cursor.foreignKeys(foreignTable="readings")] == [
        ("machine_id", "machines", "id")
    ]
    assert "readings_by_note" in {s.index_name for s in cursor.statistics("readings")}
    assert {"int8", "numeric", "text", "timestamptz"} <= {t.type_name for t in cursor.getTypeInfo()}


def test_transactions_and_errors(con, truth: Callable) -> None:
    con.execute("CREATE OR REPLACE TABLE odbc_tx (a INTEGER)")
    con.autocommit = False
    con.execute("INSERT INTO odbc_tx VALUES (1)")
    con.rollback()
    con.execute("INSERT INTO odbc_tx VALUES (2)")
    con.commit()
    with pytest.raises(Exception, match="nope") as told:
        con.execute("SELECT nope FROM odbc_tx").fetchall()
    assert told.value.args[0] == "42703"
    con.rollback()
    con.autocommit = True
    assert truth("FROM odbc_tx") == [(2,)]


def test_predictions(con, truth: Callable) -> None:
    rows = con.execute(LIKELY.replace("0.2", "?"), (0.2,)).fetchall()
    assert [(i, label in (True, "1"), p) for i, label, p in rows] == truth(LIKELY)
