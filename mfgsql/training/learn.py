"""The whole of a training: from a snapshot, a spec and maybe a base to the best model met on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mfgsql.backbones import EnsembleBackbone, MixedBackbone, RowLanguage
from mfgsql.backbones.checkpoints import Checkpoint
from mfgsql.backbones.image import ImageTower
from mfgsql.cancellation import Cancellation
from mfgsql.features.fields import Pictures
from mfgsql.model import Adopted, Model
from mfgsql.tasks import ANOMALY
from mfgsql.training.continuing import Champion, Teacher
from mfgsql.training.designing import kept_designs
from mfgsql.training.detecting import fit_detector
from mfgsql.training.imprinting import imprint
from mfgsql.training.judging import Judgement, Source, baseline_of, calibrated, judge
from mfgsql.training.monitor import Monitor, Silent
from mfgsql.training.panels import PanelSource, read_series
from mfgsql.training.recipe import Recipe
from mfgsql.training.refitting import begin_with, refit
from mfgsql.training.remembering import remember
from mfgsql.training.rows import TRAIN, VALIDATION, ChunkSource, Rows, RowSource, Snapshot, told_faults
from mfgsql.training.spec import TrainSpec
from mfgsql.training.trainer import Trainer
from mfgsql.training.windows import WindowSource

_LONGEST_BETWEEN = 500  # steps between two judgements, at most
_SETTLED, _TOGETHER = 256, 32  # pictures that normalisation is settled by, and of a pass
_IMPRINTED = 512  # rows for a group that tell where classes that are new lie
_SAVE_EVERY = 30.0  # seconds between two saved states


@dataclass(frozen=True)
class Learned:
    """What came of a training.

    Attributes:
        model: the best one met, on the CPU.
        judgement: of it, on the rows held out; None where there were none.
        baseline: metrics of saying the same for each row, on the same rows; of spans of each word's usual tag.
        steps, best_step: made, and where the best was met (0: what it started from).
        shared: columns that the base knew.
        seconds: of training.
        warnings: of what it read, in words.
    """

    model: Model
    judgement: Judgement | None
    baseline: dict[str, float]
    steps: int
    best_step: int
    shared: list[str]
    seconds: float
    warnings: list[str]


def learn(
    snapshot: Snapshot,
    spec: TrainSpec,
    *,
    base: Model | Checkpoint | None = None,
    champion: Champion | None = None,
    lineage: dict[str, Any] | None = None,
    device: str = "cpu",
    threads: int = 1,
    memory: int = 2**30,
    monitor: Monitor | None = None,
    cancellation: Cancellation | None = None,
    resume: bytes | None = None,
    save: Callable[[bytes], None] | None = None,
) -> Learned:
    """Train; never worse, on the rows held out, than what it started from.

    Equal arguments give equal weights on the same machine. torch's global generator is used and restored, so
    one training runs at a time in a process (the caller sees to that).

    Args:
        champion: what the training goes on from, instead of a base: its manifest stays, but for classes that are new.
        memory: bytes of encoded rows to hold; more rows stream from the snapshot.
        resume: a saved state of the same spec and snapshot. save: called with one every half minute.

    Raises:
        CancelledError: through ``cancellation``.
    """
    started = time.monotonic()
    torch.set_num_threads(threads)
    if spec.task == ANOMALY and spec.history is None:
        remembered, faults = remember(snapshot, spec, base, lineage or {}, device, cancellation or Cancellation())
        return Learned(remembered, None, {}, 0, 0, [], time.monotonic() - started, faults)
    if spec.grid is not None:
        recipe = spec.recipe.for_series(snapshot.train, base=base is not None)
    else:
        recipe = spec.recipe.for_rows(snapshot.train, labelled=spec.target is not None, base=base is not None)
    settled = replace(spec, recipe=recipe)
    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
        torch.manual_seed(recipe.seed)
        series = read_series(snapshot, settled) if settled.grid is not None else None
        if series is not None:
            season, series = series.best_season(), series.measured()
            settled = replace(settled, grid=series.grid)
        if champion is not None:
            model, adopted = champion.start(settled.target, lineage or {}), Adopted()
        else:
            model, adopted = _start(snapshot, settled, base, lineage)
        if series is not None and base is None:
            begin_with(model, season)
        teacher = champion.teacher(torch.device(device)) if champion is not None else None
        sources = _sources(snapshot, settled, memory, series)
        if champion is not None and champion.grows(settled.target):
            rows = next(sources[0].batches(_IMPRINTED, 0, recipe.seed))
            imprint(model, len(champion.model.target.classes), rows)
        loop = _Loop(model, adopted, sources, settled, torch.device(device), teacher)
        loop.monitor = monitor or Silent()
        loop.cancellation = cancellation or Cancellation()
        loop.save = save
        loop.run(resume)
        learned = _settled(model, loop, settled)
        if series is not None and recipe.refit == "yes" and learned is not None:
            refit(model, series.part(None), recipe, loop.best_step, loop.trainer.device, loop.cancellation)
    read = [source for source in (loop.train, loop.validation) if isinstance(source, ChunkSource)]
    steps, faults = (loop.trainer.step_number, loop.best_step), told_faults(*read)
    seconds = time.monotonic() - started
    return Learned(
        model,
        learned,
        baseline_of(model, learned, loop.train, loop.validation),
        *steps,
        adopted.columns,
        seconds,
        faults,
    )


def _sources(snapshot: Snapshot, spec: TrainSpec, memory: int, series: PanelSource | None) -> tuple[Source, Source]:
    """Rows, or windows, to learn from and to judge by."""
    if series is not None:
        return series.part(TRAIN), series.part(VALIDATION)
    source = RowSource if spec.history is None else WindowSource
    return source(snapshot, spec, TRAIN, memory * 4 // 5), source(snapshot, spec, VALIDATION, memory // 5)


def _settled(model: Model, loop: _Loop, spec: TrainSpec) -> Judgement | None:
    """Give a model the best weights met, and what rows not trained on teach of their answers; how these are."""
    model.network.load_state_dict(loop.best)
    model.network.to("cpu").eval()
    final = judge(model, loop.validation, spec.recipe, torch.device("cpu"), loop.cancellation)
    model.network.eval()
    lineage = model.manifest.lineage | {"recipe": spec.recipe.to_dict()}
    if model.manifest.task == ANOMALY:
        assert isinstance(loop.validation, WindowSource)
        level = fit_detector(model, loop.validation, spec.span, spec.level, loop.cancellation)
        model.manifest = replace(model.manifest, calibration=level, lineage=lineage)
    elif isinstance(model.network.backbone, RowLanguage):
        assert isinstance(loop.train, RowSource)
        model.manifest = replace(model.manifest, calibration={"past": kept_designs(loop.train)}, lineage=lineage)
    elif model.manifest.target is not None:
        if isinstance(model.network.backbone, EnsembleBackbone):
            lineage["interactions"] = model.network.backbone.interactions()
        calibration = _calibration(model, final, spec, spec.recipe)
        model.manifest = replace(model.manifest, calibration=calibration, lineage=lineage)
        final = final and calibrated(model, final)
    return final


def _start(
    snapshot: Snapshot, spec: TrainSpec, base: Model | Checkpoint | None, lineage: dict[str, Any] | None
) -> tuple[Model, Adopted]:
    """The model that a training starts from, and what it has of the base."""
    if spec.history is not None:
        runs = WindowSource(snapshot, spec, TRAIN, 0).runs()
        spec = replace(spec, history=replace(spec.history, runs=runs))
    model = Model.build(spec.manifest(base.manifest if isinstance(base, Model) else None, lineage or {}))
    if isinstance(model.network.backbone, EnsembleBackbone):
        adapt(model, model.network.backbone, RowSource(snapshot, spec, TRAIN, 0).sample())
    return model, model.adopt(base) if base else Adopted()


def adapt(model: Model, backbone: EnsembleBackbone, rows: Rows) -> None:
    """Show an ensemble some rows before its first step."""
    assert isinstance(rows.truth, Tensor), "an ensemble tells a row's target"
    truth = model.task.numbers(rows.truth.numpy(), model.target)
    scales = np.array(model.manifest.features.scales, np.float64).reshape(-1, 2)
    backbone.fit(rows.continuous, rows.speaker, truth, scales, jumps=model.task.jumps)


def _calibration(model: Model, judged: Judgement | None, spec: TrainSpec, recipe: Recipe) -> dict[str, Any]:
    """What rows not trained on teach; where there are none, what can be said without."""
    truth, said = np.empty(0, np.int64), model.task.baseline(model.target, 0)
    if judged is not None and judged.prediction is not None:
        truth, said = judged.truth, judged.prediction
    return model.task.calibrate(truth, said, recipe.to_dict() | {"costs": spec.costs})


class _Loop:
    """Epochs of steps, judged now and then; keeps the best weights."""

    monitor: Monitor
    cancellation: Cancellation
    save: Callable[[bytes], None] | None

    def __init__(
        self,
        model: Model,
        adopted: Adopted,
        sources: tuple[Source, Source],
        spec: TrainSpec,
        device: torch.device,
        teacher: Teacher | None = None,
    ) -> None:
        recipe = spec.recipe
        self.recipe = recipe
        kept = adopted.parameters if recipe.probe else []
        self.train, self.validation = sources
        self.steps_per_epoch = max(1, -(-self.train.epoch // recipe.batch_size))
        self.trainer = Trainer(model, recipe, self.steps_per_epoch * recipe.epochs, device, kept, teacher)
        self.every = min(self.steps_per_epoch, _LONGEST_BETWEEN)
        self.best: dict[str, Tensor] = self.trainer.weights()
        self.best_loss = float("inf")
        self.best_step = 0
        self.stale = 0
        self._recent: list[float] = []
        self._saved = time.monotonic()

    def run(self, state: bytes | None) -> None:
        """Train to the end, or until nothing improves."""
        epoch, skip = 0, 0
        if state is None:
            self._judge()
        else:
            epoch, skip = self._restore(state)
        while epoch < self.recipe.epochs and not self._ended(epoch):
            batches = self.train.batches(self.recipe.batch_size, epoch, self.recipe.seed, skip)
            for number, batch in enumerate(batches, start=skip + 1):
                self.cancellation.check()
                self._step(batch)
                self._keep_state(epoch, number)
                if self._ended(epoch):
                    break
            epoch, skip = epoch + 1, 0
        if self.best_step == 0 and self.best_loss == float("inf"):
            self._settle()
            self.best, self.best_step = self.trainer.weights(), self.trainer.step_number

    def _ended(self, epoch: int) -> bool:
        """Whether nothing improves any more. Of a probe that is no end: its best weights are then tuned."""
        stale = self.stale >= self.recipe.patience
        if self.trainer.probing and (stale or epoch >= self.recipe.probe * self.recipe.epochs):
            if self.best_loss < float("inf"):  # else there is nothing to judge by, and the last weights are the best
                self.trainer.model.network.load_state_dict(self.best)
            self.trainer.tune()
            self.stale = 0
            return False
        return stale

    def _step(self, batch: Any) -> None:
        loss = self.trainer.step(batch)
        if loss is None:
            return
        self._recent.append(loss)
        self.monitor.on_step(self.trainer.step_number, self.trainer.steps)
        if self.trainer.step_number % self.every == 0:
            self._judge()

    def _settle(self) -> None:
        """Let what normalises pictures know them as they are, before weights are judged or kept."""
        backbone = self.trainer.model.network.backbone
        if not isinstance(backbone, MixedBackbone) or not isinstance(backbone.image, ImageTower):
            return
        assert isinstance(self.train, RowSource)
        for index in range(self.train.chunks):
            chunk = self.train.chunk(index)
            assert isinstance(chunk, Rows)
            pictures = [f[f.there.nonzero().squeeze(1)[:_SETTLED]] for f in chunk.fields if isinstance(f, Pictures)]
            some = torch.cat([p.pixels for p in pictures])[:_SETTLED]
            if len(some) > 1:
                parts = torch.chunk(some, -(-len(some) // _TOGETHER))
                with torch.no_grad():
                    backbone.image.settle(part.to(self.trainer.device) for part in parts)
                return

    def _judge(self) -> None:
        self._settle()
        judged = judge(self.trainer.model, self.validation, self.recipe, self.trainer.device, self.cancellation)
        values = {"train_loss": sum(self._recent) / len(self._recent)} if self._recent else {}
        self._recent.clear()
        if judged is not None:
            values |= {"loss": judged.loss, **judged.metrics}
            if judged.criterion < self.best_loss:
                self.best_loss, self.best_step = judged.criterion, self.trainer.step_number
                self.best, self.stale = self.trainer.weights(), 0
            else:
                self.stale += 1
        self.monitor.on_judged(self.trainer.step_number, values)

    def _keep_state(self, epoch: int, done: int) -> None:
        if self.save is None or time.monotonic() - self._saved < _SAVE_EVERY:
            return
        self.save(self.state(epoch, done))
        self._saved = time.monotonic()

    def state(self, epoch: int, done: int) -> bytes:
        """All of it, after so many batches of an epoch."""
        progress = {
            "epoch": epoch,
            "done": done,
            "best_loss": self.best_loss,
            "best_step": self.best_step,
            "stale": self.stale,
            "recent": self._recent,
        }
        return self.trainer.state(progress, self.best)

    def _restore(self, state: bytes) -> tuple[int, int]:
        progress, self.best = self.trainer.resume(state)
        self.best_loss, self.best_step = progress["best_loss"], progress["best_step"]
        self.stale, self._recent = progress["stale"], list(progress["recent"])
        return progress["epoch"], progress["done"]
