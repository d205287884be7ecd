"""A detector of pictures unlike good ones: nothing is trained but what is remembered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mfgsql.backbones import MixedBackbone
from mfgsql.backbones.checkpoints import Checkpoint
from mfgsql.cancellation import Cancellation
from mfgsql.features.fields import Pictures
from mfgsql.model import Model
from mfgsql.training.good_only import fit_memory
from mfgsql.training.rows import RowSource, told_faults
from mfgsql.training.snapshot import TRAIN, VALIDATION, Snapshot
from mfgsql.training.spec import TrainSpec

_PASS = 16  # pictures whose features are held


def remember(
    snapshot: Snapshot,
    spec: TrainSpec,
    base: Model | Checkpoint | None,
    lineage: dict[str, Any],
    device: str,
    cancellation: Cancellation,
) -> tuple[Model, list[str]]:
    """The detector, and what it could not read; all rows are good, and each judges a memory that is made without it.

    Raises:
        DataError: too few pictures.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.recipe.seed)
        manifest = spec.manifest(base.manifest if isinstance(base, Model) else None, lineage)
        model = Model.build(manifest)
        if base is not None:
            model.adopt(base)
    backbone = model.network.backbone
    assert isinstance(backbone, MixedBackbone), "the detector reads pictures"
    model.network.to(device).eval()
    sources = [RowSource(snapshot, spec, split, 0) for split in (TRAIN, VALIDATION)]
    maps = _maps(backbone, sources, torch.device(device))
    fitted = fit_memory(maps, level=spec.level, seed=spec.recipe.seed, check=cancellation.check)
    model.network.head = fitted.memory
    model.network.to("cpu").eval()
    told = lineage | {"recipe": spec.recipe.to_dict()}
    model.manifest = replace(manifest, calibration=fitted.calibration, lineage=told)
    return model, told_faults(*sources)


def _maps(backbone: MixedBackbone, sources: Iterable[RowSource], device: torch.device) -> Iterator[Tensor]:
    """Features of places of the pictures that there are, by few."""
    for source in sources:
        for index in range(source.chunks):
            pictures = source.chunk(index).fields[0]
            assert isinstance(pictures, Pictures)
            pixels = pictures.pixels[pictures.there]
            for start in range(0, len(pixels), _PASS):
                with torch.inference_mode():
                    seen = backbone.maps(pixels[start : start + _PASS].to(device)).float().cpu()
                yield seen
