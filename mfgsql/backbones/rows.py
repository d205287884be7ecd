"""A row as a sentence: a small Llama that says the columns of a row one after the other, in any order.

Each step is told the value before and which column is asked for, and its state speaks of that column's value. The order
is another one each time (Yang et al., "XLNet", NeurIPS 2019; the asked place as an input of its own: Pannatier et al.,
"sigma-GPTs", 2024), so that any columns can be given and the others follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from mfgsql.backbones.checkpoints import empty_model
from mfgsql.backbones.columns import ColumnsConfig

_WAVES = 3  # by which neighbouring bins are alike


@dataclass(frozen=True)
class RowsConfig(ColumnsConfig):
    """Shape of the network; all columns are codes.

    Attributes:
        ordinal: columns whose codes are in order. ranked: the first of these codes. single: tokens of values that have
            a bin of their own.
        width, layers, heads: of the transformer. dropout: of what it is told, in attention, and of states.
    """

    kind: ClassVar[str] = "rows"
    groups: ClassVar[int] = 1
    ordinal: tuple[str, ...] = ()
    ranked: int = 2
    single: tuple[int, ...] = ()
    width: int = 128
    layers: int = 4
    heads: int = 4
    dropout: float = 0.1

    @property
    def row_floats(self) -> int:
        """Numbers that a row's pass holds at its widest."""
        return 4 * self.width * len(self.columns)

    @property
    def work(self) -> int:
        """Multiply-adds of one row's way through the network."""
        tokens = len(self.columns)
        return self.layers * (10 * self.width**2 + 2 * tokens * self.width) * tokens

    @property
    def tokens(self) -> int:
        """Of all columns."""
        return sum(size for _, size in self.categorical)

    @property
    def llama(self) -> dict[str, Any]:
        """transformers' config. It is told vectors, and has no vocabulary of its own."""
        return {
            "model_type": "llama", "vocab_size": 1, "hidden_size": self.width, "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads, "num_key_value_heads": self.heads, "intermediate_size": 2 * self.width,
            "max_position_embeddings": len(self.columns) + 1, "attention_dropout": self.dropout,
            "bos_token_id": None, "eos_token_id": None, "pad_token_id": None,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The config that ``dataclasses.asdict`` saved as JSON."""
        return super().from_dict(saved | {name: tuple(saved[name]) for name in ("ordinal", "single")})


class RowLanguage(nn.Module):
    """Rows of codes to states that speak of their columns."""

    offsets: Tensor
    owner: Tensor
    waves: Tensor
    neighbours: Tensor

    def __init__(self, config: RowsConfig) -> None:
        super().__init__()
        self.config = config
        columns, width = len(config.columns), config.width
        self.values = nn.Embedding(config.tokens, width)
        self.asked = nn.Embedding(columns, width)
        self.begin = nn.Parameter(torch.zeros(width))
        self.bends = nn.Parameter(torch.empty(columns, 2 * _WAVES + 1, width))
        for parameter in (self.values.weight, self.asked.weight, self.bends):
            nn.init.normal_(parameter, std=0.1)
        self.drop = nn.Dropout(config.dropout)
        self.llama: Any = empty_model(config.llama)
        sizes = torch.tensor([size for _, size in config.categorical])
        self._keep("offsets", sizes.cumsum(0) - sizes)
        self._keep("owner", torch.arange(columns).repeat_interleave(sizes))
        self._keep("waves", _waves(config))
        self._keep("neighbours", _neighbours(config))

    def _keep(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value, persistent=False)

    def table(self) -> Tensor:
        """Vectors of all values, [tokens, width]: bins that lie side by side begin alike."""
        bent = torch.einsum("tf,tfw->tw", self.waves, self.bends[self.owner])
        return self.values.weight + bent

    def forward(self, codes: Tensor, order: Tensor, cache: Any = None, before: Tensor | None = None) -> Tensor:
        """States ``[rows, steps, width]``; that of a step speaks of the column that is asked for there.

        Args:
            codes: int64 [rows, steps], of the columns in their order; the last one is not looked at.
            order: int64 [rows, steps], numbers of the columns. cache: of the steps before, and grows by these.
            before: tokens of the step before the first, [rows]; None: there is none.
        """
        table = self.table()
        tokens = codes + self.offsets[order]
        begin = self.begin.expand(len(codes), 1, -1) if before is None else table[before].unsqueeze(1)
        told = torch.cat([begin, table[tokens[:, :-1]]], dim=1)
        given = self.drop(told + self.asked(order))
        states: Tensor = self.llama(inputs_embeds=given, past_key_values=cache, use_cache=cache is not None)[0]
        dropped: Tensor = self.drop(states)
        return dropped


def _waves(config: RowsConfig) -> Tensor:
    """Of each value of an ordinal column its place and waves of it, [tokens, 1 + 2 waves]; of others zeros."""
    parts = []
    for name, size in config.categorical:
        part = torch.zeros(size, 2 * _WAVES + 1)
        if name in config.ordinal:
            place = torch.linspace(-1, 1, max(size - config.ranked, 1))
            angles = place.unsqueeze(1) * torch.pi * torch.arange(1, _WAVES + 1)
            part[config.ranked :] = torch.cat([place.unsqueeze(1), angles.sin(), angles.cos()], dim=1)
        parts.append(part)
    return torch.cat(parts)


def _neighbours(config: RowsConfig) -> Tensor:
    """Tokens below and above each bin, [2, tokens]; where there is none, or a single value beside it, itself."""
    own, ranges, start = torch.arange(config.tokens), torch.zeros(config.tokens, dtype=torch.bool), 0
    last = []
    for name, size in config.categorical:
        ranges[start + config.ranked : start + size] = name in config.ordinal
        start += size
        last.append(start - 1)
    ranges[list(config.single)] = False
    joined = ranges[:-1] & ranges[1:]  # a bin with the next one
    joined[last[:-1]] = False
    none = torch.zeros(1, dtype=torch.bool)
    return torch.stack([own - torch.cat([none, joined]).long(), own + torch.cat([joined, none]).long()])
