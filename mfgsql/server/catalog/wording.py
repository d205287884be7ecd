"""Pieces of DuckDB SQL over ``ml_pg``, as expressions: nothing is pasted."""

from __future__ import annotations

from sqlglot import exp

from mfgsql.server.catalog.installing import PLACE


def move(table: exp.Table, schema: str, name: str) -> None:
    """Let the table be ``ml_pg.pg.pg_class``; its alias and joins stay."""
    table.set("this", exp.to_identifier(name))
    table.set("db", exp.to_identifier(schema))
    table.set("catalog", exp.to_identifier(PLACE))


def call(name: str, *args: exp.Expression) -> exp.Expression:
    """``ml_pg.pg.format_type(...)``."""
    function = exp.Anonymous(this=name, expressions=list(args))
    return exp.Dot.build([exp.to_identifier(PLACE), exp.to_identifier("pg"), function])


def list_of(literal: exp.Expression, kind: exp.DataType | None = None) -> exp.Expression:
    """PostgreSQL's array literal ``'{r,v}'`` as a list; numbers where all are."""
    inner = literal.name.strip()[1:-1]
    words = [w.strip().strip('"') for w in inner.split(",")] if inner.strip() else []
    made = exp.Literal.number if kind is None and words and all(w.lstrip("-").isdigit() for w in words) else exp.Literal.string
    values = exp.Array(expressions=[made(w) for w in words])
    return values if kind is None else exp.cast(values, kind)
