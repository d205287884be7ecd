"""SQL as tokens, by DuckDB's own lexer: what we take for a comment, a text or a name is what DuckDB takes for it."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

import duckdb


class Kind(Enum):
    """What a token is."""

    NAME = duckdb.token_type.identifier
    NUMBER = duckdb.token_type.numeric_const
    TEXT = duckdb.token_type.string_const
    OPERATOR = duckdb.token_type.operator
    KEYWORD = duckdb.token_type.keyword
    COMMENT = duckdb.token_type.comment


_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_WORD = re.compile(r"[^\W\d][\w$]*|\$\w+|\.?\d[\w.]*|::|\S")


_KINDS = {kind.value: kind for kind in Kind}


class Token(NamedTuple):
    """A token.

    Attributes:
        text: as written; of a text constant its beginning at least.
        begin: position in the statement, in characters.
    """

    kind: Kind
    text: str
    begin: int

    @property
    def word(self) -> str:
        """A keyword or a name as it is compared: lower case, without quotes."""
        if self.text.startswith('"'):
            return self.text[1:-1].replace('""', '"').lower()
        return self.text.lower()


def tokens(sql: str) -> list[Token]:
    """All tokens but comments; up to the first character that no token can begin with."""
    raw = duckdb.tokenize(sql)
    at = _positions(sql, [offset for offset, _ in raw])
    found = []
    for begin, (_, raw_kind) in zip(at, raw, strict=True):
        kind = _KINDS[raw_kind]
        if kind is not Kind.COMMENT:
            match = (_QUOTED if sql[begin] == '"' else _WORD).match(sql, begin)
            found.append(Token(kind, match[0] if match else sql[begin], begin))
    return found


def first_words(sql: str, count: int) -> list[str]:
    """The first words of a statement, by which its kind is told; a long one is not read to its end for them."""
    for size in (400, len(sql)):
        words = [token.word for token in tokens(sql[:size])[: count + 1]]
        if len(words) > count or size >= len(sql):
            return words[:count]
    return words[:count]


def _positions(sql: str, offsets: list[int]) -> list[int]:
    """DuckDB counts bytes."""
    if sql.isascii():
        return offsets
    data = sql.encode("utf-8", "surrogatepass")
    found, before, at = [], 0, 0
    for offset in offsets:
        at += len(data[before:offset].decode("utf-8", "surrogatepass"))
        before = offset
        found.append(at)
    return found


def split(sql: str) -> list[str]:
    """The statements of a text, without the semicolons between them and without empty ones."""
    found, begin, seen = [], 0, False
    for token in tokens(sql):
        if token.kind is Kind.OPERATOR and token.text == ";":
            if seen:
                found.append(sql[begin : token.begin])
            begin, seen = token.begin + 1, False
        else:
            seen = True
    rest = sql[begin:]
    # What the lexer gave up on is DuckDB's parser's to refuse.
    return [*found, rest] if seen or _unread(rest) else found


def _unread(rest: str) -> bool:
    """Whether there is more than blanks and comments, though the lexer found no token."""
    return bool(re.sub(r"--[^\n]*|/\*.*?\*/|\s", "", rest, flags=re.DOTALL))
