"""Optimizers, and the step size over time."""

from __future__ import annotations

import math

import torch
from torch import nn

from mfgsql.backbones import MixedBackbone
from mfgsql.backbones.image import ImageTower
from mfgsql.backbones.stacked import is_own
from mfgsql.training.recipe import Recipe

# Of the step size, that a tower takes: transformers that know much already small ones. Networks of convolutions, whose
# batches are normalised, bear all of it.
_PRETRAINED, _TEXT, _PICTURE = 0.1, 0.5, 1.0
_NEW = "backbone.text.cases."  # which learns from nothing, whatever its tower knows


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer. Matrices decay; biases, norms, tokens, and what members differ by do not.
    What groups have for themselves does, too, towards what all share.

    A group's ``share`` is that of the step size that it takes.
    """
    shares = {_NEW: 1.0} | {name: recipe.base_rate or share for name, share in _shares(network).items()}
    found: dict[tuple[str, bool], list[nn.Parameter]] = {(t, p): [] for t in ("", *shares) for p in (False, True)}
    for name, parameter in network.named_parameters():
        matrix = name.endswith("weight") and parameter.ndim > 1
        plain = not (matrix or is_own(name)) or "tokenizer" in name or "norm" in name
        if parameter.requires_grad:  # what is frozen for good; a probe freezes later
            found[next((t for t in shares if name.startswith(t)), ""), plain].append(parameter)
    groups = [
        {"params": of, "weight_decay": 0.0 if plain else recipe.weight_decay, "share": shares.get(tower, 1.0)}
        for (tower, plain), of in found.items()
        if of or not tower
    ]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=0.9)
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    return kind(groups, lr=recipe.learning_rate, fused=True)


def _shares(network: nn.Module) -> dict[str, float]:
    """For the beginnings of the names of towers' parameters."""
    backbone = getattr(network, "backbone", None)
    if not isinstance(backbone, MixedBackbone):
        return {}
    shares = {}
    if backbone.text is not None:
        shares["backbone.text."] = _PRETRAINED if backbone.text.config.learnt else _TEXT
    if isinstance(backbone.image, ImageTower):
        normed = any(isinstance(module, nn.BatchNorm2d) for module in backbone.image.modules())
        shares["backbone.image."] = _PRETRAINED if backbone.image.config.learnt and not normed else _PICTURE
    return shares


def step_size(recipe: Recipe, step: int, steps: int) -> float:
    """Learning rate of a step: a linear warm-up to the peak, then the recipe's decay towards 0."""
    warmup = max(1, int(recipe.warmup * steps))
    if step < warmup:
        return recipe.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule == "linear":
        return recipe.learning_rate * (1 - done)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
