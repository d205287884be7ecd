"""Dates, times and intervals as PostgreSQL prints them, ``DateStyle`` ISO and ``IntervalStyle`` postgres.

Arrow prints the years 1 to 9999. What lies outside, BC, year 10000 and infinity, is printed value by value.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.errors import OptionError
from mfgsql.wire.types.arrow import Array, Numbers, known, numbers, replaced, under

DAY = 86_400_000_000
ENDLESS, ENDLESS_DAY = 2**63 - 1, 2**31 - 1
"""DuckDB's infinity, in microseconds and in days; the same below zero for -infinity."""

_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31
_RULES_ONLY = 2_145_916_800_000_000  # 2038
_CYCLE = 146_097  # days of 400 years
_INTERVAL = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def date_text(array: Array) -> Array:
    """``2026-01-02``, ``0044-03-15 BC``, ``infinity``."""
    days = numbers(array, np.int32)
    texts = array.cast(pa.string())
    odd = ((days < _FIRST_DAY) | (days > _LAST_DAY)) & known(array)
    return replaced(texts, odd, pa.array(map(odd_date, days[odd].tolist()), pa.string())) if odd.any() else texts


def time_text(array: Array) -> Array:
    """``03:04:05.5``. Nanoseconds are cut: PostgreSQL has none."""
    micros = micros_of_day(array)
    last = micros == DAY  # the end of a day is no time for Arrow
    texts = _trimmed(pa.array(np.where(last, 0, micros)).view(pa.time64("us")).cast(pa.string()))
    return under(array, pc.if_else(pa.array(last), "24:00:00", texts) if last.any() else texts)


def micros_of_day(array: Array) -> Numbers:
    """Microseconds of TIME and TIME_NS values."""
    found = numbers(array, np.int64)
    return found // 1000 if array.type.unit == "ns" else found


def micros_of(array: Array) -> Numbers:
    """Microseconds since 1970 of a timestamp of any unit; the two infinities stay what they are."""
    found, rate = numbers(array, np.int64), _PER_SECOND[array.type.unit]
    if rate == 1_000_000:
        return found
    scaled = found // 1000 if rate > 1_000_000 else found * (1_000_000 // rate)
    return np.where(np.abs(found) == ENDLESS, found, scaled)


def timestamp_text(array: Array, zone: str | None = None) -> Array:
    """``2026-01-02 03:04:05.123``; with a zone the time there, and its offset: ``2026-01-02 03:04:05+00``."""
    micros = micros_of(array)
    odd = (micros < _FIRST_DAY * DAY) | (micros >= (_LAST_DAY + 1) * DAY)
    shift = np.zeros(len(micros), np.int64) if zone in (None, "UTC") else _offsets(micros, str(zone))
    local = np.where(odd, 0, micros + shift)
    odd |= (local < _FIRST_DAY * DAY) | (local >= (_LAST_DAY + 1) * DAY)
    texts = _trimmed(pa.array(np.where(odd, 0, local)).view(pa.timestamp("us")).cast(pa.string()))
    suffix = "" if zone is None else "+00" if zone == "UTC" else _offset_texts(shift)
    if zone is not None:
        texts = pc.binary_join_element_wise(texts, suffix, "")
    if (odd := odd & known(array)).any():
        tails = pa.array([suffix] * len(array)) if isinstance(suffix, str) else suffix
        picked = zip(micros[odd].tolist(), shift[odd].tolist(), tails.filter(pa.array(odd)).to_pylist(), strict=True)
        texts = replaced(texts, odd, pa.array([odd_timestamp(*values) for values in picked], pa.string()))
    return under(array, texts)


def interval_text(array: Array) -> Array:
    """``1 year 2 mons 3 days 04:05:06.5``; a sign stands before each part that has one."""
    raw = numbers(array, _INTERVAL)
    months, days, micros = raw["months"].astype(np.int64), raw["days"].astype(np.int64), raw["nanoseconds"] // 1000
    years, months = np.trunc(months / 12).astype(np.int64), np.fmod(months, 12)
    parts, behind_minus, empty = [], np.zeros(len(raw), np.bool_), np.ones(len(raw), np.bool_)
    for values, unit in ((years, "year"), (months, "mon"), (days, "day")):
        plus = pa.array(np.where(behind_minus & (values > 0), "+", ""))
        name = pa.array(np.where(values == 1, f" {unit}", f" {unit}s"))
        words = pc.binary_join_element_wise(plus, pa.array(values).cast(pa.string()), name, "")
        parts.append(_under_mask(words, values != 0))
        behind_minus, empty = np.where(values != 0, values < 0, behind_minus), empty & (values == 0)
    parts.append(_under_mask(_span_text(micros, behind_minus), (micros != 0) | empty))
    return under(array, pc.binary_join_element_wise(*parts, " ", null_handling="skip"))


