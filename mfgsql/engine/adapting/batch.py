"""A batch of new rows as the champion reads them: the same columns, kinds and parts, and what of it is new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mfgsql.cancellation import Cancellation
from mfgsql.catalog import Version
from mfgsql.catalog.replays import learnt_of
from mfgsql.engine.adapting.past import BATCH, STANDS, Past
from mfgsql.engine.alike import read_alike
from mfgsql.engine.challenge import twins
from mfgsql.engine.exporting import COLUMNS, export
from mfgsql.engine.picture_files import Reader
from mfgsql.engine.planning import Args
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.engine.splitting import mixed
from mfgsql.errors import DataError, one_of
from mfgsql.manifest import Manifest
from mfgsql.replay import strata
from mfgsql.tasks import Target, tasks
from mfgsql.tasks.task import Array
from mfgsql.training.snapshot import HASH, SPLIT, TRAIN, UNUSED, VALIDATION
from mfgsql.training.windows import HISTORY, MOMENT

FEWEST = 20  # rows of a batch
LEAST_OF_CLASS = 10  # rows of a class that is new: fewer are taken for slips of the pen
_GROWS = ("classification",)


@dataclass(frozen=True)
class Batch:
    """New rows.

    Attributes:
        rows: as a snapshot has them, with parts, `BATCH` NULL and `STANDS` 1; of histories also rows that were learnt
            before, as what came before the others (`UNUSED`).
        target: with the classes that are new behind the old ones. new: names of these.
        fresh: rows that are new. known: rows that had been given before.
    """

    frozen: Frozen
    rows: pa.Table
    target: Target
    new: list[str]
    fresh: int
    known: int
    warnings: list[str]


def read_batch(
    con: duckdb.DuckDBPyConnection, args: Args, version: Version, cancellation: Cancellation, files: Reader
) -> Frozen:
    """The rows, frozen.

    Raises:
        SourceError: not readable, or its columns are not those that the champion reads.
        DataError: too few rows.
    """
    manifest = Manifest.from_json(version.manifest)
    assert manifest.target is not None
    frozen = read_alike(con, args, version, cancellation, files)
    if frozen.rows < FEWEST:
        raise DataError(
            f"The batch has {frozen.rows} rows with a known {manifest.target.name!r}: too few to go on learning from "
            f"(at least {FEWEST}).",
            remedy="Wait for more, or take a longer stretch of time.",
        )
    return frozen


def settled_batch(frozen: Frozen, args: Args, manifest: Manifest, past: Past, path: Path, share: float) -> Batch:
    """The rows in parts, without what the champion can't learn and without what it has learnt already.

    Args:
        path: of a file for the rows, which is written and deleted. share: of new rows that judge, of one network.

    Raises:
        DataError: too few are new; of rows that wait to be learnt none need to be.
    """
    target, new, warnings = _grown(frozen, manifest, past)
    warnings += _unread(frozen, args, past.champion)
    exported = args | {"validation": 0.0, "split": None}
    features, seed = manifest.features, int(manifest.lineage.get("recipe", {}).get("seed", 0))
    try:
        export(frozen, exported, path, task=manifest.task, features=features, seed=seed)
        rows = pq.read_table(path)
    finally:
        path.unlink(missing_ok=True)
    known, waiting = _known(frozen, rows, past), past.waiting
    pending = waiting is not None and bool(_among(rows, waiting).any())
    parts = _parts(rows, past, manifest, share, target, seed)
    if manifest.history is None:
        rows, parts = rows.filter(pa.array(~known)), parts[~known]
    else:
        parts = np.where(known, UNUSED, parts)
    rows = rows.set_column(rows.schema.get_field_index(SPLIT), SPLIT, pa.array(parts, pa.int8()))
    rows = rows.append_column(BATCH, pa.nulls(len(rows), pa.int32()))
    rows = rows.append_column(STANDS, pa.array(np.ones(len(rows))))
    fresh = int((parts != UNUSED).sum())
    if known.any():
        warnings.append(f"{int(known.sum()):,} rows had been given before, and count once.")
    if fresh < FEWEST and not pending:
        _refuse(fresh, int(known.sum()))
    return Batch(frozen, rows, target, new, fresh, int(known.sum()), warnings)


def _unread(frozen: Frozen, args: Args, version: Version) -> list[str]:
    """In words, which columns of the batch the champion was never shown."""
    told = frozen.con.execute(
        "SELECT feature FROM ml_catalog.features WHERE model = ? AND version = ?", [version.model, version.version]
    ).fetchall()
    known = {str(args[role]).lower() for role in ("target", "weight", "entity", "order_by") if args.get(role)}
    known |= {name.lower() for (name,) in told}
    more = [name for name in frozen.types if name.lower() not in known]
    return [f"{version.name} does not read {', '.join(more[:8])}: it was trained without."] if more else []


def _refuse(fresh: int, known: int) -> NoReturn:
    """Nothing, or too little, of a batch is new."""
    if fresh:
        raise DataError(
            f"Only {fresh} rows of the batch are new, and {known:,} had been given before: too few to go on learning "
            f"from (at least {FEWEST}).", remedy="Wait for more, or take a longer stretch of time.",
        )  # fmt: skip
    raise DataError(
        f"All {known:,} rows of the batch had been given before: there is nothing new in it.",
        remedy="Give it rows that came since.",
    )


def _grown(frozen: Frozen, manifest: Manifest, past: Past) -> tuple[Target, list[str], list[str]]:
    """The target with classes that are new; rows of others that can't be learnt are left out. Classes that an earlier
    batch brought, whose candidate was not promoted, are new to the champion still.
    """
    target = manifest.target
    assert target is not None
    if not target.classes or manifest.task == "multilabel":
        return target, [], []
    column = f"CAST({quote_identifier(target.name)} AS VARCHAR)"
    found = dict(frozen.con.execute(f"SELECT {column}, count(*) FROM {ROWS} GROUP BY 1 ORDER BY 1").fetchall())
    found.pop(None, None)
    waiting = _counted(past.rows, target.name)
    new = sorted(c for c in {*found, *waiting} if c not in target.classes)
    many = {c: found.get(c, 0) + waiting.get(c, 0) for c in new}
    grown = [c for c in new if manifest.task in _GROWS and many[c] >= LEAST_OF_CLASS]
    warnings = []
    if left := [c for c in new if c not in grown and c in found]:
        frozen.con.execute(f"DELETE FROM {ROWS} WHERE list_contains($left, {column})", {"left": left})
        why = f"fewer than {LEAST_OF_CLASS} rows each" if manifest.task in _GROWS else "it learns no new ones"
        rows, names = sum(found[c] for c in left), one_of(left[:8])
        warnings.append(f"{rows:,} rows of classes that the champion does not know are left out ({why}): {names}.")
    if sum(found[c] for c in found if c not in left) == 0:
        raise DataError(f"No row of the batch has a class that {target.name!r} can have: {one_of(left[:8])}.")
    if grown:
        warnings.append(f"New values of {target.name!r}: {', '.join(map(repr, grown))}.")
    counts = [n + found.get(c, 0) for c, n in zip(target.classes, target.counts, strict=True)]
    counts += [many[c] for c in grown]
    return replace(target, classes=(*target.classes, *grown), counts=tuple(counts)), grown, warnings


def _counted(rows: pa.Table | None, name: str) -> dict[str, int]:
    """Rows of each class."""
    if rows is None:
        return {}
    found = pc.value_counts(rows[name].combine_chunks().cast(pa.string())).to_pylist()
    return {row["values"]: row["counts"] for row in found if row["values"] is not None}


def _known(frozen: Frozen, rows: pa.Table, past: Past) -> Array:
    """Which rows have been learnt from before, bool [rows]."""
    known = np.isin(rows[HASH].to_numpy(), learnt_of(frozen.con, past.champion.model, past.root, ROWS, HASH))
    if past.learnt is not None:
        columns = (pq.read_schema(past.learnt).metadata or {}).get(COLUMNS)
        known |= _found(twins(rows, pl.scan_parquet(past.learnt), columns), len(rows))
    return known if past.rows is None else known | _among(rows, past.rows)


def _among(rows: pa.Table, kept: pa.Table) -> Array:
    """Which rows are kept of the past, bool [rows]."""
    theirs = pl.LazyFrame(pl.from_arrow(kept.drop_columns([BATCH, STANDS])))
    return _found(twins(rows, theirs, (kept.schema.metadata or {}).get(COLUMNS)), len(rows))


def _found(parts: pl.DataFrame | None, rows: int) -> Array:
    return np.zeros(rows, bool) if parts is None else ~parts["least"].is_null().to_numpy()


def _parts(rows: pa.Table, past: Past, manifest: Manifest, share: float, target: Target, seed: int) -> Array:
    """The part of each row, as `mfgsql.engine.splitting` has them; a machine's rows stay in the part that it has."""
    groups = manifest.backbone.groups
    if HISTORY in rows.column_names:
        return _parts_of_histories(rows, past, groups, share)
    dice = mixed(rows[HASH].to_numpy(), seed)
    assert manifest.task is not None
    truth = strata(np.asarray(tasks[manifest.task].encode(rows[target.name].combine_chunks(), target)))
    order = np.lexsort((dice, truth))
    steps = (np.diff(truth[order], prepend=-1) != 0) | (np.diff(dice[order], prepend=np.uint64(0)) != 0)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.cumsum(steps)  # equal rows share a part
    return rank % groups + 1 if groups > 1 else np.where(rank % max(2, round(1 / share)) == 0, VALIDATION, TRAIN)


def _parts_of_histories(rows: pa.Table, past: Past, groups: int, share: float) -> Array:
    which = rows[HISTORY].to_numpy()
    if groups == 1:
        moment = rows[MOMENT].to_numpy()
        return np.where(moment > np.quantile(moment, 1 - share), VALIDATION, TRAIN)
    parts = (mixed(which, 0) % np.uint64(groups)).astype(np.int64) + 1
    if past.rows is not None:
        known = dict(zip(past.rows[HISTORY].to_pylist(), past.rows[SPLIT].to_pylist(), strict=True))
        parts = np.array([known.get(w, p) for w, p in zip(which.tolist(), parts, strict=True)])
    return parts
