"""What clients spell as PostgreSQL does, and DuckDB would read as something else without a word."""

from __future__ import annotations

import re

from mfgsql.engine.lexing import Kind, tokens

_OCTETS = re.compile(r"'\\x((?:[0-9a-f]{2})*)'", re.IGNORECASE)
_CASTS = (["::", "bytea"], ["::", "pg_catalog", ".", "bytea"], ["as", "bytea"], ["as", "pg_catalog", ".", "bytea"])


def spelled(sql: str) -> str:
    """The statement with ``'\\x00ff'::bytea``, by which clients write bytes into it, as DuckDB writes them:
    ``'\\x00\\xff'``.
    """
    if r"'\x" not in sql or "bytea" not in sql.lower():
        return sql
    parts, at, found = [], 0, tokens(sql)
    for i, token in enumerate(found):
        match = _OCTETS.match(sql, token.begin) if token.kind is Kind.TEXT else None
        words = [t.word for t in found[i + 1 : i + 5]]
        if match and any(words[: len(cast)] == cast for cast in _CASTS):
            parts += [sql[at : token.begin], "'", re.sub("..", r"\\x\g<0>", match[1]), "'"]
            at = match.end()
    return "".join([*parts, sql[at:]])
