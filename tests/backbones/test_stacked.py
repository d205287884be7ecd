"""Adapters of many groups beside one network's layers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mfgsql.backbones.adapters import add_lora, linear_names, shared_weights, take_shared
from mfgsql.backbones.series import SeriesBackbone, SeriesConfig
from mfgsql.backbones.stacked import StackedLinear, chosen, is_own, stack_layers
from mfgsql.backbones.tabular import TabularBackbone, TabularConfig

SHAPE = TabularConfig((("torque", 1), ("temp", 1)), (("shift", 4),), 8, 2, 2)
LAYERS = 4 * SHAPE.layers


def layer(count: int = 4, rank: int = 2) -> StackedLinear:
    """One whose adapters all do something."""
    torch.manual_seed(0)
    made = StackedLinear(nn.Linear(5, 3), count, rank).double()
    with torch.no_grad():
        made.adapter_up[1:].normal_()
        made.adapter_bias[1:].normal_()
    return made


def by_hand(made: StackedLinear, x: torch.Tensor, own: list[int]) -> torch.Tensor:
    rows = [
        row @ (made.base_layer.weight + made.adapter_up[n] @ made.adapter_down).T + made.base_layer.bias + made.adapter_bias[n]
        for row, n in zip(x, own, strict=True)
    ]
    return torch.stack(rows)


@given(own=st.lists(st.integers(0, 3), min_size=1, max_size=12), tokens=st.integers(0, 3))
def test_each_row_goes_through_its_own_adapter(own: list[int], tokens: int) -> None:
    """As if each had a layer to itself, whatever stands beside it; of rows, and of rows of tokens."""
    made = layer()
    shape = (len(own), tokens, 5) if tokens else (len(own), 5)
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with chosen(torch.tensor(own)), torch.no_grad():
        torch.testing.assert_close(made(x), by_hand(made, x, own))


def test_without_a_choice_a_layer_is_what_it_was() -> None:
    made, x = layer(), torch.randn(6, 5, dtype=torch.float64)
    assert torch.equal(made(x), made.base_layer(x))
    with chosen(torch.zeros(6, dtype=torch.long)):
        assert torch.equal(made(x), made.base_layer(x))
    with pytest.raises(RuntimeError), chosen(torch.tensor([1, 2])):  # rows that were not chosen for
        made(x)
    assert torch.equal(made(x), made.base_layer(x)), "an error ends the choice, too"


def test_threads_choose_for_themselves() -> None:
    made, x = layer(), torch.randn(300, 7, 5, dtype=torch.float64)

    def ask(seed: int) -> bool:
        own = torch.randint(0, 4, (300,), generator=torch.Generator().manual_seed(seed))
        with chosen(own), torch.inference_mode():
            return torch.allclose(made(x), by_hand(made, x, own.tolist()))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(24)))


def test_rows_teach_their_own_adapter_only() -> None:
    made = layer()
    with chosen(torch.tensor([1, 2, 2])):
        made(torch.randn(3, 5, dtype=torch.float64)).sum().backward()
    touched = made.adapter_up.grad.abs().sum(dim=(1, 2)) > 0
    assert touched.tolist() == [False, True, True, False]


@pytest.mark.parametrize("lora", [0, 3])
@pytest.mark.parametrize("own", [0, 4])
def test_every_linear_layer_of_a_block_has_both_kinds(lora: int, own: int) -> None:
    torch.manual_seed(0)
    blocks = TabularBackbone(SHAPE).blocks
    names = linear_names(blocks)
    if lora:
        add_lora(blocks, names, lora, 2 * lora)
    if own:
        stack_layers(blocks, own, 2)
    assert len(names) == LAYERS
    told = [n for n, _ in blocks.named_parameters()]
    assert sum(is_own(n) for n in told) == (2 * LAYERS if own else 0)
    assert sum("lora_" in n for n in told) == (2 * LAYERS if lora else 0)
    assert set(shared_weights(blocks)) == {n for n, _ in TabularBackbone(SHAPE).blocks.named_parameters()}


@pytest.mark.parametrize("kind", ["rows", "histories"])
def test_a_lora_of_a_base_is_folded_into_what_stands_on_it(kind: str) -> None:
    """Whoever takes over such a base says what it says, with adapters of its own or without."""
    torch.manual_seed(0)
    series = SeriesConfig((("torque", 1),), (), window=8, patch=2, width=8, layers=1, heads=2, dropout=0.0)
    made = [TabularBackbone(SHAPE) if kind == "rows" else SeriesBackbone(series) for _ in range(3)]
    blocks = [m.blocks if isinstance(m, TabularBackbone) else m.encoders[0].layers for m in made]
    add_lora(blocks[0], linear_names(blocks[0]), 2, 4)
    for name, parameter in blocks[0].named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter)
    add_lora(blocks[1], linear_names(blocks[1]), 3, 6)
    stack_layers(blocks[2], 3, 2)
    batch = (torch.randn(5, 2), torch.randint(0, 4, (5, 1)))
    ask = (lambda m: m(*batch)) if kind == "rows" else (lambda m: m.encoders[0](torch.randn(5, 8, 3, generator=torch.Generator().manual_seed(2)), torch.empty(5, 8, 0, dtype=torch.long)))
    with torch.inference_mode():
        said = ask(made[0].eval())
        for other in made[1:]:
            assert not torch.allclose(ask(other.eval()), said, atol=1e-3)
            take_shared(other, made[0])
            torch.testing.assert_close(ask(other), said)
