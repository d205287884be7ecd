"""What a teacher's answers cost who answers otherwise."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mfgsql.training.distilling import Lesson
from mfgsql.training.rows import Rows


def rows(taught: Tensor) -> Rows:
    n = len(taught)
    none = torch.zeros(n)
    return Rows(torch.zeros(n, 1), torch.zeros(n, 0).long(), none, none, none.long(), none.bool(), taught=taught)


@given(st.integers(2, 5), st.floats(0.5, 8), st.integers(0, 1000))
def test_who_answers_alike_pays_nothing_and_others_do(classes: int, temperature: float, seed: int) -> None:
    dice = torch.Generator().manual_seed(seed)
    output = torch.randn(6, 3, classes, generator=dice)
    said = torch.softmax(output[:, 0], dim=-1)
    lesson = Lesson(temperature, 1.0)
    alike = output[:, :1] + 5.0  # the same probabilities
    assert lesson.losses(rows(said), alike).numpy() == pytest.approx(0.0, abs=1e-4)
    assert bool((lesson.losses(rows(said), output) >= -1e-5).all())
    assert lesson.losses(rows(said), output + torch.eye(classes)[0] * 2).mean() > 1e-4


def test_at_a_temperature_gradients_keep_their_size() -> None:
    said = torch.tensor([[0.7, 0.2, 0.1]])
    sizes = []
    for temperature in (20.0, 80.0):
        output = torch.zeros(1, 1, 3, requires_grad=True)
        Lesson(temperature, 1.0).losses(rows(said), output).sum().backward()
        assert output.grad is not None
        sizes.append(float(output.grad.norm()))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_of_numbers_the_distance_counts_by_its_weight() -> None:
    output = torch.tensor([[[1.0], [3.0]]])
    assert Lesson(distill=2.0).losses(rows(torch.tensor([[1.0]])), output).tolist() == [4.0]
