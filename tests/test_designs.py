"""Designs side by side: distances, fronts and a choice of unlike ones."""

from __future__ import annotations

import numpy as np

from mfgsql.designs import Points, choose, distances, diversity, nearest, ranked, spaced, twins


def points(numbers: list[list[float]], codes: list[int]) -> Points:
    return Points(np.array(numbers, float), np.array(codes)[:, None])


def test_distances_are_means_over_columns() -> None:
    some = points([[0.0, 1.0], [4.0, np.nan]], [1, 2])
    found = distances(some, some, np.array([2.0, 1.0]))
    assert found.tolist() == [[0.0, (2 + 1 + 1) / 3], [(2 + 1 + 1) / 3, 0.0]]


def test_the_nearest_and_the_scale() -> None:
    past = points([[0.0], [10.0], [20.0], [1000.0]], [0, 0, 0, 0])
    assert 5 < past.scale()[0] < 300  # the outlier doesn't rule it
    which, far = nearest(points([[11.0]], [0]), past, np.array([1.0]))
    assert (which.tolist(), far.tolist()) == ([1], [0.5])
    assert nearest(past, past[:0], np.array([1.0]))[0].tolist() == [-1] * 4
    assert points([[3.0], [3.0]], [0, 0]).scale().tolist() == [1.0]


def test_a_choice_is_good_and_spread() -> None:
    line = points([[float(v)] for v in range(100)], [0] * 100)
    chosen = choose(line, ranked(-np.arange(100.0)), np.array([1.0]), 5)
    assert chosen[0] == 0
    assert diversity(line[chosen], np.array([1.0])).min() >= 4
    assert len(choose(line, np.zeros(100), np.array([1.0]), 1000)) == 100


def test_twins_are_those_after_the_first() -> None:
    assert twins(points([[1.0], [2.0], [1.0]], [0, 0, 0]), np.array([1.0])).tolist() == [False, False, True]


def test_parts_tell_what_the_whole_does(monkeypatch) -> None:
    draw = np.random.default_rng(0)
    many = points(draw.integers(0, 4, (30, 2)).astype(float).tolist(), draw.integers(0, 2, 30).tolist())
    scale = np.ones(2)
    whole = nearest(many, many, scale), diversity(many, scale), twins(many, scale)
    monkeypatch.setattr("mfgsql.designs._PAIRS", 100)
    (which, far), apart, same = nearest(many, many, scale), diversity(many, scale), twins(many, scale)
    assert (which.tolist(), far.tolist()) == (whole[0][0].tolist(), whole[0][1].tolist())
    assert apart.tolist() == whole[1].tolist()
    assert same.tolist() == whole[2].tolist()
    assert same.tolist() == [any(np.array_equal(many.numbers[i], many.numbers[j]) and many.codes[i] == many.codes[j] for j in range(i)) for i in range(30)]


def test_the_first_ones_that_are_apart() -> None:
    line = points([[0.0], [0.05], [1.0], [1.02], [0.5], [0.0]], [0] * 6)
    scale = np.array([0.5])  # distances are means over two columns
    assert spaced(line, scale, 3).tolist() == [0, 2, 4]
    assert spaced(line, scale, 5).tolist() == [0, 2, 4, 1, 3]  # half as far apart, and so on
    assert spaced(line, scale, 9).tolist() == [0, 2, 4, 1, 3, 5]  # a twin comes last
    assert spaced(line[:0], scale, 2).tolist() == []
