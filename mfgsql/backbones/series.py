"""A transformer over the patches of a window: what reads histories.

After Nie et al., "A Time Series is Worth 64 Words" (PatchTST, ICLR 2023), on the encoder layers of transformers. A
patch holds all columns, since what one sensor means depends on the others. Positions are relative (a bias for each
distance and attention head), so that windows before this one can be read as memory: each layer of a segment looks at
what that layer made of the segment before (Dai et al., "Transformer-XL", ACL 2019). Memory is made anew from rows at
each call: a prediction is a function of its rows alone. Unlike in Transformer-XL gradients go through it, for it is
short.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mfgsql.backbones.adapters import take_shared
from mfgsql.backbones.columns import AdaptedConfig

_WORD = 4  # numbers that a category becomes


@dataclass(frozen=True)
class SeriesConfig(AdaptedConfig):
    """Shape of the network.

    Attributes:
        window, patch: rows of each; the patch divides the window. memory: windows before it that are read, too.
        extra: channels behind the columns', which tell of the row: whether it is there, and when it came.
        groups: networks that share nothing, each trained without a part of the histories.
        width, layers, heads, expansion, dropout: as of `TabularConfig`.
    """

    kind: ClassVar[str] = "series"
    window: int = 64
    patch: int = 8
    memory: int = 0
    extra: int = 2
    groups: int = 1
    width: int = 64
    layers: int = 3
    heads: int = 4
    expansion: float = 2.0
    dropout: float = 0.1

    @property
    def patches(self) -> int:
        """Tokens of a window."""
        return self.window // self.patch

    @property
    def row_numbers(self) -> int:
        """Numbers by which the network reads a row: values, what is missing, whether it is there, words."""
        return 2 * self.channels + self.extra + _WORD * len(self.categorical)

    @property
    def row_floats(self) -> int:
        """Numbers that a window's pass holds at its widest."""
        return self.patches * max(self.width * 3, self.patch * self.row_numbers)

    @property
    def work(self) -> int:
        """Multiply-adds of one window's way through all groups."""
        tokens, segments = self.patches, 1 + self.memory
        layer = (4 + 2 * self.expansion) * self.width**2 + 2 * (1 + (self.memory > 0)) * tokens * self.width
        return round(
            self.groups * segments * tokens * (self.patch * self.row_numbers * self.width + self.layers * layer)
        )


