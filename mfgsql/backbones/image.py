"""The tower over a picture: any network of pictures that transformers knows, vision transformer or convolutional."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mfgsql.backbones.adapters import adapt_model, external_keys, frozen_model
from mfgsql.backbones.checkpoints import Checkpoint, empty_model
from mfgsql.backbones.folders import hidden_width
from mfgsql.backbones.places import begin_with_waves
from mfgsql.backbones.states import States

_FEW = 16  # channels
_SEVERAL = 2  # pictures
_FINE, _COARSE = 8, 16  # pixels, each way, that a cell of the two middle maps covers
_MOMENTUM = 0.1  # of the statistics over batches: at a hundredth, as published, few steps leave them far behind


@dataclass(frozen=True)
class ImageConfig:
    """Shape of the tower.

    Attributes:
        model: transformers' config, as JSON has it.
        size: height and width of the pictures. channels: of the pictures: 1 or 3.
        mean, std: that values from 0 to 1 have in each channel of the network.
        source, sha256, licence: of a checkpoint in a folder, where the weights came from it.
        frozen: whether the checkpoint's weights stay as they are; then they are not saved but read from there again.
        learnt: whether it has learnt from much more than this table, wherever its weights lie now.
        adapter: options of LoRA, where that is what learns in a frozen one.
    """

    model: dict[str, Any]
    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str | None = None
    sha256: str | None = None
    licence: str | None = None
    frozen: bool = False
    learnt: bool = False
    adapter: dict[str, Any] | None = None

    @classmethod
    def pretrained(cls, checkpoint: Checkpoint, source: str, size: tuple[int, int] | None = None, **more: Any) -> Self:
        """The tower of a checkpoint of pictures.

        Args:
            source: how the folder was named. size: of the pictures, else the checkpoint's own.
            more: ``frozen`` and ``adapter``.
        """
        facts = checkpoint.image
        assert facts is not None, "a checkpoint of pictures"
        told = (facts.channels, facts.mean, facts.std, source, checkpoint.sha256, checkpoint.licence)
        return cls(checkpoint.config, size or facts.size, *told, learnt=True, **more)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The config that ``dataclasses.asdict`` saved as JSON."""
        return cls(**saved | {name: tuple(saved[name]) for name in ("size", "mean", "std")})


def _fails_by_channels(model: nn.Module) -> bool:
    """Whether pictures may not come channels last, which is quicker.

    torch 2.13 on a CPU then writes beyond its arrays in the backward pass of a 1 x 1 convolution with a stride and
    fewer than 16 channels, where two threads share it.
    """
    convolutions = (m for m in model.modules() if isinstance(m, nn.Conv2d))
    return any(c.kernel_size == (1, 1) and c.stride != (1, 1) and c.in_channels < _FEW for c in convolutions)


