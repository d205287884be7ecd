"""Rows whose texts and pictures are read once and asked about often: what a tower says of one doesn't change with what
stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from mfgsql.backbones import MixedBackbone
from mfgsql.features import Batch, FeatureSet
from mfgsql.features.fields import Field
from mfgsql.scoring.scorer import Scorer
from mfgsql.scoring.turns import in_turns
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array


@dataclass(frozen=True)
class Read:
    """A column of texts or pictures as its tower has read it.

    Attributes:
        pooled: what the tower says of each, [n, 2, width]; zeros where there is none. there: which there are, bool [n].
    """

    pooled: Tensor
    there: Tensor

    def __len__(self) -> int:
        return len(self.there)

    def __getitem__(self, rows: Tensor | slice) -> Read:
        return Read(self.pooled[rows], self.there[rows])

    @classmethod
    def concat(cls, parts: Sequence[Read]) -> Read:
        """Of batches that follow one another."""
        return cls(torch.cat([p.pooled for p in parts]), torch.cat([p.there for p in parts]))

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self.pooled.numel() * self.pooled.element_size() + self.there.numel()

    def to(self, device: torch.device) -> Read:
        """On that device."""
        return Read(self.pooled.to(device), self.there.to(device))

    def without(self, hidden: Tensor) -> Read:
        """The same with none in those rows."""
        return replace(self, there=self.there & ~hidden.to(self.there.device))


def read(scorer: Scorer, batch: Batch) -> Batch:
    """The rows, with texts and pictures read; as they are where nothing stands beside one."""
    backbone = scorer.model.network.backbone
    if not isinstance(backbone, MixedBackbone) or backbone.config.alone:
        return batch
    fields = zip(backbone.config.fields, batch.fields, strict=True)
    return replace(batch, fields=tuple(_read(scorer, backbone, name, field) for name, field in fields))


def read_all(scorer: Scorer, columns: Mapping[str, pa.Array], rows: int, check: Callable[[], None]) -> Batch:
    """Rows as `Scorer.score` takes them, of a model of several columns, with texts and pictures read.

    Args:
        check: called before each turn; raises where the work shall stop.
    """
    parts = []
    for batch in in_turns(scorer.model, columns, rows):
        check()
        parts.append(read(scorer, batch))
    continuous, codes = (np.concatenate([getattr(part, name) for part in parts]) for name in ("continuous", "codes"))
    fields = zip(*(cast("tuple[Read, ...]", part.fields) for part in parts), strict=True)
    return Batch(continuous, codes, (), tuple(Read.concat(column) for column in fields))


def swapped(features: FeatureSet, batch: Batch, name: str, order: Array) -> Batch:
    """The rows where each has another one's value of a column: that of the row whose number stands in its place."""
    if name in features.fields():
        at, fields = features.fields().index(name), list(batch.fields)
        fields[at] = fields[at][torch.from_numpy(order)]
        return replace(batch, fields=tuple(fields))
    place, continuous, codes = features.places[name], batch.continuous.copy(), batch.codes.copy()
    continuous[:, place.channels] = continuous[order][:, place.channels]
    if place.code is not None:
        codes[:, place.code] = codes[order, place.code]
    return replace(batch, continuous=continuous, codes=codes)


def predict(scorer: Scorer, batch: Batch) -> Prediction:
    """As `Scorer.predict_batch`, of rows in which columns may be read already."""
    backbone, head = scorer.model.network.backbone, scorer.model.network.head
    if not isinstance(backbone, MixedBackbone) or backbone.config.alone:
        return scorer.predict_batch(batch)
    fields = read(scorer, batch).fields
    with scorer.passing():
        numbers = (torch.from_numpy(a).to(scorer.device) for a in (batch.continuous, batch.codes))
        told = enumerate(cast("tuple[Read, ...]", fields))
        more = [backbone.tokens(number, field.pooled, field.there) for number, field in told]
        continuous, codes = numbers
        with scorer.model.network.choosing(codes) as tokens:
            hidden = backbone.trunk(continuous, tokens, more=torch.cat(more, dim=1))
            every = hidden.new_ones(hidden.shape[:2], dtype=torch.bool)
            output: Tensor = head(hidden, every) if getattr(head, "parts", False) else head(hidden)
        return scorer.model.predict(output.unsqueeze(1).float().cpu())


def _read(scorer: Scorer, backbone: MixedBackbone, name: str, field: Field) -> Read:
    if isinstance(field, Read):
        return field
    with scorer.passing():
        pooled = backbone.states(name, field.to(scorer.device)).pooled
        return Read(pooled, field.there.to(pooled.device))
