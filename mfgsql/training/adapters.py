"""Adapters of groups: what each line, machine or supplier has beside one model that all of them share.

The shared model learns from all rows first, and stays as it is then. All groups' adapters learn from their own rows at
once, in mixed batches, each from nothing and drawn back to it, so that a group moves away from what is shared as far as
its rows ask for. All stop at the same step, by all rows held out: a step for each group would be chosen by few of them,
and flatter. An adapter that is then no better on its group's held-out rows is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mfgsql.backbones import AdaptedConfig
from mfgsql.backbones.stacked import is_beside, is_own
from mfgsql.cancellation import Cancellation
from mfgsql.features.groups import SHARED
from mfgsql.model import Model
from mfgsql.tasks.task import Array
from mfgsql.training.judging import Source, at_once, known_truth, output_of, truth_of
from mfgsql.training.monitor import Monitor
from mfgsql.training.spec import TrainSpec
from mfgsql.training.trainer import Trainer

_FEWEST = 2  # held-out rows by which a group's adapter is judged
_RATE = 2.0  # times the shared model's learning rate: few numbers move, from nothing
_DECAY = 500.0  # times its weight decay: a group's rows are few
# Standard errors by which a gain is told from chance: the best of many steps has some of that.
_BEYOND = 3.0
_BETWEEN = 200  # steps between two judgements, at most
_NAMED = 5  # groups that a warning names

Sources = Callable[[TrainSpec], tuple[Source, Source]]


@dataclass(frozen=True)
class Fitted:
    """A model with the adapters that are worth keeping.

    Attributes:
        validation: the rows held out, as it reads them. warnings: of groups without an adapter.
    """

    model: Model
    validation: Source
    warnings: list[str]


def shared_only(spec: TrainSpec, joined: Model | None) -> TrainSpec:
    """The spec of what all groups share, with those adapters only that others join."""
    group = spec.features.group
    if group is None:
        return spec
    before = joined.manifest.features.group if joined else None
    return replace(spec, features=spec.features.with_group(replace(group, own=before.own if before else ())))


def joined_by(spec: TrainSpec, base: object) -> Model | None:
    """The base, where it has such adapters already, beside a model of the same columns and target: others join them."""
    group, mine = spec.features.group, spec.target
    if group is None or mine is None or not isinstance(base, Model):
        return None
    before, theirs = base.manifest.features.group, base.manifest.target
    if before is None or theirs is None or before.name.lower() != group.name.lower():
        return None
    known = {n.lower() for n in spec.features.names} == {n.lower() for n in base.manifest.features.names}
    same = (spec.task, mine.name, mine.classes) == (base.manifest.task, theirs.name, theirs.classes)
    return base if known and same else None


def take_own(model: Model, base: Model) -> None:
    """Copy a base's adapters into a model that has the same groups."""
    own = {name: value for name, value in base.network.state_dict().items() if is_beside(name)}
    model.network.load_state_dict(own, strict=False)


def regrouped(model: Model, own: tuple[str, ...]) -> Model:
    """The model with adapters for these values: its own where it has one, and new ones that change nothing yet."""
    group, config = model.manifest.features.group, model.manifest.backbone
    assert group is not None
    assert isinstance(config, AdaptedConfig)
    features = model.manifest.features.with_group(replace(group, own=own))
    made = Model.build(replace(model.manifest, features=features, backbone=replace(config, own=1 + len(own))))
    before = {value: number for number, value in enumerate(group.own, start=1)}
    pairs = [(0, 0)] + [(n, before[value]) for n, value in enumerate(own, start=1) if value in before]
    mine, theirs = (list(places) for places in zip(*pairs, strict=True))
    state = made.network.state_dict()
    for name, value in model.network.state_dict().items():
        if is_own(name):
            state[name][mine] = value[theirs].to("cpu")
        else:
            state[name] = value
    made.network.load_state_dict(state)
    return made


def fit_adapters(
    shared: Trainer, spec: TrainSpec, sources: Sources, monitor: Monitor, cancellation: Cancellation
) -> Fitted:
    """The shared model with an adapter for each group that is better with one.

    Args:
        shared: what trained that model, which has its best weights; an adapter that it has already is replaced by a
            better one only.
        spec: with all groups that may have one. sources: rows to learn from and to judge by, as a spec reads them.
    """
    model = shared.model
    group, start = spec.features.group, model.manifest.features.group
    assert group is not None
    assert start is not None
    learning = (*start.own, *(value for value in group.own if value not in start.own))
    torch.manual_seed(spec.recipe.seed)
    grown = regrouped(model, learning)
    train, validation = sources(_as_read(spec, grown))
    stage = _Stage(grown, spec, (train, validation), shared, monitor, cancellation)
    stage.run(new=not start.own)
    better = stage.settle()
    kept = tuple(v for n, v in enumerate(learning) if better[n] or v in start.own)
    grown.network.to("cpu").eval()
    final = regrouped(grown, kept)
    _, validation = sources(_as_read(spec, final))
    return Fitted(final, validation, _told(spec, learning, better, start.own))


def _as_read(spec: TrainSpec, model: Model) -> TrainSpec:
    return replace(spec, features=model.manifest.features)


def _told(spec: TrainSpec, learning: tuple[str, ...], better: Array, before: tuple[str, ...]) -> list[str]:
    """Which groups have no adapter, or no better one, and why."""
    group = spec.features.group
    assert group is not None
    worse = [value for n, value in enumerate(learning) if not better[n] and value in group.own]
    few = [value for value in group.values if value not in learning]
    warnings = []
    for values, why in (
        ([v for v in worse if v not in before], "an adapter of their own is no better on their held-out rows"),
        (few, "they have too few rows"),
    ):
        if values:
            count = f"{len(values):,} of {len(group.values):,} values of {group.name}"
            warnings.append(f"{count} go by what all share, for {why}: {_some(values)}.")
    if kept := [v for v in worse if v in before]:
        warnings.append(f"The adapters of {_some(kept)} stay as they were: the rows held out ask for no other.")
    return warnings


