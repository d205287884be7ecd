"""Many adapters beside each layer of one network, of which every row of a batch goes through its own.

Low-rank matrices beside a layer that stays as it is (Hu et al., "LoRA", ICLR 2022). Those that lead back from the few
numbers are each group's own, in one tensor, so that a batch of mixed groups is one gather and one batched product
(Sheng et al., "S-LoRA", MLSys 2024); those that lead to them are one for all groups, which learn it together (Tian et
al., "HydraLoRA", NeurIPS 2024). Which row has which is known within `chosen`, on the thread that asks and nowhere else:
the network keeps no state, and threads that score at once don't feel each other.

The library peft goes through a mixed batch adapter by adapter, which takes longer (tests/bench/adapters.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

from mfgsql.backbones.adapters import BESIDE, linear_names

_CHOSEN: ContextVar[Tensor | None] = ContextVar("chosen", default=None)


@contextmanager
def chosen(own: Tensor) -> Iterator[None]:
    """In the block, on this thread, rows go through these adapters.

    Args:
        own: int64 [rows], the number of each row's adapter; 0: none.
    """
    which = own if bool(own.any()) else None
    if which is not None and bool((which == which[0]).all()):
        which = which[:1]  # one for all, as where a query asks for one line
    token = _CHOSEN.set(which)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


class StackedLinear(nn.Module):
    """A linear layer with adapters: of each ``y + up @ down @ x + bias``, at first nothing more than ``y``.

    Args:
        layer: maps [..., inside] to [..., outside]. count: of adapters, the first of which is of rows that have none.
    """

    def __init__(self, layer: Any, count: int, rank: int) -> None:
        super().__init__()
        self.base_layer = layer
        inside, outside = layer.in_features, layer.out_features
        self.adapter_down = nn.Parameter(torch.randn(rank, inside) * inside**-0.5)
        self.adapter_up = nn.Parameter(torch.zeros(count, outside, rank))
        self.adapter_bias = nn.Parameter(torch.zeros(count, outside))

    def forward(self, x: Tensor) -> Tensor:
        """``[rows, inside]`` or ``[rows, tokens, inside]`` to the same of outside."""
        said: Tensor = self.base_layer(x)
        which = _CHOSEN.get()
        if which is None:
            return said
        low = x @ self.adapter_down.T
        if len(which) == 1:
            return said + (low @ self.adapter_up[which[0]].T + self.adapter_bias[which[0]])
        tokens = low if low.ndim == 3 else low.unsqueeze(1)
        more = torch.baddbmm(self.adapter_bias[which].unsqueeze(1), tokens, self.adapter_up[which].transpose(1, 2))
        return said + more.view_as(said)


def stack_layers(module: nn.Module, count: int, rank: int) -> None:
    """Put so many adapters beside each linear layer of a module, in place."""
    for name in linear_names(module):
        parent, _, last = name.rpartition(".")
        owner = module.get_submodule(parent)
        setattr(owner, last, StackedLinear(getattr(owner, last), count, rank))


def is_beside(name: str) -> bool:
    """Whether a parameter of that name is one of adapters."""
    return name.rpartition(".")[2].startswith(BESIDE)


def is_own(name: str) -> bool:
    """Whether a parameter of that name is one that groups have for themselves, [adapters, ...]."""
    return is_beside(name) and not name.endswith("down")
