"""A challenger against the champion: only on rows that neither was trained on."""

from __future__ import annotations

import duckdb
import numpy as np

from mfgsql.engine.engine import Engine
from mfgsql.engine.learnt import learnt_by
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
from mfgsql.training.snapshot import SPLIT

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
        theirs = seen.unseen(rows.judged, scorer.model.manifest.backbone.groups)
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


def _like(challenger: Model, target: object) -> object:
    """The champion's target where the challenger's has the same name and classes."""
    mine = challenger.target
    same = (mine.name, mine.classes) == (getattr(target, "name", None), getattr(target, "classes", None))
    return target if same else None
