"""On a GPU: a training repeats and resumes, and what is scored there is what a CPU scores."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import mfgsql
from mfgsql.engine import Session
from mfgsql.features import ColumnProfile, FeatureSet
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.tasks import Target
from mfgsql.training import Recipe, Snapshot, TrainSpec, learn
from mfgsql.training.rows import HASH, SPLIT

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

ROWS = 2000
BACKBONES = ["transformer", "ensemble"]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    dice = np.random.default_rng(0)
    a, b = dice.normal(size=ROWS), dice.normal(size=ROWS)
    table = pa.table({"a": a, "b": b, "c": np.where(dice.random(ROWS) > 0.5, "p", "q"), "y": a * b > 0.3,
                      SPLIT: (np.arange(ROWS) % 5 == 0).astype(np.int8), HASH: np.arange(ROWS)})  # fmt: skip
    path = tmp_path_factory.mktemp("snapshot") / "rows.parquet"
    pq.write_table(table, path)
    return Snapshot(path, "hash", ROWS, 1600, 400, "FROM rows")


def spec(backbone: str, **told: object) -> TrainSpec:
    grid = tuple(np.linspace(-4, 4, 65).tolist())
    numbers = [ColumnProfile(n, "DOUBLE", ROWS, 0, ROWS, ROWS, -4.0, 4.0, quantiles=grid) for n in "ab"]
    words = ColumnProfile("c", "VARCHAR", ROWS, 0, 2, ROWS, top=(("p", 1000), ("q", 1000)))
    features, _ = FeatureSet.fit([*numbers, words])
    recipe = Recipe(epochs=4, batch_size=128, width=16, layers=1, heads=2, **told).settled(backbone, 1)
    return TrainSpec(features, recipe, "classification", Target("y", "BOOLEAN", ("false", "true"), (1200, 800)), None)


def same(one: Model, two: Model) -> bool:
    ours, theirs = one.network.state_dict(), two.network.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("precision", ["auto", "fp16", "fp32"])
def test_a_training_repeats_and_resumes(
    snapshot: Snapshot, backbone: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = spec(backbone, precision=precision)
    whole = learn(snapshot, told, device="cuda:0")
    assert same(whole.model, learn(snapshot, told, device="cuda:0").model)
    states: list[bytes] = []
    monkeypatch.setattr(sys.modules[learn.__module__], "_SAVE_EVERY", 0.0)
    learn(snapshot, told, device="cuda:0", save=states.append)
    for state in (states[0], states[len(states) // 2], states[-2]):
        assert same(whole.model, learn(snapshot, told, device="cuda:0", resume=state).model)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_gpu_scores_what_a_cpu_scores(snapshot: Snapshot, backbone: str) -> None:
    data = learn(snapshot, spec(backbone), device="cuda:0").model.to_bytes()
    table = pq.read_table(snapshot.path)
    columns = {name: table[name].combine_chunks() for name in "abc"}
    cpu, gpu = (Scorer(Model.from_bytes(data), device).score(columns, ROWS) for device in ("cpu", "cuda:0"))
    np.testing.assert_allclose(gpu.prediction.scores, cpu.prediction.scores, atol=1e-4)


@pytest.fixture(scope="module")
def plants(tmp_path_factory: pytest.TempPathFactory, finetune: Callable[..., str]) -> Iterator[tuple[Session, Session]]:
    """A database with the models ``fail`` and ``wear``, on the GPU, and a copy of it on the CPU."""
    folder = tmp_path_factory.mktemp("gpu")
    source = """SELECT i AS id, (i % 40) / 10.0 AS torque, substr('ABC', 1 + i % 3, 1) AS shift, (i % 40) > 28 AS failed,
      (i % 40) / 5.0 AS wear FROM range(20000) r(i)"""
    with mfgsql.connect(folder / "gpu.duckdb", device="cuda", threads=16, progress="off") as gpu:
        gpu.execute(f"CREATE TABLE parts AS {source}")
        gpu.execute(finetune("fail", "SELECT torque, shift, failed FROM parts", "failed")).fetchall()
        gpu.execute(finetune("wear", "SELECT torque, shift, wear FROM parts", "wear")).fetchall()
        with mfgsql.connect(folder / "cpu.duckdb", device="cpu", progress="off") as cpu:
            cpu.execute(f"CREATE TABLE parts AS {source}")
            for model in ("fail", "wear"):
                gpu.execute("FROM ml_export($1, $2)", [model, str(folder / model)]).fetchall()
                cpu.execute("FROM ml_import($1, $2)", [model, str(folder / model)]).fetchall()
            yield gpu, cpu


def test_the_gpu_is_chosen_and_shown(plants: tuple[Session, Session]) -> None:
    gpu, cpu = plants
    assert [d for d, used in gpu.execute("SELECT device, used FROM ml_devices()").fetchall() if used] == ["cuda:0"]
    assert [d for d, used in cpu.execute("SELECT device, used FROM ml_devices()").fetchall() if used] == ["cpu"]
    assert gpu.execute("SELECT DISTINCT device FROM ml.runs").fetchall() == [("cuda:0",)]


def test_many_threads_get_their_own_rows(plants: tuple[Session, Session]) -> None:
    gpu, cpu = plants
    ask = "SELECT id, {} FROM ml_predict('{}', 'FROM parts WHERE id % 13 = {}') ORDER BY id"
    asked = [ask.format(*pair, n) for pair in (("probability", "fail"), ("predicted_wear", "wear")) for n in range(13)]

    def scored(session: Session, query: str) -> np.ndarray:
        return np.array(session.con.cursor().execute(query).fetchall(), float)

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda q: scored(gpu, q), asked * 4))
    for query, rows in zip(asked * 4, got, strict=True):
        np.testing.assert_allclose(rows, scored(cpu, query), atol=1e-3)


def test_reasons_importance_and_report_are_had(plants: tuple[Session, Session], tmp_path: Path) -> None:
    gpu, cpu = plants
    ask = "SELECT why[1].feature, why[1].contribution FROM ml_predict('wear', 'FROM parts WHERE id < 50', explain := 2) ORDER BY id"
    ours, theirs = gpu.execute(ask).fetchall(), cpu.execute(ask).fetchall()
    assert [a for a, _ in ours] == [a for a, _ in theirs]
    np.testing.assert_allclose([e for _, e in ours], [e for _, e in theirs], atol=2e-2)
    assert gpu.execute("SELECT count(*) FROM ml_feature_importance('fail')").fetchone() == (2,)
    assert "<html" in gpu.execute("SELECT ml_report('fail')").fetchone()[0]
