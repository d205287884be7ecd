"""A learning statement, executed: snapshot, training, and one transaction that commits all of it."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import torch

from mfgsql.backbones.checkpoints import Checkpoint, read
from mfgsql.cancellation import Cancellation
from mfgsql.catalog import Version, add_version, finish_run, forget_run, read_artifact, resolve, reusable
from mfgsql.catalog.artifacts import check_size, new_artifact
from mfgsql.catalog.models import CHAMPION, alias_of, crown, make_champion, next_version
from mfgsql.catalog.records import add_features, add_metrics, add_snapshot, old_snapshots
from mfgsql.catalog.references import add_references
from mfgsql.engine.access import asker
from mfgsql.engine.auditing import record_created, record_won
from mfgsql.engine.challenge import wins
from mfgsql.engine.drifting.references import references_of
from mfgsql.engine.engine import Engine
from mfgsql.engine.exporting import export
from mfgsql.engine.fields import Base
from mfgsql.engine.files import read_bytes
from mfgsql.engine.lineage import lineage_of_machine
from mfgsql.engine.planning import Args, Rows
from mfgsql.engine.progress import Progress
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.runs import recorded, update
from mfgsql.engine.snapshots import Frozen, freeze
from mfgsql.engine.specs import Prepared, prepare_spec
from mfgsql.engine.states import read_state, write_state
from mfgsql.engine.tracking import tracking_of
from mfgsql.engine.verdict import final_metrics, verdict_of
from mfgsql.engine.versions import check_same_target, is_checkpoint
from mfgsql.errors import MfgsqlError
from mfgsql.model import Model
from mfgsql.training import Learned, Snapshot, learn
from mfgsql.training.continuing import Champion
from mfgsql.training.distilling import Lesson
from mfgsql.training.monitor import Monitor, RunFacts, Silent, Together


def run_learning(engine: Engine, args: Args) -> Rows:
    """Run it, or return the finished run of the same content."""
    return recorded(engine, args, Learning)


class Learning:
    """One run, from its source to its row of result."""

    def __init__(
        self,
        engine: Engine,
        args: Args,
        run_id: str,
        cursor: duckdb.DuckDBPyConnection,
        cancellation: Cancellation,
    ) -> None:
        self.engine, self.args, self.run_id = engine, args, run_id
        self.cursor, self.cancellation = cursor, cancellation
        self.identity = asker()  # on this thread it is known; files are read on one of DuckDB's
        self.tracking = tracking_of(engine)  # here it can still refuse
        self.started = time.monotonic()
        self.title = f"{args['verb']} {args['model']}"
        self.tracked = run_id  # as what trackers know it
        self.watching: Monitor = Silent()
        self.champion: Champion | None = None  # what a training goes on from
        self.lesson: Lesson | None = None  # how a teacher's answers count
        self.origin: dict[str, Any] = {}  # what else the manifest tells of where it comes from

    def run(self) -> dict[str, Any]:
        """Snapshot, train, commit; the row of result."""
        base = self._base()
        with self.engine.cursor() as rows, self.cancellation.calls(rows.interrupt):
            frozen = self._freeze(rows)
            self.cancellation.check()
            prepared = self._prepare(frozen, base)
            check_same_target(self.cursor, self.args["model"], prepared.spec.task, prepared.spec.target)
            self.cancellation.check()
            key = self._key(frozen, prepared)
            if not self.args.get("force") and (earlier := reusable(self.cursor, key)):
                return self._reuse(json.loads(earlier.result), frozen, prepared)
            self._check_size(prepared, base)
            update(self.engine, self.run_id, key=key, snapshot=frozen.hash, spec=prepared.describe())
            try:
                snapshot = self._export(frozen, prepared)
                learned = self._learn(snapshot, prepared, base, key)
                result, stale = self._commit(snapshot, prepared, learned)
            except BaseException:
                self._path.unlink(missing_ok=True)  # no version names it
                raise
        with suppress(OSError):  # the version is committed; the next opening tidies up
            self._state(key).unlink(missing_ok=True)
        self.engine.discard(stale)
        return result

    def _freeze(self, con: duckdb.DuckDBPyConnection) -> Frozen:
        return freeze(con, self.args, self.cancellation, self._files)

    def _files(self, paths: pa.Array) -> tuple[pa.Array, list[str | None]]:
        """What the files are that pictures' paths name, as far as who asks may read them."""
        return read_bytes(self.engine, self.identity, paths)

    def _base(self) -> Base:
        if not self.args.get("base"):
            return None
        if is_checkpoint(self.args["base"]):
            return read(Path(self.args["base"]))
        version = resolve(self.cursor, self.args["base"])
        return Model.from_bytes(read_artifact(self.cursor, version.artifact, version.bytes))

    def _prepare(self, frozen: Frozen, base: Base) -> Prepared:
        return prepare_spec(frozen, self.args, base)

    def _check_size(self, prepared: Prepared, base: Base) -> None:
        check_size(self.cursor, _size(prepared, base))

    def _key(self, frozen: Frozen, prepared: Prepared, *without: str) -> str:
        """Of all that the weights depend on, but for these arguments."""
        aside = ("session", "force", "place", "source", "promote", *without)
        told = {k: v for k, v in self.args.items() if k not in aside}
        parts = [told, frozen.hash, prepared.describe(), lineage_of_machine(self.engine)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def _reuse(self, result: dict[str, Any], frozen: Frozen, prepared: Prepared) -> dict[str, Any]:
        """The earlier run's row; this statement leaves no run behind. With ``promote`` its version challenges again."""
        model, number = result["model"], result["version"]
        champion = alias_of(self.cursor, model, CHAMPION)
        is_champion = champion == number
        won, why = (False, None) if is_champion else self._challenge_again(result, champion, frozen, prepared)
        with self.engine.transaction() as con:
            forget_run(con, self.run_id)
            won = won and alias_of(con, model, CHAMPION) == champion
            if won:
                make_champion(con, model, number)
                record_won(con, model, number, champion, result["run_id"])
        warnings = [*prepared.warnings, *([why] if why else [])]
        return result | {"status": "reused", "champion": is_champion or won, "warnings": warnings}

    def _challenge_again(
        self, result: dict[str, Any], champion: int | None, frozen: Frozen, prepared: Prepared
    ) -> tuple[bool, str | None]:
        name = f"{result['model']}@{result['version']}"
        if not self.args.get("promote"):
            return False, f"{name} is not the champion. {_promote(name)}"
        version = resolve(self.cursor, name)
        try:
            snapshot = self._export(frozen, prepared)
            model = Model.from_bytes(read_artifact(self.cursor, version.artifact, version.bytes))
            won, why = self._challenge(snapshot, model, champion)
            return won, why and f"{name} is not the champion: {why} {_promote(name)}"
        finally:
            self._path.unlink(missing_ok=True)

    def _state(self, key: str) -> Path:
        """Where a training that was stopped would go on from; it goes when the version is committed."""
        return self.engine.folder / f"{key}.state"

    @property
    def _path(self) -> Path:
        return self.engine.folder / f"{self.run_id}.parquet"

    def _export(self, frozen: Frozen, prepared: Prepared) -> Snapshot:
        recipe = prepared.spec.recipe
        return export(
            frozen,
            self.args | {"validation": recipe.validation},
            self._path,
            task=prepared.spec.task,
            features=prepared.spec.features,
            seed=recipe.seed,
            folds=recipe.folds,
        )

    def _learn(self, snapshot: Snapshot, prepared: Prepared, base: Base, key: str) -> Learned:
        state = self._state(key)
        lineage = {
            "snapshot": snapshot.hash,
            "source": snapshot.sql,
            "recipe": prepared.spec.recipe.to_dict(),
            "base": self.args.get("base"),
            **({"base_sha256": base.sha256, "base_licence": base.licence} if isinstance(base, Checkpoint) else {}),
            **lineage_of_machine(self.engine),
            **self.origin,
        }
        facts = RunFacts(self.tracked, self.args["model"], self.args["verb"], prepared.rows, lineage["recipe"])
        with self.tracking.record(facts), Progress(self.engine.settings.progress, self.title) as progress:
            self.progress = progress
            learned = learn(
                snapshot,
                prepared.spec,
                base=base,
                champion=self.champion,
                lesson=self.lesson,
                lineage=lineage,
                device=self.engine.device,
                threads=self.engine.settings.threads,
                memory=self.engine.settings.trainer_memory,
                monitor=Together(progress, self.tracking, self.watching),
                cancellation=self.cancellation,
                resume=read_state(state),
                save=lambda data: write_state(state, data),
            )
            self.tracking.final = {name: value for _, _, name, value, _, _ in final_metrics(learned)}
        return learned

    def _commit(self, snapshot: Snapshot, prepared: Prepared, learned: Learned) -> tuple[dict[str, Any], list[str]]:
        """Commit all of it; the row of result, and snapshots that nothing names any more."""
        data = learned.model.to_bytes()
        champion = alias_of(self.cursor, self.args["model"], CHAMPION)
        won, why = self._challenge(snapshot, learned.model, champion)
        references = references_of(self.engine, learned, snapshot, self.cancellation.check)
        why = why and f"It stays candidate: {why} {_promote(self.args['model'] + '@candidate')}"
        warnings = [*prepared.warnings, *learned.warnings, *self.tracking.warnings, *([why] if why else [])]
        with self.engine.transaction() as con:
            number = next_version(con, self.args["model"])
            if won and alias_of(con, self.args["model"], CHAMPION) != champion:
                won = False
                warnings.append("It stays candidate: another version became champion meanwhile.")
            result = self._result(number, prepared, learned, warnings)
            result["champion"] = crown(con, self.args["model"], number, wins=won)
            version = self._version(number, data, learned, result)
            add_version(con, version, data, prepared.spec.task or "base", self.args.get("target"))
            record_created(con, result, self.args["verb"], champion, self.run_id)
            add_features(con, version, prepared.features)
            add_references(con, version.model, number, references)
            add_metrics(con, self.run_id, [*self.progress.history, *final_metrics(learned)])
            add_snapshot(con, self.run_id, snapshot.hash, str(snapshot.path), snapshot.rows, snapshot.sql)
            finish_run(con, self.run_id, "finished", version=number, steps=learned.steps, result=json.dumps(result))
            stale = old_snapshots(con, self.args["model"], keep=self.engine.settings.keep_snapshots)
        return result, stale

    def _challenge(self, snapshot: Snapshot, model: Model, champion: int | None) -> tuple[bool, str | None]:
        """Whether the new version takes over, and why not. A comparison that fails costs no training."""
        if champion is None:
            return True, None
        if self.args.get("promote") != "auto":
            return False, f"@{champion} is the champion."
        name = f"{self.args['model']}@{champion}"
        try:
            won, why = wins(self.engine, self.cursor, name, snapshot, model)
        except Exception as error:  # noqa: BLE001  (the weights are made; what failed is told)
            self.cancellation.check()
            reason = error if isinstance(error, MfgsqlError) else self.engine.unexpected(error)
            return False, f"it can't be compared with {name}: {str(reason).rstrip('.')}."
        return won, None if won else why

    def _version(self, number: int, data: bytes, learned: Learned, result: dict[str, Any]) -> Version:
        return Version(
            self.args["model"],
            number,
            self.run_id,
            new_artifact(),
            len(data),
            learned.model.manifest.to_json(),
            self.args.get("base"),
            result["rows"],
            result["metric"],
            result["value"],
            result["baseline"],
            result["verdict"],
        )

    def _verdict(self, learned: Learned) -> tuple[str | None, float | None, float | None, str]:
        return verdict_of(learned)

    def _result(self, number: int, prepared: Prepared, learned: Learned, warnings: list[str]) -> dict[str, Any]:
        metric, value, baseline, verdict = self._verdict(learned)
        return {
            "model": self.args["model"],
            "version": number,
            "run_id": self.run_id,
            "status": "finished",
            "verdict": verdict,
            "metric": metric,
            "value": value,
            "baseline": baseline,
            "champion": False,
            "rows": prepared.rows,
            "seconds": round(time.monotonic() - self.started, 2),
            "device": self.engine.device,
            "warnings": warnings,
        }


def _promote(name: str) -> str:
    return f"Promote it: FROM ml_promote({quote_literal(name)});"


def _size(prepared: Prepared, base: Base) -> int:
    """Bytes of the weights that will be kept."""
    known = base.manifest if isinstance(base, Model) else None
    with torch.random.fork_rng(devices=[]):
        kept = Model.build(prepared.spec.manifest(known, {})).kept
    return sum(value.numel() * value.element_size() for value in kept.values())
