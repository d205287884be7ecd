"""Plans over rows of a caller's source: its columns kept, names of the plan's own out of their way.

Whatever a plan adds inside begins with ``__ml``; a source's columns of such names are left out, and so is a column
whose name an output takes. A lambda over column names says both, for the source's schema isn't known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import duckdb

from mfgsql.engine.profiling import describe
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.sources import Source, read_source
from mfgsql.errors import OptionError, SourceError, did_you_mean

OWN = "COLUMNS(lambda c: NOT starts_with(lower(c), '__ml'))"


def kept(outputs: Iterable[str]) -> str:
    """The source's columns without those whose names outputs take."""
    taken = ", ".join(quote_literal(name.lower()) for name in outputs)
    return f"COLUMNS(lambda c: NOT starts_with(lower(c), '__ml') AND lower(c) NOT IN ({taken}))"


def alias(what: str) -> str:
    """What a plan calls a source of the caller's, quoted; DuckDB's error about a missing column shows it."""
    return quote_identifier(f"__ml {what}")


def column(what: str, name: str) -> str:
    """A column of it. Qualified: in a correlated subquery a missing one would else be looked up outside."""
    return f"{alias(what)}.{quote_identifier(name)}"


def read_name(args: Mapping[str, Any], role: str, example: str, *, outputs: Iterable[str] = ()) -> str:
    """The column that plays a role, which must be named, and by no name that an output takes.

    Raises:
        OptionError: it isn't, or is no name.
    """
    name = args.get(role)
    if name is None:
        raise OptionError(f"{role} is missing.", remedy=f"Name the column: {role} := {quote_literal(example)}.")
    if not isinstance(name, str) or not name:
        raise OptionError(f"{role} is the name of a column, not {name!r}.")
    if name.lower() in outputs:
        raise OptionError(
            f"{role} is '{name}', a name that a column of the result takes.", remedy="Rename the column in a SELECT."
        )
    return name


def check_columns(con: duckdb.DuckDBPyConnection, source: Source, what: str, names: Iterable[str]) -> None:
    """See that another source has these columns; of one that only the caller sees that can't be told.

    Raises:
        SourceError: it lacks one.
    """
    with suppress(duckdb.Error):
        there = describe(con, source.select)
        for name in names:
            if name.lower() not in map(str.lower, there):
                told = f"The {what} has no column {name!r}.{did_you_mean(name, there)}"
                raise SourceError(told, remedy="Rename or add it in a SELECT.")


def read_second(con: duckdb.DuckDBPyConnection, text: Any, what: str, remedy: str) -> Source:
    """Another source than the first; its errors say which.

    Raises:
        SourceError, OptionError: it is missing or can't be read.
    """
    if text is None:
        raise OptionError(f"{what} is missing.", remedy=remedy)
    try:
        return read_source(con, text)
    except SourceError as error:
        raise SourceError(f"{what}: {error.message}", remedy=error.remedy) from None
