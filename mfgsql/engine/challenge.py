"""A challenger against the champion: only on rows that neither was trained on."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mfgsql.engine.engine import Engine
from mfgsql.evaluation import beats
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.tasks.task import Array, known
from mfgsql.training import Snapshot
from mfgsql.training.rows import HASH, SPLIT, VALIDATION

_FEWEST = 100


def wins(
    engine: Engine, con: duckdb.DuckDBPyConnection, champion: str, snapshot: Snapshot, challenger: Model
) -> tuple[bool, str]:
    """Whether the challenger is better beyond chance on rows neither saw, and if not, why in words."""
    if challenger.manifest.task is None:
        return False, "bases are not compared."
    parts = parts_of(engine, con, champion)
    if parts is None:
        return False, f"the snapshot of {champion} is gone, so no rows are known that neither saw."
    table = _read(snapshot.path)
    table = table.filter(pc.greater_equal(table[SPLIT], VALIDATION))
    with engine.scorer(champion) as scorer:
        held = scorer.model.manifest
        theirs = unseen_by(table, parts, held.backbone.groups)
        table, theirs = table.filter(pa.array(theirs > 0)), theirs[theirs > 0]
        if len(table) < _FEWEST:
            return False, f"only {len(table)} rows were seen by neither, and {_FEWEST} are needed."
        if (
            held.task != challenger.manifest.task
            or held.target is None
            or held.target != _like(challenger, held.target)
        ):
            return False, f"{champion} predicts another target."
        lacking = [n for n in held.features.names if n not in table.column_names]
        if lacking:
            return False, f"{champion} reads {lacking[0]!r}, which these rows lack."
        columns = {n: table[n].combine_chunks() for n in table.column_names}
        old = scorer.score_unseen(columns, theirs)
    new = Scorer(challenger, engine.device, engine.settings.threads).score_unseen(columns, columns[SPLIT].to_numpy())
    challenger.network.to("cpu")
    truth = np.asarray(challenger.task.encode(columns[challenger.target.name], challenger.target))
    there = known(truth)
    metric = challenger.task.metrics(challenger.target)[0]
    if beats(metric, truth[there], new.take(there), old.take(there)):
        return True, ""
    return False, f"it is not better than {champion} beyond chance ({metric.name}, {len(table)} rows neither saw)."


def unseen_by(rows: pa.Table, parts: pa.Table, groups: int) -> Array:
    """For each of another version's judged rows the group of a version that has not seen it, 0 where all have.

    Of a row that is new to the version one group speaks, too, so that nobody is judged as the larger ensemble.

    Args:
        rows: with `HASH` and `SPLIT`. parts: see `parts_of`. groups: of the version.
    """
    place = pc.index_in(rows[HASH], value_set=parts[HASH].combine_chunks())
    known = pc.take(parts[SPLIT], pc.fill_null(place, 0)).to_numpy().astype(np.int64)
    known = np.where((known < VALIDATION) | (known > groups), 0, known)
    return np.where(place.is_null().to_numpy(), rows[SPLIT].to_numpy().astype(np.int64) % groups + 1, known)


def _like(challenger: Model, target: object) -> object:
    """The champion's target where the challenger's has the same name and classes."""
    mine = challenger.target
    same = (mine.name, mine.classes) == (getattr(target, "name", None), getattr(target, "classes", None))
    return target if same else None


def parts_of(engine: Engine, con: duckdb.DuckDBPyConnection, version: str) -> pa.Table | None:
    """Hashes of the rows of a version's snapshot and the part of each, or None where it is gone."""
    path = snapshot_of(engine, con, version)
    return _read(path, [HASH, SPLIT]) if path else None


def snapshot_of(engine: Engine, con: duckdb.DuckDBPyConnection, version: str) -> Path | None:
    """The version's snapshot where it is still there: the database may have been moved since, its folder with it."""
    model, _, number = version.partition("@")
    row = con.execute(
        "SELECT s.path FROM ml_catalog.versions v JOIN ml_catalog.snapshots s ON s.run_id = v.run_id "
        "WHERE v.model = ? AND v.version = ?",
        [model, int(number)],
    ).fetchone()
    places = [Path(row[0]), engine.folder / Path(row[0]).name] if row else []
    return next((p for p in places if p.is_file()), None)


def _read(path: Path, columns: list[str] | None = None) -> pa.Table:
    with pq.ParquetFile(path) as file:
        return file.read(columns)
