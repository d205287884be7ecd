"""Parameters in a statement: ``$1``, ``$2``, found by DuckDB's lexer, so that a ``$1`` in a text is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from mfgsql.engine.lexing import Kind, tokens
from mfgsql.wire.documents import read_document
from mfgsql.wire.errors import WireError

MARK = "__ml_parameter_"
_MOST = 65_535  # parameters: as many as Bind can count
_TEXTS = ("VARCHAR", "JSON")
_PARAMETER = re.compile(r"\$(\d+)")


def parameters(sql: str) -> list[str]:
    """Numbers of the parameters, each once: of ``$2 < $1`` that is 1, 2.

    Raises:
        WireError: one is 0, or more than a client can give (42P02).
    """
    if "$" not in sql:
        return []  # a long INSERT need not be read for them
    found = {match[1] for t in tokens(sql) if t.kind is Kind.OPERATOR and (match := _PARAMETER.fullmatch(t.text))}
    for number in found:
        if len(number) > len(str(_MOST)) or not 0 < int(number) <= _MOST:
            raise WireError("42P02", f"there is no parameter ${number}", remedy=f"$1 to ${_MOST}.")
    return sorted(found, key=int)


def replaced(sql: str, by: Callable[[str], str]) -> str:
    """The statement with something else for each parameter, by its number."""
    if "$" not in sql:
        return sql
    parts, at = [], 0
    for token in tokens(sql):
        if token.kind is Kind.OPERATOR and (match := _PARAMETER.fullmatch(token.text)):
            parts += [sql[at : token.begin], by(match[1])]
            at = token.begin + len(token.text)
    return "".join([*parts, sql[at:]])


def marked(sql: str) -> str:
    """The statement for sqlglot, with a column for each parameter: it takes the $ in ``$1,$2`` for quotes of a text."""
    return replaced(sql, lambda number: f"{MARK}{number}")


def unmarked(sql: str) -> str:
    """And back."""
    return sql.replace(MARK, "$")


def casting(sql: str, types: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """The statement with a cast for each parameter whose value came as text, though its type is another (infinities,
    months of an interval, what nests): DuckDB would take it for a text.
    """
    loose = {n: types[n] for n, v in values.items() if isinstance(v, str) and types.get(n, "VARCHAR") not in _TEXTS}

    def cast(n: str) -> str:
        return (read_document(f"${n}", loose[n]) or f"CAST(${n} AS {loose[n]})") if n in loose else f"${n}"

    return replaced(sql, cast) if loose else sql


def typed_nulls(sql: str, types: Mapping[str, str], null: str = "CAST(NULL AS {})") -> str:
    """The statement with a NULL of its type for each parameter; ``null`` writes one, the type for its ``{}``."""
    return replaced(sql, lambda number: null.format(types.get(number, "VARCHAR")))


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