def _some(values: list[str]) -> str:
    more = f" and {len(values) - _NAMED:,} more" if len(values) > _NAMED else ""
    return ", ".join(values[:_NAMED]) + more


class _Stage:
    """Steps of all adapters, judged now and then; keeps the best ones."""

    def __init__(
        self,
        model: Model,
        spec: TrainSpec,
        sources: tuple[Source, Source],
        shared: Trainer,
        monitor: Monitor,
        cancellation: Cancellation,
    ) -> None:
        told = spec.recipe
        rate, decay = _RATE * told.learning_rate, _DECAY * told.weight_decay
        self.recipe = replace(told, learning_rate=rate, weight_decay=decay)
        self.model, (self.train, self.validation) = model, sources
        self.monitor, self.cancellation = monitor, cancellation
        self.begun, self.device, self.steps = shared.step_number, shared.device, 0
        model.network.to(self.device)
        self.groups, self.first = self._losses()
        self.initial = self._beside()
        self.best, self.kept, self.stale = self.first, self.initial, 0

    def run(self, *, new: bool) -> None:
        """Until the adapters get no better any more.

        Args:
            new: whether what all of them go through on the way learns, too: others rely on it as it is.
        """
        for name, parameter in self.model.network.named_parameters():
            parameter.requires_grad_(is_own(name) or (new and is_beside(name)))
        each = max(1, -(-self.train.epoch // self.recipe.batch_size))
        trainer = Trainer(self.model, self.recipe, each * self.recipe.epochs, self.device)
        for epoch in range(self.recipe.epochs):
            for batch in self.train.batches(self.recipe.batch_size, epoch, self.recipe.seed):
                self.cancellation.check()
                own = batch[chosen_of(batch.codes) != SHARED]
                if not len(own) or trainer.step(own) is None:
                    continue
                self.steps = trainer.step_number
                self.monitor.on_step(self.begun + self.steps, self.begun + trainer.steps)
                if self.steps % min(each, _BETWEEN) == 0:
                    self._judge()
                if self.stale >= self.recipe.patience:
                    return

    def _judge(self) -> None:
        _, losses = self._losses()
        if losses.sum() < self.best.sum():
            self.best, self.kept, self.stale = losses, self._beside(), 0
        else:
            self.stale += 1
        told = {"loss": float(losses.mean())} if len(losses) else {}
        self.monitor.on_judged(self.begun + self.steps, told)

    def settle(self) -> Array:
        """Give the better ones of all groups their best numbers, the others those that they began with.

        Where all groups together gain beyond chance, a group's gain on its held-out rows is drawn to theirs as far as
        it may be chance (Efron & Morris, "Data Analysis Using Stein's Estimator and its Generalizations", JASA 1975):
        a small gain of few rows is believed. Where they don't, a group's own gain has to be beyond chance.

        Returns:
            Whether each group's is better, bool [groups].
        """
        gain = self.first - self.best
        count = self._sums(np.ones_like(gain))
        mean = self._sums(gain) / np.maximum(count, 1)
        error = self._sums((gain - mean[self.groups]) ** 2) / np.maximum(count - 1, 1) / np.maximum(count, 1)
        judged = (count >= _FEWEST) & (np.arange(len(count)) != SHARED)
        better = judged & (mean > 0)
        if better.any():
            share = count[judged] / count[judged].sum()
            usual = share @ mean[judged]
            apart = max(share @ ((mean[judged] - usual) ** 2 - error[judged]), 0.0)
            if usual > _BEYOND * np.sqrt(share**2 @ error[judged]):
                better &= apart * mean + error * usual > 0
            else:
                better &= mean > _BEYOND * np.sqrt(error)
        which = torch.from_numpy(better)
        for name, value in self.initial.items():
            if is_own(name):
                self.kept[name][~which] = value[~which]
        self.model.network.load_state_dict(self.kept, strict=False)
        chosen: Array = better[1:]
        return chosen

    def _beside(self) -> dict[str, Tensor]:
        state = self.model.network.state_dict()
        return {n: v.detach().to("cpu", copy=True) for n, v in state.items() if is_beside(n)}

    def _sums(self, values: Array) -> Array:
        """Of the judged rows by group, those without an adapter first, [1 + groups]."""
        config = self.model.manifest.backbone
        assert isinstance(config, AdaptedConfig)
        return np.bincount(self.groups, values, minlength=config.own)

    def _losses(self) -> tuple[Array, Array]:
        """Group and loss of each judged row with a truth."""
        model, options = self.model, self.recipe.to_dict()
        groups, losses = [np.empty(0, np.int64)], [np.empty(0)]
        model.network.eval()
        with torch.inference_mode():
            for batch in self.validation.in_order(at_once(model)):
                self.cancellation.check()
                known = batch[known_truth(batch.truth)].to(self.device)
                if not len(known):
                    continue
                each = model.losses(output_of(model, known), truth_of(known, self.device), options, known.least)
                groups.append(chosen_of(known.codes).cpu().numpy())
                losses.append((each * known.weight).double().cpu().numpy())
        model.network.train()
        return np.concatenate(groups), np.concatenate(losses)


def chosen_of(codes: Tensor) -> Tensor:
    """The number of each row's adapter, of histories the newest row's, [rows]."""
    return codes[:, -1] if codes.ndim == 2 else codes[:, -1, -1]
