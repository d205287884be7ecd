"""Words of PostgreSQL's catalog that a statement may hold: what the SQL of ``sql/pg`` defines, and kinds of columns."""

from __future__ import annotations

import re
from functools import cache

from mfgsql.resources import resource

_DEFINED = re.compile(r"CREATE (TABLE|VIEW|MACRO) ml_pg\.(pg|info)\.(\w+)")

# Functions that hand out rows: the macro gives a list.
SETS = frozenset({"pg_partition_ancestors", "_pg_expandarray"})
# int2vector and oidvector: they count from 0.
VECTORS = frozenset({"indkey", "indclass", "indcollation", "indoption", "proargtypes", "tgattr", "partattrs", "stxkeys", "prattrs"})
# Functions known by name: PostgreSQL compares such a column with oids as well.
REGPROCS = frozenset(
    {"typinput", "typoutput", "typreceive", "typsend", "typmodin", "typmodout", "typanalyze", "typsubscript", "amhandler", "aggfnoid"}
)
ARRAYS = frozenset({"polroles", "relacl", "nspacl", "attacl", "proacl", "datacl", "reloptions", "grolist"})
# Relations that name roles, and the column that does.
ROLES = {
    "pg_roles": "rolname", "pg_authid": "rolname", "pg_user": "usename", "pg_shadow": "usename", "pg_tables": "tableowner",
    "pg_views": "viewowner", "pg_sequences": "sequenceowner",
}
INFO_ROLES = {
    "schemata": "schema_owner", "enabled_roles": "role_name", "table_privileges": "grantee", "role_table_grants": "grantee",
    "column_privileges": "grantee", "role_column_grants": "grantee",
}  # fmt: skip


@cache
def defined(schema: str, *kinds: str) -> frozenset[str]:
    """Names that ``sql/pg`` defines in a schema (``pg`` or ``info``), of these kinds (TABLE, VIEW, MACRO)."""
    found = (m for f in resource("sql/pg").glob("*.sql") for m in _DEFINED.finditer(f.read_text(encoding="utf-8")))
    return frozenset(m[3] for m in found if m[2] == schema and m[1] in kinds)


@cache
def settings() -> frozenset[str]:
    """Names of PostgreSQL's settings, lower case; all others are DuckDB's."""
    text = resource("sql/pg/60_server.sql").read_text(encoding="utf-8")
    return frozenset(name.lower() for name in re.findall(r"\{'name': '(\w+)'", text))


@cache
def relations() -> frozenset[str]:
    """What may stand behind FROM without a schema, as PostgreSQL's pg_catalog."""
    return frozenset(n for n in defined("pg", "TABLE", "VIEW") if n.startswith("pg_"))


@cache
def functions() -> frozenset[str]:
    """Functions that are answered from ``ml_pg``."""
    return defined("pg", "MACRO") - {"made_oid", "array_oid", "name_part", "name_parts", "view_body", "qualified", "column_list", "settings"}
