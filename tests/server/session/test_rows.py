"""Rows in parts: none is lost and none comes twice, however they are taken, put aside or left."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.server.session.rows import BATCH, WIDE_BATCH, Rows, batch_of

COLUMNS = [("i", "BIGINT")]


def rows_of(sizes):
    start, batches = 0, []
    for size in sizes:
        batches.append(pa.record_batch([pa.array(range(start, start + size), pa.int64())], ["i"]))
        start += size
    return Rows(COLUMNS, iter(batches)), start


def values(batches):
    return [v for b in batches for v in b.column(0).to_pylist()]


@given(st.lists(st.integers(0, 7), max_size=8), st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=8))
def test_all_rows_once_and_in_order(sizes, steps):
    rows, total = rows_of(sizes)
    seen = []
    for most, aside in steps:
        if aside:
            rows.put_aside()
        part = values(rows.take(most))
        assert len(part) == min(most, total - len(seen))
        seen += part
        assert rows.ended == (len(seen) == total)
    seen += values(rows.take())
    assert seen == list(range(total))
    assert rows.ended
    assert rows.taken == total


def test_closed_rows_give_none():
    rows, _ = rows_of([5, 5])
    assert values(rows.take(3)) == [0, 1, 2]
    rows.put_aside()
    rows.close()
    assert values(rows.take()) == []


def test_large_values_come_in_small_batches():
    assert batch_of([("a", "BIGINT"), ("b", "VARCHAR")]) == BATCH
    for kind in ("BLOB", "STRUCT(a INTEGER)", "INTEGER[]", "MAP(VARCHAR, DOUBLE)"):
        assert batch_of([("a", "BIGINT"), ("b", kind)]) == WIDE_BATCH
