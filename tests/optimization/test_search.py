"""The search for better settings, without any model: what is known by hand is found, and what must hold does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.errors import CancelledError
from mfgsql.optimization.equalities import Equalities
from mfgsql.optimization.fronts import fronts
from mfgsql.optimization.search import HOLDS, Judged, search
from mfgsql.optimization.shortlist import shortlist
from mfgsql.optimization.spaces import Space, rounded

BEST = np.array([0.2, 0.8, 0.5, 0.33])


def space(width: int = 4, step: float = 0.01) -> Space:
    return Space(np.zeros(width), np.ones(width), np.full(width, step), np.zeros(width, bool), np.zeros(width))


def bowl(values, rows):
    return Judged(np.maximum(values[:, :2].sum(axis=1) - 0.6, 0)[:, None], ((values - BEST) ** 2).sum(axis=1, keepdims=True))


def best(found, row=0):
    worth = np.where((found.excess[row] <= HOLDS).all(axis=1), found.objectives[row, :, 0], np.inf)
    return found.values[row, worth.argmin()], worth.min()


def test_the_optimum_on_a_bound_is_found():
    values, worth = best(search(space(), np.full((1, 4), 0.5), bowl, trials=6000))
    assert worth == pytest.approx(2 * 0.2**2, abs=0.002)  # both of the first two give way alike
    assert values[:2] == pytest.approx([0.0, 0.6], abs=0.03) and values[2:] == pytest.approx(BEST[2:], abs=0.03)


def test_rows_do_not_know_one_another_and_a_seed_is_a_seed():
    start = np.array([[0.5] * 4, [0.1, 0.2, 0.3, 0.4]])
    both, again, alone = (search(space(), s, bowl, trials=500, seed=3) for s in (start, start, start[1:]))
    assert (both.values == again.values).all() and (both.values[1] == alone.values[0]).all()
    assert not (search(space(), start, bowl, trials=500, seed=4).values == both.values).all()


def test_the_first_candidate_is_the_row_as_it_is_and_few_changes_are_few():
    start = np.full((2, 4), 0.505)
    found = search(space(), start, bowl, trials=400, most=2)
    assert (found.values[:, 0] == 0.505).all()
    assert (found.values != 0.505).sum(axis=2).max() == 2


def test_unknown_values_and_choices():
    mixed = Space(np.array([0.0, 0.0]), np.array([1.0, 2.0]), np.array([0.1, 1.0]), np.array([False, True]), np.zeros(2))
    found = search(mixed, np.array([[np.nan, np.nan]]), lambda v, r: Judged(np.zeros((len(v), 0)), (np.nan_to_num(v, nan=9) ** 2).sum(axis=1, keepdims=True)), trials=400)
    values, _ = best(found)
    assert values.tolist() == [0.0, 0.0]
    told = found.values[0, 1:]
    assert set(told[~np.isnan(told[:, 1]), 1]) <= {0.0, 1.0, 2.0}


def test_a_stop_is_heeded():
    def stop() -> None:
        raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        search(space(), np.zeros((1, 4)), bowl, check=stop)


@settings(max_examples=30)
@given(st.lists(st.floats(-3, 3).filter(lambda f: abs(f) > 0.05), min_size=4, max_size=4), st.lists(st.floats(0, 1), min_size=4, max_size=4), st.floats(-2, 2), st.integers(0, 99))
def test_equalities_hold(factors, values, total, seed):
    told = Equalities(np.array(factors)[None, None], np.array([[total]]))
    solved = told.solved(np.array(values)[None, None], np.random.default_rng(seed).random((1, 1, 4)))
    assert np.dot(solved[0, 0], factors) == pytest.approx(total, abs=1e-8)
    assert (solved[0, 0] != np.array(values)).sum() <= 1


def test_two_equalities_at_once_and_one_that_can_not_be_solved():
    both = Equalities(np.array([[[1.0, 1, 1, 0], [0, 1, -1, 2]]]), np.array([[2.0, 0.5]]))
    solved = both.solved(np.random.default_rng(0).random((1, 50, 4)), np.random.default_rng(1).random((1, 50, 4)))
    sums = np.einsum("ed,nd->ne", both.factors[0], solved[0])
    assert np.abs(sums - [2.0, 0.5]).max() < 1e-8
    none = Equalities(np.zeros((1, 1, 4)), np.ones((1, 1)))
    assert (none.solved(np.ones((1, 1, 4)), np.ones((1, 1, 4))) == 1).all()


@settings(max_examples=50)
@given(st.floats(-1e6, 1e6), st.floats(0, 1e5), st.sampled_from([0.0, 0.1, 0.25, 1.0, 5.0]), st.floats(-2e6, 2e6))
def test_snapped_values_are_on_the_grid_and_within(low, span, step, value):
    one = Space(*(np.array([v]) for v in (low, low + span, step, False, 0.0)))
    snapped = float(one.snapped(np.array([value]))[0])
    if step == 0:
        assert low - 1e-6 <= snapped <= low + span + 1e-6
    elif span >= step:
        assert low - 1e-5 <= snapped <= low + span + 1e-5
        assert snapped / step == pytest.approx(round(snapped / step), abs=1e-4)


def test_rounding_keeps_decimals_as_people_write_them():
    assert rounded(np.array([0.1 + 0.2, 1e-9 / 3, 0.0, np.nan])).tolist()[:3] == [0.3, 3.33333333333e-10, 0.0]


def test_the_shortlist_has_fewest_changes_and_no_twins():
    start = np.array([0.5, 0.5, 0.5, 0.5])
    values = np.array([[0.1, 0.5, 0.5, 0.5], [0.11, 0.5, 0.5, 0.5], [0.5, 0.9, 0.5, 0.5], [0.1, 0.9, 0.5, 0.5], [0.1, 0.5, 0.51, 0.5], [0.1, 0.9, 0.5, 0.1]])
    worth = np.array([[-1.0], [-0.99], [-0.5], [-1.5], [-1.0005], [-2.0]])
    chosen, rank = shortlist(space(), start, values, worth, 4)
    assert chosen.tolist() == [5, 3, 0, 2] and rank.tolist() == [1, 1, 1, 1]  # 1 is 0's twin, 4 changes what brings nothing
    assert shortlist(space(), start, values[:0], worth[:0], 3)[0].tolist() == []


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40))
def test_fronts_are_what_none_is_better_than(points):
    told = np.array(points, float)
    rank = fronts(told, len(told))
    beaten = [any((o <= p).all() and (o < p).any() for o in told) for p in told]
    assert [r > 1 for r in rank] == beaten
    assert rank.min() >= 1


def test_several_objectives_are_spread():
    along = np.linspace(0, 1, 50)
    chosen, rank = shortlist(space(), np.zeros(4), np.random.default_rng(0).random((50, 4)), np.stack([along, 1 - along], axis=1), 5)
    assert sorted(along[chosen].round(2)) == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.05) and set(rank) == {1}
