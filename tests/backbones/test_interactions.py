"""Numbers made of two: the right pairs are found, none in noise, and the network computes what the search has seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.backbones import EnsembleBackbone, EnsembleConfig
from mfgsql.backbones.interactions import Interactions
from mfgsql.backbones.pairing import OPERATIONS, combine, find_pairs

PRODUCT, QUOTIENT, DIFFERENCE, SUM = range(len(OPERATIONS))


def columns(rows: int = 4000, seed: int = 0) -> np.ndarray:
    """Speed, torque, two temperatures and something else."""
    rng = np.random.default_rng(seed)
    air = 20 + 4 * rng.standard_normal(rows)
    return np.stack(
        [1500 + 180 * rng.standard_normal(rows), 40 + 10 * rng.standard_normal(rows), air,
         air + 10 + rng.standard_normal(rows), 12 * rng.random(rows)], axis=1)  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "truth"),
    [
        ((PRODUCT, 0, 1), lambda x: x[:, 0] * x[:, 1] > np.quantile(x[:, 0] * x[:, 1], 0.98)),
        ((QUOTIENT, 0, 1), lambda x: x[:, 0] / x[:, 1] > np.quantile(x[:, 0] / x[:, 1], 0.9)),
        ((DIFFERENCE, 2, 3), lambda x: x[:, 3] - x[:, 2] < 8.5),
        ((SUM, 2, 4), lambda x: x[:, 2] + x[:, 4] > 30),
    ],
)
def test_what_makes_a_rare_failure_is_found(wanted: tuple[int, int, int], truth: Callable[[np.ndarray], np.ndarray]) -> None:
    numbers = columns()
    assert find_pairs(numbers, truth(numbers)[:, None].astype(float), 8)[0] == wanted


def test_nothing_is_found_in_noise_nor_in_what_columns_say_alone() -> None:
    numbers, rng = columns(), np.random.default_rng(1)
    additive = np.sqrt(numbers[:, 0]) + numbers[:, 4] ** 2 + 20 * rng.standard_normal(4000)
    for truth in (rng.random(4000) < 0.03, rng.standard_normal(4000), additive):
        assert len(find_pairs(numbers, np.asarray(truth, float)[:, None], 8)) <= 1


def test_a_hundred_columns_take_a_moment_and_a_pair_among_them_is_found() -> None:
    numbers = np.random.default_rng(2).random((3000, 100)) + 0.1
    truth = (numbers[:, 7] * numbers[:, 60])[:, None] ** 2
    assert find_pairs(numbers, truth, 4)[0][1:] == (7, 60)


@given(st.lists(st.tuples(*[st.floats(width=32)] * 2), min_size=1, max_size=40), st.integers(0, len(OPERATIONS) - 1))
def test_the_network_computes_what_the_search_has_seen(rows: list[tuple[float, float]], operation: int) -> None:
    values = torch.tensor(rows, dtype=torch.float32)
    pairs = Interactions(1, 2, 1)
    pairs.operation.fill_(operation)
    pairs.second.fill_(1)
    made = pairs(values.unsqueeze(0))[0, :, 0].numpy()
    wanted = combine(operation, *values.double().numpy().T)
    near = np.abs(wanted) < 1e6
    assert not np.isinf(made).any()
    np.testing.assert_allclose(made[near], wanted[near], rtol=1e-5, atol=1e-30)
    assert np.isnan(made[~near]).all()


def test_units_come_back_and_each_group_has_its_own_pairs() -> None:
    """Group 1 may not see part 1, where a quotient decides; elsewhere it is a product."""
    numbers = columns(6000)[:, :2]
    shift, factor = numbers.mean(axis=0), numbers.std(axis=0)
    part = np.arange(6000) % 2 + 1
    product, quotient = numbers[:, 0] * numbers[:, 1], numbers[:, 0] / numbers[:, 1]
    truth = np.where(part == 1, quotient > np.quantile(quotient, 0.8), product > np.quantile(product, 0.8))
    network = EnsembleBackbone(EnsembleConfig((("speed", 1), ("torque", 1)), (), groups=2, pairs=1))
    standard = torch.tensor((numbers - shift) / factor, dtype=torch.float32)
    scales = np.stack([shift, factor], axis=1)
    network.fit(standard, torch.from_numpy(part), truth[:, None].astype(float), scales, jumps=True)
    assert network.pairs.operation.flatten().tolist() == [PRODUCT, QUOTIENT]
    made = network.pairs(standard.expand(2, -1, -1))[..., 0].numpy()
    assert np.corrcoef(made[0], product)[0, 1] > 0.99999
    assert np.corrcoef(made[1], quotient)[0, 1] > 0.99999


def test_one_column_alone_has_no_pairs() -> None:
    network = EnsembleBackbone(EnsembleConfig((("speed", 1),), ()))
    network.fit(torch.randn(50, 1), torch.zeros(50, dtype=torch.long), np.zeros((50, 1)), np.array([[0.0, 1.0]]), jumps=True)
    assert network(torch.randn(1, 5, 1), torch.zeros(1, 5, 0, dtype=torch.long)).shape == (1, 4, 5, 96)
