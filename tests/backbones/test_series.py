"""The transformer over patches: what each state has seen, and what a base hands on."""

from __future__ import annotations

import pytest
import torch

from mfgsql.backbones import SeriesBackbone, SeriesConfig
from mfgsql.backbones.series import SeriesEncoder
from mfgsql.heads import PatchHead
from mfgsql.tasks import series_objectives

COLUMNS = ((("a", 1), ("b", 1), ("t", 3)), (("kind", 4),))


def config(**more: object) -> SeriesConfig:
    return SeriesConfig(*COLUMNS, window=8, patch=2, width=16, layers=2, heads=2, **more)  # type: ignore[arg-type]


def windows(shape: SeriesConfig, n: int = 5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    dice = torch.Generator().manual_seed(seed)
    rows = shape.window * (1 + shape.memory)
    continuous = torch.randn(n, rows, shape.channels + shape.extra, generator=dice)
    continuous[:2, :3, : shape.channels] = torch.nan
    return continuous, torch.randint(0, 4, (n, rows, 1), generator=dice)


@pytest.mark.parametrize("memory", [0, 1, 2])
def test_states_of_the_window_the_newest_first(memory: int) -> None:
    shape = config(memory=memory)
    encoder = SeriesEncoder(shape).eval()
    continuous, codes = windows(shape)
    states = encoder(continuous, codes)
    assert states.shape == (5, 4, 16)
    assert torch.isfinite(states).all()
    changed = continuous.clone()
    changed[:, -1, 0] += 1
    # Layers further up mix; the newest patch changes most of all.
    moved = (encoder(changed, codes) - states).abs().amax(dim=(0, 2))
    assert moved.argmax() == 0


def test_a_patch_that_reads_backwards_sees_nothing_later() -> None:
    shape = config()
    encoder = SeriesEncoder(shape).eval()
    continuous, codes = windows(shape)
    changed = continuous.clone()
    changed[:, 4:] = 0.5
    one, other = (encoder(x, codes, causal=True).flip(1) for x in (continuous, changed))
    assert torch.allclose(one[:, :2], other[:, :2], atol=1e-6)
    assert not torch.allclose(one[:, 2:], other[:, 2:])


def test_what_is_hidden_is_not_seen() -> None:
    shape = config()
    encoder = SeriesEncoder(shape).eval()
    continuous, codes = windows(shape)
    hide = torch.zeros(5, 4, shape.channels, dtype=torch.bool)
    hide[:, 1, 0] = True
    changed = continuous.clone()
    changed[:, 2:4, 0] = 9.0
    assert torch.allclose(encoder(continuous, codes, hidden=hide), encoder(changed, codes, hidden=hide))
    assert not torch.allclose(encoder(continuous, codes), encoder(changed, codes))


def test_memory_reaches_beyond_the_window() -> None:
    for memory in (0, 1):
        shape = config(memory=memory)
        encoder = SeriesEncoder(shape).eval()
        continuous, codes = windows(config(memory=1))
        changed = continuous.clone()
        changed[:, 2] += 3
        length = shape.window * (1 + memory)
        one, other = (encoder(x[:, -length:], codes[:, -length:]) for x in (continuous, changed))
        assert torch.allclose(one, other) == (memory == 0)


@pytest.mark.parametrize("objective", ["masked", "autoencoder", "autoregressive", "residual"])
def test_each_objective_falls_under_gradient_steps(objective: str) -> None:
    torch.manual_seed(0)
    shape = config()
    encoder, head = SeriesEncoder(shape), PatchHead(16, 4, 2, shape.channels)
    time = torch.arange(8.0)
    phase = torch.rand(64, 1) * 6
    values = torch.sin(time / 2 + phase)
    continuous = torch.stack([values, 2 * values, values, values, values, torch.ones(64, 8), torch.zeros(64, 8)], dim=-1)
    codes = torch.zeros(64, 8, 1, dtype=torch.long)
    optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=3e-3)
    losses = []
    for _ in range(60):
        loss = series_objectives[objective](encoder, head, continuous, codes, 0.3)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])


def test_a_base_hands_on_the_columns_that_both_have() -> None:
    base = SeriesBackbone(config())
    other = SeriesConfig((("B", 1), ("new", 1)), (("KIND", 6),), window=8, patch=2, width=16, layers=2, heads=2, groups=2)
    mine = SeriesBackbone(other)
    assert sorted(mine.adopt(base)) == ["B", "KIND"]
    theirs = base.encoders[0]
    for encoder in mine.encoders:
        assert torch.equal(encoder.layers[0].ff[0].weight, theirs.layers[0].ff[0].weight)
        to, of = (e.embed.weight.view(16, 2, -1) for e in (encoder, theirs))
        assert torch.equal(to[:, :, 0], of[:, :, 1])  # B's values
        assert torch.equal(to[:, :, 2], of[:, :, 6])  # where B is missing
        assert not torch.equal(to[:, :, 1], of[:, :, 1])
        assert torch.equal(encoder.words[:4], theirs.words[:4])
