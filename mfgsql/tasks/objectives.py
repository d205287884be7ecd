"""What a base learns from rows without labels."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from mfgsql.backbones import TabularBackbone
from mfgsql.heads import ReconstructionHead
from mfgsql.registry import Registry


class Objective(Protocol):
    """A self-supervised objective."""

    def __call__(
        self,
        backbone: TabularBackbone,
        head: ReconstructionHead,
        continuous: Tensor,
        codes: Tensor,
        mask_ratio: float,
    ) -> Tensor:
        """Mean loss of a batch."""


objectives: Registry[Objective] = Registry("objective")


@objectives.register("masked")
def masked(
    backbone: TabularBackbone, head: ReconstructionHead, continuous: Tensor, codes: Tensor, mask_ratio: float
) -> Tensor:
    """Hide some columns of each row, at least one, and tell them from the others (BERT's objective on columns)."""
    rows, columns = len(continuous), len(backbone.config.columns)
    draw = torch.rand(rows, columns)
    hidden_from_view = (draw < mask_ratio) | (draw == draw.min(dim=1, keepdim=True).values)
    hide = hidden_from_view.to(continuous.device)
    states = backbone(continuous, codes, masked=hide)
    return head.loss(states[:, 1:], continuous, codes, hide)


@objectives.register("autoencoder")
def autoencoder(
    backbone: TabularBackbone, head: ReconstructionHead, continuous: Tensor, codes: Tensor, mask_ratio: float
) -> Tensor:
    """Press the row into [CLS], and tell every column from it and the column's name."""
    states = backbone(continuous, codes)
    queries = states[:, :1] + backbone.tokenizer.bias
    wanted = torch.ones(len(continuous), len(backbone.config.columns), dtype=torch.bool, device=continuous.device)
    return head.loss(queries, continuous, codes, wanted)


@objectives.register("autoregressive")
def autoregressive(
    backbone: TabularBackbone, head: ReconstructionHead, continuous: Tensor, codes: Tensor, mask_ratio: float
) -> Tensor:
    """Read the row as a sequence of columns, and tell each from those before it (GPT's objective on columns)."""
    states = backbone(continuous, codes, causal=True)
    # The state at [CLS] speaks of the first column, that at column i of column i + 1.
    queries = states[:, :-1] + backbone.tokenizer.bias
    wanted = torch.ones(len(continuous), len(backbone.config.columns), dtype=torch.bool, device=continuous.device)
    return head.loss(queries, continuous, codes, wanted)
