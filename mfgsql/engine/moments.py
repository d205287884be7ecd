"""Rows of machines over time, and another source that says when something happened to them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import duckdb

from mfgsql.engine.clock import position, same_clock
from mfgsql.engine.kept import OWN, alias, column, read_second
from mfgsql.engine.profiling import describe
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.sources import Source
from mfgsql.errors import OptionError, SourceError
from mfgsql.features.profile import TIME_TYPES, base_type


@dataclass(frozen=True)
class Moments:
    """A source of moments.

    Attributes:
        what: it is called in errors. at: its column of time. option: that names this column.
    """

    what: str
    source: Source
    at: str
    option: str


@dataclass(frozen=True)
class Timeline:
    """Rows of entities over time.

    Attributes:
        verb: that reads them, for errors. numeric: a number orders them. span: the argument that told so.
    """

    verb: str
    source: Source
    entity: str
    order_by: str
    numeric: bool
    span: str

    def rows(self) -> str:
        """Their columns, the entity and the position; either may be NULL."""
        at = self._position("source", self.order_by, "order_by")
        return (
            f"SELECT {OWN}, {column('source', self.entity)} AS __ml_entity, {at} AS __ml_at "
            f"FROM {self.source.sql} AS {alias('source')}"
        )

    def moments(self, moments: Moments, entity: str, at: str, *more: str) -> str:
        """Entity and position of each moment that has both, under these names; ``more`` columns as SQL."""
        read = (
            f"SELECT {', '.join([f'{column(moments.what, self.entity)} AS {entity}', *more])}, "
            f"{self._position(moments.what, moments.at, moments.option)} AS {at} "
            f"FROM {moments.source.sql} AS {alias(moments.what)} WHERE {self._same_clock(moments)}"
        )
        return f"SELECT * FROM ({read}) WHERE {entity} IS NOT NULL AND {at} IS NOT NULL"

    def _position(self, what: str, name: str, role: str) -> str:
        return position(column(what, name), f"{role} '{name}'", self.verb, numeric=self.numeric, span=self.span)

    def _same_clock(self, moments: Moments) -> str:
        ours = f"(SELECT {column('source', self.order_by)} FROM {self.source.sql} AS {alias('source')} LIMIT 1)"
        named = f"{moments.option} '{moments.at}'"
        return same_clock(column(moments.what, moments.at), named, ours, f"order_by '{self.order_by}'", self.verb)


def read_moments(
    con: duckdb.DuckDBPyConnection, what: str, text: Any, option: str, named: Any, order_by: str, *, remedy: str = ""
) -> Moments:
    """Understand a source of moments. Their column of time is the one that was named, else order_by's namesake, else
    the only one of a type of time, where the engine can see it.

    Raises:
        SourceError, OptionError: it is missing, can't be read, or its column is no name.
    """
    source = read_second(con, text, what, remedy)
    if named is not None:
        if not isinstance(named, str):
            raise OptionError(f"{option} is the name of a column, not {named!r}.")
        quote_identifier(named)  # refuses what can't be one
        return Moments(what, source, named, option)
    columns: dict[str, str] = {}
    with suppress(duckdb.Error, SourceError):  # a CTE or temporary table of the caller's
        columns = describe(con, source.select)
    times = [name for name, kind in columns.items() if base_type(kind) in TIME_TYPES]
    known = order_by.lower() in map(str.lower, columns)
    return Moments(what, source, times[0] if len(times) == 1 and not known else order_by, option)
