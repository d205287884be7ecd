"""Stretches of histories for the report: predicted beside actual values, or a detector's scores, along time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.catalog import Version
from mfgsql.engine.engine import Engine
from mfgsql.engine.heldout import HeldOut, snapshot_path
from mfgsql.engine.unseen import judged_rows
from mfgsql.errors import MfgsqlError
from mfgsql.manifest import Manifest
from mfgsql.reporting.facts import Missing, Timeline
from mfgsql.tasks.anomaly import Detector
from mfgsql.training.snapshot import SPLIT
from mfgsql.training.windows import HISTORY, MOMENT

_SHOWN = 3  # histories
_ROWS = 5_000  # of a detector's timeline, at most
_LEVEL = 0.9


def predicted_along(held: HeldOut) -> tuple[Timeline, ...]:
    """The judged histories with the most rows: actual and predicted values with their intervals."""
    task, calibration = held.model.task, held.model.manifest.calibration
    if held.model.manifest.history is None or task.shape != "value":
        return ()
    histories, moments = (held.columns[n].to_numpy() for n in (HISTORY, MOMENT))
    found, counts = np.unique(histories, return_counts=True)
    lines = []
    for which in found[np.argsort(-counts, kind="stable")][:_SHOWN]:
        own = np.flatnonzero(histories == which)
        values = held.prediction.values[own]
        lower, upper = task.interval(values, calibration, _LEVEL)
        lines.append(Timeline(moments[own], values, held.truth[own], lower, upper))
    return tuple(lines)


def scores_along(engine: Engine, version: Version) -> Timeline | Missing:
    """A detector's scores on the longest history that it learnt from, each by networks that had not seen the row."""
    manifest = Manifest.from_json(version.manifest)
    if not manifest.calibration:
        return Missing("No row was held out to judge by.")
    try:
        path = snapshot_path(engine, version)
    except MfgsqlError as error:
        return Missing(str(error))
    unseen = judged_rows(path, manifest.features.names, 2**40, manifest.backbone.groups)
    counts = pc.value_counts(unseen.judged[HISTORY]).to_pylist()
    longest = max(counts, key=lambda c: (c["counts"], c["values"]))["values"]
    own = np.flatnonzero(pc.equal(unseen.judged[HISTORY], pa.scalar(longest, unseen.judged[HISTORY].type)).to_numpy())
    unseen = unseen.take(own[:_ROWS])
    batch = unseen.batch(manifest)
    with engine.scorer(version.name) as scorer:
        errors = scorer.errors(batch.continuous, batch.codes, unseen.judged[SPLIT].to_numpy().astype(np.int64))
    detector = Detector.from_dict(manifest.calibration)
    score = detector.score(errors, np.zeros(len(errors), np.int64))[0]
    return Timeline(unseen.judged[MOMENT].to_numpy(), score, threshold=detector.threshold)
