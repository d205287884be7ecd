"""Parameters in a statement: ``$1``, ``$2``, found by DuckDB's lexer, so that a ``$1`` in a text is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mfgsql.engine.lexing import Kind, tokens
from mfgsql.server.errors import WireError

_MOST = 65_535  # parameters: as many as Bind can count
_PARAMETER = re.compile(r"\$(\d+)")


def parameters(sql: str) -> list[str]:
    """Numbers of the parameters, each once: of ``$2 < $1`` that is 1, 2.

    Raises:
        WireError: one is 0, or more than a client can give (42P02).
    """
    found = {match[1] for t in tokens(sql) if t.kind is Kind.OPERATOR and (match := _PARAMETER.fullmatch(t.text))}
    for number in found:
        if len(number) > len(str(_MOST)) or not 0 < int(number) <= _MOST:
            raise WireError("42P02", f"there is no parameter ${number}", remedy=f"$1 to ${_MOST}.")
    return sorted(found, key=int)


def replaced(sql: str, by: Callable[[str], str]) -> str:
    """The statement with something else for each parameter, by its number."""
    parts, at = [], 0
    for token in tokens(sql):
        if token.kind is Kind.OPERATOR and (match := _PARAMETER.fullmatch(token.text)):
            parts += [sql[at : token.begin], by(match[1])]
            at = token.begin + len(token.text)
    return "".join([*parts, sql[at:]])


def typed_nulls(sql: str, types: Mapping[str, str]) -> str:
    """The statement with a NULL of its type for each parameter."""
    return replaced(sql, lambda number: f"CAST(NULL AS {types.get(number, 'VARCHAR')})")


# Types that only PostgreSQL's catalog has, by name: of a value, and of an array of them.
_CATALOGS = {
    "oid": (26, 1028),
    "name": (19, 1003),
    "regclass": (2205, 2210),
    "regtype": (2206, 2211),
    "regproc": (24, 1008),
}


def catalog_casts(sql: str) -> dict[str, int]:
    """Oids of parameters that are cast to a type of PostgreSQL's catalog, as in ``$1::pg_catalog.oid[]``."""
    found: dict[str, int] = {}
    words = [t.text.lower() for t in tokens(sql)]
    for at, word in enumerate(words):
        kind = words[at + 2 : at + 7] if words[at + 1 : at + 2] == ["::"] else []
        if kind[:2] == ["pg_catalog", "."]:
            kind = kind[2:]
        if kind and kind[0] in _CATALOGS and (match := _PARAMETER.fullmatch(word)):
            found[match[1]] = _CATALOGS[kind[0]][kind[1:3] == ["[", "]"]]
    return found
