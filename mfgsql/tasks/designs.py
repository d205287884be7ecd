"""Designs: rows that are said column by column, in any order, by how likely each value is after those before."""

from __future__ import annotations

import torch
from torch import Tensor

from mfgsql.backbones import RowLanguage
from mfgsql.heads import LanguageHead
from mfgsql.tasks.objectives import objectives

DESIGN = "design"
_SMOOTHED = 0.1  # of what a bin is worth, given to those beside it while learning


@objectives.register(DESIGN)  # type: ignore[arg-type]  # its backbone reads no channels
def design(backbone: RowLanguage, head: LanguageHead, continuous: Tensor, codes: Tensor, mask_ratio: float) -> Tensor:
    """Say the columns of each row in an order of its own; mean loss of a column, in nats.

    While it learns, a bin's neighbours count in part as what was to be said: few rows tell bins apart only by chance.
    """
    order = torch.rand(codes.shape).argsort(dim=1).to(codes.device)
    told = codes.gather(1, order)
    chances = chances_of(backbone, head, backbone(told, order), order)
    wanted = (told + backbone.offsets[order]).unsqueeze(2)
    exact = chances.gather(2, wanted)
    if not backbone.training:
        return -exact.mean()
    below, above = (chances.gather(2, side[wanted]) for side in backbone.neighbours)
    return -((1 - _SMOOTHED) * exact + _SMOOTHED / 2 * (below + above)).mean()


def chances_of(backbone: RowLanguage, head: LanguageHead, states: Tensor, order: Tensor) -> Tensor:
    """Log-probabilities of all values, ``[rows, steps, tokens]``; of other columns than the one asked for -inf."""
    scores = head(states, backbone.table()).float()
    other = backbone.owner != order.unsqueeze(2)
    chances: Tensor = scores.masked_fill(other, -torch.inf).log_softmax(dim=2)
    return chances
