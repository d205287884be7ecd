"""Blanks that DuckDB takes for spaces and its lexer takes for letters.

DuckDB replaces them before it parses: ``read_blob<no-break space>(`` is a call. Whoever judges tokens must see the
text as it is after that.
"""

from __future__ import annotations

import re

from mfgsql.engine.lexing import Kind, tokens
from mfgsql.errors import InputError

_SPACES = re.compile("[\u00a0\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")
# What stands in quotes keeps its blanks. Of a dollar quote the tag may hold none, or it would be none after that.
_QUOTED = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*' | [bBxX]?'(?:[^']|'')*' | "(?:[^"]|"")*" | \$(\w*)\$.*?\$\1\$""",
    re.VERBOSE | re.DOTALL,
)


def plain_spaces(sql: str) -> str:
    """The text with plain spaces for such blanks, but for those in quotes.

    Raises:
        InputError: it holds a NUL, behind which DuckDB's parser reads nothing.
    """
    if "\0" in sql:
        raise InputError("The statement holds a NUL character, which SQL can't write.", remedy="Leave it out.")
    while _SPACES.search(sql):
        plain = _outside_quotes(sql)
        if plain == sql:
            break
        sql = plain  # with plain spaces the lexer may see other quotes than before
    return sql


def _outside_quotes(sql: str) -> str:
    parts, end = [], 0
    for token in tokens(sql):
        quoted = _QUOTED.match(sql, token.begin) if token.kind in (Kind.TEXT, Kind.NAME) else None
        if quoted and token.begin >= end:
            parts += [_SPACES.sub(" ", sql[end : token.begin]), quoted[0]]
            end = quoted.end()
    return "".join([*parts, _SPACES.sub(" ", sql[end:])])
