"""psycopg 3: cursors, pipelines, transactions, errors, cancel, and models."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import psycopg
import pytest
from psycopg import sql

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
