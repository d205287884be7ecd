"""Variants of rows: what is said of them is what is said of such rows, and strange ones are told."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from mfgsql.engine import Session
from mfgsql.scoring.familiarity import Familiarity
from mfgsql.scoring.variants import Variants


def test_rows_like_those_learnt_from_are_not_strange():
    rng = np.random.default_rng(0)
    learnt, codes = rng.normal(size=(500, 3)).astype(np.float32), rng.integers(0, 2, (500, 1))
    told = Familiarity(learnt, codes)
    others = told.strangeness(rng.normal(size=(200, 3)).astype(np.float32), rng.integers(0, 2, (200, 1)), None)
    assert (others > 1).mean() < 0.25
    assert told.strangeness(learnt[:5], codes[:5], None).max() < 1e-2
    assert told.strangeness(np.full((1, 3), 6, np.float32), codes[:1], None)[0] > 3
    assert told.strangeness(learnt[:1], np.array([[7]]), None)[0] > 1  # a category that there never was


def test_members_that_disagree_make_a_row_strange():
    rng = np.random.default_rng(0)
    learnt, codes = rng.normal(size=(100, 2)).astype(np.float32), np.zeros((100, 0), np.int64)
    told = Familiarity(learnt, codes, np.linspace(0, 1, 100))
    assert told.strangeness(learnt[:1], codes[:1], np.array([1.8]))[0] == pytest.approx(2, abs=0.02)


def test_what_is_missing_is_strange_unless_it_often_was():
    rng = np.random.default_rng(0)
    learnt, none = rng.normal(size=(300, 2)).astype(np.float32), np.zeros((300, 0), np.int64)
    row, unknown = np.array([[0.1, np.nan]], np.float32), np.array([[False, True]])
    assert Familiarity(learnt, none).strangeness(row, none[:1])[0] > 3
    as_usual = np.nan_to_num(row)  # as a model takes it that never met such
    assert Familiarity(learnt, none).strangeness(as_usual, none[:1])[0] < 1
    assert Familiarity(learnt, none).strangeness(as_usual, none[:1], None, unknown)[0] > 3
    learnt[::3, 1] = np.nan
    assert Familiarity(learnt, none).strangeness(row, none[:1])[0] < 1


def test_variants_are_scored_as_such_rows_are(plant: Session) -> None:
    rows = plant.execute("SELECT torque, temp, shift, hot FROM parts LIMIT 4").arrow()
    columns = {n: rows[n].combine_chunks() for n in rows.column_names}
    with plant.engine.scorer("wear@1") as scorer:
        variants = Variants(scorer, scorer.model.manifest.features.encode(columns, 4), None)
        which = np.array([0, 1, 1, 3])
        new = {"torque": pa.array([1.5, 2.5, None, 0.5]), "shift": pa.array(["C", None, "A", "B"])}
        told = variants.told(which, new).prediction.values
        taken = {n: v.take(pa.array(which)) for n, v in columns.items()}
        taken |= {n: pa.compute.coalesce(v, taken[n].cast(v.type)) for n, v in new.items()}
        assert told == pytest.approx(scorer.score(taken, 4).prediction.values, abs=1e-6)
