"""Rows in parts: none is lost and none comes twice, however they are taken, put aside or left."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.wire.errors import WireError
from mfgsql.wire.rows import Rows, gathered

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


def test_a_batch_is_few_bytes_or_many_rows():
    def batches(size, count):
        return (pa.record_batch([pa.array(["x" * size] * 2048)], ["s"]) for _ in range(count))

    small = [b.num_rows for b in gathered(batches(3, 40))]
    assert small[:4] == [2048, 4096, 8192, 16384]
    assert sum(small) == 40 * 2048
    assert [b.num_rows for b in gathered(batches(5000, 5))] == [2048] * 5


def test_rows_that_an_error_took_are_not_taken_for_all():
    def failing():
        yield pa.record_batch([pa.array([0, 1], pa.int64())], ["i"])
        raise OSError("gone")

    rows = Rows(COLUMNS, failing())
    assert values(rows.take(1)) == [0]
    rows.put_aside()
    with pytest.raises(WireError, match="gone"):
        values(rows.take(5))
