"""What may be called, and which names may be said, wherever they stand in a statement.

DuckDB's table functions reach files, logs and memory even in a plain SELECT, and even without external access: its own
database file is always open to ``read_blob``. So of table functions only those listed here may be called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from mfgsql.engine.access.roles import Identity, Role, refuse, require
from mfgsql.engine.lexing import Kind, Token
from mfgsql.errors import AccessError

TABLE_FUNCTIONS = frozenset(
    (
        "range", "generate_series", "unnest", "repeat", "repeat_row", "summary", "json_each", "json_tree",
        "icu_calendar_names", "pg_timezone_names", "test_all_types", "duckdb_columns",
        "duckdb_constraints", "duckdb_databases", "duckdb_dependencies", "duckdb_extensions", "duckdb_functions",
        "duckdb_indexes", "duckdb_keywords", "duckdb_memory", "duckdb_optimizers", "duckdb_prepared_statements",
        "duckdb_schemas", "duckdb_sequences", "duckdb_settings", "duckdb_tables", "duckdb_types", "duckdb_views",
        "pragma_collations", "pragma_database_size", "pragma_platform",
        "pragma_user_agent", "pragma_version",
    )
)  # fmt: skip
_LEAST = {  # functions that act
    "nextval": Role.ANALYST,
    "checkpoint": Role.ADMIN,
    "force_checkpoint": Role.ADMIN,
    "pragma_storage_info": Role.ADMIN,
}
_NEVER = ("json_serialize_plan", "write_log")  # the first binds a statement that nobody has judged
_HIDDEN = ("duckdb_logs",)  # views over what others do
_OWN = "ml_catalog"
# Behind these a text is the name of a file; elsewhere (`extract(year FROM '2026-01-01')`) it is a text.
_BEFORE_A_TABLE = ("from", "join", "table", "describe", "desc", "summarize", "pivot", "unpivot", "using")
FILE = re.compile(r"\.(csv|tsv|txt|parquet|json|ndjson|jsonl|xlsx|duckdb|ddb|db|wal)(\.gz|\.zst)?$", re.IGNORECASE)
_TEXT = re.compile(r"""'((?:[^']|'')*)'(?!\s*\n\s*')|\$(\w*)\$(.*?)\$\2\$""", re.DOTALL)
_table_functions: frozenset[str] = frozenset()  # of DuckDB and its loaded extensions; none is loaded later


def check_words(con: duckdb.DuckDBPyConnection, sql: str, words: Sequence[Token], identity: Identity) -> list[str]:
    """Judge each name and each call of a text; quotes, comments and qualified names are no way round.

    Returns:
        the statements inside calls of ``query('...')``, which are to be judged as statements.

    Raises:
        AccessError: one is not for this role.
    """
    inside = []
    for at, token in enumerate(words):
        if token.kind is Kind.TEXT:
            _check_text(sql, words, at)
        elif token.kind in (Kind.NAME, Kind.KEYWORD):
            _check_name(token.word, identity)
            if at + 1 < len(words) and words[at + 1].text == "(":
                if token.word == "query":
                    inside.append(_queried(sql, words, at))
                else:
                    _check_call(con, token.word, identity)
    return inside


def _check_text(sql: str, words: Sequence[Token], at: int) -> None:
    value = text_of(sql, words[at])
    if at and value and words[at - 1].word in _BEFORE_A_TABLE and FILE.search(value):
        raise refuse(f"Reading the file {value!r}", "Load it into a table.")


def _check_name(word: str, identity: Identity) -> None:
    if word == _OWN and not identity.role.may(Role.ADMIN):
        raise AccessError(
            f"Schema {_OWN} is not for the role {identity.role} of '{identity.name}'.",
            remedy="Read the views of schema ml, as FROM ml.models.",
        )
    if word in _HIDDEN:
        raise refuse(f"Reading {word}")


def _check_call(con: duckdb.DuckDBPyConnection, name: str, identity: Identity) -> None:
    if name.startswith("_ml_"):
        raise refuse(f"Calling {name}", "Call a verb, as FROM ml_predict('m', 't').")
    if name in _LEAST:
        require(identity, _LEAST[name], f"{name}()")
    elif name in _NEVER or (name not in TABLE_FUNCTIONS and name in _known(con)):
        raise refuse(f"The function {name}")


def _queried(sql: str, words: Sequence[Token], at: int) -> str:
    """Of ``query('SELECT ...')`` the one plain text."""
    inside = words[at + 2 : at + 4]
    text = text_of(sql, inside[0]) if len(inside) == 2 and inside[0].kind is Kind.TEXT else None
    if text is None or inside[1].text != ")":
        raise refuse("The function query of anything but one plain text", "Write the statement itself.")
    return text


def text_of(sql: str, token: Token) -> str | None:
    """What a text constant says; None of one with escapes, or in several parts."""
    match = _TEXT.match(sql, token.begin)
    if match is None:
        return None
    return match[1].replace("''", "'") if match[1] is not None else match[3]


def _known(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    global _table_functions  # noqa: PLW0603  (a hundred names, asked for once a process)
    if not _table_functions:
        cursor = con.cursor()
        try:
            rows = cursor.execute(
                "SELECT DISTINCT lower(function_name) FROM duckdb_functions() "
                "WHERE function_type = 'table' OR (function_type = 'table_macro' AND internal)"
            ).fetchall()
        finally:
            cursor.close()
        _table_functions = frozenset(name for (name,) in rows)
    return _table_functions
