"""Types of the catalog on the wire."""

from __future__ import annotations

import duckdb
import pytest

from mfgsql.server.catalog import rewrite
from mfgsql.server.catalog.wire import wire_type


@pytest.mark.parametrize(
    ("sql", "types"),
    [
        ("SELECT oid, relname, relkind, relnatts FROM pg_class", ["OID", "VARCHAR", '"CHAR"', "SMALLINT"]),
        ("SELECT k FROM (SELECT max(oid) AS k FROM pg_class) x JOIN pg_type t ON t.oid = k", ["OID"]),
        ("SELECT array_agg(oid), array_agg(relkind) FROM pg_class", ["OID[]", '"CHAR"[]']),
        ("SELECT indkey, indclass FROM pg_index", ["INT2VECTOR", "OIDVECTOR"]),
        ("SELECT proargtypes, proargnames, typreceive FROM pg_proc, pg_type", ["OIDVECTOR", "VARCHAR[]", "VARCHAR"]),
        ("SELECT conkey, conrelid FROM pg_constraint", ["SMALLINT[]", "OID"]),
        ("SELECT 'machines'::regclass::oid, count(*) FROM pg_class", ["OID", "BIGINT"]),
        ("SELECT current_schemas(true), pg_table_size(1), version()", ["VARCHAR[]", "BIGINT", "VARCHAR"]),
    ],
)
def test_types(sql: str, types: list[str], con: duckdb.DuckDBPyConnection) -> None:
    described = con.execute(rewrite(sql, "hans") or "").description or []
    assert [wire_type(str(kind)) for _, kind, *_ in described] == types


def test_others_are_as_they_are() -> None:
    for kind in ("ENUM('a', 'b')", "BIGINT", "VARCHAR", "USMALLINT", "UBIGINT", "STRUCT(a UINTEGER)"):
        assert wire_type(kind) == kind
