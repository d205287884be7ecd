"""Words of PostgreSQL's catalog that a statement may hold: what the SQL of ``sql/pg`` defines, and kinds of columns."""

from __future__ import annotations

import re
from functools import cache

from mfgsql.resources import resource

_DEFINED = re.compile(r"CREATE (TABLE|VIEW|MACRO) ml_pg\.(pg|info)\.(\w+)")
_INTERNAL = frozenset({
    "made_oid", "array_oid", "name_part", "name_parts", "view_body", "qualified", "column_list",
    "settings", "regclass_name", "regnamespace_name", "regproc_name", "regproc_oid",
})  # fmt: skip

# Functions that hand out rows: the macro gives a list.
SETS = frozenset({"pg_partition_ancestors", "_pg_expandarray"})
# Columns that are an int2vector or oidvector: they count from 0.
VECTORS = frozenset({
    "indkey", "indclass", "indcollation", "indoption", "proargtypes", "tgattr", "partattrs", "stxkeys", "prattrs",
})  # fmt: skip
# Columns that name a function, where PostgreSQL has its oid.
REGPROCS = frozenset({
    "typinput", "typoutput", "typreceive", "typsend", "typmodin", "typmodout", "typanalyze", "typsubscript",
    "amhandler", "aggfnoid",
})  # fmt: skip
# Columns that are arrays, which clients compare with '{...}'.
ARRAYS = frozenset({
    "polroles", "relacl", "nspacl", "attacl", "proacl", "datacl", "reloptions", "grolist",
})  # fmt: skip
# Columns that hold a relation's name: where a cast to regclass looks it up, and does not show it.
NAMES = frozenset({
    "relname", "table_name", "tablename", "viewname", "sequence_name", "indexname",
})  # fmt: skip
# Relations that name roles, by their schema in ml_pg, and the column that does.
ROLES = {
    ("pg", "pg_roles"): "rolname",
    ("pg", "pg_authid"): "rolname",
    ("pg", "pg_user"): "usename",
    ("pg", "pg_shadow"): "usename",
    ("pg", "pg_tables"): "tableowner",
    ("pg", "pg_views"): "viewowner",
    ("pg", "pg_sequences"): "sequenceowner",
    ("info", "schemata"): "schema_owner",
    ("info", "enabled_roles"): "role_name",
    ("info", "table_privileges"): "grantee",
    ("info", "role_table_grants"): "grantee",
    ("info", "column_privileges"): "grantee",
    ("info", "role_column_grants"): "grantee",
}


@cache
def defined(schema: str, *kinds: str) -> frozenset[str]:
    """Names that ``sql/pg`` defines in a schema (``pg`` or ``info``), of these kinds (TABLE, VIEW, MACRO)."""
    found = (m for f in resource("sql/pg").glob("*.sql") for m in _DEFINED.finditer(f.read_text(encoding="utf-8")))
    return frozenset(m[3] for m in found if m[2] == schema and m[1] in kinds)


@cache
def relations() -> frozenset[str]:
    """What stands behind FROM without a schema, or with ``pg_catalog``."""
    return frozenset(name for name in defined("pg", "TABLE", "VIEW") if name.startswith("pg_"))


@cache
def functions() -> frozenset[str]:
    """Functions that ``ml_pg`` answers."""
    return defined("pg", "MACRO") - _INTERNAL


@cache
def settings() -> frozenset[str]:
    """Names of PostgreSQL's settings, lower case; all others are DuckDB's."""
    text = resource("sql/pg/60_server.sql").read_text(encoding="utf-8")
    return frozenset(name.lower() for name in re.findall(r"\{'name': '(\w+)'", text))