class SeriesEncoder(nn.Module):
    """One network: windows to hidden states of their patches."""

    offsets: Tensor

    def __init__(self, config: SeriesConfig) -> None:
        super().__init__()
        self.config = config
        self.words = nn.Parameter(0.5 * torch.randn(sum(size for _, size in config.categorical), _WORD))
        self.embed = nn.Linear(config.patch * config.row_numbers, config.width)
        self.layers = nn.ModuleList(_layers(config))
        reach = config.patches * (2 if config.memory else 1)
        self.distance = nn.Parameter(torch.zeros(config.heads, reach + config.patches - 1))
        self.norm = nn.LayerNorm(config.width)
        starts = torch.tensor([0, *(size for _, size in config.categorical)]).cumsum(0)[:-1]
        self.register_buffer("offsets", starts, persistent=False)

    def forward(
        self, continuous: Tensor, codes: Tensor, *, hidden: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        """Hidden states ``[n, patches, width]`` of the window, the newest patch first.

        Args:
            continuous: float32 [n, window * (1 + memory), channels + extra], oldest row first.
            codes: int64 [n, window * (1 + memory), categorical columns].
            hidden: bool [n, patches, channels]; of these patches of the window those columns are not shown.
            causal: a patch sees only itself and those before it.
        """
        x = self.embed(self._read(continuous, codes, hidden))
        memory: list[Tensor] | None = None
        for segment in x.split(self.config.patches, dim=1):
            states, memory = self._segment(segment, memory, causal)
        last: Tensor = self.norm(states).flip(1)
        return last

    def _read(self, continuous: Tensor, codes: Tensor, hidden: Tensor | None) -> Tensor:
        """Numbers of each patch ``[n, all patches, patch * row_numbers]``."""
        values, there = continuous[..., : -self.config.extra], continuous[..., -self.config.extra :]
        absent = values.isnan()
        if hidden is not None:
            rows = hidden.repeat_interleave(self.config.patch, dim=1)
            before = absent.shape[1] - rows.shape[1]
            absent = absent | F.pad(rows, (0, 0, before, 0))
        parts = [torch.where(absent, 0.0, values), absent.to(values.dtype), there]
        if self.config.categorical:
            words = F.embedding(codes + self.offsets, self.words)
            parts.append(words.flatten(2))
        read: Tensor = torch.cat(parts, dim=-1)
        return read.reshape(len(read), read.shape[1] // self.config.patch, -1)

    def _segment(self, x: Tensor, memory: list[Tensor] | None, causal: bool) -> tuple[Tensor, list[Tensor]]:
        """States of a segment, and what each layer was given, which is the next one's memory."""
        bias = self._bias(x, memory is not None, causal)
        kept = []
        layers: Iterable[Any] = self.layers
        for number, layer in enumerate(layers):
            kept.append(x)
            normed = layer.norm_sublayer1(x)
            seen = None if memory is None else torch.cat([layer.norm_sublayer1(memory[number]), normed], dim=1)
            mixed, _ = layer.self_attn(normed, key_value_states=seen, attention_mask=bias)
            x = x + layer.dropout_path1(mixed)
            x = x + layer.dropout_path3(layer.ff(layer.norm_sublayer3(x)))
        return x, kept

    def _bias(self, x: Tensor, remembers: bool, causal: bool) -> Tensor:
        """What is added to the attention for each distance, ``[n, heads, patches, patches seen]``."""
        tokens = x.shape[1]
        own = torch.arange(tokens, device=x.device)
        seen = torch.arange(-tokens if remembers else 0, tokens, device=x.device)
        distance = own[:, None] - seen  # of a key after the query it is negative
        bias = self.distance[:, distance + tokens - 1].to(x.dtype)
        if causal:
            bias = bias.masked_fill(distance < 0, -torch.inf)
        return bias.expand(len(x), -1, -1, -1)


class SeriesBackbone(nn.Module):
    """Networks that share nothing, each for the histories that it was not trained on; new ones all speak of."""

    def __init__(self, config: SeriesConfig) -> None:
        super().__init__()
        self.config = config
        self.encoders = nn.ModuleList(SeriesEncoder(config) for _ in range(config.groups))

    @torch.no_grad()
    def adopt(self, base: SeriesBackbone) -> list[str]:
        """Copy what the first network of ``base`` has learnt into each of these.

        Returns:
            Names of the columns that ``base`` knew.
        """
        theirs = base.encoders[0]
        assert isinstance(theirs, SeriesEncoder)
        shared: list[str] = []
        for mine in self.encoders:
            assert isinstance(mine, SeriesEncoder)
            shared = _adopt(mine, theirs)
        return shared


def _adopt(mine: SeriesEncoder, theirs: SeriesEncoder) -> list[str]:
    take_shared(mine, theirs, but=("embed.", "words"))
    mine.embed.bias.copy_(theirs.embed.bias)
    here, there = _numbers(mine.config), _numbers(theirs.config)
    size = mine.config.patch
    to, of = (w.view(len(w), size, -1) for w in (mine.embed.weight, theirs.embed.weight))
    shared = []
    for name, places in here.items():
        if name in there and len(there[name]) == len(places):
            to[:, :, places] = of[:, :, there[name]]
            shared.append(name)
    for number, (name, codes) in enumerate(mine.config.categorical):
        known = [n.lower() for n, _ in theirs.config.categorical]
        if name.lower() in known:
            _copy_words(mine, number, theirs, known.index(name.lower()), codes)
    spelt = {n.lower(): n for n in mine.config.columns}
    return [spelt[n] for n in shared if n in spelt]


def _numbers(config: SeriesConfig) -> dict[str, list[int]]:
    """Places of each column's numbers within a row, by name in lower case; what all rows have, under none."""
    channels, places, at = config.channels, {}, 0
    for name, size in config.continuous:
        own = list(range(at, at + size))
        places[name.lower()] = own + [channels + i for i in own]
        at += size
    places[""] = [2 * channels + i for i in range(config.extra)]
    for number, (name, _) in enumerate(config.categorical):
        start = 2 * channels + config.extra + number * _WORD
        places[name.lower()] = list(range(start, start + _WORD))
    return places


def _copy_words(mine: SeriesEncoder, i: int, theirs: SeriesEncoder, j: int, codes: int) -> None:
    """Codes appended since are left as initialised."""
    start, base = int(mine.offsets[i]), int(theirs.offsets[j])
    count = min(codes, theirs.config.categorical[j][1])
    mine.words[start : start + count] = theirs.words[base : base + count]


def _layers(config: SeriesConfig) -> Sequence[nn.Module]:
    """Encoder layers of PatchTST; a patch of all columns is what it calls a channel."""
    from transformers import PatchTSTConfig  # a second's import, which models of rows need not wait for
    from transformers.models.patchtst.modeling_patchtst import PatchTSTEncoderLayer

    told: dict[str, Any] = {
        "num_input_channels": 1, "d_model": config.width, "num_attention_heads": config.heads,
        "ffn_dim": int(config.width * config.expansion), "norm_type": "layernorm", "pre_norm": True,
        "attention_dropout": config.dropout, "ff_dropout": config.dropout, "path_dropout": config.dropout,
        "attn_implementation": "sdpa",
    }  # fmt: skip
    shape = PatchTSTConfig(**told)
    return [PatchTSTEncoderLayer(shape) for _ in range(config.layers)]
