"""Transactions: PostgreSQL's states over DuckDB's, with DuckDB itself below."""

import duckdb
import pytest

from mfgsql.server.session.transaction import State, Transaction
from mfgsql.wire.errors import WireError


@pytest.fixture
def con():
    with duckdb.connect() as opened:
        opened.execute("CREATE TABLE t (i INTEGER)")
        yield opened


def rows(con):
    return con.cursor().execute("SELECT count(*) FROM t").fetchone()[0]


def write(transaction, con):
    transaction.enter()
    transaction.wrote()
    con.execute("INSERT INTO t VALUES (1)")


def test_a_statement_alone_is_committed_when_it_is_left(con):
    transaction = Transaction(con.execute, read_only=False)
    write(transaction, con)
    assert transaction.status == "I"
    assert rows(con) == 0
    transaction.leave()
    assert rows(con) == 1
    assert transaction.state is State.IDLE


def test_a_statement_alone_that_fails_leaves_nothing(con):
    transaction = Transaction(con.execute, read_only=False)
    write(transaction, con)
    transaction.fail()
    assert rows(con) == 0
    assert transaction.status == "I"


def test_a_failed_transaction_wants_a_rollback(con):
    transaction = Transaction(con.execute, read_only=False)
    transaction.begin(False)
    write(transaction, con)
    transaction.fail()
    assert transaction.status == "E"
    with pytest.raises(WireError) as caught:
        transaction.enter()
    assert caught.value.sqlstate == "25P02"
    assert transaction.commit() == ("ROLLBACK", None)
    assert (rows(con), transaction.status) == (0, "I")


def test_what_was_written_before_begin_becomes_part(con):
    transaction = Transaction(con.execute, read_only=False)
    write(transaction, con)
    assert transaction.begin(False) is None
    assert transaction.rollback() is None
    assert rows(con) == 0


def test_warnings(con):
    transaction = Transaction(con.execute, read_only=False)
    assert "no transaction" in transaction.commit()[1]
    assert "no transaction" in transaction.rollback()
    transaction.begin(False)
    assert "already" in transaction.begin(False)


def test_duckdb_refuses_a_readers_writing(con):
    transaction = Transaction(con.execute, read_only=True)
    with pytest.raises(duckdb.TransactionException, match="read-only"):
        write(transaction, con)
    transaction.fail()
    transaction.begin(False)
    with pytest.raises(duckdb.TransactionException, match="read-only"):
        write(transaction, con)
    with pytest.raises(WireError):
        transaction.restrict(False)


def test_a_transaction_may_be_restricted_while_nothing_is_written(con):
    transaction = Transaction(con.execute, read_only=False)
    transaction.begin(False)
    transaction.restrict(True)
    with pytest.raises(duckdb.TransactionException, match="read-only"):
        write(transaction, con)


def test_a_savepoint_survives_an_error_of_reading(con):
    transaction = Transaction(con.execute, read_only=False)
    transaction.begin(False)
    write(transaction, con)
    transaction.savepoint("a")
    with pytest.raises(duckdb.BinderException):
        con.execute("SELECT nope")
    transaction.fail()
    transaction.rollback_to("a")
    assert transaction.status == "T"
    transaction.release("a")
    transaction.commit()
    assert rows(con) == 1


def test_a_savepoint_can_not_undo_what_was_written(con):
    transaction = Transaction(con.execute, read_only=False)
    transaction.begin(False)
    transaction.savepoint("a")
    transaction.savepoint("b")
    write(transaction, con)
    transaction.release("b")
    with pytest.raises(WireError, match="no savepoints"):
        transaction.rollback_to("a")
    assert transaction.status == "E"
    transaction.rollback()
    assert rows(con) == 0


def test_nor_survive_an_error_by_which_duckdb_gave_up(con):
    transaction = Transaction(con.execute, read_only=False)
    transaction.begin(False)
    transaction.savepoint("a")
    with pytest.raises(duckdb.ConversionException):
        con.execute("SELECT cast('x' || i AS INTEGER) FROM range(3) r(i)").fetchall()
    transaction.fail()
    with pytest.raises(WireError, match="no savepoints"):
        transaction.rollback_to("a")


def test_savepoints_out_of_place(con):
    transaction = Transaction(con.execute, read_only=False)
    for call in (transaction.savepoint, transaction.release, transaction.rollback_to):
        with pytest.raises(WireError) as caught:
            call("a")
        assert caught.value.sqlstate == "25P01"
    transaction.begin(False)
    with pytest.raises(WireError) as caught:
        transaction.rollback_to("a")
    assert (caught.value.sqlstate, transaction.status) == ("3B001", "E")
