"""Nested values of clients: JSON, else DuckDB's own notation."""

from __future__ import annotations

import duckdb
import pytest

from mfgsql.wire.documents import read_document


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("MAP(VARCHAR, DOUBLE)", '{"k": 1.5, "设备": null}', {"k": 1.5, "设备": None}),
        ("MAP(VARCHAR, DOUBLE)", "{k=1.5}", {"k": 1.5}),
        ("MAP(INTEGER, DATE[])", '{"1": []}', {1: []}),
        ('STRUCT(a INTEGER, "b c" VARCHAR)', '{"a": 1, "b c": "q\\""}', {"a": 1, "b c": 'q"'}),
        ("STRUCT(a INTEGER)", "{'a': 1}", {"a": 1}),
        ("STRUCT(a INTEGER)[]", '[{"a": 1}, null]', [{"a": 1}, None]),
        ("UNION(n INTEGER, t VARCHAR)", '{"n": 1}', 1),
        ("UNION(n INTEGER, t VARCHAR)", '{"t": "x"}', "x"),
        ("INTEGER[][]", "[[1], [null], []]", [[1], [None], []]),
        ("MAP(VARCHAR, DOUBLE)", None, None),
    ],
)
def test_what_nests_is_read(kind: str, text: str | None, value: object) -> None:
    made = read_document("$1", kind)
    assert made is not None
    assert duckdb.execute(f"SELECT {made}", [text]).fetchone() == (value,)


@pytest.mark.parametrize("kind", ["JSON", "VARCHAR", "INTEGER[]", "BLOB", "DECIMAL(9,2)"])
def test_what_does_not_nest_is_left(kind: str) -> None:
    assert read_document("$1", kind) is None
