"""Calls of PostgreSQL's functions: those of ``ml_pg``, those that DuckDB has under another name, ``format``."""

from __future__ import annotations

import re

from sqlglot import exp

from mfgsql.server.catalog.vocabulary import SETS, VECTORS, functions, settings
from mfgsql.server.catalog.wording import call

_NAMES: dict[type[exp.Expression], str] = {
    exp.CurrentVersion: "version",
    exp.CurrentSchemas: "current_schemas",
    exp.ArrayRemove: "array_remove",
    exp.Format: "format",
}
_JSON = {
    "json_build_object": "json_object",
    "jsonb_build_object": "json_object",
    "json_build_array": "json_array",
    "jsonb_build_array": "json_array",
}
_FIELD = re.compile(r"%(?:(\d+)\$)?([IsL%])")

KINDS: tuple[type[exp.Expression], ...] = (exp.Anonymous, *_NAMES)
"""Nodes that may be such a call."""


def function_name(node: exp.Expression) -> str:
    """Of a call, lower case, as PostgreSQL knows it."""
    return _NAMES.get(type(node)) or str(node.name).lower()


def is_known(node: exp.Expression) -> bool:
    """Whether ``ml_pg`` answers the call."""
    name = function_name(node) if isinstance(node, KINDS) else ""
    if name == "current_setting":
        return _setting(node, _arguments(node)) is not node
    if name == "age":  # of a transaction; DuckDB's own is of times
        return [bool(a.is_int) for a in _arguments(node)] == [True]
    return name in functions()


def setting_of(node: exp.Expression) -> str:
    """Which setting a call asks for, lower case; empty where it asks for none, or for one that is computed."""
    args = _arguments(node) if function_name(node) == "current_setting" else []
    return str(args[0].name).lower() if args and isinstance(args[0], exp.Literal) else ""


def translate(node: exp.Expression) -> exp.Expression:
    """The call in DuckDB's words; the node itself where it is no function of PostgreSQL's alone."""
    name, args = function_name(node), _arguments(node)
    if name == "format":
        return _format(node, args)
    if name == "current_setting":
        return _setting(node, args)
    if name == "generate_subscripts" and args and isinstance(args[0], exp.Column) and args[0].name.lower() in VECTORS:
        return exp.Paren(this=exp.Sub(this=node.copy(), expression=exp.Literal.number(1)))
    if name in _JSON:  # in brackets, since sqlglot reads a comparison there as something else
        return exp.Anonymous(this=_JSON[name], expressions=[exp.Paren(this=a.copy()) for a in args])
    if not is_known(node):
        return node
    made = call(name, *args)
    return exp.Explode(this=made) if name in SETS else made


def _arguments(node: exp.Expression) -> list[exp.Expression]:
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    if isinstance(node, exp.Format):
        return [node.this, *node.expressions]
    return [a for a in (node.this, node.args.get("expression")) if isinstance(a, exp.Expression)]


def _setting(node: exp.Expression, args: list[exp.Expression]) -> exp.Expression:
    """One of PostgreSQL's, or NULL where the caller says that it may be missing; others are left to DuckDB."""
    if not args or not isinstance(args[0], exp.Literal) or args[0].name.lower() in settings():
        return call("current_setting", *args)
    return exp.null() if len(args) > 1 else node


def _format(node: exp.Expression, args: list[exp.Expression]) -> exp.Expression:
    """``format('%I.%I', a, b)``: names quoted, joined. Only a literal pattern of %I, %L and %s is PostgreSQL's."""
    if not args or not isinstance(args[0], exp.Literal) or not _FIELD.search(args[0].name):
        return node
    pattern, at, used = args[0].name, 0, 0
    parts: list[exp.Expression] = []
    for field in _FIELD.finditer(pattern):
        parts.append(exp.Literal.string(pattern[at : field.start()]))
        at = field.end()
        if field[2] == "%":
            parts.append(exp.Literal.string("%"))
            continue
        used = int(field[1]) if field[1] else used + 1
        if used >= len(args):
            return node
        parts.append(_field(field[2], args[used].copy()))
    parts.append(exp.Literal.string(pattern[at:]))
    return exp.Anonymous(this="concat", expressions=[p for p in parts if p.name or not isinstance(p, exp.Literal)])


def _field(kind: str, value: exp.Expression) -> exp.Expression:
    text = exp.cast(value, "VARCHAR")
    return text if kind == "s" else call("quote_ident" if kind == "I" else "quote_nullable", text)
