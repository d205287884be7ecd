"""From frozen rows to a snapshot: split, and written with those columns that training reads."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from mfgsql.engine.planning import Args
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.engine.splitting import parts_by_folds, parts_by_split
from mfgsql.engine.windowing import POSITION
from mfgsql.errors import DataError
from mfgsql.features import FeatureSet
from mfgsql.features.image import ImageEncoder
from mfgsql.tasks import FORECAST, TOKENS, Target, tasks
from mfgsql.training.snapshot import CHUNK, HASH, SPLIT, TRAIN, VALIDATION, Snapshot
from mfgsql.training.windows import HISTORY, LEAST, MOMENT

COLUMNS = b"mfgsql.columns"  # in a file's metadata: the columns that `HASH` is of
_TOLD, _TRUTH = "__ml_told", "__ml_truth"  # the rows with the target as the task takes it, and that column
_TEXTS = 16_384  # rows of a chunk that holds texts
_PIXELS = 2**26  # of a chunk that holds pictures, about
_FEWEST = 64  # rows of any chunk, unless their pictures are larger together than the next
_STORED = 2**29  # bytes


def export(
    frozen: Frozen, args: Args, path: Path, *, task: str | None, features: FeatureSet, seed: int, folds: int = 1
) -> Snapshot:
    """Split the rows and write those columns that training reads.

    Args:
        folds: parts that judge in turn; 1: one part judges.

    Raises:
        DataError: a split left no rows to train on, or none to judge by.
    """
    backend = ibis.duckdb.from_connection(frozen.con)
    target = args.get("target")
    told = _truth_sql(frozen, task, args)
    frozen.con.execute(f"CREATE OR REPLACE TEMP VIEW {_TOLD} AS SELECT *, {told} AS {_TRUTH} FROM {ROWS}")
    rows = backend.table(_TOLD, database=("temp", "main"))
    parts = parts_by_folds(rows, args, folds, seed) if folds > 1 else parts_by_split(rows, args, task, seed)
    split = parts.cast("int8")
    names = features.names
    columns: dict[str, Any] = {n: rows[n] for n in names}
    windowed = bool(args.get("histories"))
    if args.get("censored"):
        columns[LEAST] = rows[args["censored"]]
    if target:
        columns[target] = rows[_TRUTH]
    if args.get("weight"):
        columns[args["weight"]] = rows[args["weight"]].cast("float64")
    made = {HASH: rows[HASH], SPLIT: split} | ({n: rows[n] for n in (HISTORY, MOMENT)} if windowed else {})
    # Ties in time lie by their values (of a case's events, by their place), so that the source's order changes nothing.
    order = [HISTORY, MOMENT, *sorted(names, key=POSITION.__ne__), HASH] if windowed else [HASH]
    chosen = rows.select(**columns, **made).order_by(order)
    hashed = json.dumps(frozen.types).encode()
    size = chunk_rows(features, _stored(frozen, features))
    counts = _write(chosen.to_pyarrow_batches(chunk_size=size), path, {COLUMNS: hashed})
    return _counted(frozen, args, path, counts)


def _counted(frozen: Frozen, args: Args, path: Path, counts: Counter[int]) -> Snapshot:
    """The snapshot that was written, by its rows of each part."""
    judges = {part: n for part, n in counts.items() if part >= VALIDATION}
    judged, parts = sum(judges.values()), max([1, *judges])
    train = counts[TRAIN] if parts == 1 else judged - max(judges.values())
    if not train:
        raise DataError(f"The split leaves no row to train on ({judged} to judge by).")
    if not judged and args.get("split") and args.get("task") != FORECAST:  # of short series none may judge
        raise DataError(
            f"The split {args['split']!r} leaves no row to judge by.", remedy="Name another split, or leave it out."
        )
    return Snapshot(path, frozen.hash, sum(counts.values()), train, judged, frozen.sql, parts)


def _truth_sql(frozen: Frozen, task: str | None, args: Args) -> str:
    """SQL of the target as its task reads it; spans as they are, and what a text goes with as text."""
    target = args.get("target")
    if not target:
        return "NULL"
    column = quote_identifier(target)
    if task is None or task == TOKENS or task not in list(tasks):
        return column if task == TOKENS else f"CAST({column} AS VARCHAR)"
    return tasks[task].truth_sql(column, Target(target, frozen.types[target], separator=args.get("separator")))


def _stored(frozen: Frozen, features: FeatureSet) -> int:
    """Bytes of a row's pictures as they are stored, at most."""
    pictures = [name for name in features.fields("image") if frozen.types[name] == "BLOB"]
    if not pictures:
        return 0
    largest = " + ".join(f"coalesce(max(octet_length({quote_identifier(name)})), 0)" for name in pictures)
    row = frozen.con.execute(f"SELECT {largest} FROM {ROWS}").fetchone()
    return int(row[0]) if row else 0


def chunk_rows(features: FeatureSet, stored: int) -> int:
    """Rows that are read at a time: pictures are large, and texts of many words not small.

    Args:
        stored: bytes of a row's pictures, at most.
    """
    pixels = sum(e.size[0] * e.size[1] * e.channels for e in features.encoders if isinstance(e, ImageEncoder))
    most = _TEXTS if features.fields("text") else CHUNK
    if not pixels:
        return most
    return max(1, min(max(_FEWEST, min(most, _PIXELS // pixels)), _STORED // max(stored, 1)))


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
