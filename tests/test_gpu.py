"""On a GPU: a training repeats and resumes, and what is scored there is what a CPU scores."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
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
from mfgsql.training.snapshot import HASH, SPLIT

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
    monkeypatch.setattr("mfgsql.training.loop._SAVE_EVERY", 0.0)
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


SMALL = "'width': 16, 'layers': 1, 'heads': 2, 'epochs': 2"
READINGS = """CREATE TABLE readings AS SELECT 'm' || i % 8 AS unit, TIMESTAMP '2026-01-01' + to_hours((i // 8)::INT) AS ts, sin(i // 8 / 3.0 + i % 8) AS x,
  hash(i) % 100 / 100 AS noise, sin((i // 8 - 1) / 3.0 + i % 8) > 0.5 AS hot FROM range(1600) r(i)"""
NOTES = """CREATE TABLE notes AS SELECT ['pump', 'valve', 'bearing'][1 + i % 3] || ' ' || ['leaks', 'is loud'][1 + i % 2] || ' on line ' || i % 9 AS note,
  hash(i) % 90 AS age, ['a', 'b', 'c'][1 + i % 3] AS system FROM range(300) r(i)"""
EVENTS = """CREATE TABLE events AS SELECT c AS order_no, ['cut', 'mill', 'wash', 'pack'][k] AS step,
  TIMESTAMP '2026-01-01' + to_hours(c * 3) + to_minutes((k * 60 + hash(c, k) % 50)::INT) AS done FROM range(80) t(c), range(1, 5) u(k)"""
SALES = """CREATE TABLE sales AS SELECT 's' || k AS sku, DATE '2026-01-01' + d::INT AS day, 10 * (k + 1) + 8 * (d % 7 >= 5)::INT + hash(k, d) % 5 AS qty
  FROM range(6) r(k), range(120) q(d)"""
LINES = """CREATE TABLE lines AS SELECT 'L' || i % 4 AS line, (i // 4) % 50 / 50.0 AS x, hash(i) % 100 / 100 AS noise, ((i // 4) % 50 > 25) != (i % 4 > 1) AS bad
  FROM range(1600) r(i)"""
SERIES = f"entity := 'unit', order_by := 'ts', options := {{'window': 8, 'patch': 2, {SMALL}}}"
KINDS = {  # what is made, what learns from it, what both devices are asked
    "histories": (READINGS, f"FROM ml_finetune('m', 'SELECT unit, ts, x, noise, hot FROM readings', target := 'hot', {SERIES})",
                  "SELECT probability FROM ml_predict('m', 'readings') ORDER BY unit, ts"),
    "anomalies": (READINGS, f"FROM ml_finetune('m', 'SELECT unit, ts, x, noise FROM readings', task := 'anomaly', {SERIES})",
                  "SELECT score FROM ml_detect_anomalies('m', 'readings') ORDER BY unit, ts"),
    "texts": (NOTES, f"FROM ml_finetune('m', 'notes', target := 'system', options := {{'batch_size': 32, {SMALL}}})",
              "SELECT probability FROM ml_predict('m', 'notes') ORDER BY note, age"),
    "process": (EVENTS, f"FROM ml_finetune('m', 'events', task := 'process', target := 'step', entity := 'order_no', order_by := 'done', options := {{{SMALL}}})",
                "SELECT predicted_remaining FROM ml_predict('m', 'events') ORDER BY order_no, done"),
    "forecast": (SALES, "FROM ml_finetune('m', 'sales', task := 'forecast', target := 'qty', entity := 'sku', order_by := 'day', "
                 "options := {'epochs': 2, 'members': 1, 'width': 8, 'heads': 2, 'horizon': 7, 'window': 28})",
                 "SELECT predicted_qty FROM ml_forecast('m', 'sales') ORDER BY sku, day"),
    "adapters": (LINES, f"FROM ml_finetune('m', 'lines', target := 'bad', adapter_by := 'line', options := {{'backbone': 'transformer', 'rank': 2, {SMALL}}})",
                 "SELECT probability FROM ml_predict('m', 'lines') ORDER BY line, x, noise"),
    "pictures": (None, "FROM ml_finetune('m', 'SELECT image, kind FROM pictures', target := 'kind', options := {'size': 32, 'batch_size': 32, 'epochs': 2})",
                 "SELECT probability FROM ml_predict('m', 'pictures') ORDER BY id"),
}  # fmt: skip


def pictures(session: Session) -> None:
    """Bright and dark ones."""
    dice = np.random.default_rng(0)
    rows = []
    for number in range(120):
        pixels = (dice.integers(0, 100, (32, 32)) + 150 * (number % 2)).astype(np.uint8)
        buffer = io.BytesIO()
        PIL.Image.fromarray(pixels).save(buffer, "PNG")
        rows.append({"id": number, "image": buffer.getvalue(), "kind": ["dark", "bright"][number % 2]})
    table = pa.Table.from_pylist(rows)
    session.con.register("made", table)
    session.execute("CREATE TABLE pictures AS FROM made")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_model_says_on_a_gpu_what_it_says_on_a_cpu(kind: str, tmp_path: Path) -> None:
    made, learns, asks = KINDS[kind]
    said = []
    for device in ("cuda", "cpu"):
        with mfgsql.connect(tmp_path / f"{device}.duckdb", device=device, threads=4, progress="off") as session:
            session.execute(made) if made else pictures(session)
            if device == "cuda":
                assert session.execute(f"SELECT status, device FROM ({learns})").fetchall() == [("finished", "cuda:0")]
                session.execute("FROM ml_export('m', $1)", [str(tmp_path / "m")]).fetchall()
            else:
                session.execute("FROM ml_import('m', $1)", [str(tmp_path / "m")]).fetchall()
            said.append(np.array(session.execute(asks).fetchall(), float))
    assert len(said[0]) > 30 and np.isfinite(said[0]).any()
    np.testing.assert_allclose(*said, atol=2e-3 * max(1.0, float(np.nanmax(np.abs(said[1])))))


def test_what_adapts_compares_and_drifts_does_so_on_a_gpu(plants: tuple[Session, Session]) -> None:
    gpu, _ = plants
    late = "SELECT torque, shift, (i % 40) > 20 AS failed FROM (SELECT id AS i, torque + 0.01 AS torque, shift FROM parts WHERE id < 400)"
    row = gpu.execute("SELECT status, device FROM ml_adapt('fail', $1, options := {'epochs': 2, 'trust': true})", [late]).fetchall()
    assert row == [("finished", "cuda:0")]
    compared = gpu.execute("SELECT count(*) FROM ml_compare('fail@candidate', 'fail', 'SELECT torque, shift, failed FROM parts')").fetchone()
    assert compared is not None and compared[0] > 1
    assert gpu.execute("SELECT count(*) FROM ml_drift('fail', 'SELECT torque + 9 AS torque, shift FROM parts')  WHERE drifted").fetchone() != (0,)
    assert gpu.execute("SELECT count(*) FROM ml_label_queue('fail', 'SELECT torque, shift FROM parts', k := 5)").fetchone() == (5,)
    designs = "SELECT torque, shift, wear FROM parts LIMIT 2000"
    gpu.execute(f"FROM ml_pretrain('maker', '{designs}', objective := 'design', options := {{'epochs': 2, 'width': 16, 'layers': 1}})").fetchall()
    assert gpu.execute("SELECT count(*) FROM ml_generate('maker', n := 5)").fetchone() == (5,)
