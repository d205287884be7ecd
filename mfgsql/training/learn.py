"""The whole of a training: from a snapshot, a spec and maybe a base to the best model met on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mfgsql.backbones import EnsembleBackbone, RowLanguage
from mfgsql.backbones.checkpoints import Checkpoint
from mfgsql.cancellation import Cancellation
from mfgsql.model import Adopted, Model
from mfgsql.tasks import ANOMALY
from mfgsql.training.adapters import joined_by, shared_only, take_own
from mfgsql.training.continuing import Champion
from mfgsql.training.designing import kept_designs
from mfgsql.training.detecting import fit_detector
from mfgsql.training.distilling import Lesson
from mfgsql.training.imprinting import imprint
from mfgsql.training.judging import Judgement, Source, baseline_of, calibrated, judge
from mfgsql.training.loop import Loop
from mfgsql.training.monitor import Monitor, Silent
from mfgsql.training.panels import PanelSource, read_series
from mfgsql.training.recipe import Recipe
from mfgsql.training.refitting import begin_with, refit
from mfgsql.training.remembering import remember
from mfgsql.training.rows import ChunkSource, Rows, RowSource, told_faults
from mfgsql.training.snapshot import TRAIN, VALIDATION, Snapshot
from mfgsql.training.spec import TrainSpec
from mfgsql.training.windows import WindowSource

_IMPRINTED = 512  # rows for a group that tell where classes that are new lie


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
    lesson: Lesson | None = None,
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
        lesson: how a teacher's answers count, which the snapshot has.
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
        sources = partial(_sources, snapshot, memory=memory, series=series)
        joined = joined_by(settled, base)
        if joined is not None:
            settled = replace(settled, target=joined.target)  # in whose unit it answers
        if champion is not None:
            model, adopted = champion.start(settled.target, lineage or {}), Adopted()
        else:
            model, adopted = _start(snapshot, shared_only(settled, joined), base, lineage)
        if series is not None and base is None:
            begin_with(model, season)
        read = sources(replace(settled, features=model.manifest.features))
        _tell_new_classes(champion, model, read[0], recipe.seed)
        teacher = champion.teacher(torch.device(device)) if champion else lesson
        loop = Loop(model, adopted, read, settled, torch.device(device), teacher)
        loop.monitor = monitor or Silent()
        loop.cancellation = cancellation or Cancellation()
        loop.save, loop.going_on = save, champion is not None
        if joined is not None:
            take_own(model, joined)
            loop.best = loop.trainer.weights()
        else:
            loop.run(resume)
        told: list[str] = []
        if settled.features.group is not None and champion is None:  # whose adapters go on with all the rest
            model, told = loop.adapt_groups(settled, sources)
        learned = _settled(model, loop, settled, joined)
        if series is not None and recipe.refit == "yes" and learned is not None:
            refit(model, series.part(None), recipe, loop.best_step, loop.trainer.device, loop.cancellation)
    streamed = [source for source in (loop.train, loop.validation) if isinstance(source, ChunkSource)]
    steps, faults = (loop.trainer.step_number, loop.best_step), [*told_faults(*streamed), *told]
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


def _sources(snapshot: Snapshot, spec: TrainSpec, *, memory: int, series: PanelSource | None) -> tuple[Source, Source]:
    """Rows, or windows, to learn from and to judge by."""
    if series is not None:
        return series.part(TRAIN), series.part(VALIDATION)
    source = RowSource if spec.history is None else WindowSource
    return source(snapshot, spec, TRAIN, memory * 4 // 5), source(snapshot, spec, VALIDATION, memory // 5)


def _settled(model: Model, loop: Loop, spec: TrainSpec, joined: Model | None) -> Judgement | None:
    """Give a model the best weights met, and what rows not trained on teach of their answers; how these are.

    Args:
        joined: whose adapters others join: what it says of its own groups stays as it is.
    """
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
        kept = joined.manifest.calibration if joined is not None else {}
        calibration = kept or _calibration(model, final, spec, spec.recipe)
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


def _tell_new_classes(champion: Champion | None, model: Model, source: Source, seed: int) -> None:
    """Begin outputs of classes that the champion does not know where rows of these lie."""
    known = len(champion.model.target.classes) if champion else 0
    if champion is not None and known < len(model.target.classes):
        imprint(model, known, next(source.batches(_IMPRINTED, 0, seed)))


def _calibration(model: Model, judged: Judgement | None, spec: TrainSpec, recipe: Recipe) -> dict[str, Any]:
    """What rows not trained on teach; where there are none, what can be said without."""
    truth, said = np.empty(0, np.int64), model.task.baseline(model.target, 0)
    if judged is not None and judged.prediction is not None:
        truth, said = judged.truth, judged.prediction
    return model.task.calibrate(truth, said, recipe.to_dict() | {"costs": spec.costs})
