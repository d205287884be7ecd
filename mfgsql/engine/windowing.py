"""How a query hands histories to the scorer: lists by entity, ordered in time; answers are joined back on row numbers.

Lists can't be spilled to disk: they hold what the model reads and a row's number, nothing else, and where they would
still fill the memory, entities go through in several parts.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import duckdb

from mfgsql.catalog import Version
from mfgsql.engine.planning import Args
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.sources import Source
from mfgsql.errors import OptionError
from mfgsql.settings import parse_bytes

if TYPE_CHECKING:  # plain SQL need not wait for torch
    from mfgsql.features import History
    from mfgsql.manifest import Manifest

TIME, ROW = "__ml_time", "__ml_row"
POSITION = "(position)"  # of an event in its case; orders events of one moment, too
_OURS = "'__ml', '__ml_row', '__ml_key', '__ml_last'"  # of a source's columns those that would be taken for ours
_ROOM = 8.0  # bytes of memory for a byte in a list: it is collected, ordered, and handed over
_UNKNOWN, _MOST = 4, 64  # parts where the number of rows isn't known, and at most


def in_parts(con: duckdb.DuckDBPyConnection, source: Source, manifest: Manifest) -> Source:
    """The source, with the number of parts in which its histories fit into the memory."""
    rows = _estimated_rows(con, source)
    if rows is None:
        return replace(source, parts=_UNKNOWN)
    row = con.execute("SELECT current_setting('memory_limit')").fetchone()
    limit = parse_bytes(str(row[0])) if row else 2**30
    bytes_of_row = 8 * (len(manifest.features.names) + 2)
    return replace(source, parts=min(_MOST, max(1, math.ceil(_ROOM * rows * bytes_of_row / limit))))


def _estimated_rows(con: duckdb.DuckDBPyConnection, source: Source) -> int | None:
    """By DuckDB's optimizer; None of what only the caller sees."""
    with suppress(duckdb.Error, LookupError, ValueError, TypeError):
        told = con.execute(f"EXPLAIN (FORMAT json) {source.select}").fetchall()[0][1]
        return int(json.loads(told)[0]["extra_info"]["Estimated Cardinality"])
    return None


def answered(version: Version, manifest: Manifest, source: Source, args: Args, alias: str) -> str:
    """A SELECT of the source's columns and the struct ``__ml`` for each row that is asked for.

    Args:
        alias: of the source, quoted; DuckDB's error about a missing column shows it.
    """
    history = manifest.history
    assert history is not None
    told = {
        "model": version.name, "latest": bool(args.get("latest")), "since": args.get("since_moment"),
        "level": args.get("level"), "explain": args.get("explain"), "session": args.get("session"),
    }  # fmt: skip
    call = f"_ml_history_{_shape(manifest)}(__ml_rows, {quote_literal(json.dumps(told))})"
    count = source.parts if history.entity else 1
    parts = " UNION ALL ".join(_part(manifest, history, alias, call, i, count) for i in range(count))
    entity = quote_identifier(history.entity) if history.entity else ""
    key = f"__ml_by.{entity} = {alias}.{entity} AND " if entity else ""
    # Who asks for all rows gets all of them, also those without a moment or an entity.
    join = "JOIN" if args.get("latest") or args.get("since_moment") is not None else "LEFT JOIN"
    kept = f"COLUMNS(lambda c: lower(c) NOT IN ({_OURS}))"
    return (
        f"WITH {alias} AS MATERIALIZED (SELECT {kept}, row_number() OVER () AS {ROW} "
        f"FROM {_tail(history, source, args, alias)}) "
        f"SELECT {alias}.* EXCLUDE ({ROW}), __ml_by.__ml FROM {alias} {join} ({parts}) AS __ml_by "
        f"ON {key}__ml_by.__ml.{ROW} = {alias}.{ROW}"
    )


def _shape(manifest: Manifest) -> str:
    from mfgsql.tasks import ANOMALY, tasks

    return ANOMALY if manifest.task == ANOMALY else tasks[str(manifest.task)].shape


