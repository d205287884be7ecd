"""Training on windows: the same from memory and from disk, the same after a stop, and none judged by what has seen it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from mfgsql.features import ColumnProfile, FeatureSet, History
from mfgsql.model import Model
from mfgsql.tasks import ANOMALY, Target
from mfgsql.training import Recipe, Snapshot, TrainSpec, learn
from mfgsql.training.snapshot import HASH, SPLIT, TRAIN, VALIDATION
from mfgsql.training.windows import HISTORY, LEAST, MOMENT, WindowSource

RECIPE = Recipe(epochs=2, batch_size=32, width=8, layers=1, heads=2).settled("series", 3)
LENGTHS = (40, 25, 60, 33, 50, 41)


def made(path: Path, parts: int, *, groups: int = 70) -> Snapshot:
    dice = np.random.default_rng(0)
    history = np.repeat(np.arange(len(LENGTHS)), LENGTHS)
    time = np.concatenate([np.arange(n, dtype=float) for n in LENGTHS])
    left = np.concatenate([np.arange(n, dtype=float)[::-1] for n in LENGTHS])
    rows = len(time)
    part = (history % parts + 1) if parts > 1 else (history == 5).astype(int)
    table = pa.table({
        "a": left + dice.normal(size=rows), "b": dice.normal(size=rows), "rul": left, LEAST: history == 1, HASH: np.arange(rows),
        SPLIT: part.astype(np.int8), HISTORY: history.astype(np.uint64), MOMENT: time,
    })  # fmt: skip
    pq.write_table(table, path, row_group_size=groups)
    judged = rows if parts > 1 else int((part == 1).sum())
    train = rows - max(np.bincount(part)) if parts > 1 else rows - judged
    return Snapshot(path, "hash", rows, int(train), judged, "FROM t", parts)


def spec(task: str | None = "rul") -> TrainSpec:
    grid = tuple(np.linspace(-4, 64, 65).tolist())
    profiles = [ColumnProfile(n, "DOUBLE", 249, 0, 249, 249, -4.0, 64.0, mean=20.0, deviation=15.0, quantiles=grid) for n in "ab"]
    features, _ = FeatureSet.fit(profiles, standardised=True)
    history = History("unit", "ts", False, 8, 2, reach=100.0, shortest=2)
    target = Target("rul", "DOUBLE", mean=20.0, deviation=15.0, cap=30.0) if task == "rul" else None
    objective = {None: "masked", ANOMALY: "residual"}.get(task)
    return TrainSpec(features.nullable(), RECIPE, task, target, objective, history=history, span=4)


def same(one: Model, two: Model) -> bool:
    ours, theirs = one.network.state_dict(), two.network.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


@pytest.mark.parametrize("parts", [1, 3])
def test_windows_from_memory_and_from_disk_are_equal(tmp_path: Path, parts: int) -> None:
    snapshot = made(tmp_path / "s.parquet", parts)
    held, read = (WindowSource(snapshot, spec(), TRAIN, budget) for budget in (2**30, 0))
    for epoch in (0, 1):
        for one, other in zip(held.batches(16, epoch, 0), read.batches(16, epoch, 0), strict=True):
            assert torch.equal(one.continuous, other.continuous, ) or torch.allclose(one.continuous, other.continuous, equal_nan=True)
            assert torch.equal(one.truth, other.truth)
    judged = WindowSource(snapshot, spec(), VALIDATION, 0)
    assert sum(len(b) for b in judged.in_order(64)) == snapshot.validation


def test_a_chunk_knows_the_rows_before_it(tmp_path: Path) -> None:
    whole = WindowSource(made(tmp_path / "one.parquet", 1, groups=1000), spec(), TRAIN, 2**30)
    parts = WindowSource(made(tmp_path / "many.parquet", 1, groups=30), spec(), TRAIN, 2**30)
    one = torch.cat([b.continuous for b in _all(whole)])
    many = torch.cat([b.continuous for b in _all(parts)])
    assert torch.allclose(one, many, equal_nan=True)


def _all(source: WindowSource):  # type: ignore[no-untyped-def]
    for index in range(source.chunks):
        chunk = source.chunk(index)
        yield chunk.windows(torch.arange(chunk.before, len(chunk.track)))


@pytest.mark.parametrize("parts", [1, 3])
def test_no_group_learns_from_what_it_judges(tmp_path: Path, parts: int) -> None:
    snapshot = made(tmp_path / "s.parquet", parts)
    source = WindowSource(snapshot, spec(), TRAIN, 2**30)
    chunk = source.chunk(0)
    for group in range(1, parts + 1):
        own = source._own(chunk, group)
        judged = chunk.part == group
        assert len(own)
        assert not judged[own].any()


@pytest.mark.parametrize("task", ["rul", ANOMALY, None])
def test_a_resumed_training_ends_with_equal_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str | None) -> None:
    parts = 1 if task is None else 3
    snapshot, what = made(tmp_path / "s.parquet", parts), spec(task)
    what = replace(what, recipe=replace(what.recipe, folds=parts))
    whole = learn(snapshot, what)
    assert same(whole.model, learn(snapshot, what, memory=0).model)
    states: list[bytes] = []
    monkeypatch.setattr("mfgsql.training.loop._SAVE_EVERY", 0.0)
    learn(snapshot, what, save=states.append)
    for state in (states[0], states[-1]):
        assert same(whole.model, learn(snapshot, what, resume=state).model)
    again = Model.from_bytes(whole.model.to_bytes())
    assert same(again, whole.model)
    assert again.manifest == whole.model.manifest
    assert whole.model.manifest.history is not None
    assert set(whole.model.manifest.history.runs) == {"a", "b"}


def test_lower_bounds_are_no_errors(tmp_path: Path) -> None:
    snapshot = made(tmp_path / "s.parquet", 3)
    learned = learn(snapshot, spec())
    assert learned.judgement is not None
    exact = sum(n for i, n in enumerate(LENGTHS) if i != 1)
    assert len(learned.judgement.truth) == exact
    assert learned.judgement.truth.max() == 30.0
    model = learned.model
    output, truth = torch.tensor([[[2.0]], [[-2.0]]]), torch.tensor([10.0, 10.0], dtype=torch.float64)
    least = torch.tensor([True, True])
    losses = model.losses(output, truth, {}, least)
    assert losses[0] == 0.0  # 50 is at least 10
    assert losses[1] > 0.0


def test_chunks_of_one_part_are_learnt_from(tmp_path: Path) -> None:
    snapshot = made(tmp_path / "s.parquet", 3, groups=20)  # most chunks hold rows of one history
    drawn = [batch for epoch in range(2) for batch in WindowSource(snapshot, spec(), TRAIN, 0).batches(16, epoch, 0)]
    seen = np.bincount(torch.cat([b.speaker for b in drawn]).numpy(), minlength=4)[1:]
    part = WindowSource(snapshot, spec(), TRAIN, 0)
    assert (seen >= 2 * 0.9 * min(snapshot.rows - n for n in (40 + 33, 25 + 50, 60 + 41))).all()
    assert learn(snapshot, spec()).steps > 10
    assert part.chunks > 10
