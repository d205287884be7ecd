"""Nested values as JSON, and lists of any shape and slice."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.wire.types.rows import RowEncoder


def sent(con, fields_of, sql: str, form: int = 0) -> list:
    cursor = con.execute(sql)
    kinds = [str(d[1]) for d in cursor.description]
    batches = list(cursor.to_arrow_reader(1000))
    return [row[0] for batch in batches for row in fields_of(RowEncoder(kinds, [form] * len(kinds)).encode(batch))]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("{'a': 1, 'b': NULL, 'c': 'x\"y'}", {"a": 1, "b": None, "c": 'x"y'}),
        ("{'a b\"c': TRUE}", {'a b"c': True}),
        ("row(1, 'x')", {"f1": 1, "f2": "x"}),
        ("MAP {'k': 1.5, 'l': NULL}", {"k": 1.5, "l": None}),
        ("MAP {1: 'x'}", {"1": "x"}),
        ("MAP {[1, 2]: 'x'}", [{"key": [1, 2], "value": "x"}]),
        ("MAP {}", {}),
        ("[[1, NULL], [], NULL, [3]]", [[1, None], [], None, [3]]),
        ("[{'a': [1]}, NULL]", [{"a": [1]}, None]),
        ("union_value(a := 1)", {"a": 1}),
        ("['x'::UNION(a INTEGER, b VARCHAR), NULL]", [{"b": "x"}, None]),
        ("{'f': 'nan'::DOUBLE, 'g': '-inf'::FLOAT, 'h': 1e20}", {"f": "NaN", "g": "-Infinity", "h": 1e20}),
        ("{'t': TIMESTAMP '2026-01-02 03:04:05', 'd': DATE '2026-01-02'}", {"t": "2026-01-02 03:04:05", "d": "2026-01-02"}),
        ("{'b': '\\x00a'::BLOB, 'u': 'a81bc81b-dead-4e5d-abff-90865d1e13b1'::UUID}", {"b": "\\x0061", "u": "a81bc81b-dead-4e5d-abff-90865d1e13b1"}),
        ("{'j': '{\"deep\": [1]}'::JSON, 'e': 'a'::ENUM('a', 'b')}", {"j": {"deep": [1]}, "e": "a"}),
        ("{'c': chr(1) || chr(10) || chr(31) || '\\'}", {"c": "\x01\n\x1f\\"}),
        ("{'i': INTERVAL '1 month', 'h': 170141183460469231731687303715884105727::HUGEINT}", {"i": "1 mon", "h": 2**127 - 1}),
        ("[[1, 2]::INTEGER[2]]", [[1, 2]]),
        ("{'a': {'b': {'c': MAP {'d': [1]}}}}", {"a": {"b": {"c": {"d": [1]}}}}),
    ],
)
def test_a_nested_value_is_json(con, fields_of, sql: str, expected) -> None:
    for form in (0, 1):
        found = sent(con, fields_of, f"SELECT {sql}", form)
        assert [json.loads(f) for f in found] == [expected]


@pytest.mark.parametrize("kind", ["STRUCT(a INTEGER)", "MAP(VARCHAR, INTEGER)", "INTEGER[][]", "UNION(a INTEGER)", "INTEGER[]", "INTEGER[2]"])
def test_a_null_is_a_null(con, fields_of, kind: str) -> None:
    for form in (0, 1):
        assert sent(con, fields_of, f"SELECT NULL::{kind}", form) == [None]


def test_decimals_keep_their_digits_in_json(con, fields_of) -> None:
    assert sent(con, fields_of, "SELECT {'d': 1.50::DECIMAL(9,2), 's': 0.0000001::DECIMAL(9,7)}") == [b'{"d":1.50,"s":0.0000001}']


def test_types_that_only_duckdb_has_are_text(con, fields_of) -> None:
    big = "-123456789012345678901234567890123456789012345"
    assert sent(con, fields_of, f"SELECT '{big}'::BIGNUM") == [big.encode()]
    assert sent(con, fields_of, "SELECT 'POINT(1 2)'::GEOMETRY") == [b"0101000000000000000000F03F0000000000000040"]


def test_slices_of_nested_columns(con, fields_of) -> None:
    sql = "SELECT {'a': i, 'm': MAP {'k': i}, 'l': [i, i + 1]}, [[i]], union_value(a := i) FROM range(5) r(i)"
    cursor = con.execute(sql)
    kinds = [str(d[1]) for d in cursor.description]
    batch = pa.Table.from_batches(cursor.to_arrow_reader(1000)).combine_chunks().to_batches()[0]
    whole = fields_of(RowEncoder(kinds, [0, 0, 0]).encode(batch))
    assert json.loads(whole[3][0]) == {"a": 3, "m": {"k": 3}, "l": [3, 4]}
    assert fields_of(RowEncoder(kinds, [0, 0, 0]).encode(batch.slice(2, 2))) == whole[2:4]


@given(
    rows=st.lists(
        st.none()
        | st.fixed_dictionaries(
            {
                "a": st.none() | st.text(max_size=8),
                "b": st.none() | st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), max_size=4),
                "c": st.none() | st.lists(st.tuples(st.text(max_size=5), st.none() | st.booleans()), max_size=3, unique_by=lambda p: p[0]),
            }
        ),
        min_size=1,
        max_size=12,
    ),
    begin=st.integers(0, 6),
)
def test_json_reads_back(fields_of, rows, begin: int) -> None:
    kind = pa.struct([("a", pa.string()), ("b", pa.list_(pa.int32())), ("c", pa.map_(pa.string(), pa.bool_()))])
    batch = pa.record_batch({"x": pa.array(rows, kind)}).slice(begin)
    encoder = RowEncoder(["STRUCT(a VARCHAR, b INTEGER[], c MAP(VARCHAR, BOOLEAN))"], [0])
    found = [None if f is None else json.loads(f) for (f,) in fields_of(encoder.encode(batch))]
    assert found == [r if r is None else r | {"c": r["c"] if r["c"] is None else dict(r["c"])} for r in rows[begin:]]


@given(rows=st.lists(st.none() | st.lists(st.none() | st.text(max_size=6), max_size=4), min_size=1, max_size=10), begin=st.integers(0, 5))
def test_arrays_of_text_read_back(fields_of, rows, begin: int) -> None:
    from mfgsql.wire.types.parameters import decode

    batch = pa.record_batch({"x": pa.array(rows, pa.list_(pa.string()))}).slice(begin)
    for form in (0, 1):
        found = [decode(f, 1009, form) for (f,) in fields_of(RowEncoder(["VARCHAR[]"], [form]).encode(batch))]
        assert found == rows[begin:]
