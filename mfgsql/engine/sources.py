"""What a source means: a table, a view, a CTE, a file, or a SELECT as text.

The text is classified by DuckDB's own parser, never by its first word: comments, parentheses, VALUES and tables
named ``select`` would break that. The result can stand behind FROM.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from mfgsql.engine.access import admit_source, asker
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.errors import SourceError

FORMS = "a table or view ('telemetry'), a file ('x.parquet'), or a SELECT ('SELECT * FROM telemetry WHERE ...')"
_PART = r'"(?:[^"]|"")+"|[^\W\d][\w$]*'
_PATH = re.compile(rf"\s*({_PART})(?:\s*\.\s*({_PART}))?(?:\s*\.\s*({_PART}))?\s*")
_FILE = re.compile(r"\.(csv|tsv|txt|parquet|json|ndjson|jsonl)(\.gz|\.zst)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """A source that was understood.

    Attributes:
        text: as the caller wrote it.
        sql: what stands behind FROM.
        parts: in how many its histories are scored.
    """

    text: str
    sql: str
    parts: int = 1

    @property
    def select(self) -> str:
        """As a statement."""
        return f"SELECT * FROM {self.sql}"


def read_source(con: duckdb.DuckDBPyConnection, text: Any) -> Source:
    """Understand a source. ``con`` resolves names and parses; nothing is run.

    A name that does not exist here may be a CTE or a temporary table of the caller's: it is passed on, and
    DuckDB says so where it is none.

    Raises:
        SourceError: NULL, empty, several statements, no SELECT, parameters in it, not parsable.
        AccessError: a file, or SQL, that whom this thread plans for may not read.
    """
    if text is None:
        raise SourceError(f"The source is NULL. A source is {FORMS}.")
    if not isinstance(text, str) or not text.strip():
        raise SourceError(f"The source is {text!r}. A source is {FORMS}.")
    text = admit_source(con, text)
    if query := _as_query(con, text):
        return Source(text, f"(\n{query}\n)")
    candidates = list(_names(text))
    for sql in candidates:
        if _binds(con, sql):
            return Source(text, sql)
    if _looks_like_a_file(text):
        return Source(text, quote_literal(text.strip().strip("'")))
    if candidates and _PATH.fullmatch(text):
        return Source(text, candidates[0])
    if _parse(con, f"SELECT * FROM\n{text}\n"):
        return Source(text, f"(SELECT * FROM\n{text}\n)")
    if _is_meant_as_query(text):
        raise SourceError(f"The source can't be parsed: {_parser_says(con, text)}.")
    return Source(text, candidates[-1])


def _parse(con: duckdb.DuckDBPyConnection, sql: str) -> list[duckdb.Statement]:
    try:
        return con.extract_statements(sql)
    except duckdb.Error:
        return []


def _is_meant_as_query(text: str) -> bool:
    """Whether words of a query stand in it: else it may be the name of a caller's CTE."""
    tokens = duckdb.tokenize(text)
    ends = [*(start for start, _ in tokens[1:]), len(text)]
    words = {text[start:end].strip().lower() for (start, kind), end in zip(tokens, ends, strict=True)
             if kind == duckdb.token_type.keyword}  # fmt: skip
    return len(tokens) > 1 and bool(words & {"select", "from"})


def _parser_says(con: duckdb.DuckDBPyConnection, text: str) -> str:
    """DuckDB's parser on a text that it refuses, in one line."""
    try:
        con.extract_statements(text)
    except duckdb.Error as error:
        said = str(error).removeprefix("Parser Error: ").split("\n")
        return " in ".join([said[0], *(line.replace("LINE", "line", 1) for line in said if line.startswith("LINE "))])
    return "it holds no statement"


def _as_query(con: duckdb.DuckDBPyConnection, text: str) -> str | None:
    """The text as one SELECT without its semicolon; None where it is no statement."""
    statements = _parse(con, text) or _parse(con, text.strip().rstrip(";"))
    if not statements:
        return None
    if len(statements) > 1:
        raise SourceError(f"The source holds {len(statements)} statements. A source is {FORMS}.")
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = statements[0].type.name.replace("_", " ")
        raise SourceError(f"The source is a {kind} statement. A source is {FORMS}.")
    if statements[0].named_parameters:
        raise SourceError(
            "The source has parameters ($1, ?), and text inside a string can't be bound.",
            remedy="Write the values into the text, or put them into a view or a table.",
        )
    return _without_semicolon(con, statements[0].query.strip())


def _without_semicolon(con: duckdb.DuckDBPyConnection, query: str) -> str:
    """The statement without the semicolon behind it, which a comment may follow."""
    head, found, comment = query.rpartition(";")
    try:
        ends = bool(found) and not con.extract_statements(comment)
    except duckdb.Error:  # a semicolon inside a text or a comment
        return query
    return head if ends and _parse(con, head) else query


def _names(text: str) -> Iterator[str]:
    """Ways to read the text as a name: part by part, then all of it as one name."""
    if match := _PATH.fullmatch(text):
        yield ".".join(quote_identifier(unquote(p)) for p in match.groups() if p)
    yield quote_identifier(text)


def unquote(name: str) -> str:
    """A name without the quotes that it may stand in."""
    quoted = len(name) > 2 and name[0] == name[-1] == '"'
    return name[1:-1].replace('""', '"') if quoted else name


def _binds(con: duckdb.DuckDBPyConnection, sql: str) -> bool:
    try:
        con.execute(f"DESCRIBE SELECT * FROM {sql}")
    except duckdb.Error:
        return False
    return True


def _looks_like_a_file(text: str) -> bool:
    name = text.strip().strip("'")
    if asker() is not None:  # files of embedded use only; to others not even that there is one is told
        return False
    return bool(_FILE.search(name)) or ("/" in name and (Path(name).exists() or "*" in name))
