"""Types of DuckDB as types of PostgreSQL."""

from __future__ import annotations

import pytest

from mfgsql.wire.types.duck import DuckType, read_type
from mfgsql.wire.types.oids import ELEMENTS, duckdb_type_of
from mfgsql.wire.types.pg import ARRAY_OIDS, carried_as, pg_type, read_through


def test_the_oids_are_those_of_postgresql(answer: dict) -> None:
    assert pg_type(answer["type"]).oid == answer["oid"]


@pytest.mark.parametrize(
    ("text", "name", "size", "modifier"),
    [
        ("DECIMAL(18,3)", "numeric", -1, (18 << 16 | 3) + 4),
        ("DECIMAL(38,0)[]", "_numeric", -1, (38 << 16) + 4),
        ("HUGEINT", "numeric", -1, -1),
        ("ENUM('a', 'it''s, (b)')", "text", -1, -1),
        ("STRUCT(a INTEGER, \"b c\" VARCHAR[])", "json", -1, -1),
        ("MAP(VARCHAR, DOUBLE)", "json", -1, -1),
        ("UNION(a INTEGER, b VARCHAR)", "json", -1, -1),
        ("INTEGER[][]", "json", -1, -1),
        ("STRUCT(a INTEGER)[]", "json", -1, -1),
        ("FLOAT[3]", "_float4", -1, -1),
        ("ENUM('a')[]", "_text", -1, -1),
        ("TIMESTAMP WITH TIME ZONE[]", "_timestamptz", -1, -1),
        ("INTERVAL", "interval", 16, -1),
        ('"NULL"', "text", -1, -1),
        ("BIGNUM", "text", -1, -1),
        ("GEOMETRY", "text", -1, -1),
        ("GEOMETRY('OGC:CRS84')", "text", -1, -1),
        ("", "text", -1, -1),
        ("STRUCT(", "text", -1, -1),
    ],
)
def test_names_sizes_and_modifiers(text: str, name: str, size: int, modifier: int) -> None:
    found = pg_type(text)
    assert (found.name, found.size, found.modifier) == (name, size, modifier)


def test_every_type_that_duckdb_knows_has_an_oid(con) -> None:
    columns = con.execute("DESCRIBE FROM test_all_types()").fetchall()
    assert len(columns) > 40
    for name, kind, *_ in columns:
        found = pg_type(kind)
        assert found.oid > 0
        expected = "json" if read_type(kind).nested and found.element is None else None
        assert expected is None or found.name == expected, (name, kind)


def test_a_type_is_read_to_its_last_member() -> None:
    found = read_type("STRUCT(a TIMESTAMP WITH TIME ZONE, \"x \"\" y\" DECIMAL(9,2)[], c MAP(VARCHAR, STRUCT(d BIT)))[2]")
    assert found.name == "ARRAY"
    zoned, decimals, mapped = found.children[0].children
    assert zoned == DuckType("TIMESTAMP WITH TIME ZONE")
    assert decimals == DuckType("LIST", children=(DuckType("DECIMAL", 9, 2),))
    assert mapped.children[1].children == (DuckType("BIT"),)
    assert [m.name for m in read_type("STRUCT(INTEGER, TIME WITH TIME ZONE)").children] == ["INTEGER", "TIME WITH TIME ZONE"]


def test_what_arrow_can_t_carry_is_cast() -> None:
    assert carried_as("TIME WITH TIME ZONE") == "VARCHAR"
    assert carried_as("TIME WITH TIME ZONE[]") == "VARCHAR[]"
    assert carried_as("VARIANT") == "VARCHAR"
    assert carried_as("TIMESTAMP WITH TIME ZONE") is None


def test_arrays_and_their_elements_agree() -> None:
    for name, oid in ARRAY_OIDS.items():
        assert oid in ELEMENTS, name
        assert duckdb_type_of(oid) == f"{duckdb_type_of(ELEMENTS[oid])}[]"


def test_types_to_cast_parameters_to(con) -> None:
    assert duckdb_type_of(23) == "INTEGER"
    assert duckdb_type_of(1184) == "TIMESTAMPTZ"
    assert duckdb_type_of(600) is None  # point
    for oid in (16, 17, 20, 21, 23, 25, 26, 700, 701, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1562, 1700, 2950, 1007):
        con.execute(f"SELECT NULL::{duckdb_type_of(oid)}")


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        ("STRUCT(a INTEGER, b VARCHAR[])", "{'a': 1, 'b': ['x', NULL]}"),
        ("MAP(VARCHAR, DOUBLE)", "MAP {'k': 1.5}"),
        ("INTEGER[][]", "[[1], []]"),
        ("UNION(a INTEGER, b VARCHAR)", "union_value(b := 'x')"),
    ],
)
def test_nested_values_come_back_through_json(con, fields_of, kind: str, sql: str) -> None:
    from mfgsql.wire.types.rows import RowEncoder

    batch = con.execute(f"SELECT ({sql})::{kind}").to_arrow_reader(1).read_next_batch()
    [[sent]] = fields_of(RowEncoder([kind], [0]).encode(batch))
    assert con.execute(f"SELECT $1::{read_through(kind)}::{kind} = ({sql})::{kind}", [sent.decode()]).fetchone() == (True,)
    assert read_through("INTEGER[]") is None
