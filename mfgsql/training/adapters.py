"""Adapters of groups: what each line, machine or supplier has beside one model that all of them share.

The shared model learns from all rows first, and stays as it is then. All groups' adapters learn from their own rows at
once, in mixed batches, each from nothing, so that a group begins with what is shared and moves away from it as far as
its rows ask for. An adapter that is no better on its group's held-out rows is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mfgsql.backbones import AdaptedConfig
from mfgsql.backbones.stacked import is_own
from mfgsql.cancellation import Cancellation
from mfgsql.features.groups import SHARED
from mfgsql.model import Model
from mfgsql.tasks.task import Array
from mfgsql.training.judging import Source, at_once, known_truth, output_of, truth_of
from mfgsql.training.monitor import Monitor
from mfgsql.training.spec import TrainSpec
from mfgsql.training.trainer import Trainer

_FEWEST = 4  # held-out rows by which a group's adapter is judged
_BEYOND = 1.0  # standard errors, by which it must be better
_RATE = 2.0  # times the shared model's learning rate: few numbers move, from nothing
_BETWEEN = 200  # steps between two judgements, at most
_NAMED = 5  # groups that a warning names

Sources = Callable[[TrainSpec], tuple[Source, Source]]


@dataclass(frozen=True)
class Fitted:
    """A model with the adapters that are worth keeping.

    Attributes:
        validation: the rows held out, as it reads them. steps: that were made. warnings: of groups without an adapter.
    """

    model: Model
    validation: Source
    steps: int
    warnings: list[str]


def shared_only(spec: TrainSpec, base: Model | None) -> TrainSpec:
    """The spec of what all groups share; of a base that is trained on, with the adapters that it has."""
    group = spec.features.group
    if group is None:
        return spec
    own = base.manifest.features.group.own if goes_on(spec, base) else ()  # type: ignore[union-attr]
    return replace(spec, features=spec.features.with_group(replace(group, own=own)))


def goes_on(spec: TrainSpec, base: Model | None) -> bool:
    """Whether a base has such adapters already, beside a model of the same columns and target: others join them."""
    group = spec.features.group
    if base is None or group is None or base.manifest.features.group is None or spec.target is None:
        return False
    mine, theirs = spec.target, base.manifest.target
    same = theirs is not None and (mine.name, mine.classes) == (theirs.name, theirs.classes)
    config = base.manifest.backbone
    ranked = isinstance(config, AdaptedConfig) and config.own_rank == spec.recipe.rank
    known = {n.lower() for n in spec.features.names} == {n.lower() for n in base.manifest.features.names}
    alike = base.manifest.features.group.name.lower() == group.name.lower()
    return same and ranked and known and alike and spec.task == base.manifest.task


def take_own(model: Model, base: Model) -> None:
    """Copy a base's adapters into a model that has the same groups."""
    own = {name: value for name, value in base.network.state_dict().items() if is_own(name)}
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
            state[name][mine] = value[theirs]
        else:
            state[name] = value
    made.network.load_state_dict(state)
    return made


