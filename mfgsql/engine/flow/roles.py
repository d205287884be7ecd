"""Which column of a log of operations plays which role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from mfgsql.engine.clock import UNITS, read_span
from mfgsql.engine.profiling import read_columns
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.sources import Source, unquote
from mfgsql.errors import OptionError, SourceError, did_you_mean
from mfgsql.features.profile import NUMERIC_TYPES, TIME_TYPES, base_type

NEEDED = ("case_id", "station", "started", "finished")
ZONED = "TIMESTAMP WITH TIME ZONE"
_USUAL = {"case_id": "order_no", "station": "station", "started": "start_ts", "finished": "end_ts"}


@dataclass(frozen=True)
class Roles:
    """Which column plays which role, as the source spells them.

    Attributes:
        machine: a column that names the machine of each operation. types: of all columns. zone: of whose days one
            speaks; None: times have no zone.
    """

    case_id: str
    station: str
    started: str
    finished: str
    released: str | None
    machine: str | None
    good: str | None
    energy: str | None
    types: dict[str, str]
    zone: str | None


def zone_of(kind: str, args: Mapping[str, Any]) -> str | None:
    """The time zone of who asks, for moments that have one; None for times that are what a clock on the wall shows."""
    return args.get("zone") if base_type(kind) == ZONED else None


def read_roles(
    con: duckdb.DuckDBPyConnection, source: Source, args: Mapping[str, Any], also: Mapping[str, Any]
) -> Roles:
    """The columns by their roles.

    Args:
        also: names of columns that options give; None where one isn't given.

    Raises:
        OptionError: a role is missing, or is no time. SourceError: there is no such column.
    """
    types = read_columns(con, source)
    told = {role: args.get(role) for role in NEEDED}
    for role, name in told.items():
        if name is None:
            example = f"{role} := '{_USUAL[role]}'"
            raise OptionError(f"{role} is missing: a log has a row for each operation.", remedy=f"As in: {example}.")
    names = {role: None if name is None else find_column(types, role, name) for role, name in {**told, **also}.items()}
    for role in ("started", "finished", "released"):
        if names.get(role) is not None:
            check_time(role, str(names[role]), types)
    for role, kinds in (("energy", NUMERIC_TYPES), ("good", {*NUMERIC_TYPES, "BOOLEAN"})):
        name = names.get(role)
        if name is not None and base_type(types[name]) not in kinds:
            wanted = "TRUE where a part is good, or a share" if role == "good" else "a number"
            raise OptionError(f"{role} is {types[name]} in {name!r}: it is to be {wanted}.")
    case_id, station, started, finished = (str(names[role]) for role in NEEDED)
    released, machine, good, energy = (names.get(role) for role in ("released", "machine", "good", "energy"))
    zone = zone_of(types[started], args)
    return Roles(case_id, station, started, finished, released, machine, good, energy, types, zone)


def find_column(types: Mapping[str, str], role: str, name: Any) -> str:
    """A column as the source spells it.

    Raises:
        OptionError: it is no name. SourceError: there is none.
    """
    if not isinstance(name, str) or not name:
        raise OptionError(f"{role} is the name of a column, not {name!r}.")
    known = {n.lower(): n for n in types}
    found = known.get(name.lower()) or known.get(unquote(name).lower())
    if found is None:
        raise SourceError(
            f"The source has no column {name!r} ({role}).{did_you_mean(name, types)}",
            remedy=f"It has {', '.join(types)}.",
        )
    return found


def check_time(role: str, name: str, types: Mapping[str, str]) -> None:
    """See that a column holds times.

    Raises:
        OptionError: it does not.
    """
    kind = base_type(types[name])
    if kind in TIME_TYPES:
        return
    quoted = quote_identifier(name)
    how = f"{quoted}::TIMESTAMP AS {quoted}"
    more = f" Of texts such as 02.03.2026 06:00: strptime({quoted}, '%d.%m.%Y %H:%M') AS {quoted}."
    if kind in NUMERIC_TYPES:
        how = f"to_timestamp({quoted}) AS {quoted}"
        more = f" That is of seconds since 1970; of minutes: to_timestamp(60 * {quoted})."
    raise OptionError(
        f"{role} is {types[name]} in {name!r}, no time.",
        remedy=f"Make it one in the source: SELECT * REPLACE ({how}) FROM ...{more}",
    )


def read_seconds(con: duckdb.DuckDBPyConnection, name: str, value: Any) -> float:
    """An interval in seconds.

    Raises:
        OptionError: it is none, or not above 0.
    """
    span = read_span(con, name, value)
    if span.numeric:
        raise OptionError(f"{name} is an interval, such as INTERVAL 1 HOUR, not {value!r}.")
    return span.amount / UNITS["second"]
