"""A version beside another one of its model, on held-out rows that neither was trained on."""

from __future__ import annotations

import duckdb
import numpy as np

from mfgsql.catalog import Version, resolve
from mfgsql.catalog.models import CHAMPION, PREVIOUS, alias_of
from mfgsql.engine.engine import Engine
from mfgsql.engine.heldout import HeldOut
from mfgsql.engine.learnt import learnt_by
from mfgsql.manifest import Manifest
from mfgsql.reporting import Missing
from mfgsql.reporting.facts import Rival

_FEWEST = 30  # rows to compare two versions by


def rival_of(engine: Engine, con: duckdb.DuckDBPyConnection, version: Version, held: HeldOut) -> Rival | Missing:
    """The champion, or of the champion the one before it, on rows that neither was trained on."""
    is_champion = alias_of(con, version.model, CHAMPION) == version.version
    number = alias_of(con, version.model, PREVIOUS if is_champion else CHAMPION)
    if number is None or number == version.version:
        return Missing("There was no champion before it.")
    other = f"{version.model}@{number}"
    seen = learnt_by(engine, con, other)
    if seen is None:
        return Missing(f"A snapshot of what {other} has learnt is gone, so no rows are known that neither saw.")
    theirs_of = seen.unseen(held.columns, Manifest.from_json(resolve(con, other).manifest).backbone.groups)
    unseen = theirs_of > 0
    if unseen.sum() < _FEWEST:
        return Missing(
            f"Only {unseen.sum():,} held-out rows were not trained on by {other} either: too few to compare."
        )
    with engine.scorer(other) as scorer:
        theirs, mine = scorer.model.manifest, held.model.manifest
        if theirs.target is None or (theirs.task, theirs.target.name, theirs.target.classes) != (
            mine.task, held.model.target.name, held.model.target.classes
        ):  # fmt: skip
            return Missing(f"{other} predicts another target.")
        if theirs.history is not None and not held.unseen.of_histories:
            return Missing(f"{other} reads histories, and these rows have none.")
        lacking = [n for n in theirs.features.names if n not in held.unseen.table.column_names]
        if lacking:
            return Missing(f"{other} reads {lacking[0]!r}, which these rows lack.")
        prediction = held.unseen.take(np.flatnonzero(unseen)).predict(scorer, theirs_of[unseen])
    return Rival(other, held.truth[unseen], held.prediction.take(unseen), prediction)
