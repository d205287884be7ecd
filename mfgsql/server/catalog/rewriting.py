"""Statements that ask PostgreSQL's catalog, as DuckDB SQL over ``ml_pg``; all others are left as they are.

A scan for words comes first and costs microseconds. Only what it finds is parsed, and only where a catalog object is
really referenced does the statement change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from mfgsql.server.catalog.dialect import CatalogSql
from mfgsql.server.catalog.naming import fold_names
from mfgsql.server.catalog.translating import Translation

_TOUCHES = re.compile(
    r"pg_|information_schema|::\s*reg|as\s+reg|::\s*oid|as\s+oid|::\s*name\b|as\s+name\s*\)|\"char\"|to_reg|"
    r"format_type|version\s*\(|current_setting|set_config|_description|current_user|session_user|current_role|\buser\b|"
    r"current_schemas|_privilege|quote_(?:ident|literal|nullable)|inet_|array_(?:upper|lower|remove)|cardinality|encoding"
)
_POSTGRES = re.compile(r"\bpg_|information_schema|::\s*reg|as\s+reg|\"char\"|to_reg|server_version_num")
_LONGEST_KEPT = 50_000  # characters; 512 statements are kept, and anybody may ask
_QUERY = re.compile(r"(?:[\s(]|--[^\n]*\n|/\*.*?\*/)*(?:select|with|values|from|table)\b", re.IGNORECASE | re.DOTALL)


def rewrite(sql: str, user: str = "mfgsql", settings: Mapping[str, str] | None = None) -> str | None:
    """The statement over ``ml_pg``, or None where it asks nothing of PostgreSQL's catalog.

    Only queries are rewritten, and a query stays one. What neither PostgreSQL's nor DuckDB's grammar takes is left
    for DuckDB to judge.

    Args:
        sql: one statement. ``$1`` and the like stay.
        user: who asks; the one role that the catalog shows.
        settings: what the session has set, lower case: where it differs from ``pg_settings``.
    """
    if not _QUERY.match(sql) or not _TOUCHES.search(sql.lower()):
        return None
    work = _rewritten if len(sql) <= _LONGEST_KEPT else _rewritten.__wrapped__
    return work(sql, user, tuple(sorted((settings or {}).items())))


@lru_cache(maxsize=512)
def _rewritten(sql: str, user: str, settings: tuple[tuple[str, str], ...]) -> str | None:
    dialects = (CatalogSql, "duckdb") if _POSTGRES.search(sql.lower()) else ("duckdb", CatalogSql)
    for dialect in dialects:
        try:
            trees = sqlglot.parse(sql, dialect=dialect)
            if len(trees) != 1 or not isinstance(trees[0], exp.Query):
                return None
            if dialect is CatalogSql:
                fold_names(trees[0])
            translation = Translation(trees[0], user, dict(settings))
            return translation.sql() if translation.touched else None
        except SqlglotError:
            continue  # not this dialect's
        except RecursionError:
            return None  # no catalog query is nested so deeply
    return None
