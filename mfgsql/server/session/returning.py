"""What INSERT, UPDATE, DELETE ... RETURNING return, asked before they run: DuckDB describes only queries."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from mfgsql.wire.placeholders import marked, unmarked


def returned_by(sql: str) -> str | None:
    """A query whose columns are those that a statement returns, with its parameters; None where it is none such."""
    try:
        tree = sqlglot.parse_one(marked(sql), read="duckdb")
    except (SqlglotError, RecursionError):
        return None
    returning = tree.args.get("returning")
    if returning is None or not isinstance(tree, exp.Insert | exp.Update | exp.Delete):
        return None
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    query = exp.select(*(e.copy() for e in returning.expressions)).from_(target.copy())
    return unmarked(query.sql(dialect="duckdb"))
