"""Vectors by permutation, streams by river's detectors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

import mfgsql.drift.streams as streams
from mfgsql.drift.streams import DETECTORS, first_change
from mfgsql.drift.vectors import compare_vectors
from mfgsql.errors import MissingExtraError

RNG = np.random.default_rng(5)


def vectors(rows: int, mean: float = 0.0) -> np.ndarray:
    return RNG.normal(mean, 1, (rows, 8)).astype(np.float32)


def test_p_values_of_equal_samples_are_uniform() -> None:
    found = [compare_vectors(vectors(40), vectors(60), seed, lambda: None).p_value for seed in range(60)]
    assert kstest(found, "uniform").pvalue > 1e-3


def test_a_shift_is_found_and_told_again() -> None:
    ours, theirs = vectors(80, 0.7), vectors(100)
    found = compare_vectors(ours, theirs, 1, lambda: None)
    assert found.p_value == 1e-4  # the least that so many permutations can tell
    assert found.value > found.usual
    assert compare_vectors(ours, theirs, 1, lambda: None) == found


def test_equal_vectors_are_no_drift() -> None:
    assert compare_vectors(np.ones((5, 3), np.float32), np.ones((9, 3), np.float32), 0, lambda: None).p_value == 1.0


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_change_of_a_stream_is_dated(detector: str) -> None:
    usual = RNG.random(1_000)
    stream = np.concatenate([RNG.random(1_000), np.clip(RNG.random(2_000) + 0.3, 0, 1)])
    change = first_change(stream, usual, detector, check=lambda: None)
    assert change is not None
    assert 1_000 < change.noticed < 1_400
    assert change.begin <= change.noticed
    assert first_change(RNG.random(1_000), usual, detector, check=lambda: None) is None


def test_a_fall_of_the_error_is_no_drift() -> None:
    usual = RNG.random(1_000)
    stream = RNG.random(3_000) * 0.3
    assert first_change(stream, usual, "adwin", rises=True, check=lambda: None) is None
    assert first_change(stream, usual, "adwin", check=lambda: None) is not None


def test_without_river_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "river", None)
    with pytest.raises(MissingExtraError, match=r"mfgsql\[adapt\]"):
        streams.first_change(np.zeros(3), np.zeros(3), "adwin", check=lambda: None)
