"""The loop of a training: epochs of steps, judged now and then, of which the best weights are kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mfgsql.backbones import MixedBackbone
from mfgsql.backbones.image import ImageTower
from mfgsql.cancellation import Cancellation
from mfgsql.features.fields import Pictures
from mfgsql.model import Adopted, Model
from mfgsql.training.adapters import Sources, fit_adapters
from mfgsql.training.continuing import Teaching
from mfgsql.training.judging import Source, judge
from mfgsql.training.monitor import Monitor
from mfgsql.training.rows import ChunkSource, Rows, RowSource
from mfgsql.training.spec import TrainSpec
from mfgsql.training.trainer import Trainer

_LONGEST_BETWEEN = 500  # steps between two judgements, at most
_SETTLED, _TOGETHER = 256, 32  # pictures that normalisation is settled by, and of a pass
_SAVE_EVERY = 30.0  # seconds between two saved states


class Loop:
    """Epochs of steps, judged now and then; keeps the best weights.

    Attributes:
        going_on: whether it begins with weights that have learnt the task.
    """

    going_on = False
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
        teacher: Teaching | None = None,
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

    def adapt_groups(self, spec: TrainSpec, sources: Sources) -> tuple[Model, list[str]]:
        """The model with adapters of groups beside its best weights, and in words which groups have none."""
        self.trainer.model.network.load_state_dict(self.best)
        for source in (self.train, self.validation):
            if isinstance(source, ChunkSource):
                source.release()  # they are read anew, with the groups
        fitted = fit_adapters(self.trainer, spec, sources, self.monitor, self.cancellation)
        self.best, self.validation = fitted.model.network.state_dict(), fitted.validation
        return fitted.model, fitted.warnings

    def _ended(self, epoch: int) -> bool:
        """Whether nothing improves any more. Of a probe that is no end: its best weights are then tuned."""
        vain = self.going_on and self.best_step == 0  # most days tell a champion nothing new
        stale = self.stale >= (max(1, self.recipe.patience - 1) if vain else self.recipe.patience)
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
