"""Numbers for moments and moments for numbers, months of their own lengths, and what a calendar tells."""

from __future__ import annotations

import calendar
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.errors import OptionError
from mfgsql.features import Grid
from mfgsql.features.grid import DAY, WEEK, holidays_of

STEPS = st.sampled_from([1.0, 60.0, 900.0, 3600.0, DAY, WEEK])
SINCE = st.integers(-700_000_000, 4_000_000_000)  # from 1947 to 2096
NUMBER = st.integers(-4_000, 4_000)
MONTHS = st.sampled_from([1, 2, 3, 4, 6, 12])


def grid(step: float = DAY, months: int = 0, *, timed: bool = True, **more: object) -> Grid:
    return Grid("sku", "day", "DATE" if timed else "INTEGER", timed, step, months, 7, 28, 7, 7, **more)  # type: ignore[arg-type]


def at(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]


def day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}"


def after(of: Grid, since: float, number: int) -> float:
    return float(of.moments(np.array([since]), np.array([number]))[0])


@given(STEPS, SINCE, NUMBER)
def test_numbers_and_moments_of_equal_steps(step: float, since: int, number: int) -> None:
    moment = after(grid(step), since, number)
    assert moment == since + number * step
    assert grid(step).number(np.array([moment]), np.array([float(since)])).tolist() == [number]


@given(STEPS, SINCE, NUMBER, st.floats(-0.49, 0.49))
def test_a_moment_belongs_to_the_nearest_step(step: float, since: int, number: int, off: float) -> None:
    moments = np.array([since + (number + off) * step])
    assert grid(step).number(moments, np.array([float(since)])).tolist() == [number]


@given(MONTHS, SINCE, st.integers(-300, 300))
def test_numbers_and_moments_of_months(months: int, since: int, number: int) -> None:
    of = grid(0.0, months)
    moment = after(of, since, number)
    assert of.number(np.array([moment]), np.array([float(since)])).tolist() == [number]
    begin, found = (datetime.fromtimestamp(m, UTC) for m in (since, moment))
    month = begin.year * 12 + begin.month - 1 + number * months
    assert (found.year, found.month - 1) == divmod(month, 12)
    assert found.day == min(begin.day, calendar.monthrange(found.year, found.month)[1])
    assert found.time() == begin.time()


@given(MONTHS, SINCE, st.integers(-300, 300))
def test_later_months_are_later(months: int, since: int, number: int) -> None:
    of = grid(0.0, months)
    assert after(of, since, number) < after(of, since, number + 1)


def test_the_last_day_stands_for_days_that_a_month_has_not() -> None:
    month = grid(0.0, 1)
    assert day(after(month, at(2026, 1, 31), 1)) == "2026-02-28 00:00"
    assert day(after(month, at(2024, 1, 31, 18, 30), 1)) == "2024-02-29 18:30"
    assert day(after(month, at(2026, 1, 31), 2)) == "2026-03-31 00:00"
    assert day(after(month, at(2026, 3, 31), -1)) == "2026-02-28 00:00"
    assert day(after(grid(0.0, 12), at(2024, 2, 29), 1)) == "2025-02-28 00:00"
    assert day(after(grid(0.0, 3), at(2025, 11, 30), 1)) == "2026-02-28 00:00"


def test_each_series_counts_from_its_own_end() -> None:
    since = np.array([at(2026, 1, 31), at(2026, 2, 10)])
    found = grid(0.0, 1).moments(since, np.array([1, 1]))
    assert [day(m) for m in found] == ["2026-02-28 00:00", "2026-03-10 00:00"]


CYCLES = ("day", "week", "month", "year")


