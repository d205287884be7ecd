"""EfficientNet-Lite as transformers knows its models: a folder of it is a base like any other.

Importing this imports transformers, and makes ``AutoConfig`` and ``AutoModel`` know the type ``efficientnet-lite``.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndNoAttention

_EIGHT = 8  # channels come in multiples of it


class EfficientNetLiteConfig(PretrainedConfig):  # type: ignore[no-untyped-call]  # of its base
    """Shape of the network; the defaults are Lite0.

    Attributes:
        stem, head: channels of the first and the last convolution, which ``width`` doesn't scale.
        channels, repeats, kernels, strides, expansions: of each stage.
        width, depth: factors of channels and repeats; the first and the last stage are not made deeper.
        drop_path: share of pictures that the last block passes over while training; of earlier ones less.
    """

    model_type = "efficientnet-lite"

    num_channels: int = 3
    stem: int = 32
    head: int = 1280
    channels: list[int] | tuple[int, ...] = (16, 24, 40, 80, 112, 192, 320)
    repeats: list[int] | tuple[int, ...] = (1, 2, 2, 3, 3, 4, 1)
    kernels: list[int] | tuple[int, ...] = (3, 3, 5, 3, 5, 5, 3)
    strides: list[int] | tuple[int, ...] = (1, 2, 2, 2, 1, 2, 1)
    expansions: list[int] | tuple[int, ...] = (1, 6, 6, 6, 6, 6, 6)
    width: float = 1.0
    depth: float = 1.0
    drop_path: float = 0.2
    batch_norm_eps: float = 1e-3
    batch_norm_momentum: float = 0.01

    @property
    def hidden_size(self) -> int:
        """Channels of the last map."""
        return self.head

    @property
    def widths(self) -> list[int]:
        """Channels of each stage: the nearest multiple of eight, and never a tenth less than asked for."""
        if self.width == 1.0:
            return list(self.channels)
        asked = [self.width * c for c in self.channels]
        near = [max(_EIGHT, int(c + _EIGHT / 2) // _EIGHT * _EIGHT) for c in asked]
        return [n if n >= 0.9 * c else n + _EIGHT for n, c in zip(near, asked, strict=True)]

    @property
    def depths(self) -> list[int]:
        """Blocks of each stage."""
        inner = [math.ceil(self.depth * r) for r in self.repeats[1:-1]]
        return [self.repeats[0], *inner, self.repeats[-1]]


class ConvNorm(nn.Module):
    """A convolution that keeps the size, or halves it rounded up, and normalisation over the batch; then ReLU6.

    A halving one pads more behind than before, as the published weights were trained.
    """

    def __init__(
        self, config: EfficientNetLiteConfig, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, **more: Any
    ) -> None:
        super().__init__()
        self.act = more.pop("act", True)
        self.kernel, self.stride = kernel, stride
        padding = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False, **more)
        self.norm = nn.BatchNorm2d(outputs, eps=config.batch_norm_eps, momentum=config.batch_norm_momentum)

    def forward(self, x: Tensor) -> Tensor:
        """``[n, inputs, h, w]`` to ``[n, outputs, ceil(h / stride), ceil(w / stride)]``."""
        if self.stride > 1:
            (top, bottom), (left, right) = (self._padding(size) for size in x.shape[2:])
            x = F.pad(x, (left, right, top, bottom))
        x = self.norm(self.conv(x))
        return F.relu6(x) if self.act else x

    def _padding(self, size: int) -> tuple[int, int]:
        needed = max((math.ceil(size / self.stride) - 1) * self.stride + self.kernel - size, 0)
        return needed // 2, needed - needed // 2


class Block(nn.Module):
    """An inverted bottleneck (Sandler et al., "MobileNetV2", CVPR 2018), passed over at random while training."""

    def __init__(
        self, config: EfficientNetLiteConfig, inputs: int, outputs: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = ConvNorm(config, inputs, inner) if expansion != 1 else nn.Identity()
        self.depthwise = ConvNorm(config, inner, inner, kernel, stride, groups=inner)
        self.project = ConvNorm(config, inner, outputs, act=False)
        self.skips = stride == 1 and inputs == outputs
        self.drop = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """``[n, inputs, h, w]`` to ``[n, outputs, ceil(h / stride), ceil(w / stride)]``."""
        made: Tensor = self.project(self.depthwise(self.expand(x)))
        if not self.skips:
            return made
        if self.training and self.drop:
            keep = torch.rand(len(x), 1, 1, 1, device=x.device) >= self.drop
            made = made * keep / (1 - self.drop)
        return x + made


def _stage(config: EfficientNetLiteConfig, number: int, inputs: int, outputs: int) -> nn.Sequential:
    kernel, stride, expansion = config.kernels[number], config.strides[number], config.expansions[number]
    first = Block(config, inputs, outputs, kernel, stride, expansion)
    rest = (Block(config, outputs, outputs, kernel, 1, expansion) for _ in range(config.depths[number] - 1))
    return nn.Sequential(first, *rest)


class EfficientNetLiteModel(PreTrainedModel):  # type: ignore[no-untyped-call]  # of its base
    """The network without a classifier.

    After Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (ICML 2019), in the
    variant for small devices: no squeeze-and-excite, ReLU6, stem and head of one size.
    """

    config_class = EfficientNetLiteConfig
    base_model_prefix = "lite"
    main_input_name = "pixel_values"
    input_modalities = ["image"]  # noqa: RUF012  (as transformers declares it)

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__(config)
        widths = [config.stem, *config.widths]
        self.stem = ConvNorm(config, config.num_channels, config.stem, 3, 2)
        self.stages = nn.ModuleList(_stage(config, number, *ends) for number, ends in enumerate(pairwise(widths)))
        every = [m for m in self.modules() if isinstance(m, Block)]
        for number, block in enumerate(every):
            block.drop = config.drop_path * number / len(every)
        self.head = ConvNorm(config, widths[-1], config.head)
        self.post_init()  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d):
            reached = module.weight[:, 0].numel() / module.groups  # outputs that an input has a part in
            nn.init.normal_(module.weight, std=math.sqrt(2 / reached))
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()

    def forward(
        self, pixel_values: Tensor, output_hidden_states: bool | None = None, **_: Any
    ) -> BaseModelOutputWithPoolingAndNoAttention:
        """Maps of features.

        Args:
            pixel_values: float32 [n, channels, h, w], normalised.

        Returns:
            The head's map, its mean [n, head], and by option the maps of the stem and of each stage.
        """
        maps = [self.stem(pixel_values)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        last = self.head(maps[-1])
        hidden: Any = tuple(maps) if output_hidden_states else None
        return BaseModelOutputWithPoolingAndNoAttention(last, last.mean(dim=(2, 3)), hidden)


AutoConfig.register(EfficientNetLiteConfig.model_type, EfficientNetLiteConfig, exist_ok=True)
AutoModel.register(EfficientNetLiteConfig, EfficientNetLiteModel, exist_ok=True)
