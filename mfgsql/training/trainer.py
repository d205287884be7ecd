"""One training's state, and one step of it. All of the state can be saved and resumed, to the last bit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor
from torch.nn import Parameter

from mfgsql.features.fields import Pictures
from mfgsql.model import Model, read_metadata
from mfgsql.training.augmenting import Augmentation
from mfgsql.training.continuing import Teaching
from mfgsql.training.judging import base_loss, known_truth, output_of, truth_of
from mfgsql.training.optimizing import make_optimizer, step_size
from mfgsql.training.recipe import Recipe
from mfgsql.training.rows import Rows


class Trainer:
    """A model under training.

    With a base it goes in two stages (Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
    Out-of-Distribution", ICLR 2022): a probe learns on top of what the base knows, which stays as it is; then all
    of it is tuned with small steps.

    Args:
        model: trained in place. steps: how many are planned; the step size decays over them.
        kept: parameters that stay as they are until `tune`; none: there is no probe. teacher: whose answers
            count beside the truth.
    """

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        steps: int,
        device: torch.device,
        kept: Sequence[Parameter] = (),
        teacher: Teaching | None = None,
    ) -> None:
        self.model, self.recipe, self.steps, self.device = model, recipe, steps, device
        model.network.to(device).train()
        self.optimizer = make_optimizer(model.network, recipe)
        self.step_number = 0
        self.tuned_since: int | None = None
        self._kept, self._teacher = kept, teacher
        for parameter in kept:
            parameter.requires_grad_(False)
        pictures = bool(model.manifest.features.fields("image"))
        self._augment = Augmentation.parse(recipe.augment, recipe.flips) if pictures else None
        self._precision = _precision(recipe.precision, device)
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._precision is torch.float16)

    def step(self, batch: Rows) -> float | None:
        """One step on a batch; its loss, or None where no row of it has a truth."""
        if self.model.manifest.target:
            batch = batch[known_truth(batch.truth)]
        if not len(batch) or not float(batch.weight.sum()):
            return None
        for group in self.optimizer.param_groups:
            group["lr"] = self._step_size() * group["share"]
        with torch.autocast(self.device.type, self._precision, enabled=self._precision is not None):
            loss = self._loss(self._changed(batch.to(self.device)))
        self.optimizer.zero_grad(set_to_none=True)
        # Groups share no weight: each takes the steps that it would take alone.
        self._scaler.scale(loss * self.model.manifest.backbone.groups).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._scaler.unscale_(self.optimizer)
        parts = self.model.network.parts()
        if self.recipe.clip and len(parts) == self.model.manifest.backbone.groups:  # groups must not feel each other
            for part in parts:
                torch.nn.utils.clip_grad_norm_(part, self.recipe.clip)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self.step_number += 1
        return loss.item()

    def _changed(self, batch: Rows) -> Rows:
        """The batch with its pictures as they might have been taken as well."""
        if self._augment is None:
            return batch
        fields = (replace(f, pixels=self._augment(f.pixels)) if isinstance(f, Pictures) else f for f in batch.fields)
        return replace(batch, fields=tuple(fields))

    @property
    def probing(self) -> bool:
        """Whether what the base gave stays as it is."""
        return bool(self._kept) and self.tuned_since is None

    def tune(self, since: int | None = None) -> None:
        """End the probe: from now on (or from an earlier step on, of a resumed training) all weights follow."""
        self.tuned_since = self.step_number if since is None else since
        for parameter in self._kept:
            parameter.requires_grad_(True)

    def _step_size(self) -> float:
        if self.tuned_since is None:
            return step_size(self.recipe, self.step_number, self.steps)
        since = self.tuned_since
        return self.recipe.base_rate * step_size(self.recipe, self.step_number - since, self.steps - since)

    def _loss(self, batch: Rows) -> Tensor:
        if self.model.manifest.target is None:
            return base_loss(self.model, batch, self.recipe.mask_ratio)
        output, truth = output_of(self.model, batch), truth_of(batch, self.device)
        losses = self.model.losses(output, truth, self.recipe.to_dict(), batch.least)
        if self._teacher is not None:
            losses = losses + self._teacher.losses(batch, output)
        return (losses * batch.weight).sum() / batch.weight.sum()

    def weights(self) -> dict[str, Tensor]:
        """A copy of the weights as they are."""
        return {k: v.detach().to("cpu", copy=True) for k, v in self.model.network.state_dict().items()}

    def state(self, progress: dict[str, Any], best: dict[str, Tensor]) -> bytes:
        """Weights, optimizer, random numbers and position, as a safetensors file.

        Args:
            progress, best: where the loop stands that drives this trainer, and the best weights it has met.
        """
        tensors = {f"network.{k}": v for k, v in self.weights().items()}
        tensors |= {f"best.{k}": v for k, v in best.items()}
        saved = self.optimizer.state_dict()
        for index, slots in saved["state"].items():
            tensors |= {f"optimizer.{index}.{k}": torch.as_tensor(v).cpu() for k, v in slots.items() if v is not None}
        tensors["rng"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["rng_cuda"] = torch.cuda.get_rng_state(self.device)
        position = {"step": self.step_number, "tuned_since": self.tuned_since, "progress": progress}
        position["scaler"] = self._scaler.state_dict()  # empty unless fp16
        data: bytes = save_tensors(tensors, metadata={"position": json.dumps(position)})
        return data

    def resume(self, state: bytes) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Continue from what `state` saved, of the same spec; gives back progress and best weights."""
        tensors = load_tensors(state)
        position = json.loads(read_metadata(state)["position"])
        network = {k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")}
        self.model.network.load_state_dict(network)
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".", 2)
                slots.setdefault(int(index), {})[name] = value
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": slots})
        if position["tuned_since"] is not None:
            self.tune(position["tuned_since"])
        torch.set_rng_state(tensors["rng"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["rng_cuda"], self.device)
        self._scaler.load_state_dict(position["scaler"])
        self.step_number = position["step"]
        best = {k.removeprefix("best."): v for k, v in tensors.items() if k.startswith("best.")}
        return position["progress"], best


def _precision(wanted: str, device: torch.device) -> torch.dtype | None:
    """Type of the mixed arithmetic, or None for full precision; ``auto`` mixes on a GPU only."""
    if wanted == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else None
    return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(wanted) if device.type != "cpu" else None
