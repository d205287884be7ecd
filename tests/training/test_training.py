"""The trainer as a pure program: equal steps, saved and resumed states, rows in memory or from disk."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from mfgsql.features import ColumnProfile, FeatureSet
from mfgsql.model import Model
from mfgsql.tasks import Target, objectives
from mfgsql.training import Recipe, Snapshot, TrainSpec, learn
from mfgsql.training.learn import adapt
from mfgsql.training.optimizing import make_optimizer, step_size
from mfgsql.training.rows import RowSource
from mfgsql.training.snapshot import HASH, SPLIT, TRAIN
from mfgsql.training.trainer import Trainer

ROWS = 400
RECIPE = Recipe(epochs=4, batch_size=64, width=8, layers=1, heads=2, learning_rate=0.01, base_rate=0.1)
RECIPE = RECIPE.settled("transformer", 1)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    dice = np.random.default_rng(0)
    a, b = dice.normal(size=ROWS), dice.normal(size=ROWS)
    table = pa.table({"a": a, "b": b + a, "c": np.where(a > 0, "p", "q"), "y": a > 0.3,
                      SPLIT: (np.arange(ROWS) % 5 == 0).astype(np.int8), HASH: np.arange(ROWS)})  # fmt: skip
    path = tmp_path_factory.mktemp("snapshot") / "rows.parquet"
    pq.write_table(table, path, row_group_size=130)
    return Snapshot(path, "hash", ROWS, 320, 80, "FROM rows")


def spec(task: str | None, objective: str | None = None) -> TrainSpec:
    grid = tuple(np.linspace(-4, 4, 65).tolist())
    numbers = [ColumnProfile(n, "DOUBLE", ROWS, 0, ROWS, ROWS, -4.0, 4.0, quantiles=grid) for n in "ab"]
    words = ColumnProfile("c", "VARCHAR", ROWS, 0, 2, ROWS, top=(("p", 200), ("q", 200)))
    features, _ = FeatureSet.fit([*numbers, words])
    target = Target("y", "BOOLEAN", ("false", "true"), (250, 150)) if task else None
    return TrainSpec(features, RECIPE, task, target, objective)


def same(one: Model, two: Model) -> bool:
    ours, theirs = one.network.state_dict(), two.network.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def test_a_resumed_training_ends_with_equal_weights(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learn(snapshot, spec("classification"))
    assert same(whole.model, learn(snapshot, spec("classification")).model)
    states: list[bytes] = []
    monkeypatch.setattr("mfgsql.training.loop._SAVE_EVERY", 0.0)
    learn(snapshot, spec("classification"), save=states.append)
    for state in (states[0], states[len(states) // 2], states[-2]):
        assert same(whole.model, learn(snapshot, spec("classification"), resume=state).model)


def test_rows_from_memory_and_from_disk_are_equal(snapshot: Snapshot) -> None:
    held, read = (RowSource(snapshot, spec("classification"), TRAIN, budget) for budget in (2**30, 0))
    for epoch in (0, 1):
        pairs = zip(held.batches(50, epoch, 0), read.batches(50, epoch, 0), strict=True)
        assert all(torch.equal(x.continuous, y.continuous) and torch.equal(x.truth, y.truth) for x, y in pairs)
    assert sum(len(b) for b in read.in_order(64)) == 320
    assert same(learn(snapshot, spec("classification"), memory=0).model, learn(snapshot, spec("classification")).model)


@pytest.mark.parametrize("objective", ["masked", "autoencoder", "autoregressive"])
def test_each_objective_learns_and_its_base_is_adopted(snapshot: Snapshot, objective: str) -> None:
    base = learn(snapshot, spec(None, objective))
    assert objective in list(objectives)
    assert base.judgement is not None
    torch.manual_seed(0)
    fresh = Model.build(spec(None, objective).manifest(None, {}))
    assert base.best_step > 0
    assert not same(base.model, fresh)
    tuned = Model.build(spec("classification").manifest(base.model.manifest, {}))
    assert sorted(tuned.adopt(base.model).columns) == ["a", "b", "c"]
    ours, theirs = tuned.network.backbone.state_dict(), base.model.network.backbone.state_dict()
    assert all(torch.equal(ours[k], theirs[k]) for k in ours)
    assert same(Model.from_bytes(tuned.to_bytes()), tuned)


def test_a_probe_keeps_what_the_base_gave_and_then_all_is_tuned(snapshot: Snapshot) -> None:
    base = learn(snapshot, spec(None, "masked")).model
    model = Model.build(spec("classification").manifest(base.manifest, {}))
    adopted = model.adopt(base)
    trainer = Trainer(model, RECIPE, 40, torch.device("cpu"), adopted.parameters)
    batches = list(RowSource(snapshot, spec("classification"), TRAIN, 0).batches(64, 0, 0))
    before = trainer.weights()
    for batch in batches:
        trainer.step(batch)
    probed = trainer.weights()
    moved = {name for name in before if not torch.equal(before[name], probed[name])}
    assert trainer.probing
    assert moved == {name for name in before if name.startswith("head.")}
    trainer.tune()
    trainer.step(batches[0])
    tuned = trainer.weights()
    assert not trainer.probing
    assert {n for n in before if not torch.equal(probed[n], tuned[n])} > {"backbone.blocks.0.qkv.weight"}
    assert max(g["lr"] for g in trainer.optimizer.param_groups) <= RECIPE.base_rate * RECIPE.learning_rate


def test_new_columns_learn_their_tokens_during_the_probe(snapshot: Snapshot) -> None:
    base = learn(snapshot, spec(None, "masked")).model
    whole = spec("classification")
    narrow = replace(base.manifest, features=FeatureSet(base.manifest.features.encoders[:2]))
    narrow = replace(narrow, backbone=replace(narrow.backbone, categorical=()))
    part = Model.build(narrow)
    model = Model.build(whole.manifest(narrow, {}))
    adopted = model.adopt(part)
    kept = {id(p) for p in adopted.parameters}
    assert adopted.columns == ["a", "b"]
    assert id(model.network.backbone.tokenizer.embedding) not in kept
    assert id(model.network.backbone.blocks[0].qkv.weight) in kept  # type: ignore[union-attr]


def test_a_resumed_fine_tuning_of_a_base_ends_with_equal_weights(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = learn(snapshot, spec(None, "masked")).model
    whole = learn(snapshot, spec("classification"), base=base)
    states: list[bytes] = []
    monkeypatch.setattr("mfgsql.training.loop._SAVE_EVERY", 0.0)
    learn(snapshot, spec("classification"), base=base, save=states.append)
    for state in (states[0], states[len(states) // 2], states[-2]):  # in the probe, at its end, and after
        assert same(whole.model, learn(snapshot, spec("classification"), base=base, resume=state).model)


def test_adamw_follows_its_formula() -> None:
    layer = torch.nn.Linear(2, 1)
    start = layer.weight.detach().clone()
    recipe = Recipe(learning_rate=0.1, weight_decay=0.5)
    optimizer = make_optimizer(layer, recipe)
    first, second, expected = torch.zeros(1, 2), torch.zeros(1, 2), start
    for step, gradient in enumerate((torch.tensor([[1.0, -2.0]]), torch.tensor([[0.5, 3.0]])), start=1):
        layer.weight.grad, layer.bias.grad = gradient.clone(), torch.zeros(1)
        optimizer.step()
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        expected = expected * (1 - 0.1 * 0.5)
        expected = expected - 0.1 * (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
    assert torch.allclose(layer.weight, expected, atol=1e-6)
    assert [g["weight_decay"] for g in optimizer.param_groups] == [0.5, 0.0]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_the_step_size_warms_up_and_never_leaves_its_bounds(schedule: str) -> None:
    recipe = Recipe(schedule=schedule, warmup=0.1, learning_rate=0.01)
    sizes = [step_size(recipe, step, 100) for step in range(100)]
    assert sizes[0] == pytest.approx(0.001)
    assert max(sizes) == pytest.approx(0.01)
    assert all(0 < s <= 0.01 + 1e-12 for s in sizes)
    assert sizes[9:] == sorted(sizes[9:], reverse=True)


def test_weights_are_safe_bytes(snapshot: Snapshot, tmp_path: Path) -> None:
    model = learn(snapshot, spec("classification")).model
    (tmp_path / "m").write_bytes(model.to_bytes())
    assert same(Model.from_bytes((tmp_path / "m").read_bytes()), model)


def test_without_rows_to_judge_by_the_probe_is_kept(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    base = learn(snapshot, spec(None, "masked")).model
    told = replace(spec("classification"), recipe=replace(RECIPE, epochs=4, probe=0.5, base_rate=1e-9))
    for module in ("learn", "loop"):
        monkeypatch.setattr(sys.modules[f"mfgsql.training.{module}"], "judge", lambda *_: None)
    tuned = learn(replace(snapshot, validation=0), told, base=base).model.network.head.state_dict()
    torch.manual_seed(told.recipe.seed)  # the head as it began
    fresh = Model.build(told.manifest(base.manifest, {})).network.head.state_dict()
    assert max(float((tuned[name] - fresh[name]).abs().max()) for name in tuned) > 1e-3


def crossed(tmp_path: Path, labels: np.ndarray) -> tuple[Snapshot, TrainSpec]:
    """A snapshot of three parts, and the spec of an ensemble for it."""
    dice = np.random.default_rng(1)
    table = pa.table({"a": dice.normal(size=ROWS), "b": dice.normal(size=ROWS), "c": np.where(np.arange(ROWS) % 2, "p", "q"),
                      "y": labels, SPLIT: (np.arange(ROWS) % 3 + 1).astype(np.int8), HASH: np.arange(ROWS)})  # fmt: skip
    path = tmp_path / f"{hash(labels.tobytes())}.parquet"
    pq.write_table(table, path)
    recipe = Recipe(epochs=3, batch_size=32, width=8, members=2, dropout=0.0).settled("ensemble", 3)
    return Snapshot(path, "hash", ROWS, 2 * ROWS // 3, ROWS, "FROM rows", 3), replace(spec("classification"), recipe=recipe)


def test_a_group_never_sees_the_part_that_it_speaks_for(tmp_path: Path) -> None:
    """Other labels in part 2 change the other groups, and of group 2 not one bit."""
    labels = np.random.default_rng(0).random(ROWS) > 0.5
    others = np.where(np.arange(ROWS) % 3 == 1, ~labels, labels)
    runs = [Trained(*crossed(tmp_path, each)) for each in (labels, others)]
    for name, ours in runs[0].weights.items():
        theirs = runs[1].weights[name]
        if ours.shape[0] == 3:
            assert torch.equal(ours[1], theirs[1]), name
    assert not torch.equal(runs[0].weights["head.weight"][0], runs[1].weights["head.weight"][0])


def test_the_loss_of_a_step_is_a_mean_over_rows(tmp_path: Path) -> None:
    snapshot, ensemble = crossed(tmp_path, np.arange(ROWS) % 5 == 0)
    model = Model.build(ensemble.manifest(None, {}))
    batch = next(RowSource(snapshot, ensemble, TRAIN, 2**30).batches(32, 0, 0))
    trainer = Trainer(model, ensemble.recipe, 100, torch.device("cpu"))
    with torch.no_grad():
        output = model.network(batch.continuous, batch.codes, batch.speaker)
        expected = model.losses(output, batch.truth, {}).mean().item()
    assert trainer.step(batch) == pytest.approx(expected, rel=1e-5)


class Trained:
    """Weights after a fixed number of steps: the best step would be chosen by all parts together."""

    def __init__(self, snapshot: Snapshot, spec: TrainSpec) -> None:
        torch.manual_seed(0)
        model = Model.build(spec.manifest(None, {}))
        rows = RowSource(snapshot, spec, TRAIN, 2**30)
        adapt(model, model.network.backbone, rows.sample())
        trainer = Trainer(model, spec.recipe, 100, torch.device("cpu"))
        for batch in rows.batches(32, 0, 0):
            trainer.step(batch)
        self.weights = trainer.weights()


def test_a_row_gets_the_same_from_its_group_in_any_batch(tmp_path: Path) -> None:
    snapshot, ensemble = crossed(tmp_path, np.arange(ROWS) % 5 == 0)
    model = learn(snapshot, ensemble).model
    rows = next(RowSource(snapshot, ensemble, 1, 2**30).in_order(ROWS))
    with torch.inference_mode():
        together = model.network(rows.continuous, rows.codes, rows.speaker)
        everyone = model.network(rows.continuous, rows.codes).view(ROWS, 3, 2, 2)
        alone = torch.cat([model.network(*(t[i : i + 1] for t in (rows.continuous, rows.codes, rows.speaker)))
                           for i in range(20)])  # fmt: skip
    picked = everyone[torch.arange(ROWS), rows.speaker - 1]
    assert torch.allclose(together, picked, atol=1e-6)
    assert torch.allclose(together[:20], alone, atol=1e-6)
    assert same(Model.from_bytes(model.to_bytes()), model)
