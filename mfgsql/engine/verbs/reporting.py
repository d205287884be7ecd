"""``ml_report``: what a report shows, gathered from the catalog and the version's own held-out rows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np

from mfgsql.cancellation import Cancellation
from mfgsql.catalog import ModelRef, Version, resolve
from mfgsql.engine.annotated import tagged_facts
from mfgsql.engine.engine import Engine
from mfgsql.engine.examples import examples_of
from mfgsql.engine.fans import fans_of
from mfgsql.engine.heldout import HeldOut, held_out
from mfgsql.engine.rivals import rival_of
from mfgsql.engine.timelines import predicted_along, scores_along
from mfgsql.engine.verbs.importance import importance_of, takes_long
from mfgsql.errors import MfgsqlError, NotFoundError
from mfgsql.evaluation.importance import Importance
from mfgsql.manifest import Manifest
from mfgsql.reporting import Facts, Missing, check_installed, render
from mfgsql.reporting.facts import Feature, Judged, Run, Score
from mfgsql.tasks import ANOMALY, FORECAST, PROCESS, TOKENS, Prediction, next_of
from mfgsql.tasks.task import Array
from mfgsql.training.windows import HISTORY

_ROWS, _READ = 10_000, 2_000  # of the held-out ones, and of texts and pictures; more would tell little more
_RUN = (
    "SELECT run_id, verb, status, source, error, started_at, epoch(finished_at - started_at), device, steps, result "
    "FROM ml_catalog.runs WHERE "
)


def report(engine: Engine, name: str) -> str:
    """The page of a version; of a model without one, that of its failed runs.

    Raises:
        MissingExtraError: jinja2 or matplotlib is not installed.
        NotFoundError: no such model, version or alias, and no run of it either.
    """
    check_installed()
    return render(gather(engine, name))


def gather(engine: Engine, name: str) -> Facts:
    """All that the page shows."""
    with engine.cursor() as con:
        try:
            version = resolve(con, name)
        except NotFoundError:
            ref = ModelRef.parse(name)
            runs = _unfinished(con, ref.model, None)
            if not runs or con.execute("SELECT 1 FROM ml_catalog.versions WHERE model = ?", [ref.model]).fetchone():
                raise
            return Facts(ref.model, failed=runs)
        return _of_version(engine, con, version)


def _of_version(engine: Engine, con: duckdb.DuckDBPyConnection, version: Version) -> Facts:
    manifest = Manifest.from_json(version.manifest)
    run, warnings = _run(con, version)
    history, best = _history(con, version)
    scores = con.execute(
        "SELECT metric, value, baseline FROM ml_catalog.metrics WHERE run_id = ? AND final", [version.run_id]
    ).fetchall()
    told: dict[str, Any] = {}
    if manifest.task == TOKENS:
        told = {"tagged": tagged_facts(engine, version)}
    elif manifest.task == FORECAST:
        told = {"fans": fans_of(engine, version)}
    elif manifest.target:
        told = _held_facts(engine, con, version)
    elif manifest.task == ANOMALY and manifest.history is not None:
        told = {"scored": scores_along(engine, version)}
    return Facts(
        version.model,
        version.version,
        *_named(con, version),
        manifest=manifest,
        verdict=version.verdict,
        metric=version.metric,
        value=version.value,
        baseline=version.baseline,
        rows=version.rows,
        bytes=version.bytes,
        base=version.base,
        base_licence=_licence(con, version, manifest),
        warnings=warnings,
        run=run,
        failed=_unfinished(con, version.model, version),
        features=_features(con, version),
        history=history,
        best_step=best,
        scores=tuple(Score(*row) for row in scores),
        **told,
    )


def _held_facts(engine: Engine, con: duckdb.DuckDBPyConnection, version: Version) -> dict[str, Any]:
    """What only the held-out rows tell; without them, why not."""
    try:
        fields = Manifest.from_json(version.manifest).features.fields()
        held = held_out(engine, version, most=_READ if fields else _ROWS)
    except MfgsqlError as error:
        return dict.fromkeys(("judged", "rival", "importance", "examples"), Missing(str(error)))
    importance = _importance(engine, version)
    rival, times = rival_of(engine, con, version, held), None
    if held.model.manifest.task == PROCESS:  # figures and examples are those of the next activity
        times = _times(held)
        held = replace(held, truth=held.truth[:, 0].astype(np.int64), prediction=next_of(held.prediction))
    return {
        "judged": Judged(held.truth, held.prediction, _histories(held)),
        "times": times,
        "rival": rival,
        "importance": importance,
        "examples": examples_of(engine, held, importance, explained=not takes_long(version)),
        "timelines": predicted_along(held),
    }


def _times(held: HeldOut) -> Judged:
    """Of the cases that are over: how long one that is open takes isn't known."""
    over, histories = held.truth[:, 2] == 0, _histories(held)
    said = Prediction(held.prediction.values[over, 1])
    return Judged(held.truth[over, 1], said, None if histories is None else histories[over])


