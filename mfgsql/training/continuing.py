"""Going on from a champion on new rows without forgetting the old ones.

Rows of the past are replayed among the new ones (Rolnick et al., "Experience Replay for Continual Learning", NeurIPS
2019), and of these the champion's own answers are kept as well: the distance of the outputs counts beside the loss
(Li and Hoiem, "Learning without Forgetting", ECCV 2016; on replayed rows Buzzega et al., "Dark Experience", NeurIPS
2020). Classes that are new get outputs of their own behind the old ones, which stay (Rebuffi et al., "iCaRL", 2017).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from mfgsql.backbones import AdaptedConfig
from mfgsql.backbones.adapters import freeze
from mfgsql.model import Model
from mfgsql.tasks import Target
from mfgsql.training.judging import output_of
from mfgsql.training.rows import Rows


@dataclass(frozen=True)
class Champion:
    """What a training goes on from.

    Attributes:
        model: of a target; it stays as it is. distill: what a squared unit weighs by which an output on a replayed row
            differs from the champion's, beside the loss; 0: nothing. everywhere: on all rows, where none is replayed.
    """

    model: Model
    distill: float = 0.0
    everywhere: bool = False

    def start(self, target: Target | None, lineage: dict[str, Any]) -> Model:
        """A model with the champion's weights and the target's classes, of which the first are the champion's."""
        manifest = replace(self.model.manifest, target=target, calibration={}, lineage=lineage)
        started, known = Model.build(manifest), self.model.network.state_dict()
        found = {name: _grown(known[name], value) for name, value in started.network.state_dict().items()}
        started.network.load_state_dict(found)
        if isinstance(manifest.backbone, AdaptedConfig) and manifest.backbone.lora:
            freeze(dict(started.network.backbone.named_parameters()))  # a base stays as it is beside a LoRA
        return started

    def teacher(self, device: torch.device) -> Teacher | None:
        """The champion as it answers while the other learns; None where its answers weigh nothing."""
        return Teacher(self, device) if self.distill else None


class Teaching(Protocol):
    """What asks for other answers' likeness beside the truth's."""

    def losses(self, batch: Rows, output: Tensor) -> Tensor:
        """What each row's output costs beside its own loss, [rows]."""


class Teacher:
    """The champion's answers, on replayed rows or on all."""

    def __init__(self, champion: Champion, device: torch.device) -> None:
        self.distill, self.everywhere = champion.distill, champion.everywhere
        self.model = replace(champion.model, network=copy.deepcopy(champion.model.network).to(device).eval())

    def losses(self, batch: Rows, output: Tensor) -> Tensor:
        """What each row's output costs for being another than the champion's, [rows]; 0 of rows that are new.

        Args:
            output: [rows, members, outputs], of members and classes that the champion has, and maybe of more.
        """
        rows = torch.ones(len(batch), dtype=torch.bool) if self.everywhere else batch.replayed
        if rows is None or not bool(rows.any()):
            return output.new_zeros(len(batch))
        with torch.no_grad():
            said = output_of(self.model, batch)
        apart = (output[:, : said.shape[1], : said.shape[2]] - said).square().mean(dim=(1, 2))
        return self.distill * apart * rows.to(apart.device)


def _grown(known: Tensor, wanted: Tensor) -> Tensor:
    """Weights in a larger shape: what is new begins as the mean of what is there, so that no class is preferred."""
    if known.shape == wanted.shape:
        return known.detach().clone()
    grown = known.detach()
    for dim, size in enumerate(wanted.shape):
        if more := size - grown.shape[dim]:
            grown = torch.cat([grown, grown.mean(dim, keepdim=True).repeat_interleave(more, dim)], dim)
    return grown.clone()
