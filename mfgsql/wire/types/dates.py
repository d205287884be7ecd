"""Dates and times that a client wrote as text.

What Python can't hold, infinity and the years before 1 or behind 9999, stays text, in DuckDB's way of writing it.
Each reader raises ``ValueError`` for a text that is none.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

_MOMENT = re.compile(
    r"(?P<day>\d{4,6}-\d\d?-\d\d?)([ T](?P<clock>\d[\d:.]*))?\s*(?P<zone>Z|[+-]\d\d(:?\d\d){0,2})?(?P<era>\s+BC)?",
    re.IGNORECASE | re.ASCII,
)
_CLOCK = re.compile(r"(?P<clock>\d\d?:\d\d(:\d\d(\.\d+)?)?)\s*(?P<zone>Z|[+-]\d\d(:?\d\d){0,2})?", re.ASCII)
_WORDS = ("infinity", "-infinity", "epoch")


def day(text: str) -> date | str:
    """A date; the time of day behind it is left out."""
    return _read(text, clock=False, zone=False)


def timestamp(text: str) -> date | str:
    """A timestamp; a zone behind it is left out, as PostgreSQL does."""
    return _read(text, clock=True, zone=False)


def timestamptz(text: str) -> date | str:
    """A timestamp in UTC; without an offset, as it is: it is read in the session's zone."""
    found = _read(text, clock=True, zone=True)
    return found.astimezone(UTC) if isinstance(found, datetime) and found.tzinfo else found


def time_of_day(text: str) -> time | str:
    """A time without a zone."""
    return _time(text, zone=False)


def time_with_zone(text: str) -> time | str:
    """A time with its offset; text where that is behind UTC, which DuckDB takes in no other form."""
    found = _time(text, zone=True)
    behind = isinstance(found, time) and (found.utcoffset() or timedelta()) < timedelta()
    return found.isoformat() if isinstance(found, time) and behind else found


def _read(text: str, *, clock: bool, zone: bool) -> date | str:
    word = text.strip().lower()
    if word in _WORDS:
        return word
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    year, month, of_month = match["day"].split("-")
    written = f"{year}-{month:0>2}-{of_month:0>2}"
    hour = _clock(match["clock"] or "00:00:00") if clock else ""
    offset = _offset(match["zone"]) if zone else ""
    if match["era"] or len(year) > 4 or hour.startswith("24:"):
        return " ".join(p for p in (written, "(BC)" if match["era"] else "", hour) if p) + offset
    return datetime.fromisoformat(f"{written} {hour}{offset}") if clock else date.fromisoformat(written)


def _time(text: str, *, zone: bool) -> time | str:
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    written = _clock(match["clock"]) + (_offset(match["zone"]) if zone else "")
    return written if written.startswith("24:00") else time.fromisoformat(written)


def _clock(text: str) -> str:
    """Two digits everywhere, and six behind the point."""
    hour, _, rest = text.partition(":")
    whole, _, part = rest.partition(".")
    return f"{hour:0>2}:{whole or '00'}" + (f".{part[:6]:0<6}" if part else "")


def _offset(zone: str | None) -> str:
    """With colons, as ``+05:30``."""
    if zone is None or zone in "Zz":
        return "+00:00" if zone else ""
    digits = zone[1:].replace(":", "")
    pairs = [digits[k : k + 2] for k in range(0, len(digits), 2)]
    return zone[0] + ":".join(pairs if len(pairs) > 1 else [*pairs, "00"])
