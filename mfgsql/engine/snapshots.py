"""Training rows, frozen: read once through an own cursor, profiled, split, and written in the order of their hash."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from mfgsql.cancellation import Cancellation
from mfgsql.engine.planning import Args, at_place
from mfgsql.engine.profiling import describe, profile_columns
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.sources import read_source
from mfgsql.errors import DataError, OptionError, SourceError, did_you_mean, one_of
from mfgsql.features import ColumnProfile
from mfgsql.features.profile import base_type
from mfgsql.training.rows import CHUNK, HASH, SPLIT, TRAIN, UNUSED, VALIDATION, Snapshot

_ROWS = "__ml_rows"
COLUMNS = b"mfgsql.columns"  # in a file's metadata: the columns that `HASH` is of
_UNUSABLE = frozenset({"NESTED", "BLOB", "BIT", "INTERVAL", "TIME", "TIME WITH TIME ZONE", "JSON", "GEOMETRY"})
ROLES = ("target", "entity", "order_by", "weight")
_SPLITS = ("time", "entity")


@dataclass(frozen=True)
class Frozen:
    """Rows of a source in a temporary table of the cursor they were read with.

    Attributes:
        con: that cursor. types: of all columns. profiles: of the columns that may be features or the target.
        ignored: columns of types that can be neither. hash: of the content, whatever the order.
        rows: how many; those without a target are left out.
    """

    con: duckdb.DuckDBPyConnection
    sql: str
    types: dict[str, str]
    profiles: dict[str, ColumnProfile]
    ignored: dict[str, str]
    hash: str
    rows: int
    unlabelled: int


def freeze(con: duckdb.DuckDBPyConnection, args: Args, cancellation: Cancellation) -> Frozen:
    """Read the source once.

    Raises:
        SourceError: not readable, temporary or uncommitted, or without the named columns.
        DataError: no rows.
    """
    source = read_source(at_place(con, args), args["source"])
    types = _columns(con, source.select, args)
    for role in ROLES:
        if args.get(role):
            args[role] = _column(args[role], types, role)
    split = _split_column(args, types)
    roles = {args[r] for r in ("entity", "order_by", "weight") if args.get(r)} | split
    named = roles | ({args["target"]} if args.get("target") else set())
    if args.get("target") and args["target"] in roles:
        raise OptionError(f"The target {args['target']!r} is named as entity, order_by, weight or split as well.")
    kept = {n: t for n, t in types.items() if base_type(t) not in _UNUSABLE or n in named}
    excluded = {_column(n, types, "options.exclude").lower() for n in args.get("exclude") or []}
    kept = {n: t for n, t in kept.items() if n.lower() not in excluded or n in named}
    if not kept:
        raise SourceError("The source has no column that could be learnt from.")
    columns = ", ".join(f"__src.{quote_identifier(n)}" for n in kept)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS SELECT *, hash(__row) AS {HASH} "
        f"FROM (SELECT {columns} FROM {source.sql} AS __src) AS __row"
    )
    total = _count(con)
    if args.get("target"):
        target = quote_identifier(args["target"])
        # NaN is how other programs write NULL, and an infinity teaches nothing either.
        unknown = f" OR NOT isfinite({target})" if base_type(kept[args["target"]]) in ("FLOAT", "DOUBLE") else ""
        con.execute(f"DELETE FROM {_ROWS} WHERE {target} IS NULL{unknown}")
    if args.get("weight"):
        _check_weights(con, args["weight"])
    cancellation.check()
    rows = _count(con)
    if total == 0:
        raise DataError("The source has no rows.")
    profiled = {n: t for n, t in kept.items() if n not in roles}
    profiles = profile_columns(con, _ROWS, profiled, order=HASH) if rows else []
    ignored = {n: f"type {t}" for n, t in types.items() if n not in kept and n.lower() not in excluded}
    ignored |= {n: "excluded" for n in types if n.lower() in excluded}
    by_name = {p.name: p for p in profiles}
    return Frozen(con, source.select, kept, by_name, ignored, _content_hash(con, kept), rows, total - rows)


def _check_weights(con: duckdb.DuckDBPyConnection, name: str) -> None:
    weight = f"TRY_CAST({quote_identifier(name)} AS DOUBLE)"
    row = con.execute(
        f"SELECT count(*) FILTER (NOT coalesce(isfinite({weight}) AND {weight} >= 0, false)), "
        f"coalesce(bool_or({weight} > 0), false) FROM {_ROWS}"
    ).fetchone() or (0, True)
    if row[0]:
        raise DataError(
            f"The weight {name!r} is no number from 0 on in {row[0]:,} rows (NULL, NaN, infinite, negative, or text).",
            remedy=f"Give each row one: SELECT * REPLACE (if(isfinite({weight}) AND {weight} > 0, {weight}, 0) AS "
            f"{quote_identifier(name)}) FROM ...",
        )
    if not row[1] and _count(con):
        raise DataError(f"The weight {name!r} is 0 in every row: nothing would be learnt.")


def _columns(con: duckdb.DuckDBPyConnection, select: str, args: Args) -> dict[str, str]:
    try:
        return describe(con, select)
    except duckdb.Error as error:
        text, hint = str(error).split("\n")[0].rstrip("!.") + ".", ""
        if isinstance(error, duckdb.CatalogException):
            near = re.search('Did you mean "([^"]+)"', str(error))
            text += f" Did you mean {near[1]!r}?" if near else ""
            hint = (
                "If it is a temporary table or not committed yet: learning reads what is committed, so COMMIT first, "
                "or CREATE TABLE it."
            )
        raise SourceError(f"The source {args['source']!r} can't be read: {text}", remedy=hint or None) from None


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
    row = con.execute(f"SELECT count(*) FROM {_ROWS}").fetchone()
    return int(row[0]) if row else 0


def _content_hash(con: duckdb.DuckDBPyConnection, types: dict[str, str]) -> str:
    """Of the multiset of rows: sums do not depend on the order, and catch repetitions."""
    row = con.execute(f"SELECT count(*), sum({HASH}::HUGEINT)::VARCHAR, bit_xor(hash({HASH})) FROM {_ROWS}").fetchone()
    return hashlib.sha256(json.dumps([row, types], default=str).encode()).hexdigest()[:32]


def export(
    frozen: Frozen, args: Args, path: Path, *, task: str | None, features: list[str], seed: int, folds: int = 1
) -> Snapshot:
    """Split the rows and write those columns that training reads.

    Args:
        folds: parts that judge in turn; 1: one part judges.

    Raises:
        DataError: a split left no rows to train on, or none to judge by.
    """
    backend = ibis.duckdb.from_connection(frozen.con)
    rows = backend.table(_ROWS, database=("temp", "main"))
    target = args.get("target")
    parts = _folds(rows, args, folds, seed) if folds > 1 else _split(rows, args, task, seed)
    split = parts.cast("int8")
    columns: dict[str, Any] = {n: rows[n] for n in features}
    if target:
        columns[target] = rows[target].cast("string" if task == "classification" else "float64")
    if args.get("weight"):
        columns[args["weight"]] = rows[args["weight"]].cast("float64")
    chosen = rows.select(**columns, **{HASH: rows[HASH], SPLIT: split}).order_by(HASH)
    hashed = json.dumps(frozen.types).encode()
    counts = _write(chosen.to_pyarrow_batches(chunk_size=CHUNK), path, {COLUMNS: hashed})
    judges = {part: n for part, n in counts.items() if part >= VALIDATION}
    judged, parts = sum(judges.values()), max([1, *judges])
    train = counts[TRAIN] if parts == 1 else judged - max(judges.values())
    if not train:
        raise DataError(f"The split leaves no row to train on ({judged} to judge by).")
    if not judged and args.get("split"):
        raise DataError(
            f"The split {args['split']!r} leaves no row to judge by.", remedy="Name another split, or leave it out."
        )
    return Snapshot(path, frozen.hash, sum(counts.values()), train, judged, frozen.sql, parts)


def _write(batches: pa.RecordBatchReader, path: Path, metadata: dict[bytes, bytes]) -> Counter[int]:
    """Write row groups of one chunk each; rows of each part. A file under its name is a whole one."""
    counts: Counter[int] = Counter()
    partial = path.with_suffix(".part")
    try:
        with pq.ParquetWriter(partial, batches.schema.with_metadata(metadata)) as writer:
            for raw in batches:
                batch = raw.cast(batches.schema)  # DuckDB widens the result of CASE
                writer.write_batch(batch)
                for value in pa.compute.value_counts(batch.column(SPLIT)).to_pylist():
                    counts[value["values"]] += value["counts"]
        partial.chmod(0o600)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return counts


def _folds(rows: ir.Table, args: Args, folds: int, seed: int) -> ir.IntegerValue:
    """The part of each row, from 1: each has its share of every class, and of every range of a number.

    Rows that are the same share a part, or one would be judged by a network that has seen its twin; so do all rows of
    an entity where it is the split.
    """
    dice = (rows[HASH].cast("string") + f"|{seed}").hash()
    if args.get("split") == "entity":
        dice = (_entity(rows, args).cast("string") + f"|{seed}").hash()
        return ibis.dense_rank().over(order_by=dice) % folds + 1
    return ibis.dense_rank().over(order_by=[rows[args["target"]], dice]) % folds + 1


def _split(rows: ir.Table, args: Args, task: str | None, seed: int) -> ir.IntegerValue:
    """0 to train, 1 to judge, -1 for neither: by hash (within each class), time, entity, or a column."""
    kind, share = args.get("split"), float(args["validation"])
    dice = (rows[HASH].cast("string") + f"|{seed}").hash()
    if kind is None and task == "classification":
        return _held_out(ibis.cume_dist().over(group_by=rows[args["target"]], order_by=dice) <= share)
    if kind is None:
        return _held_out((dice % 10_000 + 10_000) % 10_000 < int(share * 10_000))
    if kind == "time":
        return _by_time(rows, args, share)
    if kind == "entity":
        return _by_entity(rows, args, share, seed)
    return _by_column(rows, kind)


def _held_out(condition: ir.BooleanValue) -> ir.IntegerValue:
    return ibis.ifelse(condition, VALIDATION, TRAIN)


def _by_time(rows: ir.Table, args: Args, share: float) -> ir.IntegerValue:
    """The latest share is judged; rows within ``gap`` before it are left out, whose labels may look into it."""
    name = args.get("order_by")
    if not name:
        raise OptionError("split := 'time' needs order_by := 'ts', the column of time.")
    if not (rows[name].type().is_temporal() or rows[name].type().is_numeric()):
        raise OptionError(
            f"split := 'time' can't order by {name!r}: it is {rows[name].type()}, and text has an order of its own.",
            remedy=f"Cast it in the source: SELECT *, {quote_identifier(name)}::TIMESTAMP AS ts FROM ...",
        )
    con, quoted = rows.get_backend().con, quote_identifier(name)
    unit, zero = ("INTERVAL", "0 days") if rows[name].type().is_temporal() else ("DOUBLE", "0")
    try:
        bounds = con.execute(
            f"SELECT cut::VARCHAR, (cut - CAST($gap AS {unit}))::VARCHAR "
            f"FROM (SELECT quantile_disc({quoted}, $share) AS cut FROM {_ROWS})",
            {"gap": str(args.get("gap") or zero), "share": 1 - share},
        ).fetchone()
    except duckdb.ConversionException:
        form = "'3 hours'" if unit == "INTERVAL" else "a number, since order_by is one"
        raise OptionError(f"gap = {args['gap']!r} can't be taken from {name!r}; write it as {form}.") from None
    cut, last = (ibis.literal(b).cast(rows[name].type()) for b in bounds)
    return ibis.cases((rows[name] > cut, VALIDATION), (rows[name] <= last, TRAIN), else_=UNUSED)


def _by_entity(rows: ir.Table, args: Args, share: float, seed: int) -> ir.IntegerValue:
    """Whole entities are judged, at least one."""
    entity = _entity(rows, args)
    dice = (entity.cast("string") + f"|{seed}").hash()
    judged = max(1, round(share * int(entity.nunique().to_pyarrow().as_py())))
    return _held_out(ibis.dense_rank().over(order_by=dice) < judged)


def _entity(rows: ir.Table, args: Args) -> ir.Column:
    name = args.get("entity")
    if not name:
        raise OptionError("split := 'entity' needs entity := 'machine', the column of entities.")
    entities = int(rows[name].nunique().to_pyarrow().as_py())
    if entities < 2:
        raise DataError(f"split := 'entity' needs two entities; {name!r} has {entities}.")
    return rows[name]


def _by_column(rows: ir.Table, name: str) -> ir.IntegerValue:
    """TRUE or 'validation' is judged; FALSE or 'train' is trained on; anything else is left out."""
    by_lower = {c.lower(): c for c in rows.columns}
    words = rows[by_lower[name.lower()]].cast("string").lower()
    return ibis.cases(
        (words.isin(["true", "1", "validation", "valid", "val"]), VALIDATION),
        (words.isin(["false", "0", "train", "training"]), TRAIN),
        else_=UNUSED,
    )


def check_split(split: Any) -> None:
    """Refuse what is no text."""
    if split is not None and not isinstance(split, str):
        raise OptionError(f"split is {one_of(['time', 'entity', 'the name of a column'])}, not {split!r}.")
