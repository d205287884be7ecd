"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.reporting.formats import (
    bytes_size,
    count,
    day,
    epoch,
    moment,
    number,
    percent,
    plural,
    points,
    score,
    seconds,
    short,
    signed,
)  # fmt: skip


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (count(12345), "12,345"), (count(None), "–"), (plural(1, "row"), "1 row"), (plural(2000, "class"), "2,000 classes"),
        (number(12345.678), "12,346"), (number(76.6), "76.6"), (number(0.03123456), "0.03123"), (number(-2.5), "−2.5"),
        (number(0.0), "0"), (number(1e-7), "1e−07"), (number(3.2e15), "3.2e+15"), (number(float("nan")), "–"),
        (score(0.81234), "0.812"), (score(-1e-6), "0.000"), (score(123.456), "123"), (signed(0.1), "+0.100"),
        (signed(-0.1), "−0.100"), (points(0.0341), "+3.4\xa0points"), (points(-0.00001), "0.0\xa0points"),
        (percent(0.5), "50.0\xa0%"), (percent(0.0001), "<\xa00.1\xa0%"), (percent(0.9999), ">\xa099.9\xa0%"),
        (percent(0.0), "0.0\xa0%"), (percent(1.0), "100.0\xa0%"), (percent(0.95, 0), "95\xa0%"), (percent(None), "–"),
        (epoch(0), "1970-01-01"), (epoch(3600), "1970-01-01 01:00"), (epoch(1e30), "1e+30"), (seconds(0.84), "0.8 s"),
        (seconds(59), "59 s"), (seconds(200), "3 min 20 s"), (seconds(7500), "2 h 5 min"), (seconds(None), "–"),
        (bytes_size(12), "12 bytes"), (bytes_size(430_000), "420 KiB"), (bytes_size(3_000_000), "2.9 MiB"),
        (short("a\n b"), "a b"), (short("x" * 100, 10), "x" * 9 + "…"), (day(None), "–"), (moment(None), "–"),
    ],
)  # fmt: skip
def test_as_people_write_them(found: str, wanted: str) -> None:
    assert found == wanted


def test_moments_are_told_in_utc() -> None:
    summer = datetime(2026, 7, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert moment(summer) == "30 June 2026, 23:30 UTC"
    assert moment(datetime(2026, 7, 1, 1, 30)) == "1 July 2026, 01:30"
    assert day(summer.astimezone(UTC)) == "30 Jun 2026"


@given(st.floats())
def test_any_number_can_be_written(value: float) -> None:
    for write in (number, score, percent, epoch):
        assert 0 < len(write(value)) <= 340
