"""Types of the catalog that ordinary tables don't have, told by the DuckDB types that ``sql/pg`` gives them.

In a rewritten statement a UINTEGER is an oid, a USMALLINT[] an int2vector, and so on: the catalog uses these DuckDB
types for nothing else, and what joins, subqueries and aggregates make of them keeps the type.
"""

from __future__ import annotations

_TYPES = {"UINTEGER": "OID", "UINTEGER[]": "OID[]", "USMALLINT[]": "INT2VECTOR", "UBIGINT[]": "OIDVECTOR"}
_CHAR = "ENUM('', '-', '0', '1',"  # pg_char


def wire_type(duckdb_type: str) -> str:
    """What a column or parameter of a rewritten statement is on the wire.

    OID, OID[], INT2VECTOR, OIDVECTOR, "CHAR" and "CHAR"[]; else the DuckDB type itself.
    """
    if duckdb_type.startswith(_CHAR):
        return '"CHAR"[]' if duckdb_type.endswith("[]") else '"CHAR"'
    return _TYPES.get(duckdb_type, duckdb_type)
