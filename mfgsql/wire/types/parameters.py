"""Parameters that a client bound, as Python values for DuckDB's ``execute``."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from math import isnan
from typing import Any

from mfgsql.wire.errors import WireError
from mfgsql.wire.types import dates, fields, literals
from mfgsql.wire.types.braces import read_array
from mfgsql.wire.types.intervals import interval
from mfgsql.wire.types.oids import ELEMENTS, TEXTS, duckdb_type_of

__all__ = ["decode", "duckdb_type_of"]

_TEXT: dict[int, Callable[[str], Any]] = {
    16: literals.boolean, 17: literals.octets, 20: literals.integer, 21: literals.integer, 23: literals.integer,
    26: literals.integer, 700: literals.number, 701: literals.number, 1082: dates.day, 1083: dates.time_of_day,
    1114: dates.timestamp, 1184: dates.timestamptz, 1186: interval, 1266: dates.time_with_zone,
    1560: literals.bits, 1562: literals.bits, 1700: literals.numeric, 2950: uuid.UUID,
}  # fmt: skip
_BINARY: dict[int, Callable[[bytes], Any]] = {
    16: fields.boolean, 17: bytes, 20: fields.fixed(">q"), 21: fields.fixed(">h"), 23: fields.fixed(">i"),
    24: fields.fixed(">I"), 26: fields.fixed(">I"), 28: fields.fixed(">I"), 700: fields.fixed(">f"),
    701: fields.fixed(">d"), 1082: fields.day, 1083: fields.time_of_day, 1114: fields.timestamp,
    1184: fields.timestamptz, 1186: fields.interval, 1266: fields.time_with_zone, 1560: fields.bits,
    1562: fields.bits, 1700: fields.numeric, 2205: fields.fixed(">I"), 2206: fields.fixed(">I"),
    2950: fields.identifier,
}  # fmt: skip
_BINARY |= {oid: fields.jsonb if oid == 3802 else fields.text for oid in TEXTS}
_WRONG = (ValueError, struct.error, ArithmeticError)


def decode(value: bytes | None, oid: int, format: int) -> Any:
    """The value of a parameter.

    int, float, Decimal, str, bytes, bool, date, time, datetime (with UTC for a timestamptz in binary), UUID,
    timedelta, or a list of these. A str stands for what Python or DuckDB has nothing for: infinite and far dates,
    intervals with months, bits, times behind UTC, lists with NaN; a cast to ``duckdb_type_of(oid)`` gives it its type.
    An oid that is not known here is text.

    Args:
        value: as it came; None is NULL.
        oid: the parameter's type, 0 where the client left it open.
        format: 0 text, 1 binary.

    Raises:
        WireError: the value is none of its type: 22P02 in text, 22P03 in binary, 22021 where it is not UTF-8;
            0A000 binary of a type that is not known here.
    """
    if value is None:
        return None
    try:
        return _read_binary(bytes(value), oid) if format == 1 else _read_text(bytes(value).decode(), oid)
    except UnicodeDecodeError:
        raise WireError("22021", f"A text is not UTF-8: {bytes(value[:20])!r}.") from None
    except _WRONG:
        shown = bytes(value).hex(" ") if format == 1 else bytes(value).decode()
        named = duckdb_type_of(oid) or ("NUMERIC" if oid == 1700 else f"type {oid}")
        raise WireError(
            "22P03" if format == 1 else "22P02",
            f"{'These bytes are' if format == 1 else 'This text is'} no {named}: {shown[:60]!r}.",
        ) from None


def _read_text(text: str, oid: int) -> Any:
    if element := ELEMENTS.get(oid):
        return _without_nan(read_array(text, _TEXT.get(element, str)))
    return _TEXT.get(oid, str)(text)


def _read_binary(value: bytes, oid: int) -> Any:
    element = ELEMENTS.get(oid)
    read = _BINARY.get(element or oid)
    if read is None:
        raise WireError("0A000", f"Parameters of type {oid} are not known in binary.", remedy="Send it as text.")
    return _without_nan(fields.array(value, element, read)) if element else read(value)


def _without_nan(found: list[Any]) -> Any:
    """As texts where a NaN is among them: in a list, DuckDB takes a float that is NaN for NULL."""
    return _as_texts(found) if _holds_nan(found) else found


def _holds_nan(found: Any) -> bool:
    return any(map(_holds_nan, found)) if isinstance(found, list) else isinstance(found, float) and isnan(found)


def _as_texts(found: Any) -> Any:
    return [_as_texts(v) for v in found] if isinstance(found, list) else None if found is None else str(found)
