"""Series on their grids, and windows that tell nothing of what comes after them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.features import ColumnProfile, FeatureSet, Grid
from mfgsql.features.grid import DAY
from mfgsql.features.lines import Lines
from mfgsql.features.panel import EXTRA, Panel

WINDOW, HORIZON = 6, 3


def numeric(name: str) -> ColumnProfile:
    quantiles = tuple(np.linspace(-2, 2, 65).tolist())
    return ColumnProfile(name, "DOUBLE", 100, 0, 100, 100, -2.0, 2.0, quantiles=quantiles)


def words(name: str) -> ColumnProfile:
    return ColumnProfile(name, "VARCHAR", 100, 0, 2, 100, top=(("a", 60), ("b", 40)))


# Channels: heat (past only), price (known), size (static). Codes: note (past only), promo (known), region (static).
FEATURES, _ = FeatureSet.fit([*map(numeric, ("heat", "price", "size")), *map(words, ("note", "promo", "region"))])
HEAT, PRICE, SIZE = 1, 2, 3


def grid(**more: Any) -> Grid:
    usual = {"known": ("Price", "PROMO"), "static": ("size", "region"), "usual": 4.0}
    return Grid("sku", "day", "DOUBLE", False, 1.0, 0, 2, WINDOW, 3, HORIZON, **(usual | more))


def lines(lengths: list[int], seed: int = 0, missing: float = 0.0, gaps: float = 0.0) -> Lines:
    """Series of so many steps, of which some have no row, and some rows no value; the last one has both."""
    dice = np.random.default_rng(seed)
    parts: list[tuple[Any, ...]] = []
    starts = [0]
    for length in lengths:
        moments = np.arange(length)[np.append(dice.random(length - 1) >= gaps, True)].astype(float)
        count = len(moments)
        values = dice.normal(5, 3, count)
        values[:-1][dice.random(count - 1) < missing] = np.nan
        continuous = dice.normal(size=(count, 3)).astype(np.float32)
        continuous[:, 2] = dice.normal()
        codes = dice.integers(1, 3, (count, 3))
        codes[:, 2] = dice.integers(1, 3)
        parts.append((values, continuous, codes, moments))
        starts.append(starts[-1] + count)
    return Lines(*(np.concatenate(p) for p in zip(*parts, strict=True)), np.array(starts[:-1]))  # type: ignore[call-arg]


def panel(of: Lines, **more: Any) -> Panel:
    return Panel.of(grid(**more), FEATURES, of)


def row(
    moment: float, value: float, channel: float = 0.0, code: int = 1
) -> tuple[float, float, list[float], list[int]]:
    return moment, value, [channel] * 3, [code] * 3


def told(*series: list[tuple[float, float, list[float], list[int]]]) -> Lines:
    rows = [r for one in series for r in one]
    moments, values, continuous, codes = zip(*rows, strict=True)
    starts = np.cumsum([0, *(len(one) for one in series)])[:-1]
    return Lines(
        np.array(values, float), np.array(continuous, np.float32), np.array(codes), np.array(moments, float), starts
    )


NAN = float("nan")


def test_a_series_lies_on_its_steps_with_room_behind_it() -> None:
    found = panel(told([row(10, 1), row(11, 2), row(13, 4)], [row(7, 5), row(8, 6)]))
    assert found.begin.tolist() == [0, 7]
    assert found.end.tolist() == [3, 8]
    assert found.since.tolist() == [13, 8]
    assert np.array_equal(found.values, [1, 2, NAN, 4, NAN, NAN, NAN, 5, 6, NAN, NAN, NAN], equal_nan=True)
    assert found.there.astype(int).tolist() == [1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0]
    assert found.which.tolist() == [0] * 7 + [1] * 5
    assert found.repeated.tolist() == [False, False]


def test_steps_without_a_row_are_zero_where_the_grid_says_so() -> None:
    rows = told([row(10, 1), row(11, NAN), row(13, 4)])
    assert np.array_equal(panel(rows, gaps="zero").values[:4], [1, NAN, 0, 4], equal_nan=True)
    assert np.array_equal(panel(rows).values[:4], [1, NAN, NAN, 4], equal_nan=True)
    assert np.isnan(panel(rows, gaps="zero").values[4:]).all()


def test_rows_that_share_a_step_are_told() -> None:
    found = panel(
        told([row(1, 1), row(2, 2)], [row(1, 1), row(1.2, 2), row(2, 3)], [row(1, 1), row(3, 3), row(3, NAN)])
    )
    assert found.repeated.tolist() == [False, True, True]


def test_a_series_without_a_value_has_no_steps() -> None:
    found = panel(told([row(1, NAN), row(2, NAN)], [row(1, 1), row(2, 2)]))
    assert (found.end < found.begin).tolist() == [True, False]
    assert np.isnan(found.since[0])
    assert found.end[1] - found.begin[1] == 1


def test_rows_behind_the_last_value_are_steps_to_come() -> None:
    found = panel(told([row(1, 1), row(2, 2), row(3, NAN, 0.5, 2), row(5, NAN, 0.7, 2), row(9, NAN)]))
    assert found.ahead.tolist() == [3]
    shown = found.windows(found.end)
    assert shown.continuous[0, WINDOW:, PRICE] == pytest.approx([0.5, NAN, 0.7], nan_ok=True)
    assert shown.codes[0, WINDOW:, 1].tolist() == [2, 0, 2]


def test_only_the_latest_steps_are_kept_where_so_many_are_asked_for() -> None:
    rows = told([row(m, m) for m in range(1, 21)])
    found = Panel.of(grid(), FEATURES, rows, back=5, horizon=2)
    assert found.values[:5].tolist() == [16, 17, 18, 19, 20]
    assert len(found.values) == 7


def test_steps_that_are_far_too_short_are_refused() -> None:
    with pytest.raises(ValueError, match="2 rows would lie on"):
        panel(told([row(0, 1), row(1e9, 2)]))


def test_nothing_is_laid_out_of_nothing() -> None:
    empty = Lines(
        np.empty(0), np.empty((0, 3), np.float32), np.empty((0, 3), np.int64), np.empty(0), np.empty(0, np.int64)
    )
    assert len(panel(empty)) == 0


def test_of_steps_to_come_what_is_known_and_what_never_changes_is_shown() -> None:
    rows = lines([12])
    found = panel(rows)
    end = 8
    shown = found.windows(np.array([end]))
    assert np.isnan(shown.continuous[0, WINDOW:, 0]).all()
    assert np.isnan(shown.continuous[0, WINDOW:, HEAT]).all()
    assert np.array_equal(shown.continuous[0, WINDOW:, PRICE], rows.continuous[end + 1 : end + 1 + HORIZON, 1])
    assert np.array_equal(shown.continuous[0, :, SIZE], np.full(WINDOW + HORIZON, rows.continuous[0, 2]))
    assert not shown.codes[0, WINDOW:, 0].any()
    assert np.array_equal(shown.codes[0, WINDOW:, 1], rows.codes[end + 1 : end + 1 + HORIZON, 1])
    assert (shown.codes[0, :, 2] == rows.codes[0, 2]).all()
    assert np.array_equal(shown.continuous[0, :WINDOW, HEAT], rows.continuous[end + 1 - WINDOW : end + 1, 0])
    assert np.array_equal(shown.codes[0, :WINDOW, 0], rows.codes[end + 1 - WINDOW : end + 1, 0])


def test_the_blind_are_told_what_never_changes_alone() -> None:
    found = panel(lines([12, 12]))
    ends = np.array([8, found.begin[1] + 8])
    shown = found.windows(ends, blind=np.array([True, False]))
    open_ = found.windows(ends)
    assert np.isnan(shown.continuous[0, WINDOW:, PRICE]).all()
    assert not shown.codes[0, WINDOW:, 1].any()
    assert np.array_equal(shown.continuous[0, :, SIZE], open_.continuous[0, :, SIZE])
    assert np.array_equal(shown.continuous[1], open_.continuous[1], equal_nan=True)
    assert np.array_equal(shown.continuous[:, :WINDOW], open_.continuous[:, :WINDOW], equal_nan=True)


def test_a_window_that_is_cut_is_that_of_a_younger_series() -> None:
    rows = lines([12])
    young = Lines(rows.values[6:], rows.continuous[6:], rows.codes[6:], rows.moments[6:], rows.starts)
    cut = panel(rows).windows(np.array([8]), cut=np.array([3]))
    whole = panel(young).windows(np.array([2]))
    assert np.array_equal(cut.continuous, whole.continuous, equal_nan=True)
    assert np.array_equal(cut.codes, whole.codes)
    assert cut.loc == whole.loc


def test_no_truth_is_told_behind_until() -> None:
    found = panel(lines([12]))
    shown = found.windows(np.array([8]), until=np.array([9]))
    assert np.isfinite(shown.truth[0]).tolist() == [True, False, False]
    assert shown.loc + shown.scale * shown.truth[0, 0] == pytest.approx(found.values[9])


def test_the_calendar_stands_behind_the_features_also_of_steps_to_come() -> None:
    weekly = Grid("sku", "day", "DATE", True, DAY, 0, 7, 4, 2, 3, cycles=("week",))
    rows = lines([10])
    found = Panel.of(weekly, FEATURES, Lines(rows.values, rows.continuous, rows.codes, rows.moments * DAY, rows.starts))
    shown = found.windows(found.end)
    assert shown.continuous.shape == (1, 7, 1 + 3 + 2 + EXTRA)
    assert shown.continuous[0, :, 4:6] == pytest.approx(weekly.calendar(np.arange(6, 13) * DAY))
    assert shown.at.tolist() == [9 * DAY]


def shown_of(of: Panel, end: int) -> dict[str, Any]:
    found = of.windows(np.array([end]))
    hidden = {name: getattr(found, name) for name in ("codes", "loc", "scale", "naive", "ruler", "spread", "at")}
    return hidden | {"continuous": found.continuous[..., : -EXTRA], "level": found.continuous[..., -1],
                     "there": found.continuous[:, :WINDOW, -2]}  # fmt: skip


@settings(max_examples=80)
@given(st.integers(0, 2**32 - 1), st.integers(3, 14), st.sampled_from(["missing", "zero"]), st.sampled_from([0.0, 0.4]))
def test_what_comes_later_changes_nothing(seed: int, length: int, gaps: str, absent: float) -> None:
    dice = np.random.default_rng(seed)
    rows = lines([length, 5], seed, absent, absent)
    one = panel(rows, gaps=gaps)
    end = int(dice.integers(0, one.end[0] + 1))
    later = (np.arange(len(rows.values)) < rows.starts[1]) & (rows.moments > rows.moments[0] + end)
    changed = Lines(rows.values.copy(), rows.continuous.copy(), rows.codes.copy(), rows.moments, rows.starts)
    changed.values[later] = np.where(np.isnan(rows.values[later]), np.nan, dice.normal(90, 50, later.sum()))
    changed.continuous[later, 0] = dice.normal(size=later.sum())
    changed.codes[later, 0] = 3 - rows.codes[later, 0]
    other = panel(changed, gaps=gaps)
    before, after = shown_of(one, end), shown_of(other, end)
    for name, value in before.items():
        assert np.array_equal(value, after[name], equal_nan=True), name


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.4]))
def test_what_is_left_away_later_changes_nothing(seed: int, absent: float) -> None:
    dice = np.random.default_rng(seed)
    rows = lines([14], seed, absent, absent)
    known = np.flatnonzero(np.isfinite(rows.values))
    stop = int(dice.choice(known)) + 1
    part = Lines(rows.values[:stop], rows.continuous[:stop], rows.codes[:stop], rows.moments[:stop], rows.starts)
    whole, less = panel(rows, known=()), panel(part, known=())
    before, after = shown_of(whole, int(less.end[0])), shown_of(less, int(less.end[0]))
    for name, value in before.items():
        assert np.array_equal(value, after[name], equal_nan=True), name


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6), st.sampled_from([0.0, 0.4]))
def test_series_of_any_size_are_told_alike(seed: int, factor: float, absent: float) -> None:
    rows = lines([14], seed, absent, absent)
    larger = replace(rows, values=rows.values * factor)
    one, other = panel(rows), panel(larger)
    ends = np.arange(2, int(one.end[0]) + 1)
    ends = ends[np.isfinite(one.values[ends])]
    a, b = one.windows(ends), other.windows(ends)
    # A window of one value, 0 in the worst case, has no spread of its own.
    told_by = a.scale != one.grid.usual
    for name in ("continuous", "truth", "naive", "ruler", "spread"):
        assert np.allclose(
            getattr(a, name)[told_by], getattr(b, name)[told_by], rtol=1e-4, atol=1e-4, equal_nan=True
        ), name
    assert b.scale[told_by] == pytest.approx(a.scale[told_by] * factor)


def test_windows_that_have_no_spread() -> None:
    rows = told([row(m, 0) for m in range(9)], [row(m, 7) for m in range(9)])
    found = panel(rows)
    shown = found.windows(found.end)
    assert shown.loc.tolist() == [0, 7]
    assert shown.scale == pytest.approx([4.0, 0.07])
    assert not np.nan_to_num(shown.continuous[..., 0]).any()
    assert shown.ruler.tolist() == [1, 1]


def test_what_a_season_ago_was_is_repeated() -> None:
    rows = told([row(m, v) for m, v in enumerate([3, 1, 4, 1, 5, 9, 2, 6])])
    found = panel(rows)
    shown = found.windows(found.end)
    assert shown.loc + shown.scale * shown.naive[0] == pytest.approx([2, 6, 2])
    changes = np.array([5 - 4, 9 - 1, 2 - 5, 6 - 9])
    assert shown.scale * shown.ruler == pytest.approx([np.abs(changes).mean()])
    assert shown.scale * shown.spread == pytest.approx([np.sqrt((changes**2).mean())])
