"""What a base learns from pictures without labels."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mfgsql.backbones import MixedBackbone
from mfgsql.backbones.image import ImageTower
from mfgsql.backbones.mae import PictureReconstruction
from mfgsql.registry import Registry
from mfgsql.tasks.reading import FieldObjective

picture_objectives: Registry[FieldObjective] = Registry("objective")


@picture_objectives.register("autoencoder")
def autoencoder(backbone: MixedBackbone, head: nn.Module, field: Any, truth: Any, mask_ratio: float) -> Tensor:
    """Hide most patches of a picture, and tell their pixels from the others (He et al., "MAE", CVPR 2022)."""
    assert isinstance(backbone.image, ImageTower), "the objective is of pictures"
    assert isinstance(head, PictureReconstruction)
    loss: Tensor = head.loss(backbone.image, field.pixels[field.there], mask_ratio)
    return loss


def picture_head(backbone: MixedBackbone) -> nn.Module:
    """The head of the objective, freshly initialised."""
    assert isinstance(backbone.image, ImageTower), "the objective is of pictures"
    return PictureReconstruction(backbone.image)
