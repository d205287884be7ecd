"""What the training of a forecast does before its loop, and after it."""

from __future__ import annotations

import torch
from torch import nn

from mfgsql.cancellation import Cancellation
from mfgsql.heads import ForecastHead
from mfgsql.model import Model
from mfgsql.training.panels import PanelSource
from mfgsql.training.recipe import Recipe
from mfgsql.training.trainer import Trainer


def begin_with(model: Model, season: int | None) -> None:
    """Let forecasts begin with what was so many steps ago; None: with the window's mean."""
    assert isinstance(model.network.head, nn.ModuleList)
    for head in model.network.head:
        assert isinstance(head, ForecastHead)
        head.begin(season)


def refit(
    model: Model, source: PanelSource, recipe: Recipe, best: int, device: torch.device, cancellation: Cancellation
) -> None:
    """Let a judged forecast learn the latest steps, too, which tell most of what comes: once more as many steps as it
    took to be best, from where it stands.

    Args:
        best: that number.
    """
    steps, epoch = max(1, best), 0
    torch.manual_seed(recipe.seed)
    trainer = Trainer(model, recipe, steps, device)
    while trainer.step_number < steps and len(source.ends):
        for batch in source.batches(recipe.batch_size, epoch, recipe.seed + 1):
            cancellation.check()
            trainer.step(batch)
            if trainer.step_number >= steps:
                break
        epoch += 1
    model.network.to("cpu").eval()
