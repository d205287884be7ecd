"""Numbers, times and sizes as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime

NONE = "–"
_MINUS = "\N{MINUS SIGN}"
_JOIN = "\N{NO-BREAK SPACE}"


def count(value: float | None) -> str:
    """``12,345``."""
    return NONE if value is None else f"{value:,.0f}"


def plural(value: int, word: str) -> str:
    """``1 row``, ``2 rows``, ``2 classes``, ``2 stretches``."""
    ending = "" if value == 1 else "es" if word.endswith(("s", "ch")) else "s"
    return f"{value:,} {word}{ending}"


def number(value: float | None, digits: int = 4) -> str:
    """With so many significant digits, and thousands set apart: ``0.0312``, ``76.6``, ``12,345``."""
    if value is None or not math.isfinite(value):
        return NONE
    size = abs(value)
    if size and (size < 1e-4 or size >= 1e12):
        text = f"{value:.{digits - 1}g}"
    elif size >= 10 ** (digits - 1):
        text = f"{value:,.0f}"
    else:
        text = f"{value:.{digits}g}"
    return text.replace("-", _MINUS)


def score(value: float | None) -> str:
    """A metric: three decimals up to ten, else three significant digits."""
    if value is None or not math.isfinite(value):
        return NONE
    if abs(value) >= 10:
        return number(value, 3)
    return f"{value:z.3f}".replace("-", _MINUS)


def signed(value: float) -> str:
    """A metric's difference, with its sign."""
    return f"+{score(value)}" if value > 0 else score(value)


def points(value: float) -> str:
    """A difference of shares: ``+3.4 points`` of a percentage."""
    sign = "+" if value >= 0.0005 else ""
    return f"{sign}{value * 100:z.1f}{_JOIN}points".replace("-", _MINUS)


def added(value: float, shares: bool) -> str:
    """What something adds to a prediction: points of a percentage to a share, else in the number's own unit."""
    return points(value) if shares else ("+" if value > 0 else "") + number(value, 3)


def percent(share: float | None, digits: int = 1) -> str:
    """``3.4 %``, held together; what is not quite none or all is not rounded to it."""
    if share is None or not math.isfinite(share):
        return NONE
    least = 10.0**-digits
    if 0 < share * 100 < least:
        return f"<{_JOIN}{least:g}{_JOIN}%"
    if 0 < (1 - share) * 100 < least:
        return f">{_JOIN}{100 - least:g}{_JOIN}%"
    return f"{share * 100:.{digits}f}{_JOIN}%"


def day(value: datetime | None) -> str:
    """``25 Nov 2026``."""
    return NONE if value is None else f"{value.day} {value:%b %Y}"


def moment(value: datetime | None) -> str:
    """``25 November 2026, 04:35 UTC``."""
    if value is None:
        return NONE
    known = value.astimezone(UTC) if value.tzinfo else value
    zone = " UTC" if value.tzinfo else ""
    return f"{known.day} {known:%B %Y, %H:%M}{zone}"


def epoch(seconds: float | None) -> str:
    """Seconds since 1970 as a date, with the time of day where it has one."""
    if seconds is None:
        return NONE
    try:
        value = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return number(seconds)
    return f"{value:%Y-%m-%d}" if seconds % 86_400 == 0 else f"{value:%Y-%m-%d %H:%M}"


def seconds(value: float | None) -> str:
    """``0.8 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if value is None:
        return NONE
    if value < 60:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def bytes_size(value: int | None) -> str:
    """``512 bytes``, ``420 KiB``, ``1.2 MiB``."""
    if value is None:
        return NONE
    if value < 1024:
        return f"{value} bytes"
    return f"{value / 1024:.0f} KiB" if value < 2**20 else f"{value / 2**20:.1f} MiB"


def short(text: str, most: int = 60) -> str:
    """The beginning of a long text."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
