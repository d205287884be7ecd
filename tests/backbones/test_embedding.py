"""Numbers as piecewise-linear vectors."""

from __future__ import annotations

import pytest
import torch

from mfgsql.backbones import embedding
from mfgsql.backbones.embedding import PiecewiseLinear


def fitted(groups: int, channels: int) -> tuple[PiecewiseLinear, torch.Tensor]:
    torch.manual_seed(0)
    numbers = PiecewiseLinear(groups, channels, bins=6, width=3)
    values = torch.randn(groups, 50, channels)
    for group in range(groups):
        numbers.fit(group, values[group], None)
    values[:, ::7] = torch.nan
    return numbers, values


@pytest.mark.parametrize(("groups", "channels"), [(1, 1), (3, 11), (2, 0)])
def test_it_answers_alike_by_so_many_channels_as_a_cache_holds(
    monkeypatch: pytest.MonkeyPatch, groups: int, channels: int
) -> None:
    numbers, values = fitted(groups, channels)
    learning = numbers(values)
    assert learning.shape == (groups, 50, 3 * channels)
    for room in (1, groups * 50 * 6 * 4, 2**30):
        monkeypatch.setattr(embedding, "_CACHED", room)
        with torch.inference_mode():
            assert torch.equal(numbers(values), learning.detach())


def test_a_value_has_come_through_the_bins_below_it() -> None:
    numbers, _ = fitted(1, 1)
    low, width = numbers.low[0, 0, 0], numbers.rate[0, 0, 0].reciprocal()
    with torch.no_grad():
        for value, passed in ((low[0] - 9, [0.0] * 6), (low[2] + width[2] / 2, [1, 1, 0.5, 0, 0, 0]), (low[5] + 9, [1.0] * 6)):
            near = value.clamp(-4, 4)
            wanted = torch.tensor(passed) @ numbers.weight[0, 0] + near * numbers.slope[0, 0, 0] + numbers.bias[0, 0, 0]
            assert torch.allclose(numbers(value.view(1, 1, 1)).flatten(), wanted, atol=1e-5)