def check_zone(zone: str) -> str:
    """The zone as the encoder knows it.

    Raises:
        OptionError: no such zone.
    """
    if zone.upper() in ("UTC", "ETC/UTC", "GMT"):
        return "UTC"
    try:
        pc.local_timestamp(pa.array([0], pa.timestamp("us", zone)))
    except pa.ArrowInvalid:
        raise OptionError(f"There is no time zone {zone!r}.", remedy="Zones are named as 'Europe/Berlin'.") from None
    return zone


def _span_text(micros: Numbers, behind_minus: Numbers) -> Array:
    """Hours, which may be many, minutes and seconds, with their sign."""
    size = np.abs(micros)
    hours, rest = size // 3_600_000_000, size % 3_600_000_000
    clock = pc.utf8_slice_codeunits(_trimmed(pa.array(rest).view(pa.time64("us")).cast(pa.string())), 2)
    sign = np.where(micros < 0, "-", np.where(behind_minus, "+", ""))
    return pc.binary_join_element_wise(
        pa.array(sign), pc.ascii_lpad(pa.array(hours).cast(pa.string()), width=2, padding="0"), clock, ""
    )


def _offsets(micros: Numbers, zone: str) -> Numbers:
    """Microseconds that the zone is ahead of UTC at each instant."""
    near = np.clip(micros, (_FIRST_DAY + 1) * DAY, _LAST_DAY * DAY)
    local = pc.local_timestamp(pa.array(near).view(pa.timestamp("us")).cast(pa.timestamp("us", zone)))
    ahead: Numbers = local.view(pa.int64()).to_numpy() - near
    if (late := near >= _RULES_ONLY).any():  # Arrow knows a zone's listed changes only, not the rule for those to come
        ahead = ahead.copy()
        ahead[late] = _ruled(near[late], ahead[late], zone)
    return ahead


def _ruled(micros: Numbers, listed: Numbers, zone: str) -> Numbers:
    """Offsets by the zone's rule, value by value; ``listed`` ones where the zone is an offset itself."""
    try:
        rule = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return listed
    moments = [datetime.fromtimestamp(m // 1_000_000, rule) for m in micros.tolist()]
    return np.array([(m.utcoffset() or timedelta()) // timedelta(microseconds=1) for m in moments], np.int64)


def _offset_texts(shift: Numbers) -> Array:
    found, places = np.unique(shift, return_inverse=True)
    return pa.array([offset_text(int(s) // 1_000_000) for s in found], pa.string()).take(pa.array(places))


@lru_cache(maxsize=1024)
def offset_text(seconds: int) -> str:
    """``+01``, ``-03:30``, ``+00:53:28``: minutes and seconds where there are some."""
    hours, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    tail = f":{minutes:02d}:{left:02d}" if left else f":{minutes:02d}" if minutes else ""
    return f"{'-' if seconds < 0 else '+'}{hours:02d}{tail}"


def odd_date(days: int) -> str:
    """Any day since 1970 as text."""
    if abs(days) == ENDLESS_DAY:
        return "infinity" if days > 0 else "-infinity"
    day, era = _day(days)
    return day + era


def odd_timestamp(micros: int, shift: int, suffix: str) -> str:
    """Any microsecond since 1970 as text, in a zone that is ahead by ``shift``; ``suffix`` is its offset."""
    if abs(micros) == ENDLESS:
        return "infinity" if micros > 0 else "-infinity"
    days, rest = divmod(micros + shift, DAY)
    seconds, part = divmod(rest, 1_000_000)
    fraction = f".{part:06d}".rstrip("0") if part else ""
    day, era = _day(days)
    return f"{day} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}{suffix}{era}"


def _day(days: int) -> tuple[str, str]:
    """A day of any year: the calendar repeats every 400 years."""
    cycle, rest = divmod(days - _FIRST_DAY, _CYCLE)
    found = date.fromordinal(rest + 1)
    year = found.year + 400 * cycle
    return f"{year if year > 0 else 1 - year:04d}-{found.month:02d}-{found.day:02d}", "" if year > 0 else " BC"


def _trimmed(texts: Array) -> Array:
    """Without the zeros that end the six digits of a fraction."""
    return pc.ascii_rtrim(pc.ascii_rtrim(texts, "0"), ".")


def _under_mask(texts: Array, valid: Numbers) -> Array:
    return texts if valid.all() else pc.if_else(pa.array(valid), texts, None)
