"""Explanations sum to what they explain, and say the same of a row whatever rows are beside it."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.cancellation import Cancellation
from mfgsql.errors import CancelledError
from mfgsql.features import Batch, ColumnProfile, FeatureSet
from mfgsql.features.parts import emptied
from mfgsql.model import Model
from mfgsql.scoring import Scorer
from mfgsql.scoring.explaining import _orders, class_told, explain, typical_row, worth
from mfgsql.tasks import Target
from mfgsql.training import Recipe, TrainSpec
from tests.scoring import mixed

GRID = tuple(np.linspace(-4, 4, 65).tolist())
TARGETS = {
    "two": ("classification", Target("y", "BOOLEAN", ("false", "true"), (50, 50))),
    "three": ("classification", Target("y", "VARCHAR", ("p", "q", "r"), (50, 50, 50))),
    "number": ("regression", Target("y", "DOUBLE", mean=70.0, deviation=25.0)),
}


def features(numbers: int) -> FeatureSet:
    """So many numbers with missing values, a time of several channels, words and truth values."""
    profiles = [ColumnProfile(f"n{i}", "DOUBLE", 99, 9, 90, 90, -4.0, 4.0, quantiles=GRID) for i in range(numbers)]
    profiles.append(ColumnProfile("at", "TIMESTAMP", 99, 0, 99, 99, 1.7e9, 1.8e9, quantiles=(1.7e9, 1.8e9)))
    profiles.append(ColumnProfile("word", "VARCHAR", 99, 9, 3, 90, top=(("b", 50), ("a", 30), ("c", 10))))
    profiles.append(ColumnProfile("yes", "BOOLEAN", 99, 0, 2, 99, top=(("true", 60), ("false", 39))))
    return FeatureSet.fit(profiles)[0]


def scorer(kind: str, numbers: int = 2) -> Scorer:
    """An untrained network with weights large enough to answer differently."""
    task, target = TARGETS[kind]
    torch.manual_seed(1)
    spec = TrainSpec(features(numbers), Recipe(width=8, layers=1, heads=2, dropout=0.0), task, target)
    model = Model.build(spec.manifest(None, {}))
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return Scorer(model)


def rows(of: Scorer, count: int, seed: int = 0) -> Batch:
    """Rows of all kinds, a fifth of the numbers and words missing."""
    dice = np.random.default_rng(seed)
    found: dict[str, pa.Array] = {}
    for encoder in of.model.manifest.features.encoders:
        name, missing = encoder.column.name, dice.random(count) < 0.2
        if name == "word":
            found[name] = pa.array(dice.choice(["a", "b", "c", "new"], count), mask=missing)
        elif name == "yes":
            found[name] = pa.array(dice.random(count) < 0.5)
        elif name == "at":
            found[name] = pa.array(dice.integers(1_700_000_000, 1_800_000_000, count) * 10**6, pa.timestamp("us"))
        else:
            found[name] = pa.array(dice.normal(size=count), mask=missing)
    return of.model.manifest.features.encode(found, count)


def explained(of: Scorer, batch: Batch) -> np.ndarray:
    return explain(of, batch, Cancellation().check)


def shown(of: Scorer, batch: Batch, classes: np.ndarray | None = None) -> np.ndarray:
    """The number that a row shows: of a class given, its probability."""
    prediction = of.predict(batch.continuous, batch.codes)
    if prediction.scores is None:
        return prediction.values
    if prediction.scores.shape[1] == 2:
        return prediction.scores[:, 1]
    return prediction.scores[np.arange(len(batch)), prediction.scores.argmax(1) if classes is None else classes]


def part(batch: Batch, chosen: np.ndarray | list[int]) -> Batch:
    return Batch(batch.continuous[chosen], batch.codes[chosen])


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("numbers", [1, 2, 7])
def test_contributions_sum_to_what_they_explain(kind: str, numbers: int) -> None:
    of = scorer(kind, numbers)
    batch = rows(of, 40)
    assert np.isnan(batch.continuous).any()
    scores = of.predict(batch.continuous, batch.codes).scores
    classes = None if scores is None else scores.argmax(1)
    typical = typical_row(of.model.manifest.features)
    base = shown(of, part(typical, np.zeros(len(batch), np.int64)), classes)
    found = explained(of, batch)
    unit = of.model.target.deviation
    assert found.shape == (40, numbers + 3)
    assert np.abs(found).max() > 1e-2 * unit
    assert found.sum(1) == pytest.approx(shown(of, batch) - base, abs=1e-5 * unit)


def by_definition(of: Scorer, batch: Batch) -> np.ndarray:
    """The mean over all orders of what each column adds."""
    columns = of.model.manifest.features.columns
    typical = typical_row(of.model.manifest.features)
    owner = [i for i, c in enumerate(columns) for _ in range(c.size if c.continuous else 1)]
    channels = batch.continuous.shape[1]
    found = np.zeros((len(batch), len(columns)))
    for order in permutations(range(len(columns))):
        now = Batch(np.repeat(typical.continuous, len(batch), 0), np.repeat(typical.codes, len(batch), 0))
        before = shown(of, now)
        for column in order:
            for place, its in enumerate(owner):
                if its == column and place < channels:
                    now.continuous[:, place] = batch.continuous[:, place]
                elif its == column:
                    now.codes[:, place - channels] = batch.codes[:, place - channels]
            after = shown(of, now)
            found[:, column] += after - before
            before = after
    return found / math.factorial(len(columns))


@pytest.mark.parametrize("kind", ["two", "number"])
def test_few_columns_get_exact_shapley_values(kind: str) -> None:
    of = scorer(kind, 1)
    batch = rows(of, 12)
    assert explained(of, batch) == pytest.approx(by_definition(of, batch), abs=1e-5 * of.model.target.deviation)


@settings(max_examples=15, deadline=None)
@given(st.data(), st.sampled_from(sorted(TARGETS)))
def test_a_row_is_explained_alike_in_any_batch(data: st.DataObject, kind: str) -> None:
    of = scorer(kind, 4)
    batch = rows(of, 60)
    chosen = data.draw(st.lists(st.integers(0, 59), min_size=1, max_size=60))
    assert explained(of, part(batch, chosen)) == pytest.approx(
        explained(of, batch)[chosen], abs=1e-5 * of.model.target.deviation
    )


def test_the_typical_row_has_medians_and_the_most_frequent_words() -> None:
    skewed = tuple(np.exp(np.linspace(-3, 3, 65)).tolist())
    profile = ColumnProfile(
        "n", "DOUBLE", 99, 0, 90, 90, skewed[0], skewed[-1], quantiles=skewed, mean=3.4, deviation=5
    )
    of = FeatureSet.fit([profile])[0]
    assert typical_row(of).continuous == pytest.approx(of.encode({"n": pa.array([1.0])}, 1).continuous, abs=1e-3)
    whole = features(1)
    found = typical_row(whole)
    usual = whole.encode(
        {"n0": pa.array([0.0]), "at": pa.nulls(1), "word": pa.array(["b"]), "yes": pa.array([False])}, 1
    )
    assert found.codes.tolist() == usual.codes.tolist()
    assert found.continuous == pytest.approx(usual.continuous)


def test_more_rows_than_a_batch_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    of = scorer("number", 4)
    batch = rows(of, 50)
    whole = explained(of, batch)
    monkeypatch.setattr("mfgsql.scoring.explaining._ROWS", 7)
    of.batch = 5
    assert explained(of, batch) == pytest.approx(whole, abs=1e-4)
    assert explained(of, part(batch, [])).shape == (0, 7)


def test_a_typical_value_contributes_nothing() -> None:
    of = scorer("two", 4)
    typical = typical_row(of.model.manifest.features)
    assert not explained(of, typical).any()
    changed = part(typical, [0, 0])
    changed.continuous[:, 1], changed.codes[1, 0] = (1.5, np.nan), 1
    found = explained(of, changed)
    assert [list(np.flatnonzero(row)) for row in found] == [[1], [1, 5]]


def test_many_columns_are_explained_in_fewer_orders() -> None:
    """And sum to what they explain all the same."""
    of = scorer("number", 300)
    batch = rows(of, 3)
    typical = typical_row(of.model.manifest.features)
    base = shown(of, part(typical, np.zeros(3, np.int64)))
    calls: list[None] = []
    found = explain(of, batch, lambda: calls.append(None))
    assert found.sum(1) == pytest.approx(shown(of, batch) - base, abs=1e-4 * of.model.target.deviation)
    assert len(calls) * of.batch < 12 * 303 * len(batch)  # 8 a column, where 32 would be asked for few


@pytest.mark.parametrize("players", [2, 5, 6, 11, 100])
def test_orders_are_orders_and_as_many_as_wanted(players: int) -> None:
    orders = [tuple(o) for o in _orders(players, 32)]
    assert all(sorted(o) == list(range(players)) for o in orders)
    assert len(orders) == (math.factorial(players) if players <= 5 else 32)
    assert orders == [tuple(o) for o in _orders(players, 32)]
    assert players != 100 or len({o.index(0) // 7 for o in orders}) > 10  # rotations that lie far apart
    assert players <= 5 or all(a == b[::-1] for a, b in zip(orders[::2], orders[1::2], strict=True))


def test_torchs_random_numbers_are_left_alone() -> None:
    of = scorer("two", 4)
    before = torch.get_rng_state()
    explained(of, rows(of, 5))
    assert torch.equal(torch.get_rng_state(), before)


def test_it_stops_when_told() -> None:
    of = scorer("two", 4)
    cancellation = Cancellation()
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 3:
            cancellation.set()
        cancellation.check()

    with pytest.raises(CancelledError):
        explain(of, rows(of, 60), check)
    assert len(calls) == 3


def test_a_class_follows_the_probability_that_is_shown() -> None:
    """Of more than two classes, that of the row's own."""
    of = scorer("three", 3)
    batch = rows(of, 200)
    classes = of.predict(batch.continuous, batch.codes).scores.argmax(1)
    assert len(set(classes.tolist())) > 1
    typical = typical_row(of.model.manifest.features)
    base = of.predict(typical.continuous, typical.codes).scores[0]
    assert explained(of, batch).sum(1) == pytest.approx(shown(of, batch) - base[classes], abs=1e-6)


