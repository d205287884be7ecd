"""Linear inequalities over ranges: those that can't hold together are found, and no others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.optimization.limits import Inequality, conflict

LOW, HIGH = np.array([0.0, 0.0, 0.0]), np.array([10.0, 10.0, 10.0])


def at_most(number: int, factors: list[float], most: float) -> Inequality:
    return Inequality(number, np.array(factors), most)


def test_a_sum_out_of_reach_and_what_it_may_be() -> None:
    one = at_most(4, [-1, -1, 0], -21)
    assert conflict([one, at_most(7, [0, 0, 1], 3)], LOW, HIGH) == [4]
    assert one.span(LOW, HIGH) == (1, 21)


def test_what_is_needed_for_a_contradiction_and_nothing_else() -> None:
    found = [at_most(0, [1, 1, 0], 5), at_most(1, [0, -1, 0], -2), at_most(2, [-1, 0, 0], -4), at_most(3, [0, 0, 1], 1)]
    assert conflict(found, LOW, HIGH) == [0, 1, 2]
    assert conflict(found[:2] + found[3:], LOW, HIGH) == []
    assert conflict([], LOW, HIGH) == []


def test_an_end_that_is_just_reached_is_no_contradiction() -> None:
    assert conflict([at_most(0, [-0.1, -0.1, -0.1], -3.0)], LOW, HIGH) == []


@given(st.lists(st.tuples(st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.floats(0, 5)), max_size=6), st.lists(st.floats(0, 10), min_size=3, max_size=3))
def test_what_a_point_holds_is_never_disproven(some: list[tuple[list[float], float]], point: list[float]) -> None:
    found = [at_most(i, factors, float(np.dot(factors, point)) + more) for i, (factors, more) in enumerate(some)]
    assert conflict(found, LOW, HIGH) == []
