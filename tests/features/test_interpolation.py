"""The table of cells gives what a search gives."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from mfgsql.features.interpolation import Interpolation

anywhere = st.floats(allow_nan=False, allow_infinity=False)
nearby = st.floats(-100, 100)


@given(
    st.one_of(
        st.lists(nearby, min_size=2, max_size=300, unique=True), st.lists(anywhere, min_size=2, max_size=9, unique=True)
    ),
    st.lists(st.one_of(anywhere, nearby), max_size=50),
    st.integers(0, 9),
)
@example(points=[0.0, 1e-310, 1.0], numbers=[0.0], seed=0)  # a slope that overflows
def test_agrees_with_numpy(points: list[float], numbers: list[float], seed: int) -> None:
    grid = np.sort(np.asarray(points))
    values = np.sort(np.random.default_rng(seed).normal(size=len(grid)))
    with np.errstate(over="ignore", invalid="ignore"):
        asked = np.concatenate([numbers, grid, np.nextafter(grid, np.inf), np.nextafter(grid, -np.inf)])
        asked = asked[np.isfinite(asked)]
        wanted = np.interp(asked, grid, values)
    np.testing.assert_allclose(Interpolation(grid, values)(asked), wanted, rtol=1e-9, atol=1e-9)


def test_a_crowd_in_one_cell_falls_back_to_a_search() -> None:
    grid = [*np.linspace(0, 1e-6, 50), 1.0]
    values = list(range(51))
    numbers = np.random.default_rng(0).random(1000) * 2e-6
    assert np.array_equal(Interpolation(grid, values)(numbers), np.interp(numbers, grid, values))