# -- texts and pictures ---------------------------------------------------------------------------------------------


def without(batch: Batch, of: Scorer, hidden: set[str]) -> Batch:
    """Rows in which some columns are as in the typical row, which has no text and no picture."""
    features, every = of.model.manifest.features, torch.ones(len(batch), dtype=torch.bool)
    typical, places = typical_row(features), features.places
    continuous, codes = batch.continuous.copy(), batch.codes.copy()
    for name in hidden & set(places):
        place = places[name]
        continuous[:, place.channels] = typical.continuous[:, place.channels]
        if place.code is not None:
            codes[:, place.code] = typical.codes[:, place.code]
    named = zip(features.fields(), batch.fields, strict=True)
    fields = tuple(field.without(every) if name in hidden else field for name, field in named)
    return Batch(continuous, codes, (), fields)


@pytest.mark.parametrize("columns", ["nwti", "tu", "ni"])
@pytest.mark.parametrize("kind", ["two", "labels", "number"])
def test_texts_and_pictures_get_exact_shapley_values(kind: str, columns: str) -> None:
    of = mixed.scorer(kind, columns)
    batch, names = mixed.rows(of, 10), of.model.manifest.features.names
    whole = of.predict_batch(batch)
    told = class_told(whole)
    wanted = np.zeros((10, len(names)))
    for order in permutations(names):
        hidden, before = set(names), None
        for name in (None, *order):
            hidden -= {name}
            after = worth(of.predict_batch(without(batch, of, hidden)), told)
            if before is not None:
                wanted[:, names.index(name)] += (after - before) / math.factorial(len(names))
            before = after
    found = explained(of, batch)
    assert np.abs(found).max() > 1e-3
    assert found == pytest.approx(wanted, abs=1e-5 * of.model.target.deviation)


