"""Pictures changed for training: still pictures, changed as the options allow, and the same by the same seed."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.training.augmenting import AUGMENT, FLIPS, Augmentation

STILL = {"crop": 0.0, "shift": 0.0, "light": 0.0, "noise": 0.0, "erase": 0.0}
NOTHING = STILL | {"horizontal": False, "vertical": False}


def pictures(n: int, channels: int = 3, height: int = 12, width: int = 12) -> torch.Tensor:
    return torch.randint(
        256, (n, channels, height, width), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 5), st.sampled_from([1, 3]), st.integers(1, 20), st.integers(1, 20),
    st.sampled_from(AUGMENT[:2]), st.sampled_from(FLIPS), st.booleans(),
)  # fmt: skip
def test_any_batch_stays_a_batch(
    n: int, channels: int, height: int, width: int, augment: str, flips: str, turns: bool
) -> None:
    made = Augmentation.parse(augment, flips)
    before = pictures(n, channels, height, width)
    pixels = before.clone()
    changed = Augmentation(**vars(made) | {"turns": turns})(pixels)
    assert (changed.shape, changed.dtype) == (before.shape, torch.uint8)
    assert torch.equal(pixels, before)


def test_none_changes_nothing() -> None:
    assert all(Augmentation.parse("none", flips) is None for flips in FLIPS)
    assert torch.equal(Augmentation(**NOTHING)(pictures(4)), pictures(4))


def test_seeds() -> None:
    change, pixels = Augmentation(turns=True), pictures(8)
    torch.manual_seed(1)
    first = change(pixels)
    torch.manual_seed(1)
    assert torch.equal(change(pixels), first)
    assert not torch.equal(change(pixels), first)


@pytest.mark.parametrize(
    ("flips", "ways"),
    [("none", [()]), ("horizontal", [(), (3,)]), ("vertical", [(), (2,)]), ("both", [(), (2,), (3,), (2, 3)])],
)
def test_flips(flips: str, ways: list[tuple[int, ...]]) -> None:
    made = Augmentation.parse("auto", flips)
    change = Augmentation(**STILL, horizontal=made.horizontal, vertical=made.vertical)
    pixels = pictures(1).expand(64, -1, -1, -1)
    torch.manual_seed(0)
    seen = {tuple(p.flatten().tolist()) for p in change(pixels)}
    assert seen == {tuple(pictures(1).flip(way).flatten().tolist()) for way in ways}


def test_turns_of_square_pictures() -> None:
    change = Augmentation(**NOTHING, turns=True)
    torch.manual_seed(0)
    seen = {tuple(p.flatten().tolist()) for p in change(pictures(1).expand(64, -1, -1, -1))}
    assert seen == {tuple(pictures(1).rot90(k, (2, 3)).flatten().tolist()) for k in range(4)}
    wide = pictures(4, width=20)
    assert torch.equal(change(wide), wide)


def test_crops_show_a_part_of_the_picture() -> None:
    """Of a ramp each crop shows a shorter one, and nothing beyond its ends."""
    ramp = torch.arange(0, 200, 2, dtype=torch.uint8).expand(50, 1, 100, 100).contiguous()
    torch.manual_seed(0)
    changed = Augmentation(**NOTHING | {"crop": 0.5})(ramp).float()
    span = changed.amax(dim=(1, 2, 3)) - changed.amin(dim=(1, 2, 3))
    assert 95 <= span.min() < 120
    assert 170 < span.max() <= 198
    assert changed[:, 0].diff(dim=2).min() >= 0
    assert changed.amin(dim=(1, 2, 3)).std() > 5


def test_shifts_move_the_picture_either_way() -> None:
    dot = torch.zeros(200, 1, 21, 21, dtype=torch.uint8)
    dot[:, :, 10, 10] = 255
    torch.manual_seed(0)
    changed = Augmentation(**NOTHING | {"shift": 0.2})(dot).float()
    at = torch.arange(21.0)
    for dim in (1, 2):
        where = (changed[:, 0].sum(dim=3 - dim) * at).sum(dim=1) / changed.sum(dim=(1, 2, 3))
        assert 5.5 < where.min() < 8
        assert 12 < where.max() < 14.5


def test_light_changes_each_picture_by_itself() -> None:
    pixels = torch.full((100, 1, 8, 8), 100, dtype=torch.uint8)
    torch.manual_seed(0)
    changed = Augmentation(**NOTHING | {"light": 0.2})(pixels).float()
    assert changed.std(dim=(1, 2, 3)).max() == 0
    assert changed.mean(dim=(1, 2, 3)).min() >= 100 - 255 * 0.1
    assert changed.mean(dim=(1, 2, 3)).std() > 5


def test_noise_leaves_some_pictures_clean() -> None:
    pixels = torch.full((100, 1, 32, 32), 100, dtype=torch.uint8)
    torch.manual_seed(0)
    spread = Augmentation(**NOTHING | {"noise": 0.02})(pixels).float().std(dim=(1, 2, 3))
    assert (spread == 0).float().mean() > 0.3
    assert 3 < spread.max() < 6


def test_blots_take_a_part_of_half_of_the_pictures() -> None:
    pixels = torch.arange(256).repeat(16).view(1, 1, 64, 64).to(torch.uint8).expand(200, -1, -1, -1)
    torch.manual_seed(0)
    gone = (Augmentation(**NOTHING | {"erase": 0.5})(pixels) != pixels).float().mean(dim=(1, 2, 3))
    assert 0.3 < (gone > 0).float().mean() < 0.6
    assert gone.max() <= 0.26


def test_black_and_white_stay_in_range() -> None:
    extremes = torch.stack([torch.zeros(1, 16, 16), torch.full((1, 16, 16), 255)]).to(torch.uint8).repeat(20, 1, 1, 1)
    changed = Augmentation()(extremes).float().mean(dim=(1, 2, 3))
    assert changed[::2].max() < 60
    assert changed[1::2].min() > 195