@given(
    st.lists(SINCE, max_size=20),
    st.sets(st.sampled_from(CYCLES)),
    st.sampled_from([None, "DE"]),
    st.sampled_from([(3600.0, 0), (DAY, 0), (WEEK, 0), (0.0, 1)]),
)
def test_channels_are_as_many_as_are_said(
    moments: list[int], cycles: set[str], country: str | None, step: tuple[float, int]
) -> None:
    of = grid(*step, cycles=tuple(sorted(cycles)), holidays=country)
    found = of.calendar(np.array(moments, np.float64))
    assert found.shape == (len(moments), of.channels)
    assert found.dtype == np.float32
    waves = found[:, : 2 * len(cycles)].astype(float)
    assert (waves[:, ::2] ** 2 + waves[:, 1::2] ** 2) == pytest.approx(1.0, abs=1e-4)


def test_where_in_its_cycles_a_moment_lies() -> None:
    hours = grid(3600.0, cycles=("day", "month"))
    found = hours.calendar(np.array([at(2026, 6, 1), at(2026, 6, 16), at(2026, 6, 1, 12), at(2026, 6, 1, 6)]))
    assert found[0] == pytest.approx([0, 1, 0, 1], abs=1e-5)
    assert found[1] == pytest.approx([0, 1, 0, -1], abs=1e-5)
    assert found[2, :2] == pytest.approx([0, -1], abs=1e-5)
    assert found[3, :2] == pytest.approx([1, 0], abs=1e-5)
    weeks = grid(cycles=("week",)).calendar(at(2026, 1, 1) + np.arange(15) * DAY)
    assert weeks[0] == pytest.approx(weeks[7], abs=1e-5)
    assert weeks[7] == pytest.approx(weeks[14], abs=1e-5)
    assert len({tuple(np.round(row, 3)) for row in weeks}) == 7
    months = grid(0.0, 1, cycles=("year",)).calendar(np.array([at(2026, 1, 31), at(2026, 7, 31), at(2026, 4, 30)]))
    assert months == pytest.approx(np.array([[0, 1], [0, -1], [1, 0]]), abs=1e-5)


def test_holidays_with_the_days_beside_them() -> None:
    daily = grid(holidays="DE")
    days = [at(2026, 12, d) for d in (23, 24, 25, 26, 27, 28)]
    assert daily.calendar(np.array(days)).tolist() == [[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 1], [0, 0, 1], [0, 0, 0]]
    epiphany = np.array([at(2026, 1, 6, 13)])
    assert daily.calendar(epiphany)[0, 0] == 0
    assert grid(3600.0, holidays="DE-BY").calendar(epiphany)[0, 0] == 1


def test_longer_steps_count_their_holidays() -> None:
    mondays = np.array([at(2026, 12, 14), at(2026, 12, 21), at(2026, 12, 28)])
    assert grid(WEEK, holidays="DE").calendar(mondays).tolist() == [[0], [2], [1]]
    months = np.array([at(2026, 11, 1), at(2026, 12, 1), at(2027, 1, 1)])
    assert grid(0.0, 1, holidays="DE").calendar(months).tolist() == [[0], [2], [1]]
    assert grid(holidays="DE").calendar(np.empty(0)).shape == (0, 3)


def test_holidays_lie_between_the_days_asked_for() -> None:
    first, last = (int(at(*when) // DAY) for when in ((2026, 12, 25), (2027, 1, 1)))
    assert holidays_of("de", first, last).tolist() == [first, first + 1, last]
    assert holidays_of("DE", first + 2, last - 1).tolist() == []


@pytest.mark.parametrize("country", ["XX", "DE-QQ", "", "Germany!"])
def test_countries_that_there_are_not(country: str) -> None:
    with pytest.raises(OptionError, match="No calendar of holidays is known for"):
        holidays_of(country, 20_000, 20_365)


def test_a_grid_is_saved_whole() -> None:
    whole = grid(known=("promo",), static=("region", "size"), holidays="DE-BY", cycles=("week",), floor=0.0, until=3.5)
    for one in (whole, grid(0.0, 3), grid(2.0, timed=False)):
        assert Grid.from_dict(json.loads(json.dumps(one.to_dict()))) == one
