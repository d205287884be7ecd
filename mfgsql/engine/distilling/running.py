"""``ml_distill``, executed: a teacher's answers, students of some sizes, and the smallest that is good enough."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb

from mfgsql.backbones import EnsembleConfig, SeriesConfig, TabularConfig
from mfgsql.catalog import finish_run, forget_run, resolve
from mfgsql.engine.alike import read_alike
from mfgsql.engine.distilling.asked import Distillation
from mfgsql.engine.distilling.judging import AGREEMENT, TEACHER, Figures, Judges, agreement_of
from mfgsql.engine.distilling.teaching import SHARE, answers_of, teach, teach_wholly
from mfgsql.engine.engine import Engine
from mfgsql.engine.exporting import export
from mfgsql.engine.fields import Base
from mfgsql.engine.learning import Learning
from mfgsql.engine.learnt import learnt_by
from mfgsql.engine.planning import Args, Rows
from mfgsql.engine.progress import Progress
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.runs import recorded, update
from mfgsql.engine.snapshots import Frozen
from mfgsql.engine.specs import Prepared, records_of
from mfgsql.engine.unseen import judged_rows
from mfgsql.errors import DataError
from mfgsql.features import FeatureSet, Rejection
from mfgsql.manifest import Manifest
from mfgsql.scoring import Scorer
from mfgsql.training import Learned, Snapshot, TrainSpec
from mfgsql.training.rows import taught_of
from mfgsql.training.snapshot import TAUGHT

FEWEST = 100  # rows
_MOST = 20_000  # rows that judge


def run_distill(engine: Engine, args: Args) -> Rows:
    """Run it, or return the finished run of the same content; a row for the teacher, and one for each student."""
    row = recorded(engine, args, Distilling)[0]
    shared = {name: row.get(name) for name in ("run_id", "status", "rows", "seconds", "warnings")}
    return [student | shared | _registered(student, row) for student in row["students"]]


def _registered(student: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Which version it is."""
    if student["student"] == TEACHER:
        return {}
    made = student["chosen"]
    return {name: row[name] if made else None for name in ("model", "version", "champion")}


@dataclass(frozen=True)
class _Student:
    """A model of a size, how its training went, and what it is worth."""

    prepared: Prepared
    learned: Learned
    progress: Progress
    figures: Figures


