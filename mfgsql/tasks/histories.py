"""What a base learns from histories without labels."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from mfgsql.backbones.series import SeriesEncoder
from mfgsql.heads import PatchHead
from mfgsql.registry import Registry


class SeriesObjective(Protocol):
    """A self-supervised objective over windows."""

    def __call__(
        self, encoder: SeriesEncoder, head: PatchHead, continuous: Tensor, codes: Tensor, mask_ratio: float
    ) -> Tensor:
        """Mean loss of a batch; windows as `SeriesEncoder.forward` takes them."""


series_objectives: Registry[SeriesObjective] = Registry("objective")


def _values(encoder: SeriesEncoder, continuous: Tensor) -> Tensor:
    """The columns' channels of the window itself, memory left aside."""
    return continuous[:, -encoder.config.window :, : -encoder.config.extra]


@series_objectives.register("masked")
def masked(encoder: SeriesEncoder, head: PatchHead, continuous: Tensor, codes: Tensor, mask_ratio: float) -> Tensor:
    """Hide patches of some sensors, and tell them from the other sensors and patches (PatchTST's objective)."""
    values = _values(encoder, continuous)
    hide = (torch.rand(len(values), encoder.config.patches, values.shape[2]) < mask_ratio).to(values.device)
    states = encoder(continuous, codes, hidden=hide).flip(1)
    return head.loss(states, values, hide)


@series_objectives.register("autoencoder")
def autoencoder(
    encoder: SeriesEncoder, head: PatchHead, continuous: Tensor, codes: Tensor, mask_ratio: float
) -> Tensor:
    """Press the window into one state, and tell each patch from it and the patch's place."""
    values = _values(encoder, continuous)
    states = encoder(continuous, codes).mean(dim=1, keepdim=True) + head.places
    wanted = torch.ones(*states.shape[:2], values.shape[2], dtype=torch.bool, device=values.device)
    return head.loss(states, values, wanted)


@series_objectives.register("autoregressive")
def autoregressive(
    encoder: SeriesEncoder, head: PatchHead, continuous: Tensor, codes: Tensor, mask_ratio: float
) -> Tensor:
    """Tell each patch from those before it (GPT's objective on patches)."""
    values, patch = _values(encoder, continuous), encoder.config.patch
    states = encoder(continuous, codes, causal=True).flip(1)
    wanted = torch.ones(len(values), states.shape[1] - 1, values.shape[2], dtype=torch.bool, device=values.device)
    return head.loss(states[:, :-1], values[:, patch:], wanted)
