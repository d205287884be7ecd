"""Intervals that a client wrote as text: PostgreSQL's words, clocks, and ISO 8601."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from mfgsql.wire.types.moments import DAY

_PART = re.compile(
    r"\s*(?:(?P<sign>[+-]?)(?P<hours>\d+):(?P<minutes>\d\d?)(?::(?P<seconds>\d\d?(?:\.\d+)?))?"
    r"|(?P<count>[+-]?(?:\d+\.?\d*|\.\d+))\s*(?P<unit>[a-z]*))[\s,]*",
    re.ASCII,
)
_ISO = re.compile(r"([+-]?\d+(?:\.\d+)?)([a-z])", re.ASCII)
_DATED, _TIMED = {"y": "y", "m": "mon", "w": "w", "d": "d"}, {"h": "h", "m": "m", "s": "s"}
_NAMES = {
    "y": "y yr yrs year years", "mon": "mon mons month months", "w": "w week weeks", "d": "d day days",
    "h": "h hr hrs hour hours", "m": "m min mins minute minutes", "s": "s sec secs second seconds",
    "ms": "ms msec msecs millisecond milliseconds", "us": "us usec usecs microsecond microseconds",
}  # fmt: skip
_UNITS = {word: unit for unit, words in _NAMES.items() for word in words.split()} | {"": "s"}
_MONTHS, _DAYS = {"y": 12, "mon": 1}, {"w": 7, "d": 1}
_MICROS = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}


def interval(text: str) -> timedelta | str:
    """An interval as ``held`` has it.

    Raises:
        ValueError: the text is none.
    """
    word = text.strip().lower()
    ago = -1 if word.endswith(" ago") else 1
    parts = list(_iso(word[1:]) if word.startswith("p") else _words(word.removesuffix(" ago")))
    if not parts:
        raise ValueError(text)
    months = sum(count * _MONTHS[unit] for count, unit in parts if unit in _MONTHS)
    days = sum(count * _DAYS[unit] for count, unit in parts if unit in _DAYS) + (months - int(months)) * 30
    micros = sum(count * _MICROS[unit] for count, unit in parts if unit in _MICROS) + (days - int(days)) * DAY
    return held(ago * int(months), ago * int(days), ago * round(micros))


def held(months: int, days: int, micros: int) -> timedelta | str:
    """A timedelta of days and of less than a day; DuckDB's words for all that a timedelta would change."""
    if months == 0 and 0 <= micros < DAY and abs(days) < timedelta.max.days:
        return timedelta(days=days, microseconds=micros)
    return f"{months} months {days} days {micros} microseconds"


def _words(text: str) -> Iterator[tuple[Decimal, str]]:
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None or (match["unit"] or "") not in _UNITS:
            raise ValueError(text)
        at = match.end()
        if match["count"]:
            yield Decimal(match["count"]), _UNITS[match["unit"]]
            continue
        for unit, digits in (("h", match["hours"]), ("m", match["minutes"]), ("s", match["seconds"] or "0")):
            yield Decimal(match["sign"] + digits), unit


def _iso(text: str) -> Iterator[tuple[Decimal, str]]:
    dated, _, timed = text.partition("t")
    for part, units in ((dated, _DATED), (timed, _TIMED)):
        if _ISO.sub("", part):
            raise ValueError(text)
        for count, letter in _ISO.findall(part):
            if letter not in units:
                raise ValueError(text)
            yield Decimal(count), units[letter]
