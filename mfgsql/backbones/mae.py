"""Learning from pictures alone: what is hidden of a picture is told from the little that is shown.

After He et al., "Masked Autoencoders Are Scalable Vision Learners" (CVPR 2022): the network sees a quarter of the
patches only, which makes learning cheap; a small decoder, which is thrown away afterwards, draws the others.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mfgsql.backbones.image import ImageTower
from mfgsql.backbones.places import waves
from mfgsql.errors import OptionError

_FLOOR = 1e-6  # of a patch's variance: a blank one is not divided by nothing


class PictureReconstruction(nn.Module):
    """The decoder.

    Args:
        tower: whose states it reads; a vision transformer. width, layers, heads: of its transformer.

    Raises:
        OptionError: the tower is of another kind.
    """

    places: Tensor

    def __init__(self, tower: ImageTower, width: int = 64, layers: int = 1, heads: int = 4) -> None:
        super().__init__()
        from transformers import ViTConfig
        from transformers.models.vit.modeling_vit import ViTLayer

        self.patch = _patch(tower)
        height, columns = (size // self.patch for size in tower.config.size)
        told: dict[str, Any] = {
            "hidden_size": width, "num_attention_heads": heads, "intermediate_size": 4 * width,
            "attn_implementation": "sdpa",
        }  # fmt: skip
        self.embed = nn.Linear(tower.width, width)
        self.hidden = nn.Parameter(0.02 * torch.randn(width))
        self.layers = nn.ModuleList(ViTLayer(ViTConfig(**told)) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, self.patch**2 * tower.inputs)
        places = torch.cat([torch.zeros(1, width), waves(height, columns, width)])
        self.register_buffer("places", places, persistent=False)

    def forward(self, states: Tensor, shown: Tensor) -> Tensor:
        """Pixels of all patches, normalised in each, ``[n, patches, patch * patch * channels]``.

        Args:
            states: of [CLS] and of the patches shown, [n, 1 + shown, tower's width]. shown: their numbers, [n, shown].
        """
        lifted = self.embed(states)
        at = shown.unsqueeze(-1).expand(-1, -1, lifted.shape[2])
        empty = self.hidden.to(lifted.dtype).expand(len(lifted), len(self.places) - 1, -1)
        x = torch.cat([lifted[:, :1], empty.scatter(1, at, lifted[:, 1:])], dim=1) + self.places
        for layer in self.layers:
            x = layer(x)
        said: Tensor = self.out(self.norm(x[:, 1:]))
        return said

    def loss(self, tower: ImageTower, pixels: Tensor, mask_ratio: float = 0.75) -> Tensor:
        """Mean squared error of the hidden patches' pixels; one that tells each patch's mean has an error of 1.

        Args:
            pixels: uint8 [n, channels, height, width]. mask_ratio: share of the patches that are hidden.
        """
        values = tower.normal(pixels)
        states, shown = encode(tower, values, mask_ratio)
        wanted = _patches(values, self.patch)
        spread = wanted.var(dim=2, keepdim=True)
        wanted = (wanted - wanted.mean(dim=2, keepdim=True)) / (spread + _FLOOR).sqrt()
        error = (self(states, shown) - wanted).square().mean(dim=2)
        hidden = torch.ones_like(error).scatter(1, shown, 0.0)
        mean: Tensor = (error * hidden).sum() / hidden.sum().clamp(min=1)
        return mean


def encode(tower: ImageTower, values: Tensor, mask_ratio: float) -> tuple[Tensor, Tensor]:
    """States of [CLS] and of the patches that are shown, and the numbers of those, in order.

    With nothing hidden the states are those that the tower itself has of the patches.

    Args:
        values: float32 [n, network's channels, height, width], as `ImageTower.normal` makes them.
    """
    network = tower.model
    embedding, (height, width) = network.embeddings, values.shape[2:]
    patches = embedding.patch_embeddings(values)
    first = embedding.cls_token.expand(len(values), -1, -1)
    places = embedding.position_embeddings
    if places.shape[1] != 1 + patches.shape[1]:
        places = embedding.interpolate_pos_encoding(torch.cat([first, patches], dim=1), height, width)
    kept = max(1, round(patches.shape[1] * (1 - mask_ratio)))
    shown = torch.rand(patches.shape[:2], device=values.device).argsort(dim=1)[:, :kept].sort(dim=1).values
    seen = (patches + places[:, 1:]).gather(1, shown.unsqueeze(-1).expand(-1, -1, patches.shape[2]))
    x = embedding.dropout(torch.cat([first + places[:, :1], seen], dim=1))
    for layer in network.layers:
        x = layer(x)
    return network.layernorm(x), shown


def _patch(tower: ImageTower) -> int:
    kind = tower.config.model["model_type"]
    if kind != "vit":
        raise OptionError(
            f"objective := 'autoencoder' teaches pictures to a vision transformer, and this base is of type '{kind}'.",
            remedy="Leave base out, or name the folder of a ViT.",
        )
    return int(tower.model.config.patch_size)


def _patches(values: Tensor, patch: int) -> Tensor:
    """Pictures ``[n, c, h, w]`` as ``[n, patches, patch * patch * c]``; what is left over at the ends is left out."""
    return nn.functional.unfold(values, patch, stride=patch).transpose(1, 2)
