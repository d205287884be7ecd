"""What a server sends, as the Python values that DuckDB hands out for the same types.

psycopg reads numbers, truths and bytes. It leaves alone what DuckDB sees otherwise: dates without end, months, single
precision, and nested values, which come as JSON.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.adapt import Loader

from mfgsql.wire.types.duck import DuckType, read_type
from mfgsql.wire.types.intervals import interval

Read = Callable[[Any], Any]
_TEXTS = ("json", "date", "timestamp", "timestamptz", "interval", "time")


class _Text(Loader):
    """The text as it came."""

    def load(self, data: Any) -> str:
        return bytes(data).decode()


def leave_alone(connection: psycopg.Connection[Any]) -> None:
    """Values that `as_duckdb` reads come as texts."""
    for name in _TEXTS:
        connection.adapters.register_loader(name, _Text)


def as_duckdb(rows: Iterator[tuple[Any, ...]], types: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Rows of columns of these DuckDB types, as DuckDB would hand them out."""
    found = [(at, _reader(read_type(kind))) for at, kind in enumerate(types)]
    odd = [(at, read) for at, read in found if read is not None]
    return (_changed(row, odd) for row in rows) if odd else rows


def _changed(row: tuple[Any, ...], odd: Sequence[tuple[int, Read]]) -> tuple[Any, ...]:
    values = list(row)
    for at, read in odd:
        values[at] = _or_null(read, values[at])
    return tuple(values)


def _reader(duck: DuckType) -> Read | None:
    """Of a column. A list of scalars comes as a list, all else that is nested as JSON."""
    if not duck.nested:
        return _SCALARS.get(duck.name)
    if duck.name in ("LIST", "ARRAY") and not duck.children[0].nested:
        read = _SCALARS.get(duck.children[0].name)
        return (lambda values: [_or_null(read, v) for v in values]) if read else None
    inside = _inside(duck)
    return lambda text: inside(json.loads(text, parse_float=Decimal))


def _inside(duck: DuckType) -> Read:
    """Of a value within JSON. An object has a struct's members in their order, and a union's one."""
    if not duck.children:
        return (_WITHIN | _SCALARS).get(duck.name, lambda value: value)
    inner = [_inside(child) for child in duck.children]
    if duck.name in ("LIST", "ARRAY"):
        return lambda values: [_or_null(inner[0], v) for v in values]
    if duck.name == "STRUCT":
        return lambda members: {
            name: _or_null(read, value) for read, (name, value) in zip(inner, members.items(), strict=True)
        }
    if duck.name == "MAP":
        return lambda entries: _map(entries, inner[0], inner[1])
    return lambda member: next(iter(member.values()))


def _map(entries: Any, key: Read, value: Read) -> dict[Any, Any]:
    """Keys that are nested themselves stand beside their values, as DuckDB puts them."""
    if isinstance(entries, dict):
        return {key(k): _or_null(value, v) for k, v in entries.items()}
    return {"key": [key(e["key"]) for e in entries], "value": [_or_null(value, e["value"]) for e in entries]}


def _or_null(read: Read, value: Any) -> Any:
    return None if value is None else read(value)


def _moment(kind: type[date] | type[datetime] | type[time]) -> Read:
    """What Python has no date or time for stays a text."""
    ends = {"infinity": kind.max, "-infinity": kind.min}

    def read(text: str) -> Any:
        try:
            return kind.fromisoformat(text)
        except ValueError:
            return ends.get(text, text)

    return read


def _single(value: Any) -> float:
    found: float = struct.unpack("f", struct.pack("f", float(value)))[0]
    return found


def _span(text: str) -> timedelta:
    """A month has 30 days, as DuckDB counts."""
    held = interval(text)
    if isinstance(held, timedelta):
        return held
    months, days, micros = map(int, held.split()[::2])
    return timedelta(days=30 * months + days, microseconds=micros)


def _truth(value: Any) -> bool:
    """A key of a map comes as t or f."""
    return value in (True, "t", "true")


_INTEGERS = ("TINYINT", "UTINYINT", "SMALLINT", "USMALLINT", "INTEGER", "UINTEGER", "BIGINT")
_SCALARS: dict[str, Read] = {
    **dict.fromkeys(("UBIGINT", "HUGEINT", "UHUGEINT"), int),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), _moment(datetime)),
    "TIMESTAMP WITH TIME ZONE": _moment(datetime), "DATE": _moment(date), "TIME": _moment(time),
    "TIME_NS": _moment(time), "INTERVAL": _span, "FLOAT": _single,
}  # fmt: skip
_WITHIN: dict[str, Read] = {
    **dict.fromkeys(_INTEGERS, int),
    "BOOLEAN": _truth, "DOUBLE": float, "DECIMAL": Decimal, "BLOB": lambda text: bytes.fromhex(text[2:]),
    "TIME WITH TIME ZONE": _moment(time), "JSON": lambda value: json.dumps(value, default=float),
}  # fmt: skip