def _part(manifest: Manifest, history: History, alias: str, call: str, part: int, parts: int) -> str:
    """Answers of a part of the entities. The entity itself is a column, or a filter on it would not get below them."""
    fields = {quote_literal(n): f"{alias}.{quote_identifier(n)}" for n in manifest.features.names}
    values = ", ".join(f"{name}: {sql}" for name, sql in fields.items())
    time = f"{alias}.{quote_identifier(history.order_by)}"
    # Ties in time lie by their values, so that the order of the source changes nothing. A list keeps what it is ordered
    # by: a hash takes less room than the values.
    ties = fields.get(quote_literal(POSITION)) or f"hash({', '.join(fields.values())})"
    order = f"{time}, {ties}"
    row = f"list({{{values}, '{TIME}': {time}, '{ROW}': {alias}.{ROW}}} ORDER BY {order})"
    known = f"{time} IS NOT NULL"
    if not history.entity:
        rows = f"SELECT {row} AS __ml_rows FROM {alias} WHERE {known}"
        return f"SELECT unnest(__ml_list) AS __ml FROM (SELECT {call} AS __ml_list FROM ({rows}))"
    entity = quote_identifier(history.entity)
    known += f" AND {alias}.{entity} IS NOT NULL"
    if parts > 1:
        known += f" AND hash({alias}.{entity}) % {parts} = {part}"
    rows = f"SELECT {alias}.{entity}, {row} AS __ml_rows FROM {alias} WHERE {known} GROUP BY {alias}.{entity}"
    return f"SELECT {entity}, unnest(__ml_list) AS __ml FROM (SELECT {entity}, {call} AS __ml_list FROM ({rows}))"


def _tail(history: History, source: Source, args: Args, alias: str) -> str:
    """The source, without rows that no window of those asked for reaches."""
    time = f"{alias}.{quote_identifier(history.order_by)}"
    if not math.isfinite(history.reach):
        return f"{source.sql} AS {alias}"
    # Rows whose answers count have windows of their own, and a window's first row may take a value from before it.
    back = history.reach * (2 if history.smooth else 1) + history.carry
    reach = f"to_microseconds({math.ceil(back * 1e6)})" if history.timed else repr(back)
    after = []
    joined = ""
    if args.get("latest"):
        moment = f"{time}::{_type(history)}"
        last = f"max({moment}) FILTER (WHERE isfinite({moment})) AS __ml_last FROM {source.sql} AS {alias}"
        if history.entity:
            entity = quote_identifier(history.entity)
            ends = f"SELECT {alias}.{entity} AS __ml_key, {last} GROUP BY {alias}.{entity}"
            joined = f" JOIN ({ends}) AS __ml_ends ON {alias}.{entity} = __ml_ends.__ml_key"
        else:
            joined = f" CROSS JOIN (SELECT {last}) AS __ml_ends"
        after.append(f"{time} > __ml_ends.__ml_last - {reach}")
    if args.get("since_moment") is not None:
        since = repr(args["since_moment"])
        if history.timed:
            micros = round(args["since_moment"] * 1e6)
            since = f"to_timestamp({since})" if history.zoned else f"make_timestamp({micros})"
        after.append(f"{time} > {since} - {reach}")
    return f"{source.sql} AS {alias}{joined}{' WHERE ' + ' AND '.join(after) if after else ''}"


def _type(history: History) -> str:
    """What moments are compared as."""
    return ("TIMESTAMPTZ" if history.zoned else "TIMESTAMP") if history.timed else "DOUBLE"


def check_asked(con: duckdb.DuckDBPyConnection, manifest: Manifest, args: Args) -> None:
    """Judge ``latest`` and ``since``; the latter as a number goes into ``since_moment``.

    Raises:
        OptionError: the model reads no histories, or since is no moment of theirs.
    """
    history = manifest.history
    for name in ("latest", "since"):
        if args.get(name) not in (None, False) and history is None:
            raise OptionError(
                f"{name} is for models that read histories, and this one reads rows.",
                remedy="Choose the rows in the source: 'SELECT * FROM telemetry WHERE ts > ...'.",
            )
    if args.get("latest") is not None and not isinstance(args["latest"], bool):
        raise OptionError(f"latest is TRUE or FALSE, not {args['latest']!r}.")
    since = args.get("since")
    if since is None or history is None:
        return
    args["since_moment"] = _moment(con, since, history.timed)


def _moment(con: duckdb.DuckDBPyConnection, since: Any, timed: bool) -> float:
    """Seconds since 1970 (a text without an offset means UTC), or a number."""
    if timed and isinstance(since, str):
        row = con.execute("SELECT epoch(TRY_CAST(? AS TIMESTAMP))", [since]).fetchone()
        if row and row[0] is not None and math.isfinite(row[0]):
            return float(row[0])
    if not timed and isinstance(since, int | float) and not isinstance(since, bool) and math.isfinite(since):
        return float(since)
    form = "a time, as TIMESTAMP '2026-03-01 06:00'" if timed else "a number in the unit of order_by"
    raise OptionError(f"since is {form}, not {since!r}.")
