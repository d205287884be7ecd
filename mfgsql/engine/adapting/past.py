"""Rows of the past: kept in the catalog, or drawn the first time from what the champion was trained on."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mfgsql.catalog import Version
from mfgsql.catalog.replays import keep_replay, read_replay, replay_of
from mfgsql.engine.adapting.held import root_of
from mfgsql.engine.engine import Engine
from mfgsql.engine.learnt import snapshot_of
from mfgsql.manifest import Manifest
from mfgsql.replay import kept_rows, kept_runs, strata
from mfgsql.tasks import tasks
from mfgsql.tasks.task import Array
from mfgsql.training.snapshot import REPLAYED, TAUGHT, WEIGHT
from mfgsql.training.windows import HISTORY

BATCH = "__ml_batch"  # column of what is kept: the version that was the first to learn the row; NULL: the one under way
STANDS = "__ml_stands"  # column: how many rows of its batch it stands for, 1 on average
_MOST = 500_000  # rows of a snapshot that are read


@dataclass(frozen=True)
class Past:
    """What is known of the past.

    Attributes:
        champion: whose past it is. root: number of the version that it goes back to, or its own; its parts are those of
            the rows. rows: None: nothing is. learnt: the snapshot of the root, where it is still there: rows in it are
            not new.
    """

    champion: Version
    root: int
    rows: pa.Table | None
    learnt: Path | None

    @property
    def has_learnt(self) -> Array:
        """Which of the rows the champion has learnt, bool [rows]."""
        if self.rows is None:
            return np.zeros(0, bool)
        return np.asarray(self.rows[BATCH].to_numpy() <= self.champion.version)

    @property
    def waiting(self) -> pa.Table | None:
        """Rows that the champion has not learnt, since no candidate that did was promoted."""
        return None if self.rows is None else self.rows.filter(pa.array(~self.has_learnt))


def read_past(engine: Engine, con: duckdb.DuckDBPyConnection, version: Version, manifest: Manifest, most: int) -> Past:
    """What is kept of the past, or the first time what the champion's snapshot has.

    Args:
        most: rows that there is room for.
    """
    root = root_of(version, manifest)
    learnt = snapshot_of(engine, con, f"{version.model}@{root}")
    replay = replay_of(con, version.model, root)
    if replay is not None:
        return Past(version, root, pq.read_table(io.BytesIO(read_replay(con, replay))), learnt)
    path = snapshot_of(engine, con, version.name)
    if path is None:
        return Past(version, root, None, learnt)
    rows = _read(path)
    for name, value in ((BATCH, root), (STANDS, 1.0)):
        if name not in rows.column_names:
            kind = pa.int32() if name == BATCH else pa.float64()
            rows = rows.append_column(name, pa.array(np.full(len(rows), value), kind))
    place = rows.schema.get_field_index(BATCH)
    rows = rows.set_column(place, BATCH, rows[BATCH].fill_null(version.version))  # of an adapted version's own batch
    rows = rows.drop_columns([n for n in (REPLAYED, TAUGHT, WEIGHT) if n in rows.column_names])
    return Past(version, root, thinned(rows, manifest, most), learnt)


def _read(path: Path) -> pa.Table:
    """The first rows of a snapshot: unless of histories a uniform sample, since they lie in the order of their hash."""
    with pq.ParquetFile(path) as file:
        parts, rows = list[pa.Table](), 0
        for group in range(file.metadata.num_row_groups):
            parts.append(file.read_row_group(group))
            rows += len(parts[-1])
            if rows >= _MOST:
                break
    return pa.concat_tables(parts)


def thinned(rows: pa.Table, manifest: Manifest, most: int, seed: int = 0) -> pa.Table:
    """As many rows as there is room for, of each batch and class its share; of histories whole stretches."""
    if not len(rows):
        return rows
    batch = _numbered(rows[BATCH].fill_null(2**31 - 1).to_numpy())
    if HISTORY in rows.column_names:
        kept = kept_runs(batch, _numbered(rows[HISTORY].to_numpy()), most, seed=seed)
        return rows.take(pa.array(kept))
    assert manifest.task is not None
    assert manifest.target is not None
    truth = tasks[manifest.task].encode(rows[manifest.target.name].combine_chunks(), manifest.target)
    kept, weights = kept_rows(batch, strata(np.asarray(truth)), rows[STANDS].to_numpy(), most, seed=seed)
    place = rows.schema.get_field_index(STANDS)
    return rows.take(pa.array(kept)).set_column(place, STANDS, pa.array(weights))


def _numbered(values: Array) -> Array:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def forget_batch(con: duckdb.DuckDBPyConnection, version: Version) -> None:
    """Forget the rows that a version was the first to learn, inside the caller's transaction."""
    con.execute("DELETE FROM ml_catalog.learnt WHERE model = ? AND version = ?", [version.model, version.version])
    replay = replay_of(con, version.model, root_of(version, Manifest.from_json(version.manifest)))
    if replay is None:
        return
    rows = pq.read_table(io.BytesIO(read_replay(con, replay)))
    left = rows.filter(pc.not_equal(rows[BATCH], version.version))
    if len(left) < len(rows):
        keep_replay(con, version.model, replay.root, replay.version, written(left, version.version), len(left))


def written(rows: pa.Table, number: int) -> bytes:
    """A Parquet file of rows; those of no batch yet are of the version of that number."""
    place = rows.schema.get_field_index(BATCH)
    filled = rows.set_column(place, BATCH, rows[BATCH].fill_null(number))
    buffer = io.BytesIO()
    pq.write_table(filled, buffer, compression="zstd")
    return buffer.getvalue()
