"""psycopg 3: each type there and back, as parameters, in tables and by COPY, in text and in binary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Json

from tests.server.conftest import Served

FORMATS = (False, True)


@pytest.fixture(scope="module")
def con(served: Served) -> Iterator[psycopg.Connection]:
    with psycopg.connect(**served.named(), autocommit=True) as con:
        yield con


# -- values -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binary", FORMATS)
def test_every_type_comes_as_duckdb_has_it(con, everything: Callable, binary: bool) -> None:
    cursor = con.cursor(binary=binary).execute("SELECT * EXCLUDE (c_bit) FROM everything ORDER BY id")
    names = [c.name for c in cursor.description]
    for got, expected in zip(cursor.fetchall(), everything(binary, without=["c_bit"]), strict=True):
        assert dict(zip(names, got, strict=True)) == expected


@pytest.mark.parametrize("binary", FORMATS)
def test_bits(con, binary: bool) -> None:
    rows = con.cursor(binary=binary).execute("SELECT c_bit FROM everything ORDER BY id").fetchall()
    as_bits = ["1010", "0", "11111111111111111", None]
    in_bytes = [b"\0\0\0\x04\xa0", b"\0\0\0\x01\0", b"\0\0\0\x11\xff\xff\x80", None]
    assert [value for (value,) in rows] == (in_bytes if binary else as_bits)


def test_what_python_has_no_date_for_comes_as_text(con) -> None:
    rows = con.execute("SELECT d::VARCHAR, t::VARCHAR, f, l FROM edges ORDER BY kind").fetchall()
    assert [row[0] for row in rows] == ["0044-03-15 (BC)", "-infinity", "12345-06-07", "infinity"]
    with pytest.raises(psycopg.DataError, match="infinity|too large"):
        con.execute("SELECT d FROM edges WHERE kind = 'infinite'").fetchall()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
MOMENT = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))
FLOATS = st.floats(allow_nan=False)
VALUES: dict[str, st.SearchStrategy] = {
    "BOOLEAN": st.booleans(),
    "SMALLINT": st.integers(-(2**15), 2**15 - 1),
    "INTEGER": st.integers(-(2**31), 2**31 - 1),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "HUGEINT": st.integers(-(10**37), 10**37),
    "DOUBLE": FLOATS,
    "DECIMAL(18, 3)": st.decimals(-(10**14), 10**14, places=3),
    "VARCHAR": TEXT,
    "BLOB": st.binary(max_size=20),
    "DATE": st.dates(),
    "TIME": st.times(),
    "TIMESTAMP": MOMENT,
    "TIMESTAMPTZ": MOMENT.map(lambda m: m.replace(tzinfo=UTC)),
    "INTERVAL": st.timedeltas(timedelta(days=-99999), timedelta(days=99999)),
    "UUID": st.uuids(),
    "BIGINT[]": st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=4),
    "VARCHAR[]": st.lists(st.none() | TEXT, max_size=4),
    "DOUBLE[]": st.lists(st.none() | FLOATS, max_size=4),
    "TIMESTAMP[]": st.lists(st.none() | MOMENT, max_size=4),
}
ROW = st.tuples(*(st.none() | strategy for strategy in VALUES.values()))
HELD = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("binary", FORMATS)
def test_parameters_go_there_and_back(con, binary: bool) -> None:
    sign = "%b" if binary else "%t"
    cast = "SELECT " + ", ".join(f"{sign}::{kind}" for kind in VALUES)

    @HELD
    @given(ROW)
    def there_and_back(row: tuple[Any, ...]) -> None:
        assert con.cursor(binary=binary).execute(cast, row).fetchone() == row

    there_and_back()


@pytest.mark.parametrize("binary", FORMATS)
def test_values_are_kept_by_tables(con, binary: bool) -> None:
    """The types of parameters are those of the columns that they are written to."""
    name = f"pg3_kept_{int(binary)}"
    con.execute(f"CREATE TABLE {name} ({', '.join(f'c{i} {kind}' for i, kind in enumerate(VALUES))})")
    sign = "%b" if binary else "%t"
    insert = f"INSERT INTO {name} VALUES ({', '.join([sign] * len(VALUES))})"

    @HELD
    @given(ROW)
    def keeps(row: tuple[Any, ...]) -> None:
        con.execute(f"DELETE FROM {name}")
        con.execute(insert, row)
        assert con.cursor(binary=binary).execute(f"FROM {name}").fetchall() == [row]

    keeps()


def test_json_both_ways(con) -> None:
    value = {"a": [1, None, "设备"], "b": {"c": 1.5}}
    assert con.execute("SELECT %s::JSON", (Json(value),)).fetchone() == (value,)
    assert con.execute("SELECT %s::JSON->>'a'", (Json({"a": "x"}),)).fetchone() == ("x",)


@pytest.mark.parametrize("binary", FORMATS)
def test_parameters_without_a_cast(con, truth: Callable, binary: bool) -> None:
    sign = "%b" if binary else "%s"
    query = f"SELECT id, label FROM many WHERE moment >= {sign} AND label <> {sign} AND id < {sign} ORDER BY id LIMIT {sign}"
    values = (datetime(2026, 1, 1, 0, 0, 5), "row 6", 100, 3)
    assert con.execute(query, values).fetchall() == [(5, "row 5"), (7, "row 7"), (8, "row 8")]
    assert con.execute(f"SELECT count(*) FROM many WHERE id = ANY({sign})", ([1, 2, 99999],)).fetchone() == (2,)


# -- COPY -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["FORMAT text", "FORMAT csv, HEADER", "FORMAT binary"])
def test_rows_go_out_by_copy_and_come_back(con, truth: Callable, options: str) -> None:
    name = f"pg3_copied_{options[7:10]}"
    con.execute(f"CREATE TABLE {name} AS FROM everything LIMIT 0")
    with con.cursor().copy(f"COPY (FROM everything) TO STDOUT ({options})") as out:
        data = b"".join(out)
    with con.cursor().copy(f"COPY {name} FROM STDIN ({options})") as into:
        for at in range(0, len(data), 1000):
            into.write(data[at : at + 1000])
    assert truth(f"FROM {name} ORDER BY id") == truth("FROM everything ORDER BY id")


@pytest.mark.parametrize("binary", FORMATS)
def test_copy_by_rows(con, truth: Callable, binary: bool) -> None:
    name, form = f"pg3_rows_{int(binary)}", "BINARY" if binary else "TEXT"
    con.execute(f'CREATE TABLE {name} ("Id" INTEGER, t VARCHAR, n DECIMAL(9, 2), seen TIMESTAMPTZ, l INTEGER[])')
    rows = [
        (1, "设备\t\\ \n", Decimal("1.25"), datetime(2026, 1, 2, tzinfo=UTC), [1, None]), (2, None, None, None, None),
    ]  # fmt: skip
    with con.cursor().copy(f'COPY {name} ("Id", t, n, seen, l) FROM STDIN (FORMAT {form})') as copy:
        copy.set_types(["int4", "text", "numeric", "timestamptz", "int4[]"])
        for row in rows:
            copy.write_row(row)
    assert truth(f'FROM {name} ORDER BY "Id"') == rows
    with con.cursor().copy(f'COPY (FROM {name} ORDER BY "Id") TO STDOUT (FORMAT {form})') as copy:
        copy.set_types(["int4", "text", "numeric", "timestamptz", "int4[]"])
        assert list(copy.rows()) == rows


def test_a_copy_that_fails_leaves_nothing(con, truth: Callable) -> None:
    con.execute("CREATE TABLE pg3_failed (a INTEGER)")
    with pytest.raises(psycopg.DataError, match="x1") as told:
        with con.cursor().copy("COPY pg3_failed FROM STDIN") as copy:
            copy.write("1\n2\nx1\n")
    assert told.value.sqlstate in ("22P02", "22P04")
    with pytest.raises(ZeroDivisionError):
        with con.cursor().copy("COPY pg3_failed FROM STDIN") as copy:
            copy.write("1\n")
            1 / 0  # noqa: B018
    assert con.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert truth("SELECT count(*) FROM pg3_failed") == [(0,)]
