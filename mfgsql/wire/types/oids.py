"""PostgreSQL's oids as DuckDB's types: what a parameter or a column of COPY is, that a client names by its oid."""

from __future__ import annotations

TEXTS = frozenset({0, 18, 19, 25, 114, 142, 705, 1042, 1043, 2275, 3802})
"""unspecified, "char", name, text, json, xml, unknown, bpchar, varchar, cstring, jsonb."""

_NAMES = {
    16: "BOOLEAN", 17: "BLOB", 18: "VARCHAR", 19: "VARCHAR", 20: "BIGINT", 21: "SMALLINT", 23: "INTEGER", 25: "VARCHAR",
    26: "UINTEGER", 114: "JSON", 142: "VARCHAR", 700: "FLOAT", 701: "DOUBLE", 1042: "VARCHAR",
    1043: "VARCHAR", 1082: "DATE", 1083: "TIME", 1114: "TIMESTAMP", 1184: "TIMESTAMPTZ", 1186: "INTERVAL",
    1266: "TIMETZ", 1560: "BIT", 1562: "BIT", 1700: "DECIMAL(38,10)", 2950: "UUID",
    3802: "JSON",
}  # fmt: skip
ELEMENTS = {
    199: 114, 1000: 16, 1001: 17, 1002: 18, 1003: 19, 1005: 21, 1007: 23, 1009: 25, 1014: 1042, 1015: 1043, 1016: 20,
    1021: 700, 1022: 701, 1028: 26, 1115: 1114, 1182: 1082, 1183: 1083, 1185: 1184, 1187: 1186, 1231: 1700, 1263: 2275,
    1270: 1266, 1561: 1560, 1563: 1562, 2951: 2950, 3807: 3802,
}  # fmt: skip
"""The oid of an array's elements by its own."""


def duckdb_type_of(oid: int) -> str | None:
    """The type that a parameter stands for, as ``$1::INTEGER``; None where nobody knows it.

    A numeric has no one type in DuckDB. It is DECIMAL(38,10) here, to describe a statement by; a decimal that is
    bound brings its own precision, and needs no cast.
    """
    if element := ELEMENTS.get(oid):
        inner = duckdb_type_of(element)
        return None if inner is None else f"{inner}[]"
    return _NAMES.get(oid)
