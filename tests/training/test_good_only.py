"""Detectors that learn from good pictures only: their limits hold for pictures they have not seen."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from mfgsql.cancellation import Cancellation
from mfgsql.errors import CancelledError, DataError
from mfgsql.tasks.limits import Limits
from mfgsql.tasks.patches import Memory
from mfgsql.training.good_only import Remembered, fit_memory
from tests.tasks.plates import features, plates, spotted


def batches(pictures: Tensor, size: int = 16) -> Iterator[Tensor]:
    for start in range(0, len(pictures), size):
        yield features(pictures[start : start + size])


def scores(fitted: Remembered, pictures: Tensor) -> Tensor:
    calibration = json.loads(json.dumps(fitted.calibration))
    memory = Memory(**calibration["memory"])
    memory.load_state_dict(fitted.memory.state_dict())
    return Limits.from_dict(calibration).scores(memory(features(pictures)))


@pytest.fixture(scope="module")
def fitted() -> Remembered:
    return fit_memory(batches(plates(60, 1)), level=0.02)


def test_good_plates_seldom_and_bad_ones_always(fitted: Remembered) -> None:
    new = plates(100, 2)
    assert (scores(fitted, new) > 1).double().mean() <= 0.08
    assert (scores(fitted, spotted(new[:30], 50, 20)) > 1).all()
    assert (scores(fitted, plates(30, 3, grain=2.0)) > 1).double().mean() > 0.9
    assert fitted.calibration["threshold"] == 1.0
    assert fitted.calibration["pictures"] == 60
    assert fitted.calibration["level"] == 0.02


def test_the_same_however_it_comes_in_batches(fitted: Remembered) -> None:
    again = fit_memory(batches(plates(60, 1), 7), level=0.02)
    assert again.calibration["memory"] == fitted.calibration["memory"]
    for view in ("local", "whole", "place"):
        assert again.calibration[view] == pytest.approx(fitted.calibration[view], rel=1e-4)
    assert torch.allclose(again.memory.bank, fitted.memory.bank, atol=1e-2)


def test_a_level_moves_the_limits(fitted: Remembered) -> None:
    strict = fit_memory(batches(plates(60, 1)), level=0.2)
    new = plates(100, 2)
    assert (scores(strict, new) > 1).sum() > (scores(fitted, new) > 1).sum()


def test_some_bad_plates_among_the_good_ones() -> None:
    mixed = torch.cat([plates(57, 1), spotted(plates(3, 8), 50, 20)])[torch.randperm(60, generator=torch.Generator().manual_seed(0))]
    spoilt = fit_memory(batches(mixed))
    found = scores(spoilt, spotted(plates(30, 9), 10, 70, size=20))
    assert (found > 1).double().mean() > 0.8


def test_how_much_is_remembered() -> None:
    assert fit_memory(batches(plates(12, 1)), size=50).calibration["memory"] == {"size": 50, "width": 21, "neighbourhood": 3}
    assert fit_memory(batches(plates(12, 1))).memory.shape["size"] == round(0.1 * 12 * 144)


def test_a_network_that_knows_nothing() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 16, 5, 4, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU())
    with torch.inference_mode():
        seen = [net(p.float() / 255) for p in plates(40, 1).split(10)]
        fitted = fit_memory(iter(seen))
        new = plates(40, 2)
        good, bad = (Limits.from_dict(fitted.calibration).scores(fitted.memory(net(p.float() / 255))) for p in (new, spotted(new, 30, 30)))
    assert bad.median() > good.quantile(0.9)


def test_too_few() -> None:
    with pytest.raises(DataError, match="9 good pictures don't tell what is usual: at least 10"):
        fit_memory(batches(plates(9, 1)))
    with pytest.raises(DataError, match="0 good pictures"):
        fit_memory(iter(()))


def test_a_stop_is_heard() -> None:
    cancellation = Cancellation()
    cancellation.set()
    with pytest.raises(CancelledError):
        fit_memory(batches(plates(20, 1)), check=cancellation.check)
