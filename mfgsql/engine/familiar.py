"""Rows as a model takes them, what of them it misses, and which rows it has learnt from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mfgsql.catalog import Version
from mfgsql.engine.engine import Engine
from mfgsql.engine.heldout import snapshot_path
from mfgsql.engine.unseen import arrays, judged_rows
from mfgsql.errors import SourceError
from mfgsql.features import Batch, FeatureSet
from mfgsql.manifest import Manifest
from mfgsql.scoring import Scorer
from mfgsql.scoring.familiarity import Familiarity
from mfgsql.scoring.variants import asked, newest

_FAMILIAR = 2_000  # rows learnt from that a row is compared with


def encode(manifest: Manifest, table: pa.Table) -> Batch:
    """The rows as the model takes them, whatever the case of their columns' names."""
    return _encoded(manifest.features, table)


def unknown(manifest: Manifest, table: pa.Table) -> npt.NDArray[np.bool_]:
    """What is missing, also where the model never met that and takes the usual value, bool [rows, channels]."""
    return np.isnan(_encoded(_plain(manifest.features).nullable(), table).continuous)


def learnt_from(engine: Engine, version: Version, scorer: Scorer) -> tuple[Familiarity | None, pa.Table | None]:
    """What is familiar to a model, and rows that it was judged on; None where its snapshot is gone."""
    manifest = scorer.model.manifest
    try:
        path = snapshot_path(engine, version)
        unseen = judged_rows(path, [*manifest.features.names], _FAMILIAR, manifest.backbone.groups)
    except SourceError:
        return None, None
    if len(unseen.judged) < 2:
        return None, None
    if manifest.features.fields():
        batch = _encoded(_plain(manifest.features), unseen.judged)  # of texts no distance is told
        return Familiarity(batch.continuous, batch.codes), unseen.judged
    batch = unseen.batch(manifest)
    _, spread = asked(scorer, batch)
    return Familiarity(*newest(batch), spread), unseen.judged


def _plain(features: FeatureSet) -> FeatureSet:
    """Without texts and pictures."""
    return FeatureSet(tuple(e for e in features.encoders if e.column.field is None))


def _encoded(features: FeatureSet, table: pa.Table) -> Batch:
    by_lower = {n.lower(): n for n in table.column_names}
    named = {n: table[by_lower[n.lower()]] for n in features.names}
    return features.encode(arrays(pa.table(named)) if named else {}, len(table))
