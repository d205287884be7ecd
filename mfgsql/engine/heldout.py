"""The rows a version was judged on, and what it says of them: of no row does a part speak that was trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mfgsql.catalog import Version
from mfgsql.engine.engine import Engine
from mfgsql.engine.learnt import snapshot_of
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.unseen import Unseen, judged_rows
from mfgsql.engine.versions import task_of
from mfgsql.errors import SourceError
from mfgsql.manifest import Manifest
from mfgsql.model import Model
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array, known
from mfgsql.training.snapshot import HASH, SPLIT


@dataclass(frozen=True)
class HeldOut:
    """Rows not trained on, whose truth is known.

    Attributes:
        columns: features and target as they came, `HASH` and `SPLIT`.
        truth: as the task encodes it, [rows].
        prediction: of each row by a part of the version that was not trained on it.
        unseen: these rows, of which another version can be asked. part: that judges each.
    """

    version: Version
    model: Model
    columns: pa.Table
    truth: Array
    prediction: Prediction
    unseen: Unseen
    part: Array


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
    names = [*manifest.features.names, target.name, HASH]
    unseen = judged_rows(snapshot_path(engine, version), names, most, groups)
    truth = task.encode(unseen.judged[target.name].combine_chunks(), target)
    there = np.flatnonzero(known(truth))
    if not len(there):
        raise SourceError(f"{version.name} was judged on no rows.", remedy=_elsewhere(version))
    unseen, truth = unseen.take(there), truth[there]
    part = unseen.judged[SPLIT].to_numpy()
    with engine.scorer(version.name) as scorer:
        said = unseen.predict(scorer, part)
        return HeldOut(version, scorer.model, unseen.judged, truth, said, unseen, part)


def snapshot_path(engine: Engine, version: Version) -> Path:
    """The version's snapshot.

    Raises:
        SourceError: it is gone, or the version was imported.
    """
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
