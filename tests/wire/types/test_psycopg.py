"""psycopg reads what is sent, and what it sends is read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest

from mfgsql.wire.types.parameters import decode
from mfgsql.wire.types.pg import pg_type
from mfgsql.wire.types.rows import RowEncoder

psycopg = pytest.importorskip("psycopg")

VALUES = [
    ("BOOLEAN", True, pa.bool_()),
    ("SMALLINT", -7, pa.int16()),
    ("INTEGER", 2**31 - 1, pa.int32()),
    ("BIGINT", -(2**63), pa.int64()),
    ("HUGEINT", 2**100, pa.decimal128(38, 0)),
    ("DECIMAL(18,3)", Decimal("-12345.678"), pa.decimal128(18, 3)),
    ("DECIMAL(38,20)", Decimal("0.00000000000000000001"), pa.decimal128(38, 20)),
    ("DOUBLE", 1.5e-7, pa.float64()),
    ("DOUBLE", float("inf"), pa.float64()),
    ("FLOAT", 1234567.0, pa.float32()),
    ("VARCHAR", "é'\"\\\n", pa.string()),
    ("BLOB", b"\x00\xffab", pa.binary()),
    ("DATE", date(1, 1, 1), pa.date32()),
    ("TIME", time(1, 2, 3, 400), pa.time64("us")),
    ("TIMESTAMP", datetime(2026, 1, 2, 3, 4, 5, 6), pa.timestamp("us")),
    ("TIMESTAMP WITH TIME ZONE", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), pa.timestamp("us", "UTC")),
    ("INTERVAL", timedelta(days=3, seconds=5), None),
    ("UUID", UUID("a81bc81b-dead-4e5d-abff-90865d1e13b1"), None),
    ("INTEGER[]", [1, None, 3], pa.list_(pa.int32())),
    ("VARCHAR[]", ["a b", None, "", 'q"\\'], pa.list_(pa.string())),
    ("DOUBLE[]", [1.5, None], pa.list_(pa.float64())),
    ("TIMESTAMP[]", [datetime(2026, 1, 2), None], pa.list_(pa.timestamp("us"))),
    ("STRUCT(a INTEGER)", {"a": 1}, pa.struct([("a", pa.int32())])),
]


def arrow_of(value, kind):
    if isinstance(value, timedelta):
        return pa.array([pa.MonthDayNano([0, value.days, value.seconds * 10**9])])
    return pa.array([str(value)]) if kind is None else pa.array([value], kind)


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize(("kind", "value", "arrow"), VALUES, ids=[f"{k} {v!r}" for k, v, _ in VALUES])
def test_it_loads_what_is_sent(fields_of, kind: str, value, arrow, form: int) -> None:
    batch = pa.record_batch({"x": arrow_of(value, arrow)})
    [[field]] = fields_of(RowEncoder([kind], [form]).encode(batch))
    loader = psycopg.adapt.Transformer().get_loader(pg_type(kind).oid, psycopg.pq.Format(form))
    assert loader.load(field) == value


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize("value", [v for _, v, _ in VALUES if not isinstance(v, dict)], ids=repr)
def test_what_it_dumps_is_read(value, form: int) -> None:
    if isinstance(value, bytes) and not form:
        pytest.skip("psycopg escapes by the settings of a connection")
    wanted = psycopg.adapt.PyFormat.BINARY if form else psycopg.adapt.PyFormat.TEXT
    dumper = psycopg.adapt.Transformer().get_dumper(value, wanted)
    oid = dumper.oid or (1009 if isinstance(value, list) else 0)  # psycopg leaves texts and their lists open
    assert decode(dumper.dump(value), oid, form) == value
