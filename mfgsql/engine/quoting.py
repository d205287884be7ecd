"""Names and text inside SQL, quoted so that they can't be read as anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from mfgsql.errors import OptionError


def quote_identifier(name: str) -> str:
    """``my "tab`` as ``"my ""tab"``.

    Raises:
        OptionError: an empty name, or one with a NUL, which SQL can't write.
    """
    if not name or "\0" in name:
        raise OptionError(f"{name!r} can't be a name in SQL.", remedy="Name it with at least one character, no NUL.")
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """``it's`` as ``'it''s'``.

    Raises:
        OptionError: the text holds a NUL, which SQL can't write.
    """
    if "\0" in text:
        raise OptionError(f"{text!r} holds a NUL character, which SQL can't write.", remedy="Leave it out.")
    return "'" + text.replace("'", "''") + "'"


def quote_text(text: str) -> str:
    """Any text as an expression, even with NULs, which a value of a column may have."""
    return " || chr(0) || ".join(map(quote_literal, text.split("\0")))


def render(value: object) -> str:
    """A Python value as a SQL literal: None, truth values, numbers, texts, times, lists and dicts (structs).

    Raises:
        OptionError: a value of another type.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return repr(value) if isinstance(value, int) else f"CAST({quote_literal(str(value))} AS DOUBLE)"
    if isinstance(value, str):
        return quote_literal(value)
    if isinstance(value, datetime | date):
        return f"CAST({quote_literal(value.isoformat())} AS {'TIMESTAMP' if isinstance(value, datetime) else 'DATE'})"
    if isinstance(value, timedelta):
        return f"INTERVAL {quote_literal(str(value.total_seconds()))} SECOND"
    if isinstance(value, list | tuple):
        return f"[{', '.join(render(v) for v in value)}]"
    if isinstance(value, dict):
        if not value:  # DuckDB has no struct without a field
            return "NULL"
        return "{" + ", ".join(f"{quote_literal(str(k))}: {render(v)}" for k, v in value.items()) + "}"
    if hasattr(value, "__arrow_c_stream__") or hasattr(value, "__dataframe__"):  # pages of rows tell nothing
        raise OptionError(
            f"A {type(value).__name__} is no source: verbs read tables of the database.",
            remedy="Make it one: s.con.register('given', frame); s.execute('CREATE TABLE rows AS FROM given').",
        )
    raise OptionError(f"A {type(value).__name__} can't be written as SQL: {value!r}.")


def call(verb: str, args: Sequence[object], named: Mapping[str, object]) -> str:
    """``FROM ml_<verb>(...)`` with its arguments written as literals."""
    written = [render(a) for a in args] + [f"{name} := {render(value)}" for name, value in named.items()]
    return f"FROM ml_{verb}({', '.join(written)})"
