"""``ml_feature_importance``: which features a model needs, told by the rows it was judged on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from mfgsql.cancellation import Cancellation
from mfgsql.catalog import Version, resolve
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.heldout import HeldOut, held_out
from mfgsql.engine.planning import Action, Args, Rows, acting_plan, actions, planners
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.versions import task_of
from mfgsql.errors import OptionError
from mfgsql.evaluation.importance import REPEATS, Importance, permutation_importance
from mfgsql.manifest import Manifest
from mfgsql.scoring.reading import predict, swapped
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array

COLUMNS = {
    "feature": "VARCHAR", "importance": "DOUBLE", "deviation": "DOUBLE", "lower": "DOUBLE", "upper": "DOUBLE",
    "rank": "INTEGER", "metric": "VARCHAR", "rows": "BIGINT",
}  # fmt: skip
Shuffled = Callable[[str, Array], Prediction]
_FEWEST, _MOST = 200, 3_000  # rows
_ENCODING = 3e4  # multiply-adds that a value costs before the network sees it
_OF_WINDOWS = 0.2  # of a multiply-add that one of windows costs, measured: they go through in larger products
_READING = 2e7  # that a text or picture counts as
_WORK = 1e10  # multiply-adds of the network over all rows, features and repeats: a second or two on a few cores


def importance_of(engine: Engine, version: Version, cancellation: Cancellation) -> list[Importance]:
    """Importance of each feature of a version on its own held-out rows, the highest first.

    Raises:
        SourceError: there are no such rows.
    """
    rows = int(np.clip(_WORK / work_of_a_row(version), _FEWEST, _MOST))  # not by the clock: the same ones each time
    held = held_out(engine, version, most=rows)
    metric = held.model.task.metrics(held.model.target)[0]
    names = held.model.manifest.features.names
    shuffled = _shuffled_fields if held.model.manifest.features.fields() else _shuffled
    ask = shuffled(engine, held, cancellation.check)
    return permutation_importance(held.prediction, ask, held.truth, metric, names)


def _shuffled(engine: Engine, held: HeldOut, check: Callable[[], None]) -> Shuffled:
    def ask(name: str, order: Array) -> Prediction:
        check()
        with engine.scorer(held.version.name) as scorer:
            return held.unseen.shuffled(scorer, held.part, name, order)

    return ask


def _shuffled_fields(engine: Engine, held: HeldOut, check: Callable[[], None]) -> Shuffled:
    """Towers look at each text and picture once, however often it is moved; of the only column predictions move."""
    features = held.model.manifest.features
    if len(features.names) == 1:
        return lambda name, order: held.prediction.take(order)
    with engine.scorer(held.version.name) as scorer:
        seen = held.unseen.read(scorer, check)

    def ask(name: str, order: Array) -> Prediction:
        check()
        with engine.scorer(held.version.name) as scorer:
            return predict(scorer, swapped(features, seen, name, order))

    return ask


def takes_long(version: Version) -> bool:
    """Whether the least rows are more than ten seconds' work or so: many features, or a large network."""
    return work_of_a_row(version) * _FEWEST > 5 * _WORK


def work_of_a_row(version: Version) -> float:
    """Multiply-adds, over all features and repeats."""
    manifest = Manifest.from_json(version.manifest)
    features, fields = len(manifest.features.names), len(manifest.features.fields())
    if manifest.history is not None:  # its tokens are stretches of time, however many columns there are
        return (_OF_WINDOWS * manifest.backbone.work + _ENCODING * (features + 1)) * features * REPEATS
    each = manifest.backbone.work if fields else version.bytes / 4
    return fields * _READING + (each + _ENCODING) * (features + 1) * features * REPEATS


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
    manifest = Manifest.from_json(version.manifest)
    if task_of(version, manifest).shape == "spans":  # a base is refused there
        raise OptionError(
            f"'{version.model}' reads {manifest.features.names[0]!r} and nothing else: it needs all of it.",
            remedy=f"How well it finds each label: FROM ml_classification_report({quote_literal(version.model)}, ...).",
        )
    return acting_plan("feature_importance", {"model": version.name, "session": caller_id()})
