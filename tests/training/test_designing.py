"""A language of rows as a pure program: it learns, resumes to the last bit, and says rows that it may say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from mfgsql.backbones import RowLanguage
from mfgsql.features import ColumnProfile, FeatureSet
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.scoring.designing import Designer
from mfgsql.training import Recipe, Snapshot, TrainSpec, learn
from mfgsql.training.snapshot import HASH, SPLIT

ROWS = 400
RECIPE = Recipe(epochs=12, batch_size=64, width=16, layers=1, heads=2, learning_rate=0.01).settled("rows", 1)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    a = np.random.default_rng(0).integers(0, 4, ROWS)
    table = pa.table({"a": a, "b": (a + 1) % 4, "c": np.where(a > 1, "p", "q"),
                      SPLIT: (np.arange(ROWS) % 5 == 0).astype(np.int8), HASH: np.arange(ROWS)})  # fmt: skip
    path = tmp_path_factory.mktemp("snapshot") / "rows.parquet"
    pq.write_table(table, path, row_group_size=130)
    return Snapshot(path, "hash", ROWS, 320, 80, "FROM rows")


def spec() -> TrainSpec:
    top = tuple((repr(float(v)), 100) for v in range(4))
    numbers = [ColumnProfile(n, "INTEGER", ROWS, 0, 4, ROWS, 0.0, 3.0, quantiles=(0.0, 3.0), top=top) for n in "ab"]
    words = ColumnProfile("c", "VARCHAR", ROWS, 0, 2, ROWS, top=(("p", 200), ("q", 200)))
    features, _ = FeatureSet.fit([*numbers, words], binned_numbers=True)
    return TrainSpec(features, RECIPE, objective="design")


def same(one: Model, two: Model) -> bool:
    ours, theirs = one.network.state_dict(), two.network.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def test_it_learns_and_a_resumed_training_ends_with_equal_weights(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, states = learn(snapshot, spec()), list[bytes]()
    assert whole.judgement is not None
    assert whole.judgement.loss < 0.7 < whole.baseline["loss"]  # of log(4) / 3 at least, in an order that is not known
    monkeypatch.setattr("mfgsql.training.loop._SAVE_EVERY", 0.0)
    learn(snapshot, spec(), save=states.append)
    for state in (states[0], states[len(states) // 2]):
        assert same(whole.model, learn(snapshot, spec(), resume=state).model)
    read = Model.from_bytes(whole.model.to_bytes(), verify=True)
    assert same(read, whole.model)
    assert read.manifest == whole.model.manifest
    assert np.array(read.manifest.calibration["past"]).shape == (110, 3) or len(read.manifest.calibration["past"]) <= 256


def test_rows_are_said_as_learnt_given_what_is_known(snapshot: Snapshot) -> None:
    model = learn(snapshot, spec()).model
    backbone = model.network.backbone
    assert isinstance(backbone, RowLanguage)
    allowed = np.ones(backbone.config.tokens, bool)
    allowed[[0, 1, 6, 7, 12, 13]] = False  # unknown and missing
    designer = Designer(Scorer(model), allowed, np.zeros(3, bool), seed=1)
    whole = designer.complete(np.zeros((300, 3), np.int64), np.zeros((300, 3), bool))
    assert whole.min() >= 2
    assert (whole[:, 1] - 2 == (whole[:, 0] - 1) % 4).mean() > 0.9
    known = np.zeros((100, 3), bool)
    known[:, 1] = True
    rest = designer.complete(np.full((100, 3), 4), known)
    assert (rest[:, 1] == 4).all()
    assert (rest[:, 0] == 3).mean() > 0.9
    right, wrong = (designer.likelihood(np.array([[2, code, 3]])) for code in (3, 5))
    assert right > wrong + 1
    sure = Designer(Scorer(model), allowed, np.zeros(3, bool), temperature=0.1, top_p=0.5)
    said = sure.complete(np.zeros((100, 3), np.int64), np.zeros((100, 3), bool))
    assert (said[:, 1] - 2 == (said[:, 0] - 1) % 4).all()


def test_steps_with_a_cache_say_what_a_whole_pass_says(snapshot: Snapshot) -> None:
    from transformers import DynamicCache

    torch.manual_seed(0)
    backbone = Model.build(spec().manifest(None, {})).network.eval().backbone
    codes, order = torch.tensor([[2, 3, 2], [4, 5, 3]]), torch.tensor([[0, 1, 2], [2, 0, 1]])
    told = codes.gather(1, order)
    whole, cache = backbone(told, order), DynamicCache()
    steps = [backbone(told[:, :2], order[:, :2], cache)]
    before = told[:, 1] + backbone.offsets[order[:, 1]]
    steps.append(backbone(told[:, 1:2], order[:, 2:], cache, before))
    assert torch.allclose(torch.cat(steps, dim=1), whole, atol=1e-5)
