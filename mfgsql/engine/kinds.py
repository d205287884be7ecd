"""The kinds of an event log that get columns of their own: named, or the most frequent ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb

from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.sources import Source
from mfgsql.errors import OptionError

USUAL = 8
_MOST = 200
_WORDS = "kinds is a list of names, as {'kinds': ['jam', 'leak']}, or how many of the most frequent ones"


def read_kinds(con: duckdb.DuckDBPyConnection, events: Source, field: str | None, told: Any) -> list[str]:
    """The kinds; counted in the events where they are not named. None without a field.

    Raises:
        OptionError: they are neither a list nor a number, or can't be counted.
    """
    if field is None:
        if told is not None:
            raise OptionError("kinds are values of a column.", remedy="Name it: options := {'field': 'code'}.")
        return []
    if isinstance(told, list):
        if not told or not all(isinstance(kind, str | int | float) for kind in told):
            raise OptionError(f"{_WORDS}, not {told!r}.")
        return _checked(list(dict.fromkeys(_text(kind) for kind in told)))
    if told is None:
        told = USUAL
    if not isinstance(told, int) or isinstance(told, bool) or told < 1:
        raise OptionError(f"{_WORDS}, not {told!r}.")
    return _checked(_frequent(con, events, field, told))


def _frequent(con: duckdb.DuckDBPyConnection, events: Source, field: str, most: int) -> list[str]:
    kind = f"CAST({quote_identifier(field)} AS VARCHAR)"
    counted = (
        f"SELECT {kind}, count(*) FROM {events.sql} WHERE {kind} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?"
    )
    try:
        return [name for name, _ in con.execute(counted, [most]).fetchall()]
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise OptionError(
            f"The kinds of events can't be counted before the statement runs: {str(error).splitlines()[0]}.",
            remedy="Name them, as for a CTE or a temporary table: options := {'kinds': ['jam', 'leak']}.",
        ) from None


def _text(kind: object) -> str:
    return str(kind).lower() if isinstance(kind, bool) else str(kind)


def _checked(kinds: list[str]) -> list[str]:
    if len(kinds) > _MOST:
        raise OptionError(f"{len(kinds)} kinds are too many; at most {_MOST} get columns.")
    return kinds


def names_of(kinds: Sequence[str], taken: Iterable[str]) -> list[str]:
    """For each kind the beginning of its columns' names: lower case, with ``_`` for other characters, and unique."""
    found: list[str] = []
    known = set(taken)
    for kind in kinds:
        name = plain = re.sub(r"\W", "_", kind.lower()) or "_"
        number = 2
        while name in known:
            name, number = f"{plain}_{number}", number + 1
        known.add(name)
        found.append(name)
    return found
