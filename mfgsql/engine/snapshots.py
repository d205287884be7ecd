"""Training rows, frozen: read once through an own cursor, and profiled."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import duckdb

from mfgsql.cancellation import Cancellation
from mfgsql.engine.cases import Events, next_of, read_cases
from mfgsql.engine.histories import (
    censored_column,
    check_roles,
    choose_split,
    leave_out_placeless,
    missing_labels,
    places,
)
from mfgsql.engine.picture_files import FILES, Reader, data_of, path_columns, read_files
from mfgsql.engine.planning import Args, at_place
from mfgsql.engine.profiling import profile_columns, read_columns
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.sources import Source, read_source
from mfgsql.errors import DataError, OptionError, SourceError, did_you_mean
from mfgsql.features import ColumnProfile
from mfgsql.features.profile import FLOAT_TYPES, TIME_TYPES, base_type
from mfgsql.tasks import PROCESS
from mfgsql.training.snapshot import HASH
from mfgsql.training.windows import MOMENT

ROWS = "__ml_rows"
LATEST = "__ml_latest"  # among the arguments: the moment after which rows are left out
KNOWN = "__ml_known"  # among the arguments: whether encoders are fixed, so that no column need be looked at
_NAMED = "__ml_named"  # the same with names of files in place of pictures
_UNUSABLE = frozenset({"NESTED", "BIT", "INTERVAL", "TIME", "TIME WITH TIME ZONE", "JSON", "GEOMETRY"})
ROLES = ("target", "entity", "order_by", "weight", "field", "adapter_by")
_NO_FEATURES = ("entity", "order_by", "weight", "censored", "open", "started", "due")
_SPLITS = ("time", "entity")


@dataclass(frozen=True)
class Frozen:
    """Rows of a source in a temporary table of the cursor they were read with.

    Attributes:
        con: that cursor. types: of all columns. profiles: of the columns that may be features or the target.
        ignored: columns of types that can be neither. hash: of the content, whatever the order.
        rows: how many; those without a target are left out, or of histories stay as what came before others.
        placeless: rows of histories that were left out for want of a time or an entity.
        lost: files of pictures that could not be read, in words.
    """

    con: duckdb.DuckDBPyConnection
    sql: str
    types: dict[str, str]
    profiles: dict[str, ColumnProfile]
    ignored: dict[str, str]
    hash: str
    rows: int
    unlabelled: int
    placeless: int = 0
    lost: tuple[str, ...] = ()


def freeze(
    con: duckdb.DuckDBPyConnection, args: Args, cancellation: Cancellation, files: Reader | None = None
) -> Frozen:
    """Read the source once. With ``args["histories"]`` rows get their history and moment.

    Args:
        files: reads the pictures that a column names; None: texts are texts.

    Raises:
        SourceError: not readable, temporary or uncommitted, or without the named columns.
        DataError: no rows.
    """
    source = read_source(at_place(con, args), args["source"])
    types = _roles(read_columns(con, source), args)
    windowed, read = bool(args.get("histories")), source
    if args.get("task") == PROCESS:
        read = _events(source, args, types)
        types = read_columns(con, read)
    split = _split_column(args, types)
    roles = {args[r] for r in _NO_FEATURES if args.get(r)} | split
    named = roles | {args[r] for r in ("target", "adapter_by") if args.get(r)}
    if args.get("target") and args["target"] in roles:
        raise OptionError(f"The target {args['target']!r} is named as entity, order_by, weight or split as well.")
    kept = {n: t for n, t in types.items() if base_type(t) not in _UNUSABLE or n in named}
    excluded = {_column(n, types, "options.exclude").lower() for n in args.get("exclude") or []}
    if args.get("field"):
        excluded |= {n.lower() for n in types if n not in named and n != args["field"]}
    kept = {n: t for n, t in kept.items() if n.lower() not in excluded or n in named}
    labels = [n for n in missing_labels(types, args.get("target")) if n not in roles]
    kept = {n: t for n, t in kept.items() if n not in labels}
    if not kept:
        raise SourceError("The source has no column that could be learnt from.")
    also = places(args, types) if windowed else ""
    _take(con, read.sql, [f"__src.{quote_identifier(n)}" for n in kept], also)
    lost = _open_paths(con, kept, named, also, files, cancellation) if files else []
    total = _count(con)
    placeless = leave_out_placeless(con, ROWS, args) if windowed else 0
    if args.get(LATEST) is not None:
        con.execute(f"DELETE FROM {ROWS} WHERE {MOMENT} > {args[LATEST]!r}")
    if windowed and args.get("split") is None:
        args["split"] = choose_split(con, ROWS, args)
    unlabelled = 0
    if args.get("target"):
        unlabelled = _unlabelled(con, args["target"], kept[args["target"]], leave_out=not windowed)
    if args.get("weight"):
        _check_weights(con, args["weight"])
    cancellation.check()
    rows = _count(con) - (unlabelled if windowed else 0)
    if total == 0:
        text = shorten(source.text, 120, placeholder=" ...")
        raise DataError(f"The source has no rows: {text}.", remedy="Is it the right one? Do its conditions let any in?")
    profiled = {n: t for n, t in kept.items() if n not in roles}
    profiles = profile_columns(con, ROWS, profiled, order=HASH) if rows and not args.get(KNOWN) else []
    ignored = {n: f"type {t}" for n, t in types.items() if n not in kept and n.lower() not in excluded}
    ignored |= {n: "excluded" for n in types if n.lower() in excluded}
    ignored |= dict.fromkeys(labels, f"a label, as {args.get('target')!r} is")
    by_name = {p.name: p for p in profiles}
    digest = _content_hash(con, kept)
    return Frozen(con, source.select, kept, by_name, ignored, digest, rows, unlabelled, placeless, tuple(lost))


def _roles(types: dict[str, str], args: Args) -> dict[str, str]:
    """Spell the columns that play a role as the source does, and see that they can."""
    for role in ROLES:
        if args.get(role):
            args[role] = _column(args[role], types, role)
    if args.get("histories"):
        check_roles(args, types)
    args["censored"] = censored_column(args, types)
    return types


def _events(source: Source, args: Args, types: dict[str, str]) -> Source:
    """The events of a process with what is known of their cases, and the target, which is what follows."""
    for role in ("started", "due"):
        if args.get(role):
            args[role] = _column(args[role], types, f"options.{role}")
    args["cases"] = cases = read_cases(args, types)
    events = Events(cases, args["entity"], args["order_by"], timed=base_type(types[args["order_by"]]) in TIME_TYPES)
    args["target"] = next_of(cases.activity)
    args["open"], args["censored"] = args["censored"], None  # the target says it
    return events.read(source, {name.lower(): kind for name, kind in types.items()})


def _take(con: duckdb.DuckDBPyConnection, source: str, columns: list[str], also: str) -> None:
    """Rows with the hash of what is in them."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {ROWS} AS SELECT *, hash(__row) AS {HASH}{also} "
        f"FROM (SELECT {', '.join(columns)} FROM {source} AS __src) AS __row"
    )


