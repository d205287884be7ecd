"""Another structure beside a candidate: when it may be tried, from what it is trained, and which of the two is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from mfgsql.backbones import AdaptedConfig, MixedConfig
from mfgsql.catalog import Version
from mfgsql.engine.adapting.deciding import FEWEST, below, told_of
from mfgsql.engine.adapting.held import Held, root_of
from mfgsql.engine.adapting.judging import Compared, Said, value_of
from mfgsql.engine.adapting.outcome import Outcome, Pair
from mfgsql.engine.adapting.rows import Together
from mfgsql.engine.engine import Engine
from mfgsql.engine.progress import Progress
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.specs import Prepared
from mfgsql.errors import OptionError
from mfgsql.manifest import Manifest
from mfgsql.scoring import Scorer
from mfgsql.tasks import Prediction
from mfgsql.training import Learned, Recipe
from mfgsql.training.structure import Fall, Shape, Signs, apart, other_shape, usual_shape, wish_of

_ERRORS = {"log_loss": 1, "rmse": 2, "hamming_loss": 1}  # and the power that adds up over rows
_AGAIN = 2  # times as many rows: then what was tried in vain is tried again


@dataclass(frozen=True)
class Candidate:
    """What may become a version: how it was trained, and how it did beside the champion."""

    prepared: Prepared
    learned: Learned
    outcome: Outcome
    progress: Progress

    def telling(self, told: str, record: dict[str, Any] | None = None) -> Candidate:
        """The same, whose reason and lineage tell of its structure, too."""
        model = self.learned.model
        if record is not None:
            model.manifest = replace(model.manifest, lineage=model.manifest.lineage | {"structure": record})
        decision = self.outcome.decision
        reason = f"{decision.reason} {told[0].upper()}{told[1:]}."
        return replace(self, outcome=replace(self.outcome, decision=replace(decision, reason=reason)))


@dataclass(frozen=True)
class Trial:
    """A structure to try, in which direction, and why."""

    now: Shape
    other: Shape
    larger: bool
    why: str

    @property
    def changes(self) -> str:
        """``width 96 instead of 64``."""
        return apart(self.now, self.other)

    def record(self, rows: int, *, kept: bool) -> dict[str, Any]:
        """For the lineage of what comes of it."""
        shapes = {name: [getattr(self.now, name), getattr(self.other, name)] for name in ("width", "layers")}
        return {**shapes, "why": self.why, "rows": rows, "kept": kept}


def check_structure(model: str, manifest: Manifest) -> None:
    """Refuse to try another structure where something else gives it.

    Raises:
        OptionError: a base does, or towers over texts and pictures.
    """
    config, base = manifest.backbone, base_of(manifest)
    lora = isinstance(config, AdaptedConfig) and config.lora > 0
    if isinstance(config, MixedConfig):
        why = "reads texts or pictures, by towers of a shape of their own"
    elif base is not None or lora:
        why = f"stands on {repr(base) if base else 'a base'}, which gives it its structure"
    else:
        return
    raise OptionError(
        f"structure := 'auto' is for models whose structure is their own, and '{model}' {why}.",
        remedy=f"Leave the option out: FROM ml_adapt({quote_literal(model)}, ...);",
    )


def base_of(manifest: Manifest) -> str | None:
    """What a version, or the one that it goes back to, was trained from."""
    lineage = manifest.lineage
    found: str | None = lineage.get("adapted", lineage).get("base")
    return found


def recipe_of(con: duckdb.DuckDBPyConnection, version: Version, manifest: Manifest) -> dict[str, Any]:
    """How a version of this structure is trained from the beginning, with what was left open still open: rows are
    others now.
    """
    if told := manifest.lineage.get("adapted", {}).get("recipe"):
        return dict(told)
    row = con.execute("SELECT spec->>'$.recipe' FROM ml_catalog.runs WHERE run_id = ?", [version.run_id]).fetchone()
    return dict(json.loads(row[0]) if row and row[0] else manifest.lineage["recipe"])


def trial_of(
    engine: Engine, con: duckdb.DuckDBPyConnection, held: Held, usual: Candidate, together: Together, rows: int
) -> Trial | str:
    """What to try beside the usual candidate, or in words why nothing.

    Args:
        held: what it went on from. rows: that it learnt from.
    """
    outcome, config = usual.outcome, held.manifest.backbone
    if outcome.decision.suspicious:
        return "no other structure is tried by such labels"
    if outcome.fresh is None or outcome.fresh.rows < FEWEST:
        return "no other structure is tried by so few new rows"
    signs = _signs(engine, usual, together, rows)
    if signs is None:
        return "no other structure is tried: no error tells whether one is asked for"
    wish = wish_of(signs)
    if wish.larger is None:
        return f"no other structure is tried: {wish.why}"
    now = Shape(config.width, config.layers, getattr(config, "heads", 1))
    other = other_shape(now, usual_shape(usual.prepared.spec.recipe), larger=wish.larger)
    if other is None:
        return f"{wish.why}, but there is no {'larger' if wish.larger else 'smaller'} structure to try"
    if wish.larger and other.width > rows:
        return f"{wish.why}, but {rows:,} rows are too few for {apart(now, other)}"
    again = wish.larger and signs.fall is not None  # what is new now was not, then
    root = root_of(held.version, held.manifest)
    before = None if again else _tried_before(con, held.version, root, now, other)
    if before is not None and rows < _AGAIN * before[1]:
        return f"{apart(now, other)} was tried beside @{before[0]}, and was no better"
    return Trial(now, other, wish.larger, wish.why)


def _signs(engine: Engine, usual: Candidate, together: Together, rows: int) -> Signs | None:
    """How the training went; None where the task has no error that adds up over rows."""
    learned, pairs = usual.learned, [p for p in (usual.outcome.new, usual.outcome.old) if p is not None]
    judge, held_out = pairs[0].judge, _joined([pair.candidate for pair in pairs])
    metric = next((m for m in judge.model.task.metrics(judge.target) if m.name in _ERRORS), None)
    if metric is None:
        return None
    asked, part = together.learnt_from
    learnt = replace(judge, unseen=asked).ask(Scorer(learned.model, engine.device, engine.settings.threads), part)
    learned.model.network.to("cpu")
    values = [value_of(metric, said) for said in (learnt, held_out, judge.naive(held_out))]
    own, other, naive = (np.nan if v is None else float(v ** _ERRORS[metric.name]) for v in values)
    curve = tuple(v for _, split, name, v, *_ in usual.progress.history if (split, name) == ("validation", "loss"))
    return Signs(own, other, naive, curve, rows, _fall(usual.outcome))


def _fall(outcome: Outcome) -> Fall | None:
    """How much worse the champion tells the new rows than those that it has learnt, where that is beyond chance."""
    new, old = outcome.new, outcome.old
    if new is None or old is None or not below(new.judge, new.champion, old.judge, old.champion):
        return None
    metric = new.judge.telling
    values = (value_of(metric, said) for said in (old.champion, new.champion, new.candidate))
    past, before, now = (float(v) if v is not None else np.nan for v in values)
    return Fall(metric.name, past, before, now)


def _tried_before(
    con: duckdb.DuckDBPyConnection, version: Version, root: int, now: Shape, other: Shape
) -> tuple[int, int] | None:
    """The last version beside which this was tried in vain, and by how many rows."""
    rows = con.execute(
        "SELECT version, manifest FROM ml_catalog.versions WHERE model = ? AND version > ? "
        "AND json_exists(manifest, '$.lineage.structure') ORDER BY version DESC",
        [version.model, root],
    ).fetchall()
    for number, manifest in rows:
        lineage = json.loads(manifest)["lineage"]
        told = lineage["structure"]
        same = all(told[n] == [getattr(now, n), getattr(other, n)] for n in ("width", "layers"))
        if same and not told["kept"] and lineage["adapted"]["root"] == root:
            return number, told["rows"]
    return None


def anew(usual: Candidate, told: Mapping[str, Any], trial: Trial, seed: int) -> Prepared:
    """What the other structure is trained by: as the first version was, on the rows of the usual candidate."""
    recipe = replace(Recipe(**told), width=trial.other.width, layers=trial.other.layers, seed=seed)
    return replace(usual.prepared, spec=replace(usual.prepared.spec, recipe=recipe))


def chosen(usual: Candidate, other: Candidate, trial: Trial, rows: int) -> Candidate:
    """The better one beyond chance on the rows held out, all of which both were asked; a tie is the usual one's."""
    new, both = (_compared(pairs) for pairs in (_pairs(usual, other)[:1], _pairs(usual, other)))
    told = f"tried {trial.changes}, since {trial.why}: {told_of(both)} on {both.rows} rows held out"
    lost = usual.outcome.decision.promoted and not other.outcome.decision.promoted
    why = (
        "it is no better beyond chance" if not both.better
        else "it is worse on the new ones" if new.upper is not None and new.upper < 0
        else f"it would not be promoted: {other.outcome.decision.reason.rstrip('.')}" if lost
        else None
    )  # fmt: skip
    kept = usual if why or other.outcome.decision.suspicious else other
    ending = f"; {why}, and the structure stays" if why else ", and kept"
    return kept.telling(told + ending, trial.record(rows, kept=kept is other))


def _pairs(usual: Candidate, other: Candidate) -> list[tuple[Pair, Pair]]:
    """The same rows as both candidates say them, new ones first."""
    pairs = zip((usual.outcome.new, usual.outcome.old), (other.outcome.new, other.outcome.old), strict=True)
    return [(a, b) for a, b in pairs if a is not None and b is not None]


def _compared(pairs: Sequence[tuple[Pair, Pair]]) -> Compared:
    """The other candidate beside the usual one."""
    usual, other = (_joined([pair[n].candidate for pair in pairs]) for n in (0, 1))
    return pairs[0][0].judge.compare(usual, other)


def _joined(parts: Sequence[Said]) -> Said:
    return Said(np.concatenate([p.truth for p in parts]), Prediction.concat([p.prediction for p in parts]))
