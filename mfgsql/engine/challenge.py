"""A challenger against the champion: only on rows that neither was trained on."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mfgsql.engine.engine import Engine
from mfgsql.evaluation import beats
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.training import Snapshot
from mfgsql.training.rows import HASH, SPLIT, TRAIN, VALIDATION

_FEWEST = 100


def wins(
    engine: Engine, con: duckdb.DuckDBPyConnection, champion: str, snapshot: Snapshot, challenger: Model
) -> tuple[bool, str]:
    """Whether the challenger is better beyond chance on rows neither saw, and if not, why in words."""
    if challenger.manifest.task is None:
        return False, "bases are not compared."
    seen = trained_on(con, champion)
    if seen is None:
        return False, f"the snapshot of {champion} is gone, so no rows are known that neither saw."
    table = _read(snapshot.path)
    table = table.filter(pa.compute.equal(table[SPLIT], VALIDATION))
    table = table.filter(pa.compute.invert(pa.compute.is_in(table[HASH], value_set=seen)))
    if len(table) < _FEWEST:
        return False, f"only {len(table)} rows were seen by neither, and {_FEWEST} are needed."
    with engine.scorer(champion) as scorer:
        held = scorer.model.manifest
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
        old = scorer.score(columns, len(table)).prediction
    new = Scorer(challenger, engine.device, engine.settings.threads).score(columns, len(table)).prediction
    challenger.network.to("cpu")
    truth = challenger.task.encode(columns[challenger.target.name], challenger.target)
    metric = challenger.task.metrics(challenger.target)[0]
    if beats(metric, np.asarray(truth), new, old):
        return True, ""
    return False, f"it is not better than {champion} beyond chance ({metric.name}, {len(table)} rows neither saw)."


def _like(challenger: Model, target: object) -> object:
    """The champion's target where the challenger's has the same name and classes."""
    mine = challenger.target
    same = (mine.name, mine.classes) == (getattr(target, "name", None), getattr(target, "classes", None))
    return target if same else None


def trained_on(con: duckdb.DuckDBPyConnection, version: str) -> pa.Array | None:
    """Hashes of the rows a version was trained on, or None where its snapshot is gone."""
    model, _, number = version.partition("@")
    row = con.execute(
        "SELECT s.path FROM ml_catalog.versions v JOIN ml_catalog.snapshots s ON s.run_id = v.run_id "
        "WHERE v.model = ? AND v.version = ?",
        [model, int(number)],
    ).fetchone()
    if row is None or not Path(row[0]).exists():
        return None
    table = _read(Path(row[0]), [HASH, SPLIT])
    return table.filter(pa.compute.equal(table[SPLIT], TRAIN))[HASH].combine_chunks()


def _read(path: Path, columns: list[str] | None = None) -> pa.Table:
    with pq.ParquetFile(path) as file:
        return file.read(columns)