def test_a_text_or_picture_that_is_missing_contributes_nothing() -> None:
    of = mixed.scorer("three", "ti")
    batch = mixed.rows(of, 30)
    there = np.stack([field.there.numpy() for field in batch.fields], axis=1)
    assert 0 < there.mean() < 1
    assert not explained(of, batch)[~there].any()
    assert explained(of, batch)[there].any()


@pytest.mark.parametrize("columns", ["t", "i"])
def test_the_only_column_is_set_beside_one_with_nothing_in_it(columns: str) -> None:
    of = mixed.scorer("two", columns)
    batch = mixed.rows(of, 10)
    found = explained(of, batch)
    assert found.shape == (10, 1)
    (field,) = batch.fields
    empty = Batch(batch.continuous, batch.codes, (), (emptied(field),))
    said = (of.predict_batch(b).scores[:, 1] for b in (batch, empty))
    assert found[:, 0] == pytest.approx(next(said) - next(said), abs=1e-6)
    assert not found[~field.there.numpy()].any()


def test_texts_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of = mixed.scorer("two", "nwtu")
    calls: list[int] = []
    states = type(of.model.network.backbone).states

    def counted(self: object, name: str, field: object, **more: object) -> object:
        calls.append(len(field))
        return states(self, name, field, **more)

    monkeypatch.setattr(type(of.model.network.backbone), "states", counted)
    explained(of, mixed.rows(of, 10))
    assert calls == [10, 10]
