"""Rows on the wire, byte for byte what PostgreSQL 15 sends."""

from __future__ import annotations

import struct
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.errors import OptionError
from mfgsql.wire.types import rows
from mfgsql.wire.types.pg import carried_as
from mfgsql.wire.types.rows import RowEncoder


def batch_of(con, sql: str):
    cursor = con.execute(sql)
    kinds = [str(d[1]) for d in cursor.description]
    return kinds, pa.Table.from_batches(cursor.to_arrow_reader(1000)).combine_chunks().to_batches()[0]


def literal(answer: dict) -> str:
    value = answer["value"] if answer["type"].endswith("]") else "'" + answer["value"].replace("'", "''") + "'"
    typed = f"{value}::{answer['type']}"
    return f"({typed})::{carried_as(answer['type'])}" if carried_as(answer["type"]) else typed


@pytest.mark.parametrize("form", [0, 1])
def test_a_value_is_what_postgresql_sends(con, fields_of, answer: dict, form: int) -> None:
    _, batch = batch_of(con, f"SELECT * FROM (VALUES (NULL), ({literal(answer)}), (NULL), ({literal(answer)}))")
    encoder = RowEncoder([answer["type"]], [form], answer.get("zone", "UTC"))
    expected = bytes.fromhex(answer["binary"]) if form else answer["text"].encode()
    assert fields_of(encoder.encode(batch)) == [[None], [expected], [None], [expected]]
    assert fields_of(encoder.encode(batch.slice(1, 1))) == [[expected]]
    assert fields_of(encoder.encode(batch.slice(2))) == [[None], [expected]]


def test_all_columns_of_every_type_of_duckdb(con, fields_of) -> None:
    told = con.execute("DESCRIBE FROM test_all_types()").fetchall()
    picked = [f'"{n}"::{carried_as(t)} AS "{n}"' if carried_as(t) else f'"{n}"' for n, t, *_ in told]
    kinds = [t for _, t, *_ in told]
    _, batch = batch_of(con, f"SELECT {', '.join(picked)} FROM test_all_types()")
    for form in (0, 1):
        rows = fields_of(RowEncoder(kinds, [form] * len(kinds)).encode(batch))
        assert len(rows) == 3
        assert all(v is not None for row in rows[:2] for v in row)
        assert [v for v, kind in zip(rows[2], kinds, strict=True) if not kind.startswith("UNION")] == [None] * (
            len(kinds) - sum(k.startswith("UNION") for k in kinds)
        )


def test_formats_are_told_by_column(con, fields_of) -> None:
    kinds, batch = batch_of(con, "SELECT 1::INTEGER, 2::INTEGER, 'x', NULL::VARCHAR, TRUE")
    rows = fields_of(RowEncoder(kinds, [1, 0, 0, 1, 1]).encode(batch))
    assert rows == [[b"\0\0\0\1", b"2", b"x", None, b"\1"]]


def test_no_rows_and_no_columns(fields_of) -> None:
    empty = pa.record_batch({"a": pa.array([], pa.int64()), "b": pa.array([], pa.string()), "c": pa.array([], pa.list_(pa.int8()))})
    for form in (0, 1):
        assert bytes(RowEncoder(["BIGINT", "VARCHAR", "TINYINT[]"], [form] * 3).encode(empty)) == b""
    nothing = pa.RecordBatch.from_struct_array(pa.array([{}, {}], pa.struct([])))
    assert fields_of(RowEncoder([], []).encode(nothing)) == [[], []]


def test_a_column_of_nothing_but_null(fields_of) -> None:
    batch = pa.record_batch({"a": pa.nulls(2), "b": pa.array([1, 2], pa.int32())})
    for form in (0, 1):
        assert [row[0] for row in fields_of(RowEncoder(['"NULL"', "INTEGER"], [form, 0]).encode(batch))] == [None, None]


def test_text_may_hold_anything(fields_of) -> None:
    texts = ["", "\0", "é😀", 'a"b\\', None, "x" * 100_000]
    batch = pa.record_batch({"a": pa.array(texts)})
    for form in (0, 1):
        found = [row[0] for row in fields_of(RowEncoder(["VARCHAR"], [form]).encode(batch))]
        assert found == [t if t is None else t.encode() for t in texts]


def test_an_unknown_zone_is_told() -> None:
    with pytest.raises(OptionError, match="Mars/Olympus"):
        RowEncoder(["INTEGER"], [0], "Mars/Olympus")


def test_a_big_batch_is_encoded_in_parts(monkeypatch, fields_of) -> None:
    monkeypatch.setattr(rows, "_LIMIT", 1000)
    batch = pa.record_batch({"a": pa.array(range(1001), pa.int64())})
    found = fields_of(RowEncoder(["BIGINT"], [0]).encode(batch))
    assert [int(row[0]) for row in found] == list(range(1001))


ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(),
        st.none() | st.text(max_size=20),
        st.none() | st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),
        st.none() | st.booleans(),
    ),
    min_size=1,
    max_size=30,
)
KINDS = ["BIGINT", "DOUBLE", "VARCHAR", "TIMESTAMP", "BOOLEAN"]


def table_of(rows):
    types = [pa.int64(), pa.float64(), pa.string(), pa.timestamp("us"), pa.bool_()]
    arrays = [pa.array(column, t) for column, t in zip(zip(*rows, strict=True), types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, list("abcde"))


@given(rows=ROWS, begin=st.integers(0, 10), formats=st.lists(st.integers(0, 1), min_size=5, max_size=5))
def test_what_is_sent_can_be_read_back(fields_of, rows, begin: int, formats) -> None:
    """By a reader that shares nothing with the encoder: Python's own."""
    readers = [
        (int, lambda b: struct.unpack(">q", b)[0]),
        (float, lambda b: struct.unpack(">d", b)[0]),
        (lambda b: b.decode(), lambda b: b.decode()),
        (lambda b: np.datetime64(b.decode(), "us"), lambda b: np.datetime64("2000-01-01", "us") + struct.unpack(">q", b)[0]),
        ({b"t": True, b"f": False}.get, {b"\1": True, b"\0": False}.get),
    ]
    sent = fields_of(RowEncoder(KINDS, formats).encode(table_of(rows).slice(begin)))
    assert len(sent) == len(rows[begin:])
    for row, fields in zip(rows[begin:], sent, strict=True):
        for value, field, read, form in zip(row, fields, readers, formats, strict=True):
            found = None if field is None else read[form](field)
            expected = np.datetime64(value, "us") if isinstance(value, datetime) else value
            assert found == expected or (found != found and expected != expected)
