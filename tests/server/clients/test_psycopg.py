"""psycopg 3: text and binary, cursors, pipelines, COPY, transactions, and each type there and back."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import Json
from tests.server.clients.conftest import LIKELY, SLOW
from tests.server.conftest import Served

FORMATS = (False, True)
TRAIN = """FROM ml_finetune('{}', 'SELECT torque, temp, shift, hot, failed FROM parts', target := 'failed',
  options := {{'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2, 'seed': %s}})"""


@pytest.fixture(scope="module")
def con(served: Served) -> Iterator[psycopg.Connection]:
    with psycopg.connect(**served.named(), autocommit=True) as con:
        yield con


@pytest.fixture()
def reader(served: Served) -> Iterator[psycopg.Connection]:
    with psycopg.connect(**served.named("reader"), autocommit=True) as con:
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


# -- cursors and many statements ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binary", FORMATS)
def test_a_cursor_of_the_server_hands_out_all_rows(served: Served, truth: Callable, binary: bool) -> None:
    with psycopg.connect(**served.named("reader")) as con, con.cursor(name="all of them", binary=binary) as cursor:
        cursor.itersize = 1234
        cursor.execute("SELECT id, x, label, moment, odd FROM many ORDER BY id")
        assert cursor.fetchmany(3) == truth("FROM many ORDER BY id LIMIT 3")
        with con.cursor(name="another") as other:  # both at a time
            other.execute("SELECT id FROM many ORDER BY id DESC")
            assert other.fetchone() == (29999,)
        assert list(cursor) == truth("FROM many ORDER BY id OFFSET 3")


def test_a_cursor_with_hold_outlives_its_transaction(served: Served) -> None:
    with psycopg.connect(**served.named()) as con:
        cursor = con.cursor(name="held", withhold=True)
        cursor.execute("SELECT id FROM many ORDER BY id")
        assert cursor.fetchone() == (0,)
        con.commit()
        assert len(cursor.fetchall()) == 29999
        cursor.close()


def test_a_cursor_goes_forward_only(served: Served) -> None:
    with psycopg.connect(**served.named()) as con, pytest.raises(psycopg.NotSupportedError, match="forward"):
        con.cursor(name="c", scrollable=True).execute("SELECT 1")


def test_a_pipeline_answers_in_order(con, truth: Callable) -> None:
    with con.pipeline() as pipeline:
        cursors = [con.execute("SELECT %s::INTEGER * 2, %s", (i, f"n{i}")) for i in range(50)]
        pipeline.sync()
        assert [c.fetchone() for c in cursors] == [(i * 2, f"n{i}") for i in range(50)]


def test_an_error_in_a_pipeline_stops_it_to_the_next_sync(con) -> None:
    con.execute("CREATE TABLE pg3_pipe (a INTEGER)")
    with pytest.raises(psycopg.errors.UndefinedColumn), con.pipeline():
        con.execute("INSERT INTO pg3_pipe VALUES (1)")
        con.execute("SELECT nope FROM pg3_pipe")
        con.execute("INSERT INTO pg3_pipe VALUES (2)")
    assert con.execute("SELECT count(*) FROM pg3_pipe").fetchone() == (0,)
    assert con.execute("SELECT 1").fetchone() == (1,)


def test_executemany(con, truth: Callable) -> None:
    con.execute("CREATE TABLE pg3_many (id INTEGER PRIMARY KEY, name VARCHAR, since DATE)")
    cursor = con.cursor()
    cursor.executemany(
        "INSERT INTO pg3_many VALUES (%s, %s, %s)", [(i, f"n{i}", date(2026, 1, 1) + timedelta(i)) for i in range(30)]
    )
    assert cursor.rowcount == 30
    cursor.executemany("UPDATE pg3_many SET name = %s WHERE id = %s RETURNING id", [("x", 3), ("y", 4)], returning=True)
    assert cursor.fetchone() == (3,)
    assert cursor.nextset()
    assert cursor.fetchone() == (4,)
    assert truth("SELECT name FROM pg3_many WHERE id IN (3, 4) ORDER BY id") == [("x",), ("y",)]


def test_prepared_statements(con) -> None:
    for n in range(8):
        assert con.execute("SELECT count(*) FROM many WHERE id < %s", (n,), prepare=True).fetchone() == (n,)
    con.execute("DEALLOCATE ALL")


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


# -- transactions, errors, cancel --------------------------------------------------------------------------------------------


def test_transactions_commit_and_roll_back(served: Served, truth: Callable) -> None:
    with psycopg.connect(**served.named()) as con:
        con.execute("CREATE TABLE pg3_tx (a INTEGER)")
        con.commit()
        con.execute("INSERT INTO pg3_tx VALUES (1)")
        assert truth("SELECT count(*) FROM pg3_tx") == [(0,)]
        con.rollback()
        with con.transaction():
            con.execute("INSERT INTO pg3_tx VALUES (2)")
        with pytest.raises(ZeroDivisionError), con.transaction():
            con.execute("INSERT INTO pg3_tx VALUES (3)")
            1 / 0  # noqa: B018
        assert con.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert truth("FROM pg3_tx") == [(2,)]


def test_a_nested_block_survives_an_error_where_nothing_was_written(served: Served, truth: Callable) -> None:
    with psycopg.connect(**served.named()) as con:
        con.execute("CREATE TABLE pg3_nested (a INTEGER)")
        with con.transaction():
            con.execute("INSERT INTO pg3_nested VALUES (1)")
            with pytest.raises(psycopg.errors.UndefinedTable), con.transaction():
                con.execute("FROM nowhere")
            with con.transaction(), con.transaction("inner one"):
                con.execute("INSERT INTO pg3_nested VALUES (2)")
    assert truth("FROM pg3_nested ORDER BY a") == [(1,), (2,)]


def test_what_a_nested_block_wrote_is_not_undone_in_silence(served: Served, truth: Callable) -> None:
    with psycopg.connect(**served.named(), autocommit=True) as con:
        con.execute("CREATE TABLE pg3_undone (a INTEGER)")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="no savepoints"), con.transaction():
            con.execute("INSERT INTO pg3_undone VALUES (1)")
            con.execute("SAVEPOINT s")
            con.execute("INSERT INTO pg3_undone VALUES (2)")
            con.execute("ROLLBACK TO s")
    assert truth("FROM pg3_undone") == []


def test_notices(con) -> None:
    heard: list[str] = []
    con.add_notice_handler(lambda diagnostic: heard.append(f"{diagnostic.severity} {diagnostic.message_primary}"))
    con.execute("COMMIT")
    assert heard == ["WARNING there is no transaction in progress"]


@pytest.mark.parametrize(
    ("statement", "sqlstate", "position"),
    [
        ("SELEC 1", "42601", 1),
        ("SELECT nope FROM many", "42703", 8),
        ("SELECT 1\nFROM nowhere", "42P01", 15),
        ("SELECT nope(1)", "42883", 8),
        ("SELECT 'x'::INTEGER", "22P02", None),
        ("INSERT INTO machines (id, name) VALUES (1, 'x')", "23505", None),
        ("INSERT INTO machines (id) VALUES (9)", "23502", None),
        ("INSERT INTO readings VALUES (99, '2026-01-01', 1, 'x')", "23503", None),
        ("INSERT INTO machines (id, name, rated) VALUES (9, 'x', -1)", "23514", None),
        ("CREATE TABLE many (a INTEGER)", "42P07", None),
        ("FROM ml_predict('nobody', 'parts')", "42704", None),
        ("FROM ml_predict('fail', 'nowhere')", "42P01", None),
    ],
)
def test_errors_have_their_code_and_place(con, statement: str, sqlstate: str, position: int | None) -> None:
    with pytest.raises(psycopg.Error) as told:
        con.execute(statement)
    assert told.value.sqlstate == sqlstate
    if position:
        assert told.value.diag.statement_position == str(position)


def test_a_cancel_stops_a_scoring(con) -> None:
    timer = threading.Timer(0.5, con.cancel_safe)
    timer.start()
    begin = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled, match="due to user request"):
        con.execute(SLOW)
    assert time.monotonic() - begin < 5
    timer.join()
    assert con.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_timeout(served: Served) -> None:
    with psycopg.connect(**served.named("reader"), options="-c statement_timeout=300ms") as con:
        with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
            con.execute(SLOW)


# -- models -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binary", FORMATS)
def test_predictions(reader, truth: Callable, binary: bool) -> None:
    expected = truth(LIKELY)
    assert 0 < len(expected) < 600
    rows = reader.cursor(binary=binary).execute(LIKELY).fetchall()
    assert rows == expected
    bound = LIKELY.replace("0.2", "%s")
    assert reader.execute(bound, (0.2,)).fetchall() == expected
    assert reader.execute("SELECT id FROM risk WHERE probability > %s ORDER BY 1", (0.2,)).fetchall() == [
        (row[0],) for row in expected
    ]


def test_training_by_itself_and_in_a_transaction(served: Served, con, truth: Callable) -> None:
    row = con.execute(TRAIN.format("pg3_auto"), (7,)).fetchone()
    assert row[:2] == ("pg3_auto", 1)
    with psycopg.connect(**served.named()) as other:
        other.execute("SELECT 1")
        assert other.execute(TRAIN.format("pg3_tx"), (7,)).fetchone()[:2] == ("pg3_tx", 1)
        status = other.execute("SELECT status FROM ml.runs WHERE model = 'pg3_tx'").fetchone()
        assert status == ("finished",)
        other.execute("CREATE VIEW pg3_view AS SELECT id, probability FROM ml_predict('pg3_auto', 'parts')")
    assert con.execute("SELECT id, probability FROM pg3_view ORDER BY id").fetchall() == truth("FROM pg3_view ORDER BY id")


def test_a_reader_changes_nothing(reader) -> None:
    for statement in ("CREATE TABLE x (a INTEGER)", "INSERT INTO many VALUES (1)", TRAIN.format("x").replace("%s", "1")):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), reader.cursor().copy("COPY many FROM STDIN") as copy:
        copy.write("1\n")


def test_names_of_every_kind(con, truth: Callable) -> None:
    for schema, table in (("main", "Order Items"), ("main", "设备"), ("Lab 2", "Probe")):
        query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table))
        cursor = con.execute(query)
        assert cursor.fetchall() == truth(query.as_string(con))
        assert [c.name for c in cursor.description] == [n for (n, *_) in truth(f"DESCRIBE {query.as_string(con)}")]


def test_tls_is_on(con) -> None:
    assert con.pgconn.ssl_in_use
    assert isinstance(con.info.backend_pid, int)
    assert con.execute("SELECT %s", (uuid.UUID(int=5),)).fetchone() == (uuid.UUID(int=5),)
