"""What a model of designs is measured by, and what it keeps of them."""

from __future__ import annotations

import torch
from torch import Tensor

from mfgsql.backbones import RowLanguage
from mfgsql.training.rows import RowSource

_KEPT = 256  # past designs, by their codes, to tell how new others are where the rows themselves are gone
_ROWS = 4_096  # of a pass


def independent_loss(backbone: RowLanguage, train: RowSource, validation: RowSource) -> dict[str, float]:
    """The loss of who draws each column by itself, as often as it was seen: in nats a column, on rows held out."""
    counts = torch.ones(backbone.config.tokens, dtype=torch.float64)  # one more of each: none is impossible
    for rows in train.in_order(_ROWS):
        counts += torch.bincount((rows.codes + backbone.offsets).flatten(), minlength=len(counts))
    sums = torch.zeros(len(backbone.config.columns), dtype=torch.float64).index_add(0, backbone.owner, counts)
    chances = (counts / sums[backbone.owner]).log()
    told: list[Tensor] = [chances[rows.codes + backbone.offsets] for rows in validation.in_order(_ROWS)]
    return {"loss": -float(torch.cat(told).mean())} if told and sum(map(len, told)) else {}


def kept_designs(train: RowSource) -> list[list[int]]:
    """Codes of some past designs."""
    codes: list[list[int]] = train.sample()[slice(0, _KEPT)].codes.tolist()
    return codes
