"""Memories of good patches: what covers what, what is far from good, and where in the picture that was given."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load, save

from mfgsql.tasks.coreset import Reservoir, coreset, project
from mfgsql.tasks.heat_maps import heat_map_png
from mfgsql.tasks.limits import Limits, limit
from mfgsql.tasks.patches import Memory, MemoryBuilder, smooth
from mfgsql.tasks.regions import MOST, regions
from tests.tasks.plates import features, plates, spotted


def made(seed: int = 0, size: int = 200) -> Memory:
    builder = MemoryBuilder(seed)
    builder.add(features(plates(30, 1)))
    return builder.build(size)


@pytest.fixture(scope="module")
def memory() -> Memory:
    return made()


@pytest.mark.parametrize("width", [5, 300])
def test_a_coreset_covers_better_than_chance(width: int) -> None:
    dice = torch.Generator().manual_seed(0)
    patches = torch.randn(1500, 4, generator=dice) @ torch.randn(4, width, generator=dice)
    chosen = coreset(patches, 60, 0)
    assert len(set(chosen.tolist())) == 60
    radius = torch.cdist(patches, patches[chosen]).amin(dim=1).max()
    others = [torch.randperm(1500, generator=dice)[:60] for _ in range(20)]
    assert radius < min(torch.cdist(patches, patches[o]).amin(dim=1).max() for o in others)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 60), different=st.integers(1, 8), size=st.integers(1, 80), width=st.sampled_from([1, 3, 200]))
def test_a_coreset_holds_no_patch_twice(n: int, different: int, size: int, width: int) -> None:
    # Apart by more than what rounding makes of no distance, as two of a few random numbers need not be.
    dice = torch.Generator().manual_seed(n)
    kinds = torch.arange(different)[:, None] + 0.05 * torch.randn(different, width, generator=dice)
    patches = kinds[torch.arange(n) % different]
    chosen = coreset(patches, size, 0)
    assert len(chosen) == min(size, n, different)
    assert len(torch.unique(patches[chosen], dim=0)) == len(chosen)


def test_a_projection_keeps_distances() -> None:
    wide = torch.randn(100, 1000, generator=torch.Generator().manual_seed(0))
    ratio = torch.pdist(project(wide, 3)) / torch.pdist(wide)
    assert project(wide, 3).shape == (100, 128)
    assert 0.9 < ratio.mean() < 1.1
    assert ratio.std() < 0.12


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 400), max_size=6), most=st.integers(1, 500))
def test_a_sample_does_not_depend_on_the_batches(cuts: list[int], most: int) -> None:
    items = torch.arange(400.0).view(-1, 1)
    one, other = Reservoir(most, 2**20, 7), Reservoir(most, 2**20, 7)
    one.add(items, torch.arange(400))
    bounds = [0, *sorted(cuts), 400]
    for start, stop in zip(bounds, bounds[1:], strict=False):
        other.add(items[start:stop], torch.arange(start, stop))
    (mine, owners), (theirs, _) = one.taken(), other.taken()
    assert torch.equal(mine, theirs)
    assert len(mine) == min(most, 400)
    assert torch.equal(mine[:, 0].long(), owners)


def test_a_sample_is_fair_and_bounded_in_bytes() -> None:
    sample = Reservoir(10_000, 4 * 1000, 0)
    for start in range(0, 50_000, 500):
        sample.add(torch.arange(start, start + 500).float(), torch.zeros(500, dtype=torch.int64))
    taken = sample.taken()[0]
    assert len(taken) == 1000
    assert 23_000 < taken.mean() < 27_000
    other = Reservoir(10, 4 * 1000, 1)
    other.add(torch.arange(1000.0), torch.zeros(1000, dtype=torch.int64))
    assert not torch.equal(other.taken()[0], taken[:10])


def test_a_spot_is_far_and_a_good_plate_is_not(memory: Memory) -> None:
    new = plates(20, 2)
    good, bad = memory(features(new)), memory(features(spotted(new, 40, 60)))
    assert bad.local.min() > good.local.max()
    assert good.maps.shape == (20, 48, 48)
    rows, columns = np.unravel_index(bad.maps.flatten(1).argmax(dim=1).numpy(), (48, 48))
    assert ((columns * 2 >= 36) & (columns * 2 <= 56)).all()
    assert ((rows * 2 >= 56) & (rows * 2 <= 76)).all()


def test_another_texture_is_seen_as_a_whole(memory: Memory) -> None:
    good, other = memory(features(plates(20, 2))), memory(features(plates(20, 3, grain=2.0)))
    assert other.whole.min() > good.whole.max()


def test_the_same_seed_makes_the_same_memory(memory: Memory) -> None:
    again = made()
    assert all(torch.equal(a, b) for a, b in zip(memory.state_dict().values(), again.state_dict().values(), strict=True))


def test_pictures_are_scored_one_by_one(memory: Memory) -> None:
    seen = features(spotted(plates(5, 4), 10, 10))
    together, alone = memory(seen), [memory(s[None]) for s in seen]
    for name in ("local", "whole", "maps"):
        assert torch.allclose(getattr(together, name), torch.cat([getattr(a, name) for a in alone]), atol=1e-5)


def test_a_memory_is_saved_with_its_state(memory: Memory) -> None:
    empty = Memory(**json.loads(json.dumps(memory.shape)))
    empty.load_state_dict(load(save(memory.state_dict())))
    seen = features(plates(3, 5))
    assert torch.equal(empty(seen).local, memory(seen).local)
    assert torch.equal(empty(seen).whole, memory(seen).whole)


def test_good_pictures_that_are_all_equal() -> None:
    builder = MemoryBuilder(0)
    builder.add(features(plates(1, 0).expand(12, -1, -1, -1)))
    memory = builder.build(500)
    assert len(memory.bank) <= 144
    good, bad = memory(features(plates(1, 0))), memory(features(plates(1, 6)))
    assert good.local < 0.01
    assert bad.local > 10 * good.local
    assert torch.isfinite(bad.whole).all()
    assert bad.whole > good.whole


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (7, 2)])
def test_grids_of_any_size(shape: tuple[int, int]) -> None:
    dice = torch.Generator().manual_seed(0)
    builder = MemoryBuilder(0)
    builder.add(torch.randn(20, 600, *shape, generator=dice))
    found = builder.build(10)(torch.randn(2, 600, *shape, generator=dice))
    assert found.maps.shape == (2, 4 * shape[0], 4 * shape[1])
    assert torch.isfinite(found.local).all()
    assert torch.isfinite(found.whole).all()


def test_smoothing_keeps_levels_and_places() -> None:
    assert torch.allclose(smooth(torch.full((1, 6, 9), 3.0), (24, 36)), torch.tensor(3.0))
    spot = torch.zeros(1, 6, 9)
    spot[0, 2, 7] = 1
    large = smooth(spot, (24, 36))[0]
    row, column = np.unravel_index(int(large.argmax()), (24, 36))
    assert 8 <= row <= 11
    assert 28 <= column <= 31


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), h=st.integers(1, 40), w=st.integers(1, 40), width=st.integers(1, 5000), height=st.integers(1, 5000), threshold=st.floats(0.1, 3))
def test_regions_lie_in_the_picture(seed: int, h: int, w: int, width: int, height: int, threshold: float) -> None:
    places = np.random.default_rng(seed).gamma(1, 1, (h, w))
    found = regions(places, threshold, (width, height))
    assert bool(found) == bool(places.max() > threshold)
    assert len(found) <= MOST
    scores = [r["score"] for r in found]
    assert scores == sorted(scores, reverse=True)
    assert all(s > threshold for s in scores)
    assert not found or scores[0] == places.max()
    for r in found:
        assert r["x"] >= 0 and r["y"] >= 0 and r["width"] >= 1 and r["height"] >= 1
        assert r["x"] + r["width"] <= width and r["y"] + r["height"] <= height
        assert all(type(r[n]) is int for n in ("x", "y", "width", "height"))


def test_regions_are_where_the_original_has_them() -> None:
    places = np.zeros((50, 100))
    places[10:20, 30:50] = 2.0
    places[40:45, 80:90] = 3.0
    places[0, 0] = 5.0  # a speck
    assert regions(places, 1.0, (1000, 1500)) == [
        {"x": 800, "y": 1200, "width": 100, "height": 150, "score": 3.0},
        {"x": 300, "y": 300, "width": 200, "height": 300, "score": 2.0},
    ]
    assert regions(places, 2.5, (100, 50)) == [{"x": 80, "y": 40, "width": 10, "height": 5, "score": 3.0}]
    assert regions(np.zeros((5, 5)), 1.0, (10, 10)) == []


def test_a_region_reaches_down_but_not_to_the_next() -> None:
    places = np.full((40, 40), 0.1)
    places[5:15, 5:15] = 0.6  # around a peak, and unusual as well
    places[8:12, 8:12] = 1.2
    places[20:30, 20:30] = 0.6  # no peak
    (only,) = regions(places, 1.0, (40, 40))
    assert (only["x"], only["y"], only["width"], only["height"]) == (5, 5, 10, 10)


@pytest.mark.parametrize("n", [15, 50, 300])
@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_a_limit_is_exceeded_as_seldom_as_was_asked(n: int, level: float) -> None:
    dice = np.random.default_rng(n)
    new = dice.normal(size=(4000, 50)).max(axis=1)
    draws = [dice.normal(size=(n, 50)).max(axis=1) for _ in range(40)]
    exceeded = np.mean([(new > limit(drawn, level)).mean() for drawn in draws])
    assert level / 4 < exceeded < 1.3 * level + 0.02
    spoilt = np.append(draws[0], np.full(n // 15, 50.0))
    assert limit(spoilt, level) < 10


def test_scores_are_in_units_of_good_pictures() -> None:
    dice = np.random.default_rng(0)
    draw = lambda: (dice.gumbel(5, 1, 300), dice.gumbel(100, 3, 300), dice.gumbel(2, 0.1, 300))  # noqa: E731
    limits = Limits.fit(*draw(), level=0.05)
    again = Limits.from_dict(json.loads(json.dumps(limits.to_dict())))
    assert again == limits
    assert limits.to_dict()["threshold"] == 1.0
    from mfgsql.tasks.patches import Found

    local, whole, places = (torch.from_numpy(v) for v in draw())
    found = Found(local, whole, places.view(-1, 1, 1))
    scores = again.scores(found)
    assert 0.01 < (scores > 1).double().mean() < 0.1
    assert abs(float(scores.median())) < 0.4
    assert 0.01 < (again.places(found) > 1).double().mean() < 0.1


def test_a_heat_map_shows_the_place() -> None:
    picture = np.full((3, 64, 64), 120, np.uint8)
    places = np.zeros((16, 16))
    places[2:5, 10:13] = 3.0
    image = Image.open(io.BytesIO(heat_map_png(picture, places, (2000, 1000))))
    assert (image.format, image.size) == ("PNG", (512, 256))
    seen = np.asarray(image).astype(int)
    red = seen[..., 0] - seen[..., 2]
    row, column = np.unravel_index(red.argmax(), red.shape)
    assert 32 <= row < 80
    assert 320 <= column < 416
    assert red[200:, :200].max() == 0
    assert Image.open(io.BytesIO(heat_map_png(picture[:1], places, (1, 3)))).size == (1, 3)