def _histories(held: HeldOut) -> Array | None:
    return held.columns[HISTORY].to_numpy() if HISTORY in held.columns.column_names else None


def _importance(engine: Engine, version: Version) -> tuple[Importance, ...] | Missing:
    if takes_long(version):
        return Missing(
            "With so many features, or so large a network, it takes longer to tell than a report should: "
            f"FROM ml_feature_importance('{version.name}');"
        )
    try:
        return tuple(importance_of(engine, version, Cancellation()))
    except MfgsqlError as error:
        return Missing(str(error))


# -- the catalog's records ------------------------------------------------------------------------------------------


def _named(con: duckdb.DuckDBPyConnection, version: Version) -> tuple[tuple[str, ...], Any]:
    """Aliases, and when it was made."""
    which = [version.model, version.version]
    names = con.execute(
        "SELECT alias FROM ml_catalog.aliases WHERE model = ? AND version = ? ORDER BY alias", which
    ).fetchall()
    made = con.execute("SELECT created_at FROM ml_catalog.versions WHERE model = ? AND version = ?", which).fetchone()
    return tuple(n for (n,) in names), made[0] if made else None


def _run(con: duckdb.DuckDBPyConnection, version: Version) -> tuple[Run | None, tuple[str, ...]]:
    """The run that made the version, and what it warned of."""
    row = con.execute(f"{_RUN} run_id = ?", [version.run_id]).fetchone()
    if row is None:
        return None, ()
    result = json.loads(row[-1]) if row[-1] else {}
    return Run(*row[:-1]), tuple(result.get("warnings") or ())


def _unfinished(con: duckdb.DuckDBPyConnection, model: str, version: Version | None) -> tuple[Run, ...]:
    """Runs of the model without a result, the latest first; those begun after the version's own."""
    its = "(SELECT max(started_at) FROM ml_catalog.runs WHERE run_id = $2)"
    after = f" AND started_at > {its}" if version else ""
    rows = con.execute(
        f"{_RUN} model = $1 AND status <> 'finished'{after} ORDER BY started_at DESC, run_id",
        [model, *([version.run_id] if version else [])],
    ).fetchall()
    return tuple(Run(*row[:-1]) for row in rows)


def _features(con: duckdb.DuckDBPyConnection, version: Version) -> tuple[Feature, ...]:
    rows = con.execute(
        'SELECT feature, kind, left_out, type, rows, nulls, "distinct", minimum, maximum, top FROM ml_catalog.features '
        "WHERE model = ? AND version = ?",
        [version.model, version.version],
    ).fetchall()
    tops = [tuple((str(value), int(count)) for value, count in json.loads(row[-1] or "[]")) for row in rows]
    return tuple(Feature(*(*row[:-1], top)) for row, top in zip(rows, tops, strict=True))


def _history(con: duckdb.DuckDBPyConnection, version: Version) -> tuple[list[tuple[int, str, str, float]], int | None]:
    """Judgements while it was trained, and the step whose weights were kept."""
    rows = con.execute(
        "SELECT step, split, metric, value, final FROM ml_catalog.metrics WHERE run_id = ? AND value IS NOT NULL "
        "ORDER BY step, split, metric",
        [version.run_id],
    ).fetchall()
    best = next((step for step, *_, final in rows if final), None)
    return [tuple(row[:4]) for row in rows if not row[4]], best


def _licence(con: duckdb.DuckDBPyConnection, version: Version, manifest: Manifest) -> str | None:
    """What is known of the licence of the weights it started from; None where it started from none."""
    if told := manifest.lineage.get("licence"):
        return str(told)
    if not version.base:
        return None
    row = con.execute(
        "SELECT r.verb FROM ml_catalog.versions v JOIN ml_catalog.runs r USING (run_id) "
        "WHERE v.model || '@' || v.version = ?",
        [version.base],
    ).fetchone()
    if row is None:
        return "not recorded: the base was dropped"
    if row[0] == "import":
        return "not recorded: the base was imported, ask who made it"
    return "your own: the base was trained in this database"
