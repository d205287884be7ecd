"""Values that a client sent in PostgreSQL's binary format: Python values that DuckDB takes.

Each reader raises ``ValueError`` or ``struct.error`` for bytes that are no value of its type.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from mfgsql.wire.types.binary import EPOCH, EPOCH_DAYS
from mfgsql.wire.types.intervals import held
from mfgsql.wire.types.literals import fitting
from mfgsql.wire.types.moments import DAY, odd_date, odd_timestamp

_ORIGIN = datetime(1970, 1, 1)
_FIRST, _LAST = date.min.toordinal(), date.max.toordinal()
_ORIGIN_DAY = _ORIGIN.toordinal()
_SPECIAL = {0xC000: float("nan"), 0xD000: float("inf"), 0xF000: float("-inf")}


def fixed(form: str) -> Callable[[bytes], Any]:
    """A reader of one number of this ``struct`` format."""
    layout = struct.Struct(form)
    return lambda value: layout.unpack(value)[0]


def boolean(value: bytes) -> bool:
    """One byte."""
    return bool(struct.unpack("?", value)[0])


def text(value: bytes) -> str:
    """UTF-8."""
    return value.decode()


def jsonb(value: bytes) -> str:
    """A version byte, then JSON."""
    if value[:1] != b"\x01":
        raise ValueError("unknown version of jsonb")
    return value[1:].decode()


def numeric(value: bytes) -> Decimal | float:
    """Digits to the base of 10,000 behind a header. A float where DuckDB's 38 digits can't hold it."""
    count, weight, sign, scale = struct.unpack_from(">hhHh", value)
    if sign in _SPECIAL:
        return _SPECIAL[sign]
    digits = struct.unpack(f">{count}h", value[8:])
    if sign not in (0, 0x4000) or scale < 0 or any(not 0 <= d < 10_000 for d in digits):
        raise ValueError("no numeric")
    letters = "".join(f"{d:04d}" for d in digits) or "0"
    point = (weight + 1) * 4 if digits else 1
    whole, behind = letters[: max(point, 0)].ljust(point, "0"), "0" * -point + letters[max(point, 0) :]
    return fitting(Decimal(f"{'-' if sign else ''}{whole or '0'}.{behind[:scale]:0<{scale}}"))


def day(value: bytes) -> date | str:
    """Days since 2000; text where Python has no such date."""
    days = fixed(">i")(value)
    if abs(days + 0.5) > 2**31 - 1:
        return "infinity" if days > 0 else "-infinity"
    found = days + EPOCH_DAYS + _ORIGIN_DAY
    return date.fromordinal(found) if _FIRST <= found <= _LAST else _duck(odd_date(days + EPOCH_DAYS))


def timestamp(value: bytes) -> datetime | str:
    """Microseconds since 2000; text where Python has no such date."""
    return _moment(fixed(">q")(value), "")


def timestamptz(value: bytes) -> datetime | str:
    """As ``timestamp``, in UTC."""
    found = _moment(fixed(">q")(value), "+00")
    return found.replace(tzinfo=UTC) if isinstance(found, datetime) else found


def time_of_day(value: bytes) -> time | str:
    """Microseconds since midnight."""
    return _time(fixed(">q")(value))


def time_with_zone(value: bytes) -> time | str:
    """Microseconds since midnight, and seconds behind UTC; text where there are such, as in ``dates``."""
    micros, behind = struct.unpack(">qi", value)
    found = _time(micros)
    if isinstance(found, str):
        raise ValueError("24:00:00 with a zone")
    zoned = found.replace(tzinfo=timezone(timedelta(seconds=-behind)))
    return zoned.isoformat() if behind > 0 else zoned


def interval(value: bytes) -> timedelta | str:
    """Microseconds, days and months, as ``intervals.held`` has them."""
    micros, days, months = struct.unpack(">qii", value)
    return held(months, days, micros)


def identifier(value: bytes) -> uuid.UUID:
    """16 bytes."""
    return uuid.UUID(bytes=value)


def bits(value: bytes) -> str:
    """How many bits, then the bits from the left."""
    count = struct.unpack_from(">i", value)[0]
    found = "".join(f"{byte:08b}" for byte in value[4:])
    if not 0 <= len(found) - count < 8:
        raise ValueError("no bits")
    return found[:count]


def array(value: bytes, oid: int, read: Callable[[bytes], Any]) -> list[Any]:
    """The elements of an array whose elements have this oid, in lists as deep as it has dimensions."""
    dimensions, _, element = struct.unpack_from(">iiI", value)
    if element != oid or not 0 <= dimensions <= 6:
        raise ValueError(f"elements of type {element}, not {oid}")
    sizes = [struct.unpack_from(">i", value, 12 + 8 * k)[0] for k in range(dimensions)]
    at, found = 12 + 8 * dimensions, []
    while at < len(value):
        size = struct.unpack_from(">i", value, at)[0]
        body, at = value[at + 4 : at + 4 + max(size, 0)], at + 4 + max(size, 0)
        if len(body) != max(size, 0):
            raise ValueError("cut off")
        found.append(None if size < 0 else read(body))
    return _shaped(found, sizes)


def _shaped(found: list[Any], sizes: list[int]) -> list[Any]:
    for size in reversed(sizes[1:]):
        if size <= 0 or len(found) % size:
            raise ValueError("elements missing")
        found = [found[k : k + size] for k in range(0, len(found), size)]
    if sizes and len(found) != sizes[0]:
        raise ValueError("elements missing")
    return found


def _moment(micros: int, suffix: str) -> datetime | str:
    if micros in (2**63 - 1, -(2**63)):
        return "infinity" if micros > 0 else "-infinity"
    since = micros + EPOCH
    if _FIRST <= since // DAY + _ORIGIN_DAY <= _LAST:
        return _ORIGIN + timedelta(microseconds=since)
    return _duck(odd_timestamp(since, 0, suffix))


def _time(micros: int) -> time | str:
    if micros == DAY:
        return "24:00:00"
    if not 0 <= micros < DAY:
        raise ValueError("no time of day")
    return (_ORIGIN + timedelta(microseconds=micros)).time()


def _duck(written: str) -> str:
    """As DuckDB writes years before 1: ``0044-03-15 (BC) 10:00:00``."""
    if not written.endswith(" BC"):
        return written
    found, _, clock = written.removesuffix(" BC").partition(" ")
    return f"{found} (BC) {clock}".rstrip()
