"""Learning from pictures alone: what is hidden, what is asked for, and that the tower has learnt it."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import ResNetConfig

from mfgsql.backbones.image import ImageConfig, ImageTower, default_image_config
from mfgsql.backbones.mae import PictureReconstruction, encode
from mfgsql.backbones.places import waves
from mfgsql.errors import OptionError


def tower_of(size: tuple[int, int] = (32, 48), channels: int = 1, **shape) -> ImageTower:
    torch.manual_seed(0)
    config = default_image_config("autoencoder", size, channels)
    small = {
        "patch_size": 8,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    config.model.update(small | shape)
    return ImageTower(config)


def stripes(n: int, size: tuple[int, int] = (32, 48)) -> torch.Tensor:
    """Pictures whose hidden patches follow from those shown: stripes of one direction and width each."""
    rows, columns = torch.meshgrid(*(torch.arange(s) for s in size), indexing="ij")
    ways = torch.randint(2, (n, 1, 1), generator=torch.Generator().manual_seed(0))
    waves_ = torch.where(ways == 0, rows, columns) * (2 * torch.pi / 8)
    return ((waves_.sin() * 100 + 128)[:, None]).to(torch.uint8)


@pytest.mark.parametrize(("ratio", "kept"), [(0.75, 6), (0.5, 12), (0.0, 24), (1.0, 1)])
def test_how_much_is_shown(ratio: float, kept: int) -> None:
    tower = tower_of().eval()
    states, shown = encode(tower, tower.normal(stripes(3)), ratio)
    assert (states.shape, shown.shape) == ((3, 1 + kept, 32), (3, kept))
    assert (shown.diff(dim=1) > 0).all()


def test_what_is_hidden_is_not_seen() -> None:
    tower = tower_of().eval()
    pixels = stripes(1)
    torch.manual_seed(5)
    states, shown = encode(tower, tower.normal(pixels), 0.75)
    changed = pixels.clone()
    for patch in set(range(24)) - set(shown[0].tolist()):
        row, column = divmod(patch, 6)
        changed[..., row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = 255
    torch.manual_seed(5)
    again, _ = encode(tower, tower.normal(changed), 0.75)
    torch.testing.assert_close(again, states)


def test_it_learns_and_the_tower_has_learnt_it() -> None:
    tower = tower_of()
    before = {k: v.clone() for k, v in tower.state_dict().items()}
    decoder = PictureReconstruction(tower, width=32, layers=1, heads=2)
    optimizer = torch.optim.AdamW([*tower.parameters(), *decoder.parameters()], lr=3e-3)
    losses = []
    for _ in range(60):
        loss = decoder.loss(tower, stripes(16), 0.5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] > 0.9
    assert losses[-1] < 0.3
    tower.eval()
    with torch.no_grad():
        states, _ = encode(tower, tower.normal(stripes(4)), 0.0)
        told = tower(stripes(4))
    torch.testing.assert_close(told.parts, states[:, 1:])
    torch.testing.assert_close(told.pooled[:, 0], states[:, 0])
    assert sum(not torch.equal(v, before[k]) for k, v in tower.state_dict().items()) > 20


def test_only_hidden_patches_are_asked_for() -> None:
    """Whatever the decoder says of the patches that are shown, the loss is the same."""
    tower = tower_of().eval()
    decoder = PictureReconstruction(tower, width=32, layers=1, heads=2).eval()
    pixels = torch.randint(256, (2, 1, 32, 48), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    torch.manual_seed(5)
    plain = decoder.loss(tower, pixels, 0.5)
    torch.manual_seed(5)
    _, shown = encode(tower, tower.normal(pixels), 0.5)

    def elsewhere(module, arguments, said):
        return said.scatter_add(1, shown.unsqueeze(-1).expand(-1, -1, said.shape[2]), torch.full_like(said, 9.0))

    decoder.register_forward_hook(elsewhere)
    torch.manual_seed(5)
    torch.testing.assert_close(decoder.loss(tower, pixels, 0.5), plain)


def test_an_error_of_one_is_no_better_than_the_mean_of_each_patch() -> None:
    tower = tower_of().eval()
    decoder = PictureReconstruction(tower, width=32, layers=1, heads=2)
    torch.nn.init.zeros_(decoder.out.weight)
    torch.nn.init.zeros_(decoder.out.bias)
    pixels = torch.randint(256, (4, 1, 32, 48), dtype=torch.uint8)
    assert float(decoder.loss(tower, pixels, 0.75).detach()) == pytest.approx(1.0, abs=0.02)


def test_blank_pictures_have_a_finite_loss() -> None:
    tower = tower_of()
    decoder = PictureReconstruction(tower, width=32, layers=1, heads=2)
    loss = decoder.loss(tower, torch.zeros(2, 1, 32, 48, dtype=torch.uint8))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in decoder.parameters() if p.grad is not None)


def test_a_network_made_for_another_size() -> None:
    tower = tower_of((32, 48), image_size=64)
    assert torch.isfinite(PictureReconstruction(tower).loss(tower, stripes(2)))
    tower.eval()
    with torch.no_grad():
        states, _ = encode(tower, tower.normal(stripes(2)), 0.0)
        torch.testing.assert_close(tower(stripes(2)).parts, states[:, 1:])


def test_what_it_can_not_teach() -> None:
    shape = ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1])
    config = ImageConfig(json.loads(shape.to_json_string(use_diff=False)), (32, 32), 3, (0.5,) * 3, (0.5,) * 3)
    with pytest.raises(OptionError, match="of type 'resnet'"):
        PictureReconstruction(ImageTower(config))


def test_pixels_that_fill_no_patch_are_left_out() -> None:
    tower = tower_of((30, 50), patch_size=8)
    loss = PictureReconstruction(tower, width=32, layers=1, heads=2).loss(tower, stripes(2, (30, 50)))
    assert loss.isfinite()
    tower.eval()
    with torch.no_grad():
        states, _ = encode(tower, tower.normal(stripes(2, (30, 50))), 0.0)
        assert tower(stripes(2, (30, 50))).grid == (3, 6)
        torch.testing.assert_close(tower(stripes(2, (30, 50))).parts, states[:, 1:])


def test_places_differ() -> None:
    places = waves(5, 7, 16)
    assert places.shape == (35, 16)
    assert torch.cdist(places, places).fill_diagonal_(1).min() > 0.1


def test_a_network_from_nothing_begins_with_neighbours_that_are_alike() -> None:
    """Of the patch in the middle of 4 x 6 the places beside it are nearer than all others."""
    places = tower_of().model.embeddings.position_embeddings[0, 1:].detach()
    distance = torch.cdist(places[8:9], places)[0]
    beside = [2, 7, 9, 14]
    others = [n for n in range(24) if n not in (8, *beside)]
    assert distance[beside].max() < distance[others].min()
