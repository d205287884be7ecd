"""One ``ml_adapt``: the batch, what came before, a candidate that goes on from the champion, and who is champion then.

Nothing but the last transaction changes the catalog, so that a run that ends in the middle leaves all as it was. Only a
revert comes before: a champion that falls behind the one before it on the batch gives its place back at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mfgsql.catalog import add_event, add_version, finish_run, forget_run, resolve, reusable
from mfgsql.catalog.models import CHAMPION, PREVIOUS, alias_of, crown, make_champion, next_version
from mfgsql.catalog.records import add_features, add_metrics, add_snapshot, old_snapshots
from mfgsql.catalog.references import add_references
from mfgsql.catalog.replays import Shadow, add_learnt, add_shadows, add_steps, first_seen, keep_replay
from mfgsql.engine.adapting.asked import AUTO, Adaptation
from mfgsql.engine.adapting.batch import Batch, read_batch, settled_batch
from mfgsql.engine.adapting.deciding import FEWEST
from mfgsql.engine.adapting.held import Held, root_of
from mfgsql.engine.adapting.judging import Compared, Judge, value_of
from mfgsql.engine.adapting.outcome import BETTER, REVERTED, SUSPICIOUS, UNMOVED, Outcome
from mfgsql.engine.adapting.past import Past, read_past, thinned, written
from mfgsql.engine.adapting.rows import Together
from mfgsql.engine.adapting.structuring import Candidate, anew, base_of, chosen, recipe_of, trial_of
from mfgsql.engine.auditing import record_created
from mfgsql.engine.drifting.learning import features_of_snapshot
from mfgsql.engine.drifting.references import references_of
from mfgsql.engine.engine import Engine
from mfgsql.engine.learning import Learning
from mfgsql.engine.lineage import lineage_of_machine
from mfgsql.engine.planning import Args, Rows
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.runs import recorded, update
from mfgsql.engine.snapshots import Frozen
from mfgsql.engine.specs import Prepared
from mfgsql.engine.verdict import final_metrics
from mfgsql.errors import ResourceError
from mfgsql.manifest import Manifest
from mfgsql.training import Learned, Recipe, Snapshot, TrainSpec
from mfgsql.training.continuing import Champion
from mfgsql.training.snapshot import HASH, WEIGHT

Made = Callable[[Prepared, dict[str, Any], Champion | None], Candidate]
_SHARE = 0.2  # of new rows that judge, where one network learns


def run_adapt(engine: Engine, args: Args) -> Rows:
    """Run it, or return the finished run of the same batch."""
    return recorded(engine, args, Adapting)


@dataclass(frozen=True)
class Given:
    """A batch as a champion reads it, and both with the past in one."""

    held: Held
    past: Past
    batch: Batch
    together: Together


class Adapting(Learning):
    """One run, from its batch to its row of result."""

    def run(self) -> dict[str, Any]:
        """Read, go on learning, judge, commit; the row of result."""
        asked = Adaptation.parse(self.args["options"])
        held = Held.of(self.cursor, self.args["model"])
        with self.engine.cursor() as rows, self.cancellation.calls(rows.interrupt):
            frozen = read_batch(rows, self.cursor, self.args, held.version, self.cancellation, self._files)
            key = self._key_of(frozen.hash, held)
            earlier = None if self.args.get("force") else reusable(self.cursor, key)
            if earlier is not None and held.stands(self.cursor, result := json.loads(earlier.result)):
                return self._again(result)
            given = self._given(asked, frozen, held)
            shadows = self._before(given)
            if (back := next((s for s in shadows if s.decision == REVERTED), None)) is not None:
                given = self._given(asked, frozen, Held.of(self.cursor, f"{back.model}@{back.rival}"))
        self.cancellation.check()
        asked.check_room(self.cursor, given.together.rows, histories=held.manifest.history is not None)
        update(self.engine, self.run_id, key=key, snapshot=frozen.hash)
        return self._adapt(asked, given, shadows)

    def _given(self, asked: Adaptation, frozen: Frozen, held: Held) -> Given:
        room = asked.room(histories=held.manifest.history is not None)
        past = read_past(self.engine, self.cursor, held.version, held.manifest, room)
        batch = settled_batch(frozen, self.cursor, self.args, held.manifest, past, self._path, _SHARE)
        groups = held.manifest.backbone.groups
        return Given(held, past, batch, Together.of(batch.past.rows, batch.rows, groups, frozen.types))

    def _key_of(self, batch: str, held: Held) -> str:
        """Of all that the result depends on but who is champion: the same batch is learnt from once."""
        told = {k: self.args.get(k) for k in ("model", "policy", "options")}
        parts = [told, batch, root_of(held.version, held.manifest), lineage_of_machine(self.engine)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def _again(self, result: dict[str, Any]) -> dict[str, Any]:
        """The earlier run's row, as things stand now; this statement leaves no run behind."""
        with self.engine.transaction() as con:
            forget_run(con, self.run_id)
            champion = alias_of(con, result["model"], CHAMPION)
        leads = champion == result["version"]
        return result | {"status": "reused", "champion": leads, "promoted": result["promoted"] and leads,
                         "reverted": False, "warnings": [] if leads else [_of_earlier(result, champion)]}  # fmt: skip

    def _adapt(self, asked: Adaptation, given: Given, shadows: list[Shadow]) -> dict[str, Any]:
        held, batch, together = given.held, given.batch, given.together
        replays = bool(together.learnt(held.version.version).any())
        champion = asked.champion(held.load(self.cursor), replays=replays)
        spec, weight = _spec(champion.model.manifest, batch, asked), self.args.get("weight")
        prepared = Prepared(spec, [], batch.fresh, batch.warnings, self.args.get("censored"))
        told = (batch.frozen.hash, batch.frozen.sql)
        try:
            snapshot = together.write(self._path, spec.features, held.version.version, asked, weight, told)
            update(self.engine, self.run_id, spec=_described(prepared, weight))
            made = recipe_of(self.cursor, held.version, held.manifest)

            def candidate(prepared: Prepared, recipe: dict[str, Any], champion: Champion | None) -> Candidate:
                told = {"root": batch.past.root, "from": held.version.name, "base": base_of(held.manifest)}
                self.champion, self.origin = champion, {"adapted": told | {"recipe": recipe}}
                learned = self._learn(snapshot, prepared, None, self.run_id)
                outcome = Outcome.of(self.engine, held, learned, together, batch, asked, self.args["policy"])
                return Candidate(prepared, learned, outcome, self.progress)

            kept = candidate(prepared, made, champion)
            if asked.structure == "auto":
                kept = self._structured(held, kept, snapshot, together, made, candidate)
            result, stale = self._keep(given, kept, snapshot, shadows)
        except BaseException:
            self._path.unlink(missing_ok=True)
            raise
        finally:
            self._state(self.run_id).unlink(missing_ok=True)
        self.engine.discard(stale)
        return result

    def _structured(
        self, held: Held, usual: Candidate, snapshot: Snapshot, together: Together, made: dict[str, Any],
        candidate: Made,
    ) -> Candidate:  # fmt: skip
        """The candidate, or one of another structure, which is tried where the training asks for it."""
        trial = trial_of(self.engine, self.cursor, held, usual, together, snapshot.train)
        if isinstance(trial, str):
            return usual.telling(trial)
        prepared = anew(usual, made, trial, usual.prepared.spec.recipe.seed)
        try:
            self._check_size(prepared, None)
        except ResourceError as error:
            return usual.telling(f"{trial.why}, but a larger structure can't be tried: {error.message.rstrip('.')}")
        self.title, self.tracked = f"{self.title}, {trial.changes}", f"{self.run_id}-structure"
        self._state(self.run_id).unlink(missing_ok=True)
        return chosen(usual, candidate(prepared, prepared.spec.recipe.to_dict(), None), trial, snapshot.train)

    def _before(self, given: Given) -> list[Shadow]:
        """The champion beside who might take its place, on rows of the batch that nobody has learnt from."""
        held, batch, together = given.held, given.batch, given.together
        first = ~np.isin(together.rows[HASH].to_numpy(), batch.again)
        rows = together.judged(together.of_batch & first)
        if not len(rows.rows):
            return []
        found = list[Shadow]()
        with self.engine.scorer(held.version.name) as scorer:
            judge = Judge(rows, scorer.model, batch.target)
            champion = judge.ask(scorer)
        for role, rival in held.rivals(self.cursor, past_of=root_of(held.version, held.manifest)):
            with self.engine.scorer(rival.name) as scorer:
                said = judge.ask(scorer)
            compared = judge.compare(champion, said)
            worse = role == PREVIOUS and compared.better and compared.rows >= FEWEST and judge.tells(said)
            gives_back = worse and self.args["policy"] == AUTO and held.took_over(self.cursor)
            shadow = self._shadow(held, compared, REVERTED if gives_back else "kept", rival.version, role)
            found.append(shadow if not gives_back or self._revert(shadow) else replace(shadow, decision="kept"))
        if not found:
            value = value_of(judge.metric, champion)
            found.append(self._shadow(held, Compared(judge.metric.name, len(champion.truth), value, None), "kept"))
        return found

    def _shadow(
        self, held: Held, compared: Compared, decision: str, rival: int | None = None, role: str | None = None
    ) -> Shadow:
        values = (compared.champion, compared.rival, compared.difference, compared.lower, compared.upper)
        version = held.version
        return Shadow(self.run_id, version.model, version.version, rival, role, compared.rows, compared.metric, *values,
                      decision)  # fmt: skip

    def _revert(self, shadow: Shadow) -> bool:
        """Give the champion's place back, unless somebody has moved it meanwhile; whether that was done."""
        assert shadow.rival is not None
        with self.engine.transaction() as con:
            if alias_of(con, shadow.model, CHAMPION) != shadow.champion:
                return False
            make_champion(con, shadow.model, shadow.rival)
            told = f"better on new rows: {shadow.metric} {shadow.champion_value:.3g} -> {shadow.rival_value:.3g}"
            add_event(con, model=shadow.model, version=shadow.rival, event="reverted", previous=shadow.champion,
                      reason=told, run_id=self.run_id)  # fmt: skip
        return True

    def _keep(
        self, given: Given, kept: Candidate, snapshot: Snapshot, shadows: list[Shadow]
    ) -> tuple[dict[str, Any], list[str]]:
        """Commit all of it; the row of result, and snapshots that nothing names any more."""
        held, past, together = given.held, given.past, given.together
        prepared, learned, outcome = kept.prepared, kept.learned, kept.outcome
        model, data = held.version.model, learned.model.to_bytes()
        references = references_of(self.engine, learned, snapshot, self.cancellation.check)
        learnt_from = snapshot.path if outcome.decision.waits else None
        features = features_of_snapshot(self.cursor, held.version, learnt_from)
        most = Adaptation.parse(self.args["options"]).room(histories=held.manifest.history is not None)
        rows = past.rows if outcome.decision.suspicious else thinned(together.rows, learned.model.manifest, most)
        warnings = [*prepared.warnings, *learned.warnings, *self.tracking.warnings, *outcome.warnings(past)]
        with self.engine.transaction() as con:
            resolve(con, held.version.name)  # still there
            number, wins = next_version(con, model), outcome.decision.promoted
            if wins and alias_of(con, model, CHAMPION) != held.version.version:
                wins = False
                warnings.append("It stays candidate: another version became champion meanwhile.")
            result = self._result(number, prepared, learned, warnings)
            result["champion"] = crown(con, model, number, wins=wins, candidate=outcome.decision.waits)
            result |= outcome.columns(promoted=result["champion"], policy=self.args["policy"], shadows=shadows)
            version = replace(self._version(number, data, learned, result), base=held.version.name)
            add_version(con, version, data, held.manifest.task or "", self.args["target"])
            add_features(con, version, features)
            add_references(con, model, number, references)
            record_created(con, result, "adapt", held.version.version, self.run_id, outcome.decision.reason)
            add_metrics(con, self.run_id, [*kept.progress.history, *final_metrics(learned)])
            add_snapshot(con, self.run_id, snapshot.hash, str(snapshot.path), snapshot.rows, snapshot.sql)
            if not outcome.decision.suspicious:
                add_learnt(con, model, past.root, number, given.batch.keys)
            if rows is not None:
                keep_replay(con, model, past.root, number, written(rows, number), len(rows))
            add_shadows(con, shadows)
            add_steps(con, outcome.steps(self.run_id, model, number, first_seen(con, model), held.version.version))
            told = {"spec": _described(prepared, self.args.get("weight")), "result": json.dumps(result)}
            finish_run(con, self.run_id, "finished", version=number, steps=learned.steps, **told)
            stale = old_snapshots(con, model, keep=self.engine.settings.keep_snapshots)
        return result, stale

    def _verdict(self, learned: Learned) -> tuple[str | None, float | None, float | None, str]:
        """Figures over all rows held out; the verdict is on the rows that are new, see `Outcome`."""
        metric = learned.model.task.metrics(learned.model.target)[0].name
        judged = learned.judgement
        value = None if judged is None else judged.metrics.get(metric)
        return metric, value, learned.baseline.get(metric), ""


