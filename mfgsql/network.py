"""A backbone under a head, and how the groups of an ensemble share the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mfgsql.backbones import (
    AdaptedConfig,
    Blocks,
    EnsembleBackbone,
    MixedBackbone,
    RowLanguage,
    SeriesBackbone,
    SeriesConfig,
    TabularBackbone,
)
from mfgsql.backbones.adapters import add_lora, linear_names
from mfgsql.backbones.stacked import chosen, stack_layers
from mfgsql.heads import ForecastHead, PatchHead, PredictionHead

Backbone = TabularBackbone | EnsembleBackbone | SeriesBackbone | MixedBackbone | RowLanguage


class Network(nn.Module):
    """A backbone under a head.

    Args:
        asides: heads on what each text or picture says by itself, of rows with several columns; for training only.
    """

    def __init__(self, backbone: Backbone, head: nn.Module, asides: Sequence[nn.Module] = ()) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.asides = nn.ModuleList(asides)
        self._grouped = False

    def adapt(self) -> None:
        """Put the adapters that its config tells of into its blocks, and those of groups into its head, too."""
        config = self.backbone.config
        assert isinstance(config, AdaptedConfig), "adapters are for transformers"
        for blocks in self._blocks() if config.lora else ():
            add_lora(blocks, linear_names(blocks), config.lora, 2 * config.lora)
        for module in (*self._blocks(), self.head) if config.own else ():
            stack_layers(module, config.own, config.own_rank)
        self._grouped = config.own > 0

    def _blocks(self) -> list[nn.Module]:
        """The repeated layers of its transformers, towers left aside."""
        if isinstance(self.backbone, SeriesBackbone):
            return [encoder.layers for encoder in self.backbone.encoders]  # type: ignore[misc]
        if isinstance(self.backbone, MixedBackbone):
            return [] if self.backbone.config.alone else [self.backbone.trunk.blocks]
        assert isinstance(self.backbone, TabularBackbone), "adapters are for transformers"
        return [self.backbone.blocks]

    @contextmanager
    def choosing(self, codes: Tensor) -> Iterator[Tensor]:
        """In the block, rows go through their own adapters, where there are some; gives the codes of their tokens.

        Args:
            codes: int64 [rows, columns], the last of which chooses; of histories the newest row's does.
        """
        if not self._grouped:
            yield codes
            return
        with chosen(codes[:, -1] if codes.ndim == 2 else codes[:, -1, -1]):
            yield codes[..., :-1]

    def forward(
        self, continuous: Tensor, codes: Tensor, speaker: Tensor | None = None, fields: Sequence[Any] = ()
    ) -> Tensor:
        """What each member says of each row: ``[rows, members, outputs]``; a transformer is one member. Of a text's
        pieces it is ``[rows, members, pieces, outputs]``.

        Args:
            continuous: float32 [rows, channels], NaN where missing. codes: int64 [rows, categorical columns]. Of
                histories each row is a window: [rows, length, ...].
            speaker: for each row the number of the group that speaks for it, from 1; None: all do.
            fields: texts and pictures.
        """
        with self.choosing(codes) as tokens:
            return self._said(continuous, tokens, speaker, fields)

    def _said(self, continuous: Tensor, codes: Tensor, speaker: Tensor | None, fields: Sequence[Any]) -> Tensor:
        if isinstance(self.backbone, MixedBackbone):
            parts = getattr(self.head, "parts", False)
            states = self.backbone(continuous, codes, fields, parts=parts)
            of_parts: Tensor = self.head(*((states.parts, states.mask) if parts else (states.pooled,)))
            # A tower that the trunk hears among many learns little from it: it answers by itself, too.
            aside = [head(own) for head, own in zip(self.asides, states.alone, strict=True)] if self.training else []
            return torch.stack([of_parts, *aside], dim=1)
        if isinstance(self.backbone, TabularBackbone):
            said: Tensor = self.head(self.backbone(continuous, codes))
            return said.unsqueeze(1)
        if isinstance(self.backbone, SeriesBackbone):
            return self._of_windows(self.backbone, continuous, codes, speaker)
        assert isinstance(self.backbone, EnsembleBackbone), "a language of rows is asked step by step"
        blocks = Blocks(speaker, self.backbone.config.groups)
        return blocks.gather(self.head(self.backbone(blocks.spread(continuous), blocks.spread(codes))))

    def _of_windows(
        self, backbone: SeriesBackbone, continuous: Tensor, codes: Tensor, speaker: Tensor | None
    ) -> Tensor:
        """Each group is a network of its own, with a head of its own."""
        assert isinstance(self.head, nn.ModuleList)
        parts = list(zip(backbone.encoders, self.head, strict=True))
        if isinstance(self.head[0], ForecastHead):  # its windows have the steps to come behind them
            window = backbone.config.window
            states = [encoder(continuous[:, :window], codes[:, :window]) for encoder, _ in parts]
            said = [head(state, continuous, codes) for (_, head), state in zip(parts, states, strict=True)]
            return torch.stack(said, dim=1)
        if speaker is None or len(parts) == 1:
            return torch.stack([head(encoder(continuous, codes)) for encoder, head in parts], dim=1)
        blocks = Blocks(speaker, len(parts))
        pairs = zip(parts, blocks.spread(continuous), blocks.spread(codes), strict=True)
        return blocks.gather(torch.stack([head(encoder(x, k)) for (encoder, head), x, k in pairs]).unsqueeze(1))

    def parts(self) -> list[list[nn.Parameter]]:
        """Parameters of what is trained by itself, where that can be told apart."""
        if not isinstance(self.backbone, SeriesBackbone):
            return [list(self.parameters())]
        assert isinstance(self.head, nn.ModuleList)
        pairs = zip(self.backbone.encoders, self.head, strict=True)
        return [[*encoder.parameters(), *head.parameters()] for encoder, head in pairs]


def heads_of_windows(config: SeriesConfig, outputs: int | None) -> list[nn.Module]:
    """A head for each group."""
    if outputs is not None:
        return [PredictionHead(config.width, outputs, config.dropout) for _ in range(config.groups)]
    return [PatchHead(config.width, config.patches, config.patch, config.channels) for _ in range(config.groups)]


def heads_of_forecasts(config: SeriesConfig, horizon: int, levels: int) -> list[nn.Module]:
    """A head for each member."""
    of = (config.width, config.patches)
    codes = [size for _, size in config.categorical]
    steps = {"window": config.window, "horizon": horizon, "levels": levels}
    return [
        ForecastHead(*of, **steps, channels=config.channels, codes=codes, dropout=config.dropout)
        for _ in range(config.groups)
    ]
