"""Outputs of new classes are told apart before a step is made, and those of old ones stay."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mfgsql.heads import MemberHead
from mfgsql.training.imprinting import _members, _outputs


@pytest.mark.parametrize("seed", range(5))
def test_a_new_class_is_told_from_all_others(seed: int) -> None:
    dice = np.random.default_rng(seed)
    truth = torch.from_numpy(dice.choice(4, 400, p=[0.45, 0.4, 0.05, 0.1]))
    places = torch.from_numpy(dice.normal(size=(4, 16))).float() * 2
    states = places[truth] + torch.from_numpy(dice.normal(size=(400, 16))).float()
    weight, bias = torch.zeros(16, 4), torch.zeros(4)
    weight[:, :2] = places[:2].T
    bias[:2] = -places[:2].square().sum(1) / 2
    new, offset = _outputs(weight, bias, states, truth, 2)
    weight[:, 2:], bias[2:] = new, offset
    told = (states @ weight + bias)[:, 2:].argmax(-1) + 2
    assert (told == truth)[truth >= 2].float().mean() > 0.95
    assert not torch.isnan(weight).any()


def test_each_member_of_each_group_has_its_own() -> None:
    torch.manual_seed(0)
    head = MemberHead(2, 3, 8, 3)
    old = head.weight[..., :2].detach().clone()
    states, truth = torch.randn(2, 3, 90, 8), torch.arange(90).repeat(2, 1) % 3
    states[..., 0] += 3 * (truth == 2)[:, None]
    with torch.no_grad():
        _members(head, states, truth, 2)
        said = (states @ head.weight + head.bias)[..., 2]
    assert torch.equal(head.weight[..., :2], old)
    for group in range(2):
        for member in range(3):
            assert said[group, member][truth[group] == 2].mean() > said[group, member][truth[group] != 2].mean() + 3
