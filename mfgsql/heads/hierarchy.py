"""From a row's hidden states down a tree of classes, level by level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

_STATES = 2**22  # numbers of all nodes' states of the rows taken at a time, where nothing is learnt


class HierarchyHead(nn.Module):
    """An LSTM that attends to the hidden states anew at each level, and there tells a node's children apart.

    What it reads at a level is the node that it came to, and what the attention finds with its own state as the query
    (Bahdanau et al., "Neural Machine Translation by Jointly Learning to Align and Translate", ICLR 2015). All ways down
    the tree are gone at once, so what it gives is exact: a node's probability is the sum of its children's. A way's
    steps depend on the way alone, so its likelihood is that of teacher forcing.

    Args:
        width: size of a hidden state. levels: for each level the number of each node's parent in the level above, of
            the first level 0; the nodes of the last one are the classes. dropout: of what the LSTM starts from, and
            tells by.
    """

    parts: ClassVar[bool] = True  # it is to be given all patches of a picture, or pieces of a text

    def __init__(self, width: int, levels: Sequence[Sequence[int]], dropout: float = 0.1) -> None:
        super().__init__()
        self.depth, self.width = len(levels), width
        self.nodes = sum(map(len, levels))
        self.start = nn.Sequential(nn.LayerNorm(2 * width), nn.Linear(2 * width, 2 * width), nn.Tanh())
        self.query = nn.Linear(width, width, bias=False)
        self.embedding = nn.ParameterList(_drawn(size, width) for size in (1, *map(len, levels[:-1])))
        self.cell = nn.LSTMCell(2 * width, width)
        self.drop = nn.Dropout(dropout)
        self.weight = nn.ParameterList(_drawn(len(parents), width) for parents in levels)
        self.bias = nn.ParameterList(torch.zeros(len(parents)) for parents in levels)
        for level, parents in enumerate(levels):
            self.register_buffer(f"parents{level}", torch.tensor(parents), persistent=False)
            places, slots = _siblings(parents)
            self.register_buffer(f"places{level}", places, persistent=False)
            self.register_buffer(f"slots{level}", slots, persistent=False)

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        """Log-probabilities of the classes, float32 ``[rows, classes]``.

        Args:
            hidden: [rows, tokens, width]; the first token speaks of the whole. mask: tokens that are there, bool
                [rows, tokens]; None: all.
        """
        most = max(1, _STATES // (8 * self.width * self.nodes))
        if self.training or len(hidden) <= most:
            return self._descend(hidden, mask)
        turns = [slice(start, start + most) for start in range(0, len(hidden), most)]
        return torch.cat([self._descend(hidden[t], None if mask is None else mask[t]) for t in turns])

    def _descend(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        told, state, memory = hidden.new_zeros(len(hidden), 1, dtype=torch.float32), *self._begin(hidden, mask)
        for level in range(self.depth):
            state, memory = self._step(level, hidden, mask, state, memory)
            parents = self.get_buffer(f"parents{level}")
            told = told[:, parents] + self._among_siblings(level, self.drop(state)[:, parents])
            state, memory = state[:, parents], memory[:, parents]
        return told

    def _begin(self, hidden: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """State and memory at the root, [rows, 1, width]."""
        there = hidden.new_ones(hidden.shape[:2]) if mask is None else mask.to(hidden.dtype)
        there = there.unsqueeze(-1)
        mean = (hidden * there).sum(dim=1) / there.sum(dim=1).clamp(min=1)
        state, memory = self.start(torch.cat([hidden[:, 0], mean], dim=-1)).unsqueeze(1).chunk(2, dim=-1)
        return self.drop(state), memory

    def _step(
        self, level: int, hidden: Tensor, mask: Tensor | None, state: Tensor, memory: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One step of all nodes of a level whose children are told apart next."""
        match = self.query(state) @ hidden.transpose(1, 2) / self.width**0.5
        if mask is not None:
            match = match.masked_fill(~mask.unsqueeze(1), torch.finfo(match.dtype).min)
        found = match.softmax(dim=-1) @ hidden
        node = self.embedding[level].expand_as(state)
        read = torch.cat([node, found], dim=-1)
        state, memory = self.cell(read.flatten(0, 1), (state.flatten(0, 1), memory.flatten(0, 1)))
        return state.view_as(node), memory.view_as(node)

    def _among_siblings(self, level: int, state: Tensor) -> Tensor:
        """Log-probabilities of nodes given their parents, whose states these are; [rows, nodes]."""
        logits = ((state * self.weight[level]).sum(dim=-1) + self.bias[level]).float()
        places, slots = self.get_buffer(f"places{level}"), self.get_buffer(f"slots{level}")
        none = logits.new_full((len(logits), 1), torch.finfo(logits.dtype).min)
        by_parent = torch.cat([logits, none], dim=1)[:, slots]
        return by_parent.log_softmax(dim=-1).flatten(1)[:, places]


def _drawn(size: int, width: int) -> nn.Parameter:
    return nn.Parameter(width**-0.5 * torch.randn(size, width))


def _siblings(parents: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Nodes by parent in a table ``[parents, most children]`` that is filled up with one number too many, and for each
    node its place in there, counted row by row.
    """
    table: list[list[int]] = [[] for _ in range(max(parents) + 1)]
    for node, parent in enumerate(parents):
        table[parent].append(node)
    most = max(map(len, table))
    places = [parent * most + table[parent].index(node) for node, parent in enumerate(parents)]
    return torch.tensor(places), torch.tensor([row + [len(parents)] * (most - len(row)) for row in table])
