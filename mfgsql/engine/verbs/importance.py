"""``ml_feature_importance``: which features a model needs, told by the rows it was judged on."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from mfgsql.cancellation import Cancellation
from mfgsql.catalog import Version, resolve
from mfgsql.engine.engine import Engine, caller
from mfgsql.engine.heldout import held_out
from mfgsql.engine.planning import Action, Args, Rows, acting_plan, actions, planners
from mfgsql.engine.versions import task_of
from mfgsql.evaluation.importance import REPEATS, Importance, permutation_importance
from mfgsql.model import Manifest
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array

COLUMNS = {
    "feature": "VARCHAR", "importance": "DOUBLE", "deviation": "DOUBLE", "lower": "DOUBLE", "upper": "DOUBLE",
    "rank": "INTEGER", "metric": "VARCHAR", "rows": "BIGINT",
}  # fmt: skip
_FEWEST, _MOST = 200, 3_000  # rows
_ENCODING = 3e4  # multiply-adds that a value costs before the network sees it
_WORK = 1e10  # multiply-adds of the network over all rows, features and repeats: a second or two on a few cores


def importance_of(engine: Engine, version: Version, cancellation: Cancellation) -> list[Importance]:
    """Importance of each feature of a version on its own held-out rows, the highest first.

    Raises:
        SourceError: there are no such rows.
    """
    rows = int(np.clip(_WORK / work_of_a_row(version), _FEWEST, _MOST))  # not by the clock: the same ones each time
    held = held_out(engine, version, most=rows)

    def shuffled(name: str, order: Array) -> Prediction:
        cancellation.check()
        with engine.scorer(version.name) as scorer:
            return held.unseen.shuffled(scorer, held.part, name, order)

    metric = held.model.task.metrics(held.model.target)[0]
    names = held.model.manifest.features.names
    return permutation_importance(held.prediction, shuffled, held.truth, metric, names)


def takes_long(version: Version) -> bool:
    """Whether the least rows are more than ten seconds' work or so: many features, or a large network."""
    return work_of_a_row(version) * _FEWEST > 5 * _WORK


def work_of_a_row(version: Version) -> float:
    """Multiply-adds, over all features and repeats."""
    features = len(Manifest.from_json(version.manifest).features.names)
    return (version.bytes / 4 + _ENCODING) * (features + 1) * features * REPEATS


def _importance(engine: Engine, args: Args) -> Rows:
    with engine.cursor() as cursor:
        version = resolve(cursor, args["model"])
    return [asdict(row) for row in importance_of(engine, version, engine.cancellation(args.get("session")))]


actions.register("feature_importance")(Action(COLUMNS, _importance))


@planners.register("feature_importance")
def plan_feature_importance(engine: Engine, args: Args) -> str:
    """A row for each feature."""
    with engine.cursor() as cursor:
        version = resolve(cursor, args.get("model"))
    task_of(version, Manifest.from_json(version.manifest))  # a base is refused here
    session = caller.get()
    return acting_plan("feature_importance", {"model": version.name, "session": session.id if session else None})