class Distilling(Learning):
    """One run of some trainings on a teacher's answers, from its source to its rows of result."""

    def _base(self) -> Base:
        """None: students begin from scratch."""
        self._asked = Distillation.parse(self.args["options"])
        self._teacher = resolve(self.cursor, self.args["base"])
        self._manifest = Manifest.from_json(self._teacher.manifest)
        self.args["artifact"] = self._teacher.artifact  # a name may be given anew
        self.lesson, self.origin = self._asked.lesson, {"distilled": self._teacher.name}
        return None

    def _freeze(self, con: duckdb.DuckDBPyConnection) -> Frozen:
        frozen = read_alike(con, self.cursor, self.args, self._teacher, self.cancellation, self._files, labelled=False)
        if frozen.rows < FEWEST:
            raise DataError(
                f"The source has {frozen.rows} rows: too few to learn from (at least {FEWEST}).",
                remedy="They need no labels: give it all rows of the kind that there are.",
            )
        return frozen

    def _prepare(self, frozen: Frozen, base: Base) -> Prepared:
        """The smallest student; the others differ in their recipe."""
        known, profiles = self._manifest, frozen.profiles
        features, rejected = known.features, list[Rejection]()
        if known.backbone.kind == TabularConfig.kind:  # whose numbers are bent for it: students bend them themselves
            read = [profiles[name] for name in features.names if name in profiles]
            features, rejected = FeatureSet.fit(read, standardised=True)
        told = {r.name for r in rejected} | set(known.features.names)
        rejected += [Rejection(n, f"{self._teacher.name} does not read it") for n in profiles if n not in told]
        if not features.encoders:
            raise DataError(f"No column is left to learn from ({', '.join(known.features.names)} say nothing here).")
        spec = TrainSpec(
            features, self._asked.recipe(self._asked.sizes[0], self._kind, frozen.rows), known.task, known.target,
            weight=self.args.get("weight"), costs=known.calibration.get("costs"), history=known.history,
        )  # fmt: skip
        return Prepared(spec, records_of(frozen, features, rejected), frozen.rows, list(frozen.lost))

    @property
    def _kind(self) -> str:
        return SeriesConfig.kind if self._manifest.history is not None else EnsembleConfig.kind

    def _export(self, frozen: Frozen, prepared: Prepared) -> Snapshot:
        """All rows with what the teacher says of them."""
        history, seed = self._manifest.history, prepared.spec.recipe.seed
        args = self.args | {"validation": 0.0}
        if history is not None:
            span = None if history.resample is None else history.length * history.resample
            args |= {"validation": SHARE, "histories": {"window": history.length, "span": span}}
        task = prepared.spec.task if args["target"] else None
        snapshot = export(frozen, args, self._path, task=task, features=self._manifest.features, seed=seed)
        learnt = learnt_by(self.engine, self.cursor, self._teacher.name)
        with self.engine.scorer(self._teacher.name) as scorer:
            self._taught = teach(scorer, snapshot, learnt, seed, self.cancellation.check)
        if not self._taught.snapshot.validation or not self._taught.snapshot.train:
            raise DataError("No rows are left to learn from, or to judge by.", remedy="Give it more rows.")
        return self._taught.snapshot

    def _learn(self, snapshot: Snapshot, prepared: Prepared, base: Base, key: str) -> Learned:
        """A student of each size; the one that is good enough and smallest, or the last one where none is."""
        judges = self._judges(snapshot)
        with self.engine.scorer(self._teacher.name) as scorer:
            self._best = judges.figures(TEACHER, scorer, judges.said)
        self._students = [self._student(size, snapshot, prepared, key, judges) for size in self._asked.sizes]
        good = [s for s in self._students if judges.enough(s.figures, self._best, self.args["loss"])]
        self._chosen = good[0] if good else None
        kept = self._chosen or self._students[-1]
        self._judged, self.progress = judges, kept.progress
        update(self.engine, self.run_id, spec=kept.prepared.describe())
        return self._of_all(kept, snapshot, key) if self._chosen and self._taught.alone else kept.learned

    def _judges(self, snapshot: Snapshot) -> Judges:
        with self.engine.scorer(self._teacher.name) as scorer:
            model = scorer.model
        names = [*model.manifest.features.names, model.target.name, TAUGHT]
        rows = judged_rows(snapshot.path, names, _MOST, 1)
        truth = model.task.encode(rows.judged[model.target.name].combine_chunks(), model.target)
        taught = taught_of({TAUGHT: rows.judged[TAUGHT].combine_chunks()})
        assert taught is not None
        metric = model.task.metrics(model.target)[0] if self._taught.labelled else None
        return Judges(rows, truth, answers_of(taught.numpy(), model), metric)

    def _student(self, size: str, snapshot: Snapshot, prepared: Prepared, key: str, judges: Judges) -> _Student:
        recipe = self._asked.recipe(size, self._kind, prepared.rows)
        prepared = replace(prepared, spec=replace(prepared.spec, recipe=recipe))
        learned = self._trained(f"{size} student", snapshot, prepared, key)
        scorer = Scorer(learned.model, self.engine.device, self.engine.settings.threads)
        figures = judges.figures(size, scorer, judges.rows.predict(scorer))
        learned.model.network.to("cpu")
        told = f"{judges.name} {figures.value:.4g}, " if figures.value is not None else ""
        fast = f"{figures.rows_per_second:,.0f} rows a second"
        self.progress.note(f"{self.title}: {told}agreement {figures.agreement:.4g}, {fast}")
        return _Student(prepared, learned, self.progress, figures)

    def _trained(self, what: str, snapshot: Snapshot, prepared: Prepared, key: str) -> Learned:
        """A training of its own name and state."""
        self.title, self.tracked = f"distill {self.args['model']}, {what}", f"{self.run_id}-{what.replace(' ', '-')}"
        own = hashlib.sha256(f"{key}{what}".encode()).hexdigest()[:32]
        learned = super()._learn(snapshot, prepared, None, own)
        self._state(own).unlink(missing_ok=True)
        return learned

    def _of_all(self, kept: _Student, snapshot: Snapshot, key: str) -> Learned:
        """The chosen student once more, from all the teacher's parts; figures and errors stay those that were fair."""
        with self.engine.scorer(self._teacher.name) as scorer:
            teach_wholly(scorer, self._taught, self.cancellation.check)
        model = self._trained("the chosen student", snapshot, kept.prepared, key).model
        self.progress = kept.progress
        model.manifest = replace(model.manifest, calibration=kept.learned.model.manifest.calibration)
        return replace(kept.learned, model=model)

    def _commit(self, snapshot: Snapshot, prepared: Prepared, learned: Learned) -> tuple[dict[str, Any], list[str]]:
        """The chosen student becomes a version; where none is good enough, the figures are told and nothing is kept."""
        if self._chosen is not None:
            return super()._commit(snapshot, replace(prepared, spec=self._chosen.prepared.spec), learned)
        remedy = "Allow more (loss := 0.05), or give more rows, which need no labels."
        why = f"No student is within {self.args['loss']:g} of the teacher's {self._judged.name}: none is kept. {remedy}"
        result = self._row(prepared, [*prepared.warnings, *self._warnings(), *self.tracking.warnings, why])
        with self.engine.transaction() as con:
            finish_run(con, self.run_id, "finished", result=json.dumps(result))
        self._path.unlink(missing_ok=True)
        return result, []

    def _verdict(self, learned: Learned) -> tuple[str | None, float | None, float | None, str]:
        """Of rows without labels the likeness to the teacher is told, beside that of saying the same of each."""
        metric, value, baseline, verdict = super()._verdict(learned)
        if self._taught.labelled or self._chosen is None:
            return metric, value, baseline, verdict
        model, said = learned.model, self._judged.said
        same = agreement_of(model.target, said, model.task.baseline(model.target, len(said)))
        return AGREEMENT, self._chosen.figures.value, same, verdict

    def _result(self, number: int, prepared: Prepared, learned: Learned, warnings: list[str]) -> dict[str, Any]:
        told = self._warnings()
        warnings[:0] = told
        return super()._result(number, prepared, learned, warnings) | {"students": self._rows(), "told": told}

    def _reuse(self, result: dict[str, Any], frozen: Frozen, prepared: Prepared) -> dict[str, Any]:
        if "version" not in result:  # none was kept
            with self.engine.transaction() as con:
                forget_run(con, self.run_id)
            return result | {"status": "reused"}
        row = super()._reuse(result, frozen, prepared)
        return row | {"warnings": [*result["told"], *row["warnings"]]}

    def _row(self, prepared: Prepared, warnings: list[str]) -> dict[str, Any]:
        """What is told where no version is made."""
        seconds = round(time.monotonic() - self.started, 2)
        return {"run_id": self.run_id, "status": "finished", "rows": prepared.rows, "seconds": seconds,
                "warnings": warnings, "students": self._rows()}  # fmt: skip

    def _rows(self) -> list[dict[str, Any]]:
        """The result's rows, but for what all have in common."""
        teacher = {"model": self._teacher.model, "version": self._teacher.version, "champion": None}
        found = [(self._best, False), *((s.figures, s is self._chosen) for s in self._students)]
        return [
            {"student": f.name, "metric": self._judged.name, "chosen": made, **asdict(f)} | teacher for f, made in found
        ]

    def _warnings(self) -> list[str]:
        name, told = self._teacher.name, list[str]()
        if not self._taught.fair:
            told.append(
                f"{name} has learnt from rows that judge, or it isn't known: figures flatter. Judge on others: "
                f"FROM ml_evaluate({quote_literal(self.args['model'])}, 'later_rows');"
            )
        if not self._taught.labelled:
            told.append(
                f"The source has no labels of {self._manifest.target and self._manifest.target.name!r}: "
                f"students are compared with {name} alone."
            )
        return told
