"""The rows a version was judged on, and what it says of them: of no row does a part speak that was trained on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mfgsql.catalog import Version
from mfgsql.engine.challenge import snapshot_of
from mfgsql.engine.engine import Engine
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.versions import task_of
from mfgsql.errors import SourceError
from mfgsql.model import Manifest, Model
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array, known
from mfgsql.training.rows import HASH, SPLIT, VALIDATION

Columns = Mapping[str, pa.Array]


@dataclass(frozen=True)
class HeldOut:
    """Rows not trained on, whose truth is known.

    Attributes:
        columns: features and target as they came, `HASH` and `SPLIT`.
        truth: as the task encodes it, [rows].
        prediction: of each row by a part of the version that was not trained on it.
        predict: the same for other values of these rows: as many rows, in the same order.
    """

    version: Version
    model: Model
    columns: pa.Table
    truth: Array
    prediction: Prediction
    predict: Callable[[Columns], Prediction]


def held_out(engine: Engine, version: Version, *, most: int = 20_000) -> HeldOut:
    """The version's own held-out rows: of more than ``most`` a uniform sample, the same each time.

    Raises:
        NotFoundError: the version is a base, which predicts nothing.
        SourceError: its snapshot is gone, or it was judged on no rows.
    """
    manifest = Manifest.from_json(version.manifest)
    task, target = task_of(version, manifest), manifest.target
    assert target is not None
    groups = manifest.backbone.groups
    table = _judged(_snapshot(engine, version), [*manifest.features.names, target.name, HASH], most, groups)
    truth = task.encode(table[target.name].combine_chunks(), target)
    there = known(truth)
    if not there.any():
        raise SourceError(f"{version.name} was judged on no rows.", remedy=_elsewhere(version))
    table, truth = table.filter(pa.array(there)).combine_chunks(), truth[there]

    part = table[SPLIT].to_numpy()

    def predict(columns: Columns) -> Prediction:
        with engine.scorer(version.name) as scorer:
            return scorer.score_unseen(columns, part)

    with engine.scorer(version.name) as scorer:
        model = scorer.model
    return HeldOut(version, model, table, truth, predict(arrays(table)), predict)


def arrays(table: pa.Table) -> dict[str, pa.Array]:
    """The table's columns, one array each, by name."""
    return {name: table[name].combine_chunks() for name in table.column_names}


def _snapshot(engine: Engine, version: Version) -> Path:
    with engine.cursor() as cursor:
        found = snapshot_of(engine, cursor, version.name)
        run = cursor.execute("SELECT verb FROM ml_catalog.runs WHERE run_id = ?", [version.run_id]).fetchone()
    if found is None and run is not None and run[0] == "import":
        raise SourceError(
            f"{version.name} was imported, and the rows it was judged on stayed behind.", remedy=_elsewhere(version)
        )
    if found is None:
        raise SourceError(
            f"The snapshot of {version.name} is gone, and with it the rows it was judged on.",
            remedy=_elsewhere(version),
        )
    return found


def _elsewhere(version: Version) -> str:
    return f"Judge it on rows of your own: FROM ml_evaluate({quote_literal(version.name)}, 'my_table');"


def _judged(path: Path, names: list[str], most: int, groups: int) -> pa.Table:
    """The first rows held out: they lie in the order of their hash, so these are a uniform sample."""
    parts: list[pa.Table] = []
    with pq.ParquetFile(path) as file:
        for group in range(file.metadata.num_row_groups):
            table = file.read_row_group(group, columns=[*names, SPLIT])
            judged = pc.and_(pc.greater_equal(table[SPLIT], VALIDATION), pc.less_equal(table[SPLIT], groups))
            parts.append(table.filter(judged))
            if sum(map(len, parts)) >= most:
                break
    return pa.concat_tables(parts).slice(0, most)
