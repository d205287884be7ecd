"""``current_user``, ``version()`` and their like, which a session answers for itself, as constants in any statement.

DuckDB has them too, and another answer: an INSERT that notes who wrote a row would note ``duckdb``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mfgsql.engine.lexing import Kind, Token, tokens
from mfgsql.engine.quoting import quote_identifier, quote_literal

_MAYBE = re.compile(r"current_user|session_user|current_role|version|pg_backend_pid", re.IGNORECASE)
_WORDS = ("current_user", "session_user", "current_role")
_CLAUSES = ("from", "where", "group", "order", "having", "limit", "values", "set", "on", "union", "except", "intersect")


def personal(sql: str, user: str, functions: Mapping[str, str | int]) -> str:
    """The statement with the session's own answers.

    Args:
        functions: what ``version()``, ``pg_backend_pid()`` and the like return, by their names.
    """
    if not _MAYBE.search(sql):
        return sql
    found = tokens(sql)
    lists = _select_lists(found)
    parts, at = [], 0
    for i, token in enumerate(found):
        begin, value = i, _value(found, i, user, functions)
        if value is None or token.begin < at:
            continue
        if [t.word for t in found[max(0, i - 2) : i]] == ["pg_catalog", "."]:
            begin = i - 2
        elif i and found[i - 1].word in (".", "as"):
            continue
        last = found[i + 2] if token.word in functions else token
        end = last.begin + len(last.text)
        behind = found[i + (3 if token.word in functions else 1) :][:1]
        named = _is_item(found, begin, behind, lists[i])
        alias = f" AS {quote_identifier(token.word)}" if named else ""
        parts += [sql[at : found[begin].begin], value, alias]
        at = end
    return "".join([*parts, sql[at:]])


def _value(found: Sequence[Token], i: int, user: str, functions: Mapping[str, str | int]) -> str | None:
    """The constant that stands for what begins here."""
    token = found[i]
    if token.kind not in (Kind.NAME, Kind.KEYWORD) or token.text.startswith('"'):
        return None
    behind = [t.text for t in found[i + 1 : i + 3]]
    if token.word in _WORDS and behind[:1] != ["("] and behind[:1] != ["."]:
        return quote_literal(user)
    if token.word in functions and behind == ["(", ")"]:
        known = functions[token.word]
        return str(known) if isinstance(known, int) else quote_literal(known)
    return None


def _select_lists(found: Sequence[Token]) -> list[bool]:
    """For each token whether it stands in a SELECT's list, and in no brackets within it."""
    stack, marks = [False], []
    for token in found:
        if token.text == "(":
            stack.append(False)
        elif token.text == ")" and len(stack) > 1:
            stack.pop()
        elif token.word == "select" and token.kind is Kind.KEYWORD:
            stack[-1] = True
        elif token.word in _CLAUSES and token.kind is Kind.KEYWORD:
            stack[-1] = False
        marks.append(stack[-1])
    return marks


def _is_item(found: Sequence[Token], begin: int, behind: Sequence[Token], listed: bool) -> bool:
    """Whether it is a whole item of the list, whose column then has the word for its name."""
    before = found[begin - 1].word if begin else ""
    after = behind[0].word if behind else ""
    return listed and before in ("select", ",", "distinct", "all") and after in ("", ",", ")", *_CLAUSES)