def fit_adapters(
    model: Model, spec: TrainSpec, sources: Sources, shared: Trainer, monitor: Monitor, cancellation: Cancellation
) -> Fitted:
    """The shared model with an adapter for each group that is better with one.

    Args:
        model: as it was judged best; an adapter that it has already is replaced by a better one only.
        spec: with all groups that may have one. sources: rows to learn from and to judge by, as a spec reads them.
        shared: what trained the model.
    """
    group, start = spec.features.group, model.manifest.features.group
    assert group is not None
    assert start is not None
    learning = (*start.own, *(value for value in group.own if value not in start.own))
    torch.manual_seed(spec.recipe.seed)
    grown = regrouped(model, learning)
    train, validation = sources(_as_read(spec, grown))
    stage = _Stage(grown, spec, train, validation, shared, monitor, cancellation)
    stage.run()
    better = stage.better()
    kept = tuple(v for n, v in enumerate(learning) if better[n] or v in start.own)
    stage.put_back(~better)
    grown.network.to("cpu").eval()
    final = regrouped(grown, kept)
    _, validation = sources(_as_read(spec, final))
    return Fitted(final, validation, stage.trainer.step_number, _told(spec, learning, better, start.own))


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
    """Steps of all adapters, judged group by group; keeps each one's best."""

    def __init__(
        self,
        model: Model,
        spec: TrainSpec,
        train: Source,
        validation: Source,
        shared: Trainer,
        monitor: Monitor,
        cancellation: Cancellation,
    ) -> None:
        recipe = replace(spec.recipe, learning_rate=_RATE * spec.recipe.learning_rate)
        self.model, self.recipe, self.train, self.validation = model, recipe, train, validation
        self.monitor, self.cancellation = monitor, cancellation
        for name, parameter in model.network.named_parameters():
            parameter.requires_grad_(is_own(name))
        each = max(1, -(-train.epoch // recipe.batch_size))
        self.trainer = Trainer(model, recipe, each * recipe.epochs, shared.device)
        self.begun = shared.step_number
        self.every = min(each, _BETWEEN)
        self.groups, self.first = self._losses()
        self.best = self.first.copy()
        self.initial, self.kept = self._own(), self._own()
        self.count = self._sums(np.ones_like(self.first))
        self.stale = 0

    def run(self) -> None:
        """Until no adapter gets better any more."""
        for epoch in range(self.recipe.epochs):
            for batch in self.train.batches(self.recipe.batch_size, epoch, self.recipe.seed):
                self.cancellation.check()
                own = batch[chosen_of(batch.codes) != SHARED]
                if not len(own) or self.trainer.step(own) is None:
                    continue
                self.monitor.on_step(self.begun + self.trainer.step_number, self.begun + self.trainer.steps)
                if self.trainer.step_number % self.every == 0:
                    self._judge()
                if self.stale >= self.recipe.patience:
                    return

    def _judge(self) -> None:
        _, losses = self._losses()
        better = self._sums(self.best - losses) > 0
        better[SHARED] = False
        self.stale = 0 if better.any() else self.stale + 1
        rows = better[self.groups]
        self.best[rows] = losses[rows]
        self._copy(self._own(), self.kept, better)
        told = {"loss": float(self.best.mean())} if len(losses) else {}
        self.monitor.on_judged(self.begun + self.trainer.step_number, told)

    def better(self) -> Array:
        """Whether each group's best adapter beats what it began with beyond chance, bool [groups]."""
        gain = self.first - self.best
        count = np.maximum(self.count, 1)
        mean = self._sums(gain) / count
        spread = np.sqrt(self._sums((gain - mean[self.groups]) ** 2) / np.maximum(count - 1, 1))
        won: Array = (self.count >= _FEWEST) & (mean > 0) & (mean >= _BEYOND * spread / np.sqrt(count))
        return won[1:]

    def put_back(self, groups: Array) -> None:
        """Give all adapters their best numbers, and those groups, bool [groups], the ones that they began with."""
        self._copy(self.initial, self.kept, np.append(True, groups))
        self.model.network.load_state_dict(self.kept, strict=False)

    def _copy(self, of: dict[str, Tensor], to: dict[str, Tensor], groups: Array) -> None:
        which = torch.from_numpy(groups)
        for name, value in of.items():
            to[name][which] = value[which]

    def _own(self) -> dict[str, Tensor]:
        return {n: v.detach().to("cpu", copy=True) for n, v in self.model.network.state_dict().items() if is_own(n)}

    def _sums(self, values: Array) -> Array:
        """Of the judged rows by group, the shared ones first, [1 + groups]."""
        config = self.model.manifest.backbone
        assert isinstance(config, AdaptedConfig)
        return np.bincount(self.groups, values, minlength=config.own)

    def _losses(self) -> tuple[Array, Array]:
        """Group and loss of each judged row with a truth."""
        model, device, options = self.model, self.trainer.device, self.recipe.to_dict()
        groups, losses = [np.empty(0, np.int64)], [np.empty(0)]
        model.network.eval()
        with torch.inference_mode():
            for batch in self.validation.in_order(at_once(model)):
                self.cancellation.check()
                known = batch[known_truth(batch.truth)].to(device)
                if not len(known):
                    continue
                each = model.losses(output_of(model, known), truth_of(known, device), options, known.least)
                groups.append(chosen_of(known.codes).cpu().numpy())
                losses.append((each * known.weight).double().cpu().numpy())
        model.network.train()
        return np.concatenate(groups), np.concatenate(losses)


def chosen_of(codes: Tensor) -> Tensor:
    """The number of each row's adapter, of histories the newest row's, [rows]."""
    return codes[:, -1] if codes.ndim == 2 else codes[:, -1, -1]
