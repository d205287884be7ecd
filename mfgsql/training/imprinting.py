"""Outputs of classes that are new, before the first step.

Weights are imprinted (Qi et al., "Low-Shot Learning with Imprinted Weights", CVPR 2018), by ridge regression on the
states that the network has of rows (Zhuang et al., "ACIL: Analytic Class-Incremental Learning", NeurIPS 2022): an
output tells its class from all others, and is as sure half way as the champion is of any class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mfgsql.backbones.grouping import Blocks
from mfgsql.backbones.stacked import StackedLinear
from mfgsql.heads import MemberHead, PredictionHead
from mfgsql.model import Model
from mfgsql.training.rows import Rows

_SURE = 8.0  # from rows of other classes to those of its own an output grows by so much
_RIDGE = 1e-2  # of the states' mean square


@torch.no_grad()
def imprint(model: Model, known: int, rows: Rows) -> None:
    """Give outputs beyond the ``known`` ones weights, by rows that the network learns from, of which some are new."""
    layers = [m for m in model.network.modules() if isinstance(m, MemberHead | PredictionHead)]
    states: dict[int, Tensor] = {}

    def kept(number: int) -> Callable[[nn.Module, Any], None]:
        def keep(_: nn.Module, given: Any) -> None:
            states[number] = given[0]

        return keep

    watched = [layer if isinstance(layer, MemberHead) else _shared(layer.out, known) for layer in layers]
    hooks = [layer.register_forward_pre_hook(kept(number)) for number, layer in enumerate(watched)]
    training = model.network.training
    try:
        model.network.train()  # heads beside the trunk speak in training only
        model.network(rows.continuous, rows.codes, rows.speaker, rows.fields)
    finally:
        model.network.train(training)
        for hook in hooks:
            hook.remove()
    groups = model.manifest.backbone.groups
    assert isinstance(rows.truth, Tensor)
    truth = Blocks(rows.speaker if groups > 1 else None, groups).spread(rows.truth)
    for number, layer in enumerate(watched):
        if number not in states:
            continue
        if isinstance(layer, MemberHead):
            _members(layer, states[number], truth, known)
        elif isinstance(layer, nn.Linear):
            own = truth[number % groups][: len(states[number])]
            weight, bias = _outputs(layer.weight.T, layer.bias, states[number], own, known)
            layer.weight[known:], layer.bias[known:] = weight.T, bias


def _shared(layer: nn.Module, known: int) -> nn.Module:
    """A layer without the adapters of groups beside it, which say nothing of the classes that are new."""
    if not isinstance(layer, StackedLinear):
        return layer
    layer.adapter_up[:, known:] = 0.0
    layer.adapter_bias[:, known:] = 0.0
    shared: nn.Module = layer.base_layer
    return shared


def _members(head: MemberHead, states: Tensor, truth: Tensor, known: int) -> None:
    """The same of each member of each group."""
    for group in range(len(states)):
        for member in range(states.shape[1]):
            old = head.weight[group, member], head.bias[group, member, 0]
            weight, bias = _outputs(*old, states[group, member], truth[group], known)
            head.weight[group, member, :, known:], head.bias[group, member, 0, known:] = weight, bias


def _outputs(weight: Tensor, bias: Tensor, states: Tensor, truth: Tensor, known: int) -> tuple[Tensor, Tensor]:
    """Weights [width, new] and biases [new] of the classes that are new.

    Args:
        weight, bias: [width, classes], [classes]. states: [rows, width]. truth: [rows].
    """
    usual = (states @ weight[:, :known] + bias[:known]).amax(-1).mean()
    weights, biases = [], []
    for number in range(known, weight.shape[1]):
        own = (truth == number).to(states.dtype)
        share = own.mean().clamp(1e-6, 1 - 1e-6)
        each = own / share + (1 - own) / (1 - share)  # the class weighs as much as all others
        centre = (states * each[:, None]).mean(0) / each.mean()
        from_centre = states - centre
        square = from_centre.T @ (from_centre * each[:, None])
        ridge = _RIDGE * square.diagonal().mean().clamp_min(1e-6) * torch.eye(len(square), device=square.device)
        along = _SURE * torch.linalg.solve(square + ridge, from_centre.T @ ((own - 0.5) * each))
        weights.append(along)
        biases.append(usual - along @ centre)
    return torch.stack(weights, 1), torch.stack(biases)
