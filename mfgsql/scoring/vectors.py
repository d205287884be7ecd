"""Rows as vectors, for comparing many of them with many others: what the network makes of them before its head."""

from __future__ import annotations

import numpy as np
import torch

from mfgsql.backbones import MixedBackbone, SeriesBackbone, TabularBackbone
from mfgsql.features import Batch
from mfgsql.scoring.scorer import Scorer
from mfgsql.tasks.task import Array

HISTORY, ROW = "(history)", "(row)"  # in place of a column's name


def vectors_of(scorer: Scorer, batch: Batch) -> dict[str, Array]:
    """Vectors by column, float32 [n, width]: of each text or picture that there is; of windows, and of rows that a
    transformer reads, one each. None of an ensemble, which has no state that its members share.

    Of several networks of windows it is the first one that speaks.
    """
    network = scorer.model.network
    backbone = network.backbone
    if isinstance(backbone, MixedBackbone):
        names = scorer.model.manifest.features.fields()
        return {
            name: scorer.embed(name, field)[field.there.numpy()]
            for name, field in zip(names, batch.fields, strict=True)
        }
    if not isinstance(backbone, SeriesBackbone | TabularBackbone):
        return {}
    numbers, codes = (torch.from_numpy(a).to(scorer.device) for a in (batch.continuous, batch.codes))
    with scorer.passing(), network.choosing(codes) as tokens:
        if isinstance(backbone, SeriesBackbone):
            return {HISTORY: np.asarray(backbone.encoders[0](numbers, tokens).mean(dim=1).float().cpu())}
        return {ROW: np.asarray(backbone(numbers, tokens).mean(dim=1).float().cpu())}
