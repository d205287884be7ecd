"""What a statement came to: rows, or only the words that end it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mfgsql.engine.lexing import first_words
from mfgsql.server.session.command import Copy
from mfgsql.wire.rows import Rows

_COUNTED = {"INSERT": "INSERT 0 {n}", "UPDATE": "UPDATE {n}", "DELETE": "DELETE {n}", "MERGE_INTO": "MERGE {n}"}
_PAIRED = ("CREATE", "DROP", "ALTER", "COMMENT")
_FILLERS = (
    "or",
    "replace",
    "temp",
    "temporary",
    "global",
    "local",
    "unlogged",
    "persistent",
    "recursive",
    "unique",
    "if",
)


@dataclass
class Outcome:
    """The end of a statement, or its rows, which still have to be taken.

    Attributes:
        tag: as CommandComplete has it; ``{n}`` stands for the number of rows.
        notices: warnings to tell the client: SQLSTATE and words.
        copy: data has to go in or out before that.
    """

    tag: str
    rows: Rows | None = None
    notices: list[tuple[str, str]] = field(default_factory=list)
    copy: Copy | None = None


def changed(kind: str, sql: str, rows: Rows) -> Outcome:
    """Of a statement that returns no rows but how many it changed."""
    count = 0
    for batch in rows.take():
        if batch.num_columns and batch.num_rows:
            value = batch.column(0)[0].as_py()
            count = value if isinstance(value, int) and not isinstance(value, bool) else 0
    return Outcome(tag_of(kind, sql, made=bool(count)).format(n=count))


def tag_of(kind: str, sql: str, *, made: bool = False) -> str:
    """PostgreSQL's words for the end of a statement. ``made``: a table was made with rows."""
    if kind in _COUNTED:
        return _COUNTED[kind]
    words = first_words(sql, 12)
    if not words:
        return ""
    first = words[0].upper()
    if first == "CREATE" and "table" in words[:5] and (made or re.search(r"\bAS\b", sql, re.IGNORECASE)):
        return "SELECT {n}"
    if first in _PAIRED:
        what = next((w for w in words[1:] if w not in _FILLERS), "")
        return first if first == "COMMENT" else f"{first} {what.upper()}".strip()
    return "SELECT {n}" if kind == "SELECT" else "EXPLAIN" if kind == "EXPLAIN" else first
