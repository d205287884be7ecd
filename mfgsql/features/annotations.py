"""The forms in which spans lie in a table: lists of structs, or JSON of the same, as flat columns not judged yet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.errors import DataError

Array = npt.NDArray[Any]
FAR = 2**62  # a place that no text has
_SPELLINGS = (("label", "type", "entity"), ("begin", "start"), ("stop", "end"))
_UNREADABLE = object()


@dataclass(frozen=True)
class Annotations:
    """Spans as they were written, in flat columns.

    Attributes:
        known, unreadable: rows that have spans or say that there are none, and rows that can't be read, bool [rows].
        rows: which row each is of, rising, int64 [spans].
        label: Arrow strings without spaces around them, NULL where there is none.
        begin, stop: int64 [spans]. placed: whether both are whole numbers, bool [spans].
    """

    known: Array
    unreadable: Array
    rows: Array
    label: pa.Array
    begin: Array
    stop: Array
    placed: Array


def read_annotations(values: pa.Array, name: str) -> Annotations:
    """Of lists of structs, of JSON texts of such lists, or of lists of JSON texts.

    Raises:
        DataError: the column's type can't hold spans.
    """
    if isinstance(values.type, pa.BaseExtensionType):  # JSON
        values = values.storage
    if values.null_count == len(values) or _is_text(values.type):
        return _from_objects(_parsed(text) for text in values.to_pylist())
    if not _is_list(values.type):
        raise _no_spans(name, values.type)
    items = values.flatten()
    if pa.types.is_struct(items.type):
        return _from_structs(values, items, name)
    if not (_is_text(items.type) or items.null_count == len(items)):
        raise _no_spans(name, values.type)
    return _from_objects(None if row is None else [_parsed(item) for item in row] for row in values.to_pylist())


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _no_spans(name: str, kind: pa.DataType) -> DataError:
    return DataError(
        f"{name!r} is {kind}: spans are a list of structs with label, begin and stop.",
        remedy="Write them as [{'label': 'PART', 'begin': 0, 'stop': 4}], in characters from 0, stop excluded.",
    )


def _from_structs(values: pa.Array, items: pa.Array, name: str) -> Annotations:
    columns = dict(zip((field.name.lower() for field in items.type), items.flatten(), strict=True))
    parts = [_spelt(columns, spellings) for spellings in _SPELLINGS]
    if any(part is None or pa.types.is_nested(part.type) or pa.types.is_binary(part.type) for part in parts):
        raise _no_spans(name, values.type)
    label, first, last = parts
    lengths = np.asarray(pc.fill_null(pc.list_value_length(values), 0))
    (begin, begins), (stop, stops) = _whole_numbers(first), _whole_numbers(last)
    return Annotations(
        known=np.asarray(values.is_valid()),
        unreadable=np.zeros(len(values), bool),
        rows=np.repeat(np.arange(len(values)), lengths),
        label=pc.utf8_trim_whitespace(label.cast(pa.string())),
        begin=begin,
        stop=stop,
        placed=begins & stops,
    )


def _spelt(fields: Mapping[str, Any], spellings: Iterable[str]) -> Any:
    for name in spellings:
        if name in fields:
            return fields[name]
    return None


def _whole_numbers(column: pa.Array) -> tuple[Array, Array]:
    """int64, and where there is a whole number."""
    if pa.types.is_integer(column.type) and column.type != pa.uint64():
        return np.asarray(pc.fill_null(column.cast(pa.int64()), 0)), np.asarray(column.is_valid())
    found = [_whole(value) for value in column.to_pylist()]
    return np.array([value or 0 for value in found], np.int64), np.array([value is not None for value in found], bool)


def _whole(value: Any) -> int | None:
    """A place in a text; None where it is no whole number."""
    if isinstance(value, str):
        return _whole(int(value[:30])) if value.isascii() and value.removeprefix("-").isdigit() else None
    if isinstance(value, float | Decimal):
        return int(value) if -FAR < value < FAR and value == int(value) else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return max(min(value, FAR), -FAR)


def _parsed(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _UNREADABLE


def _from_objects(values: Iterable[Any]) -> Annotations:
    known, unreadable, rows = [], [], []
    labels: list[str | None] = []
    places: list[tuple[int | None, int | None]] = []
    for row, value in enumerate(values):
        known.append(isinstance(value, list))
        unreadable.append(value is not None and not known[-1])
        for label, begin, stop in _of_list(value if known[-1] else []):
            rows.append(row)
            labels.append(label)
            places.append((begin, stop))
    return Annotations(
        known=np.array(known, bool),
        unreadable=np.array(unreadable, bool),
        rows=np.array(rows, np.int64),
        label=pa.array(labels, pa.string()),
        begin=np.array([begin or 0 for begin, _ in places], np.int64),
        stop=np.array([stop or 0 for _, stop in places], np.int64),
        placed=np.array([None not in pair for pair in places], bool),
    )


def _of_list(items: list[Any]) -> Iterator[tuple[str | None, int | None, int | None]]:
    for item in items:
        fields = {name.lower(): value for name, value in item.items()} if isinstance(item, dict) else {}
        label, begin, stop = (_spelt(fields, spellings) for spellings in _SPELLINGS)
        yield _label(label), _whole(begin), _whole(stop)


def _label(value: Any) -> str | None:
    """Numbers are labels, too; halves of characters, which JSON can write, are none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if text.isascii() or text.encode("utf-8", "ignore").decode() == text else None
