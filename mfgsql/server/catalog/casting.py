"""Casts to PostgreSQL's own types: ``::regclass`` looks a name up, or shows one; ``::name`` is text."""

from __future__ import annotations

from sqlglot import exp

from mfgsql.server.catalog.vocabulary import VECTORS
from mfgsql.server.catalog.wording import call, list_of

_TEXT = frozenset({"name", "text", "char", "bpchar", "varchar", "cstring", "unknown", "sql_identifier", "character_data", "yes_or_no", "aclitem", "inet"})
_NUMBERS = {"oid": "UINTEGER", "xid": "BIGINT", "cid": "BIGINT", "cardinal_number": "INTEGER"}
_PLAIN = frozenset({"int2", "int4", "int8", "bool", "float4", "float8", "numeric", "timestamptz", "timestamp", "date", "json", "jsonb", "bytea", "interval"})
_VECTORS = frozenset({"int2vector", "oidvector"})
# Columns that hold a relation's name, where others hold its oid.
_NAMES = frozenset({"relname", "table_name", "tablename", "viewname", "sequence_name", "indexname"})
_NAMING_FUNCTIONS = frozenset({"quote_ident", "pg_get_serial_sequence", "format", "concat"})


def translate(node: exp.Cast, user: str) -> exp.Expression:
    """The cast in DuckDB's terms; the node itself where it is DuckDB's already."""
    name, is_list = _type_name(node.to)
    if name.startswith("reg") and not is_list:
        return _registered(node, name, user)
    if name in _VECTORS:
        return node.this
    if node.to.this in exp.DataType.TEXT_TYPES and isinstance(node.this, exp.Column) and node.this.name.lower() in VECTORS:
        return exp.Anonymous(this="array_to_string", expressions=[node.this, exp.Literal.string(" ")])
    kind = _kind(name)
    if kind is None:
        return _literal_list(node) or node
    made = exp.DataType(this=exp.DType.ARRAY, expressions=[kind], nested=True) if is_list else kind
    if is_list and isinstance(node.this, exp.Literal):
        return list_of(node.this, made)
    return exp.Cast(this=node.this, to=made)


def _type_name(kind: exp.Expression) -> tuple[str, bool]:
    """Lower case, without a schema; empty where it is a type that sqlglot knows and translates."""
    if not isinstance(kind, exp.DataType):
        return kind.name.lower(), False
    if kind.this == exp.DType.ARRAY and kind.expressions:
        return _type_name(kind.expressions[0])[0], True
    if kind.this == exp.DType.NAME:
        return "name", False
    if kind.this != exp.DType.USERDEFINED:
        return "", False
    named = kind.args.get("kind")
    return (named if isinstance(named, str) else named.name if named else "").rsplit(".", 1)[-1].strip('"').lower(), False


def _kind(name: str) -> exp.DataType | None:
    if name in _TEXT:
        return exp.DataType.build("VARCHAR", dialect="duckdb")
    if name in _NUMBERS:
        return exp.DataType.build(_NUMBERS[name], dialect="duckdb")
    return exp.DataType.build(name, dialect="postgres") if name in _PLAIN else None


def _literal_list(node: exp.Cast) -> exp.Expression | None:
    """``'{r,v}'::text[]``, which DuckDB reads in its own way only."""
    if node.to.this != exp.DType.ARRAY or not isinstance(node.this, exp.Literal) or not node.this.name.startswith("{"):
        return None
    return list_of(node.this, node.to)


def _registered(node: exp.Cast, name: str, user: str) -> exp.Expression:
    inner, text = node.this, _is_text(node.this)
    if name == "regclass":
        return call("to_regclass", inner) if text else inner if _is_compared(node) else call("regclass_name", inner)
    if name == "regtype":
        return call("to_regtype", inner) if text else inner if _is_compared(node) else call("format_type", inner, exp.null())
    if name == "regnamespace":
        return call("to_regnamespace", inner) if text else inner if _is_compared(node) else call("regnamespace_name", inner)
    if name == "regrole":
        return exp.Literal.number(10) if text else exp.Literal.string(user)
    if name in ("regproc", "regprocedure"):
        return call("regproc_oid" if text and _is_compared(node, False) else "regproc_name", inner)
    return exp.Cast(this=inner, to=exp.DataType.build("VARCHAR", dialect="duckdb"))


def _is_text(node: exp.Expression) -> bool:
    """Whether it is a name to look up; else it is an oid to show."""
    node = node.unnest()
    if isinstance(node, exp.Literal):
        return bool(node.is_string)
    if isinstance(node, exp.Cast):
        return node.to.this in exp.DataType.TEXT_TYPES
    if isinstance(node, exp.Dot):
        return node.expression.name.lower() in _NAMING_FUNCTIONS
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in _NAMING_FUNCTIONS
    if isinstance(node, exp.Column):
        return node.name.lower() in _NAMES
    return isinstance(node, exp.Parameter | exp.Placeholder | exp.DPipe | exp.Concat)


def _is_compared(node: exp.Expression, comparisons: bool = True) -> bool:
    """Whether an oid is wanted: it is cast to a number, or (with ``comparisons``) compared."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    if isinstance(parent, exp.Cast):
        name, _ = _type_name(parent.to)
        return name in _NUMBERS or parent.to.this in exp.DataType.NUMERIC_TYPES
    return comparisons and isinstance(parent, exp.Predicate)
