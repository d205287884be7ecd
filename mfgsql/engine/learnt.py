"""What a version and those before it have learnt: by their snapshots, or by what the catalog keeps of the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mfgsql.catalog import resolve
from mfgsql.catalog.replays import learnt_among
from mfgsql.engine.adapting.held import root_of
from mfgsql.engine.engine import Engine
from mfgsql.engine.exporting import COLUMNS
from mfgsql.engine.identity import keys_of
from mfgsql.manifest import Manifest
from mfgsql.tasks.task import Array
from mfgsql.training.snapshot import HASH, SPLIT, VALIDATION

_WHICH = "__ml_which"


@dataclass(frozen=True)
class Learnt:
    """What a version, and those that it went on from, have learnt.

    Attributes:
        paths: of their snapshots, as far as these are there. known: which of a snapshot's rows ml_adapt has learnt, by
            their hash, bool [rows]; None: no snapshot is gone.
    """

    paths: list[Path]
    known: Callable[[pa.Table], Array] | None = None

    def parts(self, rows: pa.Table, groups: int) -> tuple[Array, Array]:
        """For each row the group of the version that has not seen it, 0 where all have, and whether none has.

        Args:
            rows: with `HASH`, `SPLIT` and the snapshot's metadata. groups: of the version.
        """
        told = {(pq.read_schema(path).metadata or {}).get(COLUMNS) for path in self.paths}
        theirs = pl.concat([pl.scan_parquet(path) for path in self.paths], how="diagonal_relaxed")
        found = twins(rows, theirs, told.pop() if len(told) == 1 else None)
        if found is None:
            return np.zeros(len(rows), np.int64), np.zeros(len(rows), bool)
        least, most = (found[n].fill_null(0).to_numpy().astype(np.int64) for n in ("least", "most"))
        group = np.where((least == most) & (least >= VALIDATION) & (least <= groups), least, 0)
        new = found["least"].is_null().to_numpy()
        return group, new if self.known is None else new & ~self.known(rows)

    def unseen(self, rows: pa.Table, groups: int) -> Array:
        """For each of another version's judged rows the group that has not seen it, 0 where all have. Of a row that is
        new to the version one group speaks, too, so that nobody is judged as the larger ensemble.
        """
        group, new = self.parts(rows, groups)
        return np.where(new, rows[SPLIT].to_numpy().astype(np.int64) % groups + 1, group)


def twins(rows: pa.Table, theirs: pl.LazyFrame, columns: bytes | None) -> pl.DataFrame | None:
    """For each row the ``least`` and ``most`` part of those of theirs that are the same row, NULL where none is; None
    where nothing can be compared.

    Args:
        columns: that their `HASH` is of, as snapshots tell it.
    """
    mine = pl.LazyFrame(pl.from_arrow(rows))
    names = _alike(mine.collect_schema(), theirs.collect_schema())
    if columns is not None and columns == (rows.schema.metadata or {}).get(COLUMNS):
        names = [HASH]  # made of the same columns, of which those that are stored may be a part only
    if not names:
        return None
    parts = _which(theirs, names).group_by(_WHICH).agg(least=pl.col(SPLIT).min(), most=pl.col(SPLIT).max())
    return _which(mine, names).join(parts, on=_WHICH, how="left", maintain_order="left").collect()


def _alike(ours: pl.Schema, theirs: pl.Schema) -> list[str]:
    """Columns of both, of types whose values compare: one that was text and is a number now tells no rows apart."""
    shared = {n for n in {*ours.names()} & {*theirs.names()} - {HASH, SPLIT} if not ours[n].is_nested()}
    return sorted(n for n in shared if _kind(ours[n]) == _kind(theirs[n]))


def _kind(kind: pl.DataType) -> pl.DataType:
    """What values of a type are compared as."""
    if kind.is_numeric():
        return pl.Float64()
    if kind == pl.Binary():
        return kind
    return pl.Datetime("us") if kind in (pl.Date, pl.Datetime) else pl.String()


def _which(rows: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
    """Each row's part, and which row it is, by its values in these columns: rows that are equal there are one."""
    types = rows.collect_schema()
    values = [pl.col(n) if n == HASH else _compared(n, types[n]) for n in names]
    return rows.select(pl.struct(values).hash().alias(_WHICH), pl.col(SPLIT))


def _compared(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(_kind(kind))


def learnt_by(engine: Engine, con: duckdb.DuckDBPyConnection, version: str) -> Learnt | None:
    """What a version has learnt; None where that isn't known: its own snapshot is gone, or another one, whose rows are
    not in the catalog either.
    """
    found, own = snapshots_of(engine, con, version), snapshot_of(engine, con, version)
    there = [path for path in found if path is not None]
    if own is None:
        return None
    if len(there) == len(found):
        return Learnt(there)
    known = resolve(con, version)
    manifest = Manifest.from_json(known.manifest)
    root = root_of(known, manifest)
    if snapshot_of(engine, con, f"{known.model}@{root}") is None:
        return None

    def told(rows: pa.Table) -> Array:
        mine = keys_of(con, rows, manifest)
        found = learnt_among(con, known.model, root, mine)
        return np.isin(mine, found["hash"][found["version"] <= known.version])

    return Learnt(there, told)


def snapshots_of(engine: Engine, con: duckdb.DuckDBPyConnection, version: str) -> list[Path | None]:
    """A version's own snapshot and those of the versions that it went on from, None for each that is gone. Candidates
    before it are among them: their rows waited, and were learnt with the next batch.
    """
    model, _, number = version.partition("@")
    root = "coalesce(CAST(manifest->>'$.lineage.adapted.root' AS INTEGER), version)"
    versions = "FROM ml_catalog.versions WHERE model = $model AND version"
    rows = con.execute(  # a version that was dropped is known by those that went on from it
        f"WITH kin AS (SELECT version, manifest->>'$.lineage.adapted.from' AS origin {versions} <= $number "
        f"AND {root} = (SELECT {root} {versions} = $number)) SELECT version FROM kin UNION "
        "SELECT CAST(split_part(origin, '@', 2) AS INTEGER) FROM kin WHERE origin IS NOT NULL ORDER BY 1",
        {"model": model, "number": int(number)},
    ).fetchall()
    return [snapshot_of(engine, con, f"{model}@{v}") for (v,) in rows]


def snapshot_of(engine: Engine, con: duckdb.DuckDBPyConnection, version: str) -> Path | None:
    """The version's snapshot where it is still there: by name, for the database may have been moved or copied since."""
    model, _, number = version.partition("@")
    row = con.execute(
        "SELECT s.path FROM ml_catalog.versions v JOIN ml_catalog.snapshots s ON s.run_id = v.run_id "
        "WHERE v.model = ? AND v.version = ?",
        [model, int(number)],
    ).fetchone()
    path = engine.folder / Path(row[0]).name if row else None
    return path if path and path.is_file() else None
