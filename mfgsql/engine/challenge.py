"""A challenger against the champion: only on rows that neither was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mfgsql.engine.engine import Engine
from mfgsql.engine.exporting import COLUMNS
from mfgsql.engine.tagged import TaggedRows
from mfgsql.engine.unseen import Unseen, judged_rows
from mfgsql.evaluation import apart, beats
from mfgsql.evaluation.spans import beats_spans
from mfgsql.manifest import Manifest
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.tasks import TOKENS
from mfgsql.tasks.task import Array, known
from mfgsql.tasks.tokens import SPAN_F1
from mfgsql.training import Snapshot
from mfgsql.training.snapshot import HASH, SPLIT, VALIDATION

_FEWEST, _MOST = 100, 500_000  # rows to compare by
_MOST_READ = 5_000  # of texts and pictures
_WHICH = "__ml_which"


def wins(
    engine: Engine, con: duckdb.DuckDBPyConnection, champion: str, snapshot: Snapshot, challenger: Model
) -> tuple[bool, str]:
    """Whether the challenger is better beyond chance on rows neither saw, and if not, why in words."""
    if challenger.manifest.target is None:
        return False, "bases and detectors are not compared."
    if challenger.manifest.grid is not None:  # once judged, it has learnt from those rows, too
        return False, "forecasts are compared by ml_backtest of each, which tells both figures."
    seen = learnt_by(engine, con, champion)
    if seen is None:
        return False, f"a snapshot of what {champion} has learnt is gone, so no rows are known that neither saw."
    most = _MOST_READ if challenger.manifest.features.fields() else _MOST
    rows = judged_rows(snapshot.path, None, most, snapshot.parts)
    with engine.scorer(champion) as scorer:
        theirs = unseen_by(rows.judged, seen, scorer.model.manifest.backbone.groups)
        rows, theirs = rows.take(np.flatnonzero(theirs > 0)), theirs[theirs > 0]
        if len(theirs) < _FEWEST:
            return False, f"only {len(theirs)} rows were seen by neither, and {_FEWEST} are needed."
        if why := _incomparable(champion, scorer.model.manifest, challenger, rows):
            return False, why
        mine = Scorer(challenger, engine.device, engine.settings.threads)
        better = _finds_more if challenger.manifest.task == TOKENS else _tells_better
        won, metric = better(rows, mine, scorer, theirs)
    challenger.network.to("cpu")
    if won:
        return True, ""
    return False, f"it is not better than {champion} beyond chance ({metric}, {len(theirs)} rows neither saw)."


def _incomparable(champion: str, held: Manifest, challenger: Model, rows: Unseen) -> str | None:
    """Why the champion can't be asked about these rows, or None."""
    if held.task != challenger.manifest.task or held.target is None or held.target != _like(challenger, held.target):
        return f"{champion} predicts another target."
    if held.history is not None and not rows.of_histories:
        return f"{champion} reads histories, and these rows have none."
    lacking = [n for n in held.features.names if n not in rows.table.column_names]
    return f"{champion} reads {lacking[0]!r}, which these rows lack." if lacking else None


def _tells_better(rows: Unseen, mine: Scorer, champion: Scorer, theirs: Array) -> tuple[bool, str]:
    """Whether the challenger beats the champion by the task's metric, and its name."""
    challenger = mine.model
    new, old = rows.predict(mine, rows.judged[SPLIT].to_numpy()), rows.predict(champion, theirs)
    truth = np.asarray(challenger.task.encode(rows.judged[challenger.target.name].combine_chunks(), challenger.target))
    there = np.flatnonzero(known(truth))
    if challenger.manifest.history is not None:
        there = there[apart(len(there), challenger.manifest.history.length)]
    metric = challenger.task.metrics(challenger.target)[0]
    return beats(metric, truth[there], new.take(there), old.take(there)), metric.name


def _finds_more(rows: Unseen, mine: Scorer, champion: Scorer, theirs: Array) -> tuple[bool, str]:
    """The same of models that find spans."""
    return beats_spans(TaggedRows.of(mine, rows).sums(), TaggedRows.of(champion, rows).sums()), SPAN_F1


def unseen_by(rows: pa.Table, snapshot: Path | Sequence[Path], groups: int) -> Array:
    """For each of another version's judged rows the group of a version that has not seen it, 0 where all have.

    Of a row that is new to the version one group speaks, too, so that nobody is judged as the larger ensemble.

    Args:
        rows: with `HASH`, `SPLIT` and the snapshot's metadata. snapshot: of the version, and of those that it went on
            from. groups: of the version.
    """
    group, new = speakers(rows, [snapshot] if isinstance(snapshot, Path) else snapshot, groups)
    return np.where(new, rows[SPLIT].to_numpy().astype(np.int64) % groups + 1, group)


def speakers(rows: pa.Table, paths: Sequence[Path], groups: int) -> tuple[Array, Array]:
    """For each row the group of a version that has not seen it, 0 where all have, and whether none has: `unseen_by`."""
    told = {(pq.read_schema(path).metadata or {}).get(COLUMNS) for path in paths}
    theirs = pl.concat([pl.scan_parquet(path) for path in paths], how="diagonal_relaxed")
    found = twins(rows, theirs, told.pop() if len(told) == 1 else None)
    if found is None:
        return np.zeros(len(rows), np.int64), np.zeros(len(rows), bool)
    least, most = (found[n].fill_null(0).to_numpy().astype(np.int64) for n in ("least", "most"))
    group = np.where((least == most) & (least >= VALIDATION) & (least <= groups), least, 0)
    return group, found["least"].is_null().to_numpy()


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


def _like(challenger: Model, target: object) -> object:
    """The champion's target where the challenger's has the same name and classes."""
    mine = challenger.target
    same = (mine.name, mine.classes) == (getattr(target, "name", None), getattr(target, "classes", None))
    return target if same else None


def learnt_by(engine: Engine, con: duckdb.DuckDBPyConnection, version: str) -> list[Path] | None:
    """Snapshots of what a version has learnt, see `snapshots_of`; None where one is gone: a row may be in that one."""
    found = snapshots_of(engine, con, version)
    there = [path for path in found if path is not None]
    return there if there and len(there) == len(found) else None


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
