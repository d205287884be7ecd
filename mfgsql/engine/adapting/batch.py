"""A batch of new rows as the champion reads them: the same columns, kinds and parts, and what of it is new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mfgsql.cancellation import Cancellation
from mfgsql.catalog import Version
from mfgsql.engine.adapting.known import Known, without
from mfgsql.engine.adapting.past import BATCH, STANDS, Past
from mfgsql.engine.alike import read_alike
from mfgsql.engine.exporting import export
from mfgsql.engine.picture_files import Reader
from mfgsql.engine.planning import Args
from mfgsql.engine.snapshots import Frozen
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
    """New rows, and the past without them.

    Attributes:
        rows: as a snapshot has them, with parts, `BATCH` NULL and `STANDS` 1; of histories also rows that were learnt
            before, as what came before the others (`UNUSED`). A row that was given before, and that the champion has
            not learnt, is new again.
        past: without those that are in the batch. target: with the classes that are new behind the old ones. new: names
            of these. fresh: rows that are new. keys: of these. again: `HASH` of those that were given before.
    """

    frozen: Frozen
    rows: pa.Table
    past: Past
    target: Target
    new: list[str]
    fresh: int
    keys: Array
    again: Array
    warnings: list[str]


def read_batch(
    con: duckdb.DuckDBPyConnection, catalog: duckdb.DuckDBPyConnection, args: Args, version: Version,
    cancellation: Cancellation, files: Reader,
) -> Frozen:  # fmt: skip
    """The rows, frozen.

    Args:
        catalog: a cursor at the catalog's database; that of the source may be at another.

    Raises:
        SourceError: not readable, or its columns are not those that the champion reads.
        DataError: too few rows.
    """
    manifest = Manifest.from_json(version.manifest)
    assert manifest.target is not None
    frozen = read_alike(con, catalog, args, version, cancellation, files)
    if frozen.rows < FEWEST:
        raise DataError(
            f"The batch has {frozen.rows} rows with a known {manifest.target.name!r}: too few to go on learning from "
            f"(at least {FEWEST}).",
            remedy="Wait for more, or take a longer stretch of time.",
        )
    return frozen


def settled_batch(
    frozen: Frozen, catalog: duckdb.DuckDBPyConnection, args: Args, manifest: Manifest, past: Past, path: Path,
    share: float,
) -> Batch:  # fmt: skip
    """The rows in parts, without what the champion can't learn and without what it has learnt already.

    Args:
        path: of a file for the rows, which is written and deleted. share: of new rows that judge, of one network.

    Raises:
        DataError: too few are new.
    """
    seed = int(manifest.lineage.get("recipe", {}).get("seed", 0))
    exported = args | {"validation": 0.0, "split": None}
    try:
        export(frozen, exported, path, task=manifest.task, features=manifest.features, seed=seed)
        rows = pq.read_table(path)
    finally:
        path.unlink(missing_ok=True)
    known = Known.of(catalog, rows, manifest, past)
    new = ~known.learnt
    past = without(past, rows.filter(pa.array(new)))
    target, classes, left, warnings = _grown(rows, new, manifest, past)
    new &= ~left
    parts = _parts(rows, new, past, manifest, share, target, seed)
    taken = new if manifest.history is None else new | ~known.kept  # what came before, where the past lacks it
    warnings += _unread(frozen, catalog, args, manifest, past.champion)
    if before := int((known.given & ~left).sum()):
        warnings.append(f"{before:,} rows had been given before, and count once.")
    fresh = int(new.sum())
    if fresh < FEWEST:
        _refuse(fresh, len(rows))
    again = rows[HASH].filter(pa.array(new & known.given)).to_numpy()
    rows = rows.set_column(rows.schema.get_field_index(SPLIT), SPLIT, pa.array(np.where(new, parts, UNUSED), pa.int8()))
    rows = rows.filter(pa.array(taken))
    rows = rows.append_column(BATCH, pa.nulls(len(rows), pa.int32()))
    rows = rows.append_column(STANDS, pa.array(np.ones(len(rows))))
    return Batch(frozen, rows, past, target, classes, fresh, known.keys[new], again, warnings)


def _unread(
    frozen: Frozen, catalog: duckdb.DuckDBPyConnection, args: Args, manifest: Manifest, version: Version
) -> list[str]:
    """In words, which columns of the batch the champion was never shown."""
    told = catalog.execute(
        "SELECT feature FROM ml_catalog.features WHERE model = ? AND version = ?", [version.model, version.version]
    ).fetchall()
    roles = ("target", "weight", "entity", "order_by", "censored")
    known = {*manifest.features.names, *(name for (name,) in told), *(str(args[r]) for r in roles if args.get(r))}
    lower = {name.lower() for name in known}
    more = [name for name in frozen.types if name.lower() not in lower]
    return [f"{version.name} does not read {', '.join(more[:8])}: it was trained without."] if more else []


def _refuse(fresh: int, rows: int) -> NoReturn:
    """Nothing, or too little, of a batch is new."""
    if fresh:
        raise DataError(
            f"Only {fresh} of the {rows:,} rows are new to the champion: too few to go on learning from (at least "
            f"{FEWEST}).", remedy="Wait for more, or take a longer stretch of time.",
        )  # fmt: skip
    raise DataError(
        f"The champion has learnt all {rows:,} rows of the batch: there is nothing new in it.",
        remedy="Give it rows that came since.",
    )


def _grown(
    rows: pa.Table, new: Array, manifest: Manifest, past: Past
) -> tuple[Target, list[str], Array, list[str]]:
    """The target with classes that are new, their names, and which rows are left out, bool [rows], since their class
    can't be learnt. Classes that an earlier batch brought, whose candidate was not promoted, are new to the champion
    still.
    """
    target = manifest.target
    assert target is not None
    none = np.zeros(len(rows), bool)
    if not target.classes or manifest.task == "multilabel":
        return target, [], none, []
    said = rows[target.name].combine_chunks().cast(pa.string())
    waits = past.waiting
    found, waiting = _counted(said.filter(pa.array(new))), {} if waits is None else _counted(waits[target.name])
    unknown = sorted(c for c in {*found, *waiting} if c not in target.classes)
    many = {c: found.get(c, 0) + waiting.get(c, 0) for c in unknown}
    grown = [c for c in unknown if manifest.task in _GROWS and many[c] >= LEAST_OF_CLASS]
    left, warnings = [c for c in unknown if c not in grown and c in found], []
    if left:
        why = f"fewer than {LEAST_OF_CLASS} rows each" if manifest.task in _GROWS else "it learns no new ones"
        count, names = sum(found[c] for c in left), one_of(left[:8])
        warnings.append(f"{count:,} rows of classes that the champion does not know are left out ({why}): {names}.")
        if count == sum(found.values()):
            raise DataError(f"No row of the batch has a class that {target.name!r} can have: {names}.")
    if grown:
        warnings.append(f"New values of {target.name!r}: {', '.join(map(repr, grown))}.")
    counts = [n + found.get(c, 0) for c, n in zip(target.classes, target.counts, strict=True)]
    counts += [many[c] for c in grown]
    larger = replace(target, classes=(*target.classes, *grown), counts=tuple(counts))
    return larger, grown, np.asarray(pc.is_in(said, value_set=pa.array(left, pa.string()))), warnings


def _counted(values: pa.Array | pa.ChunkedArray) -> dict[str, int]:
    """How many there are of each, as text."""
    found = pc.value_counts(values.cast(pa.string())).to_pylist()
    return {row["values"]: row["counts"] for row in found if row["values"] is not None}


def _parts(
    rows: pa.Table, new: Array, past: Past, manifest: Manifest, share: float, target: Target, seed: int
) -> Array:
    """The part of each row, as `mfgsql.engine.splitting` has them; a machine's rows stay in the part that it has."""
    groups = manifest.backbone.groups
    if HISTORY in rows.column_names:
        return _parts_of_histories(rows, new, past, groups, share, target.name)
    dice = mixed(rows[HASH].to_numpy(), seed)
    assert manifest.task is not None
    truth = strata(np.asarray(tasks[manifest.task].encode(rows[target.name].combine_chunks(), target)))
    order = np.lexsort((dice, truth, ~new))
    steps = (np.diff(truth[order], prepend=-1) != 0) | (np.diff(dice[order], prepend=np.uint64(0)) != 0)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.cumsum(steps)  # equal rows share a part
    return rank % groups + 1 if groups > 1 else np.where(rank % max(2, round(1 / share)) == 0, VALIDATION, TRAIN)


def _parts_of_histories(rows: pa.Table, new: Array, past: Past, groups: int, share: float, target: str) -> Array:
    which = rows[HISTORY].to_numpy()
    if groups == 1:
        moment, labelled = rows[MOMENT].to_numpy(), ~np.asarray(pc.is_null(rows[target], nan_is_null=True).to_numpy())
        own = moment[new & labelled]
        return np.where(moment > np.quantile(own, 1 - share), VALIDATION, TRAIN) if len(own) else np.zeros(len(rows))
    parts = (mixed(which, 0) % np.uint64(groups)).astype(np.int64) + 1
    if past.rows is not None:
        told = past.rows.filter(pc.greater_equal(past.rows[SPLIT], VALIDATION))
        known = dict(zip(told[HISTORY].to_pylist(), told[SPLIT].to_pylist(), strict=True))
        parts = np.array([known.get(w, p) for w, p in zip(which.tolist(), parts, strict=True)])
    return parts
