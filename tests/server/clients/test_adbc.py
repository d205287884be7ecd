"""ADBC's driver for PostgreSQL: Arrow in and out, by binary COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
import pytest
from adbc_driver_manager import ProgrammingError

from tests.server.clients.conftest import LIKELY
from tests.server.conftest import Served


@pytest.fixture()
def con(served: Served) -> Iterator[adbc.Connection]:
    with adbc.connect(served.url()) as con:
        yield con


def test_queries(con: adbc.Connection, truth: Callable) -> None:
    with con.cursor() as cursor:
        cursor.execute("SELECT id, x, label, moment, odd FROM many ORDER BY id")
        table = cursor.fetch_arrow_table()
        assert [str(t) for t in table.schema.types] == ["int64", "double", "string", "timestamp[us]", "bool"]
        assert [tuple(row.values()) for row in table.to_pylist()] == truth("FROM many ORDER BY id")


def test_every_type(con: adbc.Connection, everything: Callable) -> None:
    """Numerics come as text, and what Arrow's reader has no type for as bytes."""
    names = (
        "c_boolean, c_tinyint, c_smallint, c_integer, c_bigint, c_float, c_double, c_varchar, c_blob, c_date, c_time, c_timestamp, "
        "c_timestamptz, c_list, c_texts, c_json, c_decimal, c_hugeint, c_uuid, c_enum"
    )
    with con.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM everything ORDER BY id")
        rows = cursor.fetch_arrow_table().to_pylist()
    for got, expected in zip(rows, everything(True), strict=True):
        for name, value in got.items():
            wanted = expected[name]
            if wanted is None or name == "c_json":
                continue
            if name in ("c_decimal", "c_hugeint"):
                wanted = str(wanted)
            if name == "c_uuid":
                value = value if isinstance(value, bytes) else value.bytes
                wanted = wanted.bytes
            assert value == wanted, name
        assert (got["c_json"] is None) == (got["c_boolean"] is None)


def test_parameters(con: adbc.Connection) -> None:
    with con.cursor() as cursor:
        cursor.execute("SELECT label FROM many WHERE id = $1 AND odd = $2", (7, True))
        assert cursor.fetchall() == [("row 7",)]
        cursor.execute("SELECT count(*) FROM many WHERE moment < $1", (datetime(2026, 1, 1, 0, 1),))
        assert cursor.fetchone() == (60,)
        cursor.executemany("SELECT $1::BIGINT", [(1,), (2,)])


def test_ingest(con: adbc.Connection, truth: Callable) -> None:
    table = pa.table(
        {
            "a": pa.array([1, 2, None], pa.int32()), "b": ["x", "设备", None], "c": [1.5, None, 3.0], "d": [True, False, None],
            "e": pa.array([datetime(2026, 1, 2), None, None], pa.timestamp("us")),
            "f": pa.array([datetime(2026, 1, 2, tzinfo=UTC), None, None], pa.timestamp("us", "UTC")), "g": [b"\0", None, b""],
            "h": pa.array([[1, None], [], None], pa.list_(pa.int64())),
        }
    )  # fmt: skip
    rows = [tuple(row.values()) for row in table.to_pylist()]
    with con.cursor() as cursor:
        assert cursor.adbc_ingest("adbc_in", table, mode="create") == 3
        con.commit()
        assert truth("FROM adbc_in") == rows
        assert cursor.adbc_ingest("adbc_in", table, mode="append") == 3
        con.commit()
        with pytest.raises(ProgrammingError):
            cursor.adbc_ingest("adbc_in", table, mode="create")
        con.rollback()
        cursor.adbc_ingest("adbc_in", table.slice(0, 1), mode="replace")
        cursor.adbc_ingest("adbc_in", table.slice(1), mode="create_append")
        con.commit()
    assert truth("FROM adbc_in") == rows
    with con.cursor() as cursor:
        cursor.adbc_ingest("Adbc In", table, mode="create", db_schema_name="lab")
        con.commit()
    assert truth('SELECT count(*) FROM lab."Adbc In"') == [(3,)]


def test_what_there_is(con: adbc.Connection) -> None:
    objects = con.adbc_get_objects(depth="all", table_name_filter="readings").read_all().to_pylist()
    (catalog,) = [c for c in objects if c["catalog_name"] == "plant"]
    tables = [t for s in catalog["catalog_db_schemas"] for t in s["db_schema_tables"] or []]
    assert [(t["table_name"], t["table_type"]) for t in tables] == [("readings", "table")]
    assert [c["column_name"] for c in tables[0]["table_columns"]] == ["machine_id", "moment", "value", "note"]
    constraints = {c["constraint_type"]: c["constraint_column_names"] for c in tables[0]["table_constraints"]}
    assert constraints == {"PRIMARY KEY": ["machine_id", "moment"], "FOREIGN KEY": ["machine_id"]}


def test_schema_of_a_table(con: adbc.Connection) -> None:
    schema = con.adbc_get_table_schema("many")
    assert [(f.name, str(f.type)) for f in schema] == [
        ("id", "int64"), ("x", "double"), ("label", "string"), ("moment", "timestamp[us]"), ("odd", "bool"),
    ]  # fmt: skip
    assert con.adbc_get_table_schema("samples", db_schema_filter="lab").names == ["id", "v"]
    assert set(con.adbc_get_table_types()) >= {"table", "view"}


def test_schema_of_a_query(con: adbc.Connection) -> None:
    with con.cursor() as cursor:
        schema = cursor.adbc_execute_schema("SELECT id, probability FROM risk")
        assert [(f.name, str(f.type)) for f in schema] == [("id", "int64"), ("probability", "double")]


def test_predictions(con: adbc.Connection, truth: Callable) -> None:
    with con.cursor() as cursor:
        cursor.execute(LIKELY)
        assert cursor.fetchall() == truth(LIKELY)


def test_errors(con: adbc.Connection) -> None:
    with con.cursor() as cursor, pytest.raises(ProgrammingError) as told:
        cursor.execute("SELECT nope FROM many")
    assert told.value.sqlstate == "42703"
