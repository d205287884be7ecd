"""What is read once is answered as if it were read each time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch

from mfgsql.cancellation import Cancellation
from mfgsql.errors import CancelledError
from mfgsql.scoring.explaining import rows_of
from mfgsql.scoring.reading import Read, predict, read, read_all, swapped
from tests.scoring.mixed import columns_of, rows, scorer

pytest.importorskip("PIL")


def check() -> None:
    """Go on."""


@pytest.mark.parametrize("columns", ["nwti", "tu", "ni", "t", "i"])
@pytest.mark.parametrize("kind", ["three", "levels", "number"])
def test_it_is_what_the_network_says(columns: str, kind: str) -> None:
    of = scorer(kind, columns)
    batch = rows(of, 12)
    told, wanted = predict(of, read(of, batch)), of.predict_batch(batch)
    assert told.values == pytest.approx(wanted.values, abs=1e-4)
    if wanted.scores is not None:
        assert told.scores == pytest.approx(wanted.scores, abs=1e-5)
        assert np.ptp(wanted.scores[:, 0]) > 1e-3


def test_hidden_ones_are_missing_ones() -> None:
    of = scorer("three", "nti")
    batch, hidden = rows(of, 12), torch.arange(12) % 2 == 0
    seen = read(of, batch)
    for place in (0, 1):
        fields, known = list(batch.fields), list(seen.fields)
        fields[place], known[place] = fields[place].without(hidden), known[place].without(hidden)
        told = predict(of, type(batch)(batch.continuous, batch.codes, (), tuple(known)))
        wanted = of.predict_batch(type(batch)(batch.continuous, batch.codes, (), tuple(fields)))
        assert told.scores == pytest.approx(wanted.scores, abs=1e-5)


def test_turns_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mfgsql.scoring.turns._MANY", 5)
    monkeypatch.setattr("mfgsql.scoring.turns._FEW", 1)
    of = scorer("three", "nwti")
    columns = columns_of(of, 12)
    whole = read_all(of, columns, 12, check)
    assert len(whole) == 12
    assert predict(of, whole).scores == pytest.approx(of.score(columns, 12).prediction.scores, abs=1e-5)
    cancellation = Cancellation()
    cancellation.set()
    with pytest.raises(CancelledError):
        read_all(of, columns, 12, cancellation.check)


@pytest.mark.parametrize("name", ["n", "w", "t", "i"])
def test_a_column_is_swapped(name: str) -> None:
    of = scorer("three", "nwti")
    columns, order = columns_of(of, 12), np.random.default_rng(0).permutation(12)
    features = of.model.manifest.features
    told = predict(of, swapped(features, read_all(of, columns, 12, check), name, order))
    moved = {**columns, name: columns[name].take(pa.array(order))}
    assert told.scores == pytest.approx(of.score(moved, 12).prediction.scores, abs=1e-5)


def test_a_column_that_is_read_is_a_column() -> None:
    of = scorer("two", "nt")
    (field,) = read(of, rows(of, 6)).fields
    assert isinstance(field, Read)
    assert len(field) == 6
    assert len(field[torch.tensor([1, 4])]) == 2
    assert field.bytes == field.pooled.numel() * 4 + 6
    assert not field.without(torch.ones(6, dtype=torch.bool)).there.any()
    assert len(rows_of(read(of, rows(of, 6)), slice(2, 5)).fields[0]) == 3
