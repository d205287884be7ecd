"""What is true of texts: tags of their pieces, and the texts that belong to them."""

from __future__ import annotations

import pyarrow as pa
import torch

from mfgsql.entities import tags_of
from mfgsql.features.fields import NOT_ASKED, Tags, Texts
from mfgsql.features.spans import parse_spans
from mfgsql.features.text import TextEncoder
from mfgsql.tasks.tokens import OUTSIDE
from mfgsql.training.spec import TrainSpec


def encode_tags(spec: TrainSpec, columns: dict[str, pa.Array], texts: Texts) -> Tags:
    """The tag of each piece in which a word begins; of a row whose spans are NULL nothing is known."""
    assert spec.target is not None, "the task has a target"
    name = spec.target.name
    spans, _ = parse_spans(columns[name], columns[spec.features.names[0]], name)
    number = {tag: at for at, tag in enumerate(spec.target.classes)}
    flat = torch.full((len(texts.flat),), NOT_ASKED, dtype=torch.int64)
    for row, there in enumerate(spans):
        if there is not None:
            first, units = texts.words(row)
            tags = [number.get(tag, number[OUTSIDE]) for tag in tags_of(units, there)]
            flat[int(texts.starts[row]) + first] = torch.tensor(tags, dtype=torch.int64)
    known = torch.tensor([row is not None for row in spans], dtype=torch.bool)
    return Tags(flat, texts, known & texts.there)


def encode_pairs(spec: TrainSpec, values: pa.Array) -> Texts:
    """The texts that belong to those of the only feature, read as it is."""
    encoder = spec.features.encoders[0]
    assert isinstance(encoder, TextEncoder)
    texts: Texts = encoder.encode(values).values
    return texts