def _open_paths(
    con: duckdb.DuckDBPyConnection,
    kept: dict[str, str],
    named: set[str],
    also: str,
    files: Reader,
    cancellation: Cancellation,
) -> list[str]:
    """Put pictures in place of their files' names, in rows that are read already; what could not be read, in words."""
    paths = path_columns(con, ROWS, {n: t for n, t in kept.items() if n not in named})
    if not paths:
        return []
    lost = read_files(con, ROWS, paths, files, cancellation.check)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_NAMED} AS FROM {ROWS}")
    _take(con, _NAMED, [data_of(n) if n in paths else f"__src.{quote_identifier(n)}" for n in kept], also)
    con.execute(f"DROP TABLE {_NAMED}; DROP TABLE {FILES}")
    kept |= dict.fromkeys(paths, "BLOB")
    return lost


def _unlabelled(con: duckdb.DuckDBPyConnection, name: str, kind: str, *, leave_out: bool) -> int:
    """How many rows have no target. NaN is how other programs write NULL, and an infinity teaches nothing either."""
    target = quote_identifier(name)
    unknown = f" OR NOT isfinite({target})" if base_type(kind) in FLOAT_TYPES else ""
    how = "DELETE" if leave_out else "SELECT count(*)"
    row = con.execute(f"{how} FROM {ROWS} WHERE {target} IS NULL{unknown}").fetchone()
    return int(row[0]) if row else 0


def _check_weights(con: duckdb.DuckDBPyConnection, name: str) -> None:
    weight = f"TRY_CAST({quote_identifier(name)} AS DOUBLE)"
    row = con.execute(
        f"SELECT count(*) FILTER (NOT coalesce(isfinite({weight}) AND {weight} >= 0, false)), "
        f"coalesce(bool_or({weight} > 0), false) FROM {ROWS}"
    ).fetchone() or (0, True)
    if row[0]:
        raise DataError(
            f"The weight {name!r} is no number from 0 on in {row[0]:,} rows (NULL, NaN, infinite, negative, or text).",
            remedy=f"Give each row one: SELECT * REPLACE (if(isfinite({weight}) AND {weight} > 0, {weight}, 0) AS "
            f"{quote_identifier(name)}) FROM ...",
        )
    if not row[1] and _count(con):
        raise DataError(f"The weight {name!r} is 0 in every row: nothing would be learnt.")


def _column(name: Any, types: dict[str, str], role: str) -> str:
    """The column's name as the source spells it."""
    by_lower = {n.lower(): n for n in types}
    if not isinstance(name, str) or name.lower() not in by_lower:
        raise SourceError(
            f"The source has no column {name!r} ({role}); it has {_listed(types)}.{did_you_mean(str(name), types)}"
        )
    return by_lower[name.lower()]


def _split_column(args: Args, types: dict[str, str]) -> set[str]:
    """The column that says which rows judge, where one does."""
    split, by_lower = args.get("split"), {n.lower(): n for n in types}
    if split in (None, *_SPLITS):
        return {by_lower[split]} if split in by_lower else set()
    if split.lower() not in by_lower:
        raise OptionError(
            f"split is 'time', 'entity' or a column of the source, not {split!r}; "
            f"the source has {_listed(types)}.{did_you_mean(split, [*types, *_SPLITS])}"
        )
    return {by_lower[split.lower()]}


def _listed(types: dict[str, str]) -> str:
    return ", ".join(list(types)[:40]) + (", ..." if len(types) > 40 else "")


def _count(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute(f"SELECT count(*) FROM {ROWS}").fetchone()
    return int(row[0]) if row else 0


def _content_hash(con: duckdb.DuckDBPyConnection, types: dict[str, str]) -> str:
    """Of the multiset of rows: sums do not depend on the order, and catch repetitions."""
    row = con.execute(f"SELECT count(*), sum({HASH}::HUGEINT)::VARCHAR, bit_xor(hash({HASH})) FROM {ROWS}").fetchone()
    return hashlib.sha256(json.dumps([row, types], default=str).encode()).hexdigest()[:32]
