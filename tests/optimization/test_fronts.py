"""Pareto ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.optimization.fronts import fronts


@pytest.mark.parametrize("objectives", [1, 2])
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40))
def test_a_rank_is_one_more_than_the_worst_that_beats_it(objectives: int, pairs) -> None:
    values = np.array(pairs, float)[:, :objectives]
    ranks = fronts(values)
    for i, one in enumerate(values):
        beats = [j for j, other in enumerate(values) if (other <= one).all() and (other < one).any()]
        assert ranks[i] == 1 + max((ranks[j] for j in beats), default=0)


@pytest.mark.parametrize("objectives", [1, 2])
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40), most=st.integers(1, 9))
def test_those_behind_what_is_wanted_get_none(objectives: int, pairs, most: int) -> None:
    values = np.array(pairs, float)[:, :objectives]
    ranks, some = fronts(values), fronts(values, most)
    needed = next(r for r in range(1, ranks.max() + 1) if (ranks <= r).sum() >= min(most, len(values)))
    assert some.tolist() == np.where(ranks <= needed, ranks, 0).tolist()


def test_many_candidates() -> None:
    values = np.random.default_rng(0).random((3_000, 2))
    ranks = fronts(values)
    assert ranks.min() == 1
    best = values[ranks == 1]
    assert not any(((o <= p).all() and (o < p).any()) for p in best for o in best)
