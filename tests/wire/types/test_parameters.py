"""Parameters of a client as Python values, and through DuckDB as the values that were meant."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.wire.errors import WireError
from mfgsql.wire.types.oids import ELEMENTS
from mfgsql.wire.types.parameters import decode, duckdb_type_of
from mfgsql.wire.types.pg import carried_as
from mfgsql.wire.types.rows import RowEncoder

DAMASK = "a81bc81b-dead-4e5d-abff-90865d1e13b1"


@pytest.mark.parametrize("form", [0, 1])
def test_what_postgresql_sent_comes_back_through_duckdb(con, fields_of, answer: dict, form: int) -> None:
    """Decoded, bound, cast to its type, and encoded again: the same bytes."""
    kind = answer["type"]
    if answer.get("zone") and not form:
        assert isinstance(decode(answer["text"].encode(), answer["oid"], 0), datetime | str)
    value = decode(bytes.fromhex(answer["binary"]) if form else answer["text"].encode(), answer["oid"], form)
    carried = carried_as(kind)
    cast = f"SELECT ($1::{kind})" + (f"::{carried}" if carried else "")
    batch = con.execute(cast, [value]).to_arrow_reader(10).read_next_batch()
    sent = RowEncoder([kind], [form], answer.get("zone", "UTC")).encode(batch)
    assert fields_of(sent) == [[bytes.fromhex(answer["binary"]) if form else answer["text"].encode()]]


@pytest.mark.parametrize(
    ("oid", "text", "expected"),
    [
        (0, "1", "1"),
        (705, "x", "x"),
        (600, "(1,2)", "(1,2)"),
        (16, "on", True),
        (16, " F ", False),
        (23, " -7 ", -7),
        (701, "-Infinity", float("-inf")),
        (1700, "1.50", Decimal("1.50")),
        (1700, "1e5", Decimal(100000)),
        (1700, "1e50", 1e50),
        (17, "\\x6162", b"ab"),
        (17, "a\\\\b\\001", b"a\\b\x01"),
        (1082, "2026-01-02", date(2026, 1, 2)),
        (1082, "2026-01-02 03:04:05", date(2026, 1, 2)),
        (1114, "2026-1-2 03:04:05.5+02", datetime(2026, 1, 2, 3, 4, 5, 500000)),
        (1114, "2026-01-02", datetime(2026, 1, 2)),
        (1184, "2026-01-02 03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (1184, "2026-01-02 03:04:05-0330", datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(-timedelta(hours=3, minutes=30)))),
        (1184, "2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
        (1114, "0044-03-15 10:00:00 BC", "0044-03-15 (BC) 10:00:00"),
        (1083, "1:02", time(1, 2)),
        (1083, "24:00:00", "24:00:00"),
        (1266, "01:02:03+05:30", time(1, 2, 3, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        (1186, "1 day, 0:00:00.000005", timedelta(days=1, microseconds=5)),
        (1186, "P1Y2M3DT4H5M6.5S", "14 months 3 days 14706500000 microseconds"),
        (1186, "-00:00:05", "0 months 0 days -5000000 microseconds"),
        (1186, "1.5 mons ago", "-1 months -15 days 0 microseconds"),
        (2950, DAMASK, UUID(DAMASK)),
        (1007, '{1,NULL,"3"}', [1, None, 3]),
        (1007, "[0:1]={1,2}", [1, 2]),
        (1007, "{{1,2},{3,4}}", [[1, 2], [3, 4]]),
        (1009, '{ "a b" , null, "NULL",x\\"y}', ["a b", None, "NULL", 'x"y']),
        (1009, "{}", []),
    ],
)
def test_text_is_read_as_postgresql_reads_it(oid: int, text: str, expected) -> None:
    found = decode(text.encode(), oid, 0)
    assert found == expected
    assert type(found) is type(expected)


def test_null_has_no_bytes() -> None:
    assert decode(None, 23, 0) is decode(None, 1007, 1) is None


@pytest.mark.parametrize(
    ("oid", "value"),
    [
        (16, b"maybe"), (16, b"o"), (23, b"abc"), (23, b"1_0"), (23, "٣".encode()), (23, b""), (701, b"1e999"), (701, b"x"),
        (1700, b"1e999"), (1700, b"one"), (17, b"\\x6"), (17, b"a\\9"), (1082, b"2026-02-30"), (1082, b"soon"),
        (1114, b"2026-01-02 25:00"), (1083, b"99:00"), (1186, b"1 parsec"), (1186, b""), (1186, b"P1X"), (2950, b"x"),
        (1562, b"012"), (1007, b"{1,}"), (1007, b"{1"), (1007, b"{1}2"), (1007, b"1"), (1007, b"{x}"), (1007, b"{{{{{{{1}}}}}}}"),
    ],
)  # fmt: skip
def test_text_that_is_no_value(oid: int, value: bytes) -> None:
    with pytest.raises(WireError) as told:
        decode(value, oid, 0)
    assert told.value.sqlstate == "22P02"


@pytest.mark.parametrize(
    ("oid", "value"),
    [
        (23, b"\0"), (20, b"\0" * 9), (16, b""), (1700, b"\0"), (1700, struct.pack(">hhHhh", 1, 0, 0, 0, 10_000)),
        (1700, struct.pack(">hhHh", 1, 0, 0, 0)), (1082, b"123"), (1083, struct.pack(">q", -1)), (2950, b"\0" * 15),
        (1186, b"\0" * 15), (1562, struct.pack(">i", 99)), (3802, b"\2{}"),
        (1007, struct.pack(">iii", 1, 0, 20)), (1007, struct.pack(">iiiii", 1, 0, 23, 2, 1)),
        (1007, struct.pack(">iiiiii", 1, 0, 23, 1, 1, 4)), (1007, struct.pack(">iii", 7, 0, 23)),
    ],
)  # fmt: skip
def test_binary_that_is_no_value(oid: int, value: bytes) -> None:
    with pytest.raises(WireError) as told:
        decode(value, oid, 1)
    assert told.value.sqlstate == "22P03"


def test_what_is_not_utf8_or_not_known() -> None:
    for form in (0, 1):
        with pytest.raises(WireError, match="UTF-8") as told:
            decode(b"\xff", 25, form)
        assert told.value.sqlstate == "22021"
    with pytest.raises(WireError, match="600") as told:
        decode(b"\0" * 16, 600, 1)
    assert told.value.sqlstate == "0A000"


KNOWN = [16, 17, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1186, 1266, 1560, 1562, 1700, 2950, 3802, *ELEMENTS]


@given(oid=st.sampled_from(KNOWN), value=st.binary(max_size=40), form=st.integers(0, 1))
def test_no_bytes_break_it(oid: int, value: bytes, form: int) -> None:
    try:
        decode(value, oid, form)
    except WireError as told:
        assert told.sqlstate in ("22P02", "22P03", "22021", "0A000")


@given(oid=st.sampled_from([1007, 1009, 1231, 1187]), value=st.text("{},\"\\ 1aN.:-", max_size=20))
def test_no_text_breaks_an_array(oid: int, value: str) -> None:
    try:
        found = decode(value.encode(), oid, 0)
    except WireError as told:
        assert told.sqlstate == "22P02"
    else:
        assert isinstance(found, list)


@given(
    sign=st.sampled_from([0, 0x4000]),
    weight=st.integers(-40, 40),
    digits=st.lists(st.integers(0, 9999), max_size=12),
    scale=st.integers(0, 40),
)
def test_a_numeric_is_the_sum_of_its_digits(sign: int, weight: int, digits: list[int], scale: int) -> None:
    from fractions import Fraction

    value = struct.pack(f">hhHh{len(digits)}h", len(digits), weight, sign, scale, *digits)
    expected = sum(Fraction(d) * Fraction(10000) ** (weight - k) for k, d in enumerate(digits))
    expected = Fraction(int(expected * 10**scale), 10**scale) * (-1 if sign else 1)
    found = decode(value, 1700, 1)
    assert found == float(expected) if isinstance(found, float) else Fraction(found) == expected


def test_a_type_to_cast_to_is_one_of_duckdb(con) -> None:
    value = decode(b"{1.5,NULL}", 1231, 0)
    assert con.execute(f"SELECT $1::{duckdb_type_of(1231)}", [value]).fetchone() == ([Decimal("1.5"), None],)