class ImageTower(nn.Module):
    """Pictures to hidden states."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: ImageConfig) -> None:
        super().__init__()
        self.config = config
        external = config.frozen and config.source
        self.model: Any = frozen_model(external, config.sha256) if external else empty_model(config.model)
        if config.model["model_type"] == "vit" and not config.source:
            begin_with_waves(self.model)
        adapt_model(self.model, frozen=config.frozen, adapter=config.adapter)
        self.inputs = len(config.mean)  # channels of the network
        self._layout = torch.contiguous_format if _fails_by_channels(self.model) else torch.channels_last
        self._norms = [m for m in self.model.modules() if isinstance(m, nn.BatchNorm2d)]
        for norm in self._norms:
            norm.momentum = _MOMENTUM
        takes = inspect.signature(self.model.forward).parameters
        # Positions that were learnt at another size are spread over this one.
        shape: Any = self.model.config
        resized = "interpolate_pos_encoding" in takes and _pair(shape.image_size) != config.size
        self._more = {"interpolate_pos_encoding": True} if resized else {}
        for name in ("mean", "std"):
            values = torch.tensor(getattr(config, name)).view(-1, 1, 1)
            self.register_buffer(name, values, persistent=False)

    @property
    def width(self) -> int:
        """Of a hidden state."""
        return hidden_width(self.config.model)

    def external(self) -> set[str]:
        """Names of the weights that stay in the checkpoint's folder."""
        return external_keys(self) if self.config.frozen and self.config.source else set()

    def train(self, mode: bool = True) -> Self:
        """What is frozen keeps its statistics, too."""
        super().train(mode)
        if self.config.frozen:
            self.model.eval()
        return self

    def forward(self, pixels: Tensor) -> States:
        """Hidden states; the parts are the patches, or the cells of the last map.

        Args:
            pixels: uint8 [n, channels, height, width].
        """
        single = self.training and len(pixels) < _SEVERAL
        for norm in self._norms if single else ():
            norm.eval()  # one picture has no spread
        told = self.model(self.normal(pixels), **self._more)
        for norm in self._norms if single else ():
            norm.train(not self.config.frozen)
        last = told.last_hidden_state
        cells = self._as_map(last)
        parts = cells.flatten(2).transpose(1, 2)
        mean = parts.mean(dim=1)
        if last.ndim == 4:
            whole = mean if (pooled := told.pooler_output) is None else pooled.flatten(1)
        else:  # a pooler, where there is one, was trained for other ends; without [CLS] the mean stands for it
            whole = last[:, 0] if last.shape[1] > parts.shape[1] else mean
        mask = parts.new_ones(parts.shape[:2], dtype=torch.bool)
        return States(torch.stack([whole, mean], dim=1), parts, mask, (cells.shape[2], cells.shape[3]))

    @torch.no_grad()
    def settle(self, batches: Iterable[Tensor]) -> None:
        """Take the statistics that normalise maps anew, from pictures as they are.

        In training they were those of changed pictures, of which not all is true of others (Touvron et al., "Fixing the
        train-test resolution discrepancy", NeurIPS 2019). A network without such, or that is frozen, has none to take.

        Args:
            batches: some hundred pictures, not changed; as `forward` takes them.
        """
        if self.config.frozen or not self._norms:
            return
        before = self.training
        self.eval()
        for norm in self._norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean of all batches
            norm.train()
        for pixels in batches:
            self(pixels)
        for norm in self._norms:
            norm.momentum = _MOMENTUM
        self.train(before)

    def maps(self, pixels: Tensor) -> Tensor:
        """Features of places from two middle layers, ``[n, d, grid rows, grid columns]``: what tells odd places.

        As Roth et al., "Towards Total Recall in Industrial Anomaly Detection" (CVPR 2022) take them: the first layers
        know little, the last ones only what the network was trained for.
        """
        told = self.model(self.normal(pixels), output_hidden_states=True, **self._more)
        fine, *coarse = self._middle([self._as_map(states) for states in told.hidden_states])
        spread = [F.interpolate(c, size=fine.shape[2:], mode="bilinear", align_corners=False) for c in coarse]
        return torch.cat([fine, *spread], dim=1)

    def normal(self, pixels: Tensor) -> Tensor:
        """Pixels as the network takes them, float32 [n, network's channels, height, width]."""
        values = pixels.to(self.mean.device).float().expand(-1, self.inputs, -1, -1)
        return ((values / 255 - self.mean) / self.std).contiguous(memory_format=self._layout)

    def _as_map(self, states: Tensor) -> Tensor:
        """Hidden states as ``[n, width, grid rows, grid columns]``; tokens before the patches are left out."""
        if states.ndim == 4:
            return states
        rows, columns = self._grid(states.shape[1])
        patches = states[:, states.shape[1] - rows * columns :].transpose(1, 2)
        return patches.reshape(len(states), -1, rows, columns)

    def _grid(self, tokens: int) -> tuple[int, int]:
        (height, width), patch = self.config.size, _pair(self.model.config.patch_size)
        rows, columns = height // patch[0], width // patch[1]
        if rows * columns <= tokens:
            return rows, columns
        rows = round((tokens * height / width) ** 0.5)  # later layers that see coarser patches, as those of Swin
        return rows, tokens // rows

    def _middle(self, maps: Iterable[Tensor]) -> list[Tensor]:
        """Two of the layers' maps, the finer one first."""
        listed = list(maps)
        if listed[0].shape[2] == listed[-1].shape[2]:
            last = len(listed) - 1
            return [listed[last // 2], listed[max(last // 2 + 1, 3 * last // 4)]]
        cells = [self.config.size[0] / pixels for pixels in (_FINE, _COARSE)]
        fitting = [[m for m in listed if m.shape[2] >= least] or listed[:1] for least in cells]
        return [chosen[-1] for chosen in fitting]


def default_image_config(objective: str | None, size: tuple[int, int], channels: int) -> ImageConfig:
    """A small network that learns from nothing: a vision transformer to reconstruct pictures, else a convolutional one.

    Args:
        objective: of a base, or None where a target is learnt. size: height and width. channels: 1 or 3.
    """
    shape: dict[str, Any]
    if objective is None:
        shape = {
            "model_type": "resnet", "embedding_size": 32, "hidden_sizes": [32, 64, 128, 192], "depths": [1, 1, 1, 1],
            "layer_type": "basic", "hidden_act": "relu",
        }  # fmt: skip
    else:
        shape = {
            "model_type": "vit", "image_size": list(size), "patch_size": _usual_patch(size), "hidden_size": 128,
            "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 512,
        }  # fmt: skip
    told = (0.5,) * channels, (0.25,) * channels
    return ImageConfig(shape | {"num_channels": channels}, size, channels, *told)


def _usual_patch(size: tuple[int, int]) -> int:
    """Pixels of a patch of which eight or so fill the shorter side, and that leaves out the fewest at the ends."""
    shorter = min(size)
    fitting = range(max(1, shorter // 10), max(2, shorter // 7))
    return min(fitting, key=lambda patch: sum(side % patch for side in size))


def _pair(value: Any) -> tuple[int, int]:
    return (int(value[0]), int(value[-1])) if isinstance(value, list | tuple) else (int(value), int(value))
