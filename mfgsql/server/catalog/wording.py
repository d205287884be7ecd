"""Pieces of DuckDB SQL over ``ml_pg``, as expressions: nothing is pasted."""

from __future__ import annotations

from sqlglot import exp

from mfgsql.server.catalog.installing import PLACE


def move(table: exp.Table, schema: str, name: str) -> None:
    """Let the table be ``ml_pg.pg.pg_class``; its alias and joins stay."""
    for part, value in (("this", name), ("db", schema), ("catalog", PLACE)):
        table.set(part, exp.to_identifier(value))


def call(name: str, *args: exp.Expression) -> exp.Expression:
    """``ml_pg.pg.format_type(...)``."""
    function = exp.Anonymous(this=name, expressions=[a.copy() for a in args])
    return exp.Dot.build([exp.to_identifier(PLACE), exp.to_identifier("pg"), function])


def list_of(literal: exp.Expression, kind: exp.DataType | None = None) -> exp.Expression:
    """PostgreSQL's array literal ``'{r,v}'`` as a list of that type; without one, of numbers where all are."""
    inner = literal.name.strip()[1:-1]
    words = [w.strip().strip('"') for w in inner.split(",")] if inner.strip() else []
    numbers = kind is None and words and all(w.lstrip("-").isdigit() for w in words)
    values = exp.Array(expressions=[exp.Literal.number(w) if numbers else exp.Literal.string(w) for w in words])
    return values if kind is None else exp.cast(values, kind)


def is_list(node: exp.Expression) -> bool:
    """Whether it is an array literal."""
    return isinstance(node, exp.Literal) and bool(node.is_string) and node.name.strip().startswith("{")
