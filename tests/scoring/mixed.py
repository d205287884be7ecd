"""Untrained models of numbers, words, texts and pictures, with weights large enough to answer differently."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import torch

from mfgsql.backbones.image import default_image_config
from mfgsql.backbones.text import TextConfig
from mfgsql.features import Batch, ColumnProfile, FeatureSet
from mfgsql.features.image import ImageEncoder
from mfgsql.features.text import TextEncoder
from mfgsql.features.tokens import Tokenizer
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.tasks import Target
from mfgsql.training import Recipe, TrainSpec

GRID = tuple(np.linspace(-4, 4, 65).tolist())
NOTES = ["pump leaks oil", "belt torn", "oil on the floor near the pump", "no power", "漏油 at pump", "motor hot"]
TARGETS = {
    "two": ("classification", Target("y", "BOOLEAN", ("false", "true"), (50, 50))),
    "three": ("classification", Target("y", "VARCHAR", ("p", "q", "r"), (50, 50, 50))),
    "levels": ("hierarchy", Target("y", "VARCHAR", ("p > a", "p > b", "q > c"), (50, 50, 50))),
    "labels": ("multilabel", Target("y", "VARCHAR[]", ("p", "q", "r"), (50, 50, 50), rows=99)),
    "number": ("regression", Target("y", "DOUBLE", mean=70.0, deviation=25.0)),
}


def scorer(kind: str, columns: str) -> Scorer:
    """Of these columns: n a number, w a word, t and u texts, i a picture."""
    profiles = {
        "n": ColumnProfile("n", "DOUBLE", 99, 9, 90, 90, -4.0, 4.0, quantiles=GRID),
        "w": ColumnProfile("w", "VARCHAR", 99, 9, 3, 90, top=(("b", 50), ("a", 30), ("c", 10))),
    }
    fitted = FeatureSet.fit(profiles[c] for c in columns if c in profiles)[0].encoders
    tokenizer = Tokenizer.train(NOTES * 3)
    texts = tuple(TextEncoder(c, nullable=True, tokenizer=tokenizer) for c in columns if c in "tu")
    images = tuple(ImageEncoder(c, nullable=True, size=(32, 32)) for c in columns if c == "i")
    special = (tokenizer.prefix, tokenizer.suffix, tokenizer.pad, tokenizer.mask)
    text = TextConfig.scratch(tokenizer.size, *special) if texts else None
    image = default_image_config(None, (32, 32), 3) if images else None
    task, target = TARGETS[kind]
    recipe = Recipe(backbone="mixed", width=8, layers=1, heads=2, dropout=0.0)
    torch.manual_seed(1)
    spec = TrainSpec(FeatureSet((*fitted, *texts, *images)), recipe, task, target, text=text, image=image)
    model = Model.build(spec.manifest(None, {}))
    with torch.no_grad():
        for parameter in model.network.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape))
    return Scorer(model)


def columns_of(of: Scorer, count: int, seed: int = 0) -> dict[str, pa.Array]:
    """Values of every column, a fifth of them missing."""
    dice = np.random.default_rng(seed)
    found: dict[str, pa.Array] = {}
    for name in of.model.manifest.features.names:
        missing = dice.random(count) < 0.2
        if name == "n":
            found[name] = pa.array(dice.normal(size=count), mask=missing)
        elif name == "w":
            found[name] = pa.array(dice.choice(["a", "b", "c", "new"], count), mask=missing)
        elif name == "i":
            pictures = [png(dice.integers(0, 256, (20, 30, 3), np.uint8)) for _ in range(count)]
            found[name] = pa.array([None if m else p for m, p in zip(missing, pictures, strict=True)], pa.binary())
        else:
            found[name] = pa.array(dice.choice([*NOTES, ""], count), mask=missing)
    return found


def rows(of: Scorer, count: int, seed: int = 0) -> Batch:
    """The same as the network takes them."""
    return of.model.manifest.features.encode(columns_of(of, count, seed), count)


def png(pixels: np.ndarray) -> bytes:
    """The bytes of a picture uint8 [height, width, 3]."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
