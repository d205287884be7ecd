"""FT-Transformer: a token per column, a transformer over the tokens of one row.

After Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data" (NeurIPS 2021): numbers become
``value * weight + bias`` of their column, categories a row of an embedding table, pre-norm blocks, a [CLS]
token in front. Every parameter that belongs to a column can be carried to another table that has the column
(`TabularBackbone.adopt`). The network knows columns by size only; their meaning lies with the encoders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mfgsql.backbones.adapters import take_shared
from mfgsql.backbones.columns import AdaptedConfig


@dataclass(frozen=True)
class TabularConfig(AdaptedConfig):
    """Shape of the network.

    Attributes:
        width: size of a token. layers, heads: of the transformer. expansion: hidden size of a
            block's feed-forward part over ``width``. dropout: in attention, feed-forward and residuals.
    """

    kind: ClassVar[str] = "transformer"
    groups: ClassVar[int] = 1  # one network, trained on one part of the rows
    width: int = 48
    layers: int = 3
    heads: int = 4
    expansion: float = 2.0
    dropout: float = 0.1

    @property
    def row_floats(self) -> int:
        """Numbers that a row's pass holds at its widest."""
        return self.width * (1 + len(self.columns))

    @property
    def work(self) -> int:
        """Multiply-adds of one row's way through the network."""
        tokens = 1 + len(self.columns)
        return self.layers * (8 * self.width**2 + 2 * tokens * self.width) * tokens


class Tokenizer(nn.Module):
    """Columns to tokens: ``[rows, channels]`` and ``[rows, categorical]`` to ``[rows, columns, width]``."""

    owner: Tensor
    offsets: Tensor

    def __init__(self, config: TabularConfig) -> None:
        super().__init__()
        self.config = config
        width, numeric = config.width, len(config.continuous)
        self.weight = nn.Parameter(torch.empty(config.channels, width))
        self.missing = nn.Parameter(torch.zeros(numeric, width))
        self.bias = nn.Parameter(torch.empty(len(config.columns), width))
        self.embedding = nn.Parameter(torch.empty(sum(s for _, s in config.categorical), width))
        for parameter in (self.weight, self.bias, self.embedding):
            nn.init.uniform_(parameter, -(width**-0.5), width**-0.5)
        owner = [i for i, (_, size) in enumerate(config.continuous) for _ in range(size)]
        self.register_buffer("owner", torch.tensor(owner, dtype=torch.long), persistent=False)
        starts = torch.tensor([0, *(s for _, s in config.categorical)]).cumsum(0)[:-1]
        self.register_buffer("offsets", starts, persistent=False)
        self._one_channel_each = config.channels == numeric

    def forward(self, continuous: Tensor, codes: Tensor) -> Tensor:
        """NaN in ``continuous`` marks a missing value."""
        parts = []
        if self.config.continuous:
            absent = continuous.isnan()
            spread = torch.where(absent, 0.0, continuous).unsqueeze(-1) * self.weight
            if not self._one_channel_each:
                grouped = spread.new_zeros(len(spread), len(self.missing), spread.shape[-1])
                spread = grouped.index_add(1, self.owner, spread)
                first = torch.searchsorted(self.owner, torch.arange(len(self.missing), device=self.owner.device))
                absent = absent[:, first]
            parts.append(spread + absent.unsqueeze(-1) * self.missing)
        if self.config.categorical:
            parts.append(F.embedding(codes + self.offsets, self.embedding))
        if not parts:
            return continuous.new_empty(len(continuous), 0, self.bias.shape[-1])
        return torch.cat(parts, dim=1) + self.bias


class Block(nn.Module):
    """Pre-norm attention and feed-forward with GELU."""

    def __init__(self, config: TabularConfig) -> None:
        super().__init__()
        width, hidden = config.width, int(config.width * config.expansion)
        self.heads, self.dropout = config.heads, config.dropout
        self.norm_attention, self.norm_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, *, causal: bool = False) -> Tensor:
        """``[rows, tokens, width]`` to the same."""
        rows, tokens, width = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(rows, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=causal)
        x = x + self.drop(self.out(mixed.transpose(1, 2).reshape(rows, tokens, width)))
        feed: Tensor = x + self.drop(self.down(self.drop(F.gelu(self.up(self.norm_feed(x))))))
        return feed


class TabularBackbone(nn.Module):
    """Tokens of a row to hidden states ``[rows, 1 + columns, width]``; the first is [CLS]."""

    def __init__(self, config: TabularConfig) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = Tokenizer(config)
        self.cls = nn.Parameter(torch.empty(config.width).uniform_(-(config.width**-0.5), config.width**-0.5))
        self.mask = nn.Parameter(torch.zeros(config.width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(
        self,
        continuous: Tensor,
        codes: Tensor,
        *,
        masked: Tensor | None = None,
        causal: bool = False,
        more: Tensor | None = None,
    ) -> Tensor:
        """Hidden states.

        Args:
            continuous: float32 [rows, channels], NaN where missing.
            codes: int64 [rows, categorical columns].
            masked: bool [rows, columns]; a masked column shows its name (bias) but not its value.
            causal: a token sees only itself, the columns before it and [CLS].
            more: tokens that stand behind the columns' [rows, tokens, width].
        """
        tokens = self.tokenizer(continuous, codes)
        if masked is not None:
            tokens = torch.where(masked.unsqueeze(-1), self.mask + self.tokenizer.bias, tokens)
        x = torch.cat([self.cls.expand(len(tokens), 1, -1), tokens, *([] if more is None else [more])], dim=1)
        for block in self.blocks:
            x = block(x, causal=causal)
        hidden: Tensor = self.norm(x)
        return hidden

    @torch.no_grad()
    def adopt(self, base: TabularBackbone) -> list[str]:
        """Copy what ``base`` has learnt: all shared parameters, and those of columns with the same name.

        Returns:
            Names of the columns that ``base`` knew.
        """
        mine, theirs = self.tokenizer, base.tokenizer
        take_shared(self, base, but=("tokenizer.",))
        places = {name.lower(): i for i, name in enumerate(base.config.columns)}
        shared = []
        for place, name in enumerate(self.config.columns):
            old = places.get(name.lower())
            continuous = place < len(self.config.continuous)
            if old is None or continuous != (old < len(base.config.continuous)):
                continue
            mine.bias[place] = theirs.bias[old]
            if continuous:
                mine.missing[place] = theirs.missing[old]
                _copy_rows(mine.weight, self.config.continuous, place, theirs.weight, base.config.continuous, old)
            else:
                here, there = place - len(self.config.continuous), old - len(base.config.continuous)
                _copy_rows(
                    mine.embedding,
                    self.config.categorical,
                    here,
                    theirs.embedding,
                    base.config.categorical,
                    there,
                )
            shared.append(name)
        return shared


def _copy_rows(
    to: Tensor,
    sizes: Sequence[tuple[str, int]],
    i: int,
    of: Tensor,
    base_sizes: Sequence[tuple[str, int]],
    j: int,
) -> None:
    """Copy a column's rows of a stacked table; codes appended since are left as initialised."""
    start, base_start = sum(s for _, s in sizes[:i]), sum(s for _, s in base_sizes[:j])
    count = min(sizes[i][1], base_sizes[j][1])
    to[start : start + count] = of[base_start : base_start + count]
