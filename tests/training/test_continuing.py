"""Going on from a champion: weights that stay, answers that are held on to."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mfgsql.backbones import EnsembleConfig
from mfgsql.features import FeatureSet
from mfgsql.manifest import Manifest
from mfgsql.model import Model
from mfgsql.tasks import Target
from mfgsql.training.continuing import Champion, Teacher
from mfgsql.training.rows import Rows

TARGET = Target("grade", "VARCHAR", ("a", "b"), (5, 5))


@pytest.fixture()
def model() -> Model:
    torch.manual_seed(0)
    config = EnsembleConfig((("x", 1), ("y", 1)), (), groups=2, members=3, width=8, layers=1, bins=4, embedding=2)
    made = Model.build(Manifest("classification", None, TARGET, FeatureSet(()), config))
    made.network.eval()
    return made


def rows(replayed: torch.Tensor | None, n: int = 6) -> Rows:
    x = torch.randn(n, 2)
    return Rows(x, torch.zeros(n, 0, dtype=torch.int64), torch.zeros(n, dtype=torch.int64), torch.ones(n),
                torch.arange(n) % 2 + 1, torch.zeros(n, dtype=torch.bool), replayed=replayed)  # fmt: skip


def test_it_starts_as_the_champion_and_knows_more_classes(model: Model) -> None:
    grown = replace(TARGET, classes=("a", "b", "c", "d"), counts=(5, 5, 5, 5))
    champion = Champion(model)
    started = champion.start(grown, {"from": "m@1"})
    started.network.eval()
    batch = rows(None)
    was, now = (m.network(batch.continuous, batch.codes, batch.speaker) for m in (model, started))
    assert torch.equal(now[..., :2], was)
    assert torch.allclose(now[..., 2], was.mean(-1), atol=1e-6)
    assert model.target.classes == ("a", "b")
    with torch.no_grad():
        next(started.network.parameters()).add_(1.0)
    assert torch.equal(model.network(batch.continuous, batch.codes, batch.speaker), was)


def test_only_replayed_rows_are_held_to_the_champions_answers(model: Model) -> None:
    old = torch.tensor([True, False, True, False, False, True])
    batch = rows(old)
    said = model.network(batch.continuous, batch.codes, batch.speaker).detach()
    teacher = Champion(model, 0.5).teacher(torch.device("cpu"))
    assert teacher is not None and Champion(model).teacher(torch.device("cpu")) is None
    assert teacher.losses(batch, said).abs().max() < 1e-9
    apart = teacher.losses(batch, said + 2)
    assert apart[old].tolist() == pytest.approx([2.0] * 3) and apart[~old].tolist() == [0.0] * 3  # 0.5 * 2 squared
    more = torch.cat([said, torch.full_like(said[..., :1], 9.0)], -1)  # classes that it does not know cost nothing
    assert teacher.losses(batch, more).abs().max() < 1e-9
    everywhere = Teacher(Champion(model, 0.5, everywhere=True), torch.device("cpu"))
    assert everywhere.losses(rows(None), said + 2).min() > 0