def _of_earlier(result: dict[str, Any], champion: int | None) -> str:
    """What has become of a batch that was given before, whose version isn't the champion."""
    name = f"{result['model']}@{result['version']}"
    if result["verdict"] == SUSPICIOUS:
        return "The labels of this batch were suspicious, and nobody has learnt it; options := {'trust': true} does."
    if result["verdict"] == UNMOVED:
        return "This batch was tried, and no pass over it was better; more may be: options := {'epochs': 20}."
    if champion is not None and champion > result["version"]:
        return f"{name} has learnt this batch, and so has @{champion}, the champion."
    told = f"{name} has learnt this batch, @{champion} is the champion."
    if result["verdict"] != BETTER:
        return f"{told} {result['reason']}"
    return f"{told} Promote it: FROM ml_promote({quote_literal(name)});"


def _described(prepared: Prepared, weight: str | None) -> str:
    """With the statement's weights of rows, beside which those of the training stand."""
    return replace(prepared, spec=replace(prepared.spec, weight=weight)).describe()


def _spec(manifest: Manifest, batch: Batch, asked: Adaptation) -> TrainSpec:
    """The champion's training, over a target that may have more classes."""
    recipe = asked.recipe(Recipe(**manifest.lineage["recipe"]), new_classes=bool(batch.new))
    costs = manifest.calibration.get("costs") if not batch.new else None
    return TrainSpec(
        manifest.features, recipe, manifest.task, batch.target, weight=WEIGHT, costs=costs, history=manifest.history
    )
