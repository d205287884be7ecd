"""Features of pictures without a trained network."""

from __future__ import annotations

import pytest
import torch

from mfgsql.backbones.filters import FilterBank, FilterConfig


def bank(channels: int = 1, size: tuple[int, int] = (64, 48)) -> FilterBank:
    return FilterBank(FilterConfig(size, channels))


def noise(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(64, 48), (61, 50), (8, 8), (1, 1), (3, 100)])
def test_a_grid_of_features(channels: int, height: int, width: int) -> None:
    net = bank(channels, (height, width))
    maps = net.maps(noise(3, channels, height, width))
    assert maps.shape == (3, net.width, max(1, height // 8), max(1, width // 8))
    assert maps.dtype == torch.float32
    assert torch.isfinite(maps).all()
    assert torch.equal(maps, bank(channels, (height, width)).maps(noise(3, channels, height, width)))


def test_a_plain_field_answers_no_filter() -> None:
    maps = bank().maps(torch.full((1, 1, 64, 48), 77, dtype=torch.uint8))
    assert torch.allclose(maps[:, 0], torch.tensor(77 / 255))
    assert torch.allclose(maps[:, 1:], torch.tensor(0.002).log(), atol=1e-3)


def test_an_edge_answers_where_it_is_and_whichever_way_it_goes() -> None:
    pixels = torch.full((1, 1, 64, 64), 50, dtype=torch.uint8)
    pixels[..., 36:] = 200
    maps = bank(size=(64, 64)).maps(pixels)
    assert set(maps[0, 1].argmax(dim=1).tolist()) == {4}
    assert torch.allclose(maps[:, 1:], bank(size=(64, 64)).maps(250 - pixels)[:, 1:], atol=1e-4)
    upright, lying = maps[0, 1], bank(size=(64, 64)).maps(pixels.transpose(2, 3))[0, 2]
    assert torch.allclose(upright, lying.T, atol=1e-4)


def test_grey_is_grey_in_colour_too() -> None:
    grey = noise(2, 1, 64, 48)
    one, three = bank().maps(grey), bank(3).maps(grey.expand(-1, 3, -1, -1))
    assert three.shape[1] == 3 * one.shape[1]
    assert torch.allclose(one[:, 0], three[:, 0], atol=1e-5)
    flat = three.std(dim=(0, 2, 3)) < 1e-4  # what tells colours has nothing to tell
    assert int(flat.sum()) == 2 * one.shape[1]


def test_nothing_is_trained_or_saved_and_the_shape_comes_back() -> None:
    net = bank(3)
    assert not list(net.parameters())
    assert net.state_dict() == {}
    assert FilterConfig.from_dict({"size": [64, 48], "channels": 3, "levels": 4, "cell": 8}) == net.config
