"""Options that a class declares: what is taken, what is refused, and in which words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.errors import OptionError
from mfgsql.options import check_options, checked_options, choice, flag, number, read_whole


@dataclass(frozen=True)
class Oven:
    minutes: int = number(30, 1, 100_000, "how long")
    heat: float = number(0.5, 0, 0.75, "share of the power")
    fan: bool = flag(False, what="whether air moves")
    light: str = choice("on", "on", "off", what="the lamp")


def test_what_is_given_is_taken_and_null_is_not() -> None:
    given_ = {"minutes": 12.0, "heat": 0, "fan": True, "light": "OFF"}
    assert checked_options(Oven, given_) == {"minutes": 12, "heat": 0.0, "fan": True, "light": "off"}
    assert checked_options(Oven, {"minutes": None, "rack": 3}, also=["rack"]) == {}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"minutes": 0}, r"minutes (how long) is a whole number from 1 to 100,000, not 0."),
        ({"minutes": 2.5}, r"minutes (how long) is a whole number from 1 to 100,000, not 2.5."),
        ({"minutes": True}, r"minutes (how long) is a whole number from 1 to 100,000, not True."),
        ({"heat": "hot"}, r"heat (share of the power) is a number from 0 to 0.75, not 'hot'."),
        ({"heat": math.nan}, r"heat (share of the power) is a number from 0 to 0.75, not nan."),
        ({"fan": 1}, r"fan (whether air moves) is true or false, not 1."),
        ({"light": "of"}, r"light is on or off, not 'of'. Did you mean 'off'?"),
        ({"minuets": 3}, r"Unknown option 'minuets'; allowed are minutes, heat, fan or light. Did you mean 'minutes'?"),
    ],
)
def test_what_is_amiss_is_told(options: dict[str, object], told: str) -> None:
    with pytest.raises(OptionError) as raised:
        checked_options(Oven, options)
    assert raised.value.message == told


def test_a_short_name_is_suggested_too() -> None:
    with pytest.raises(OptionError, match="Did you mean 'lr'"):
        check_options({"lrr": 1}, ["learning_rate"], short=["lr"])


@given(st.integers() | st.floats() | st.text(max_size=3))
def test_only_numbers_of_the_range_come_through(value: object) -> None:
    try:
        taken = checked_options(Oven, {"minutes": value, "heat": value})
    except OptionError:
        return
    assert isinstance(taken["minutes"], int)
    assert 1 <= taken["minutes"] <= 100_000
    assert 0 <= taken["heat"] <= 0.75


@given(st.integers(-5, 15))
def test_a_whole_number_lies_between_its_ends(value: int) -> None:
    if 0 <= value <= 10:
        assert read_whole("n", value, 0, 10) == value
    else:
        with pytest.raises(OptionError, match="n is a whole number from 0 to 10"):
            read_whole("n", value, 0, 10)
