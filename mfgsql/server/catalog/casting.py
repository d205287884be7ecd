"""Casts to PostgreSQL's own types: ``::regclass`` looks a name up, or shows one; ``::name`` is text."""

from __future__ import annotations

from sqlglot import exp

from mfgsql.server.catalog.vocabulary import NAMES, VECTORS
from mfgsql.server.catalog.wording import call, is_list, list_of

_TEXT = frozenset({
    "name", "char", "sql_identifier", "character_data", "yes_or_no", "aclitem", "cstring",
})  # fmt: skip
_NUMBERS = {"oid": "UINTEGER", "xid": "BIGINT", "cid": "BIGINT", "cardinal_number": "INTEGER"}
_VECTORS = frozenset({"int2vector", "oidvector"})
_PLAIN = frozenset({
    "text", "varchar", "bpchar", "unknown", "int2", "int4", "int8", "bool", "float4", "float8", "numeric",
    "timestamptz", "timestamp", "date", "json", "jsonb", "bytea", "interval",
})  # fmt: skip
# How each is looked up by name, and shown by oid.
_REGISTERED = {
    "regclass": ("to_regclass", "regclass_name"),
    "regtype": ("to_regtype", "format_type"),
    "regnamespace": ("to_regnamespace", "regnamespace_name"),
}
_NAMING = frozenset({"quote_ident", "pg_get_serial_sequence", "format", "concat"})
_VARCHAR = exp.DataType.build("VARCHAR", dialect="duckdb")


def is_known(node: exp.Cast) -> bool:
    """Whether the type is the catalog's own."""
    name, _ = _type_name(node.to)
    return name.startswith("reg") or name in _TEXT or name in _NUMBERS or name in _VECTORS


def translate(node: exp.Cast, user: str) -> exp.Expression:
    """The cast in DuckDB's terms; the node itself where it is DuckDB's already."""
    name, is_array = _type_name(node.to)
    if name.startswith("reg") and not is_array:
        return _registered(node, name, user)
    if name in _VECTORS:
        return node.this
    if isinstance(node.this, exp.Column) and node.this.name.lower() in VECTORS and node.to.this in _texts():
        return exp.Anonymous(this="array_to_string", expressions=[node.this, exp.Literal.string(" ")])
    kind = _kind(name)
    if kind is None:
        is_literal = node.to.this == exp.DataType.Type.ARRAY and is_list(node.this)
        return list_of(node.this, node.to) if is_literal else node
    made = exp.DataType(this=exp.DataType.Type.ARRAY, expressions=[kind], nested=True) if is_array else kind
    return list_of(node.this, made) if is_array and is_list(node.this) else exp.Cast(this=node.this, to=made)


def _texts() -> set[exp.DataType.Type]:
    return set(exp.DataType.TEXT_TYPES)


def _type_name(kind: exp.Expression) -> tuple[str, bool]:
    """Lower case, without a schema, and whether it is an array of it; empty where sqlglot translates the type."""
    if not isinstance(kind, exp.DataType):
        return str(kind.name).lower(), False
    if kind.this == exp.DataType.Type.ARRAY and kind.expressions:
        return _type_name(kind.expressions[0])[0], True
    if kind.this == exp.DataType.Type.NAME:
        return "name", False
    if kind.this != exp.DataType.Type.USERDEFINED:
        return "", False
    named = kind.args.get("kind")
    text = named if isinstance(named, str) else str(named.name) if named else ""
    return text.rsplit(".", 1)[-1].strip('"').lower(), False


def _kind(name: str) -> exp.DataType | None:
    if name in _TEXT:
        return _VARCHAR.copy()
    if name in _NUMBERS:
        return exp.DataType.build(_NUMBERS[name], dialect="duckdb")
    return exp.DataType.build("text" if name == "unknown" else name, dialect="postgres") if name in _PLAIN else None


def _registered(node: exp.Cast, name: str, user: str) -> exp.Expression:
    inner, text = node.this, _is_text(node.this)
    if name in _REGISTERED:
        lookup, show = _REGISTERED[name]
        if text:
            return call(lookup, inner)
        modifier = [exp.null()] if show == "format_type" else []
        return inner if _wants_oid(node, comparing=True) else call(show, inner, *modifier)
    if name == "regrole":
        return exp.Literal.number(10) if text else exp.Literal.string(user)
    if name in ("regproc", "regprocedure"):
        return call("regproc_oid" if text and _wants_oid(node, comparing=False) else "regproc_name", inner)
    return exp.Cast(this=inner, to=_VARCHAR.copy())


def _is_text(node: exp.Expression) -> bool:
    """Whether it is a name to look up; else it is an oid to show."""
    node = node.unnest()
    if isinstance(node, exp.Dot):
        node = node.expression
    if isinstance(node, exp.Literal):
        return bool(node.is_string)
    if isinstance(node, exp.Cast):
        return node.to.this in _texts()
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in _NAMING
    if isinstance(node, exp.Column):
        return node.name.lower() in NAMES
    return isinstance(node, exp.Parameter | exp.Placeholder | exp.DPipe | exp.Concat)


def _wants_oid(node: exp.Expression, *, comparing: bool) -> bool:
    """Whether an oid is wanted: it is cast to a number, or (where that counts) compared."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    if isinstance(parent, exp.Cast):
        return _type_name(parent.to)[0] in _NUMBERS or parent.to.this in exp.DataType.NUMERIC_TYPES
    return comparing and isinstance(parent, exp.Predicate)
