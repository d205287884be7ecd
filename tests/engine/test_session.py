"""Opening, adding the verbs to somebody else's connection, closing."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

import duckdb
import pyarrow as pa
import pytest

import mfgsql
from mfgsql.engine import waiting
from mfgsql.engine.engine import Engine
from mfgsql.engine.functions import Udf, register
from mfgsql.errors import CancelledError, CatalogError, ClosedError


def test_install_leaves_the_connection_to_its_owner():
    con = duckdb.connect()
    session = mfgsql.install(con, progress="off")
    assert con.execute("SELECT device FROM ml_devices() WHERE used").fetchone() is not None
    session.close()
    assert con.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(ClosedError):
        session.execute("SELECT 1")


def test_one_engine_for_one_file(tmp_path):
    with mfgsql.connect(tmp_path / "a.duckdb") as one:
        assert mfgsql.connect(tmp_path / "a.duckdb").engine is one.engine
        with pytest.raises(CatalogError, match="for writing"):
            mfgsql.connect(tmp_path / "a.duckdb", read_only=True)
    with mfgsql.connect(tmp_path / "a.duckdb", read_only=True) as reader:
        assert reader.execute("FROM ml.models").fetchall() == []


def test_views_and_words_are_listed():
    with mfgsql.connect() as session:
        names = {r[0] for r in session.execute("SELECT name FROM ml.functions WHERE kind = 'verb'").fetchall()}
        assert {"ml_predict", "ml_finetune", "ml_check"} <= names
        assert session.execute("SELECT count(*) FROM ml.functions WHERE kind = 'word'").fetchone()[0] > 5


def _while_main_waits(work: Callable[[mfgsql.Session], None]) -> list[float]:
    """Run ``work`` on another thread while this one looks busily for its end; the moments at which it looked."""
    with mfgsql.connect(progress="off") as session, waiting.listening(session.interrupt):
        thread = threading.Thread(target=work, args=(session,))
        looked = []
        thread.start()
        while thread.is_alive():
            looked.append(time.monotonic())
    return looked


def test_the_main_thread_sleeps_while_another_works() -> None:
    slept = []

    def work(session: mfgsql.Session) -> None:
        for _ in range(3):
            time.sleep(0.05)
            with waiting.working():
                time.sleep(0.05)
                slept.append(time.monotonic())
                time.sleep(0.2)
                slept.append(time.monotonic())

    looked = _while_main_waits(work)
    assert looked
    for start, end in zip(slept[::2], slept[1::2], strict=True):
        awake = {round(1_000 * moment) for moment in looked if start < moment < end}
        assert len(awake) < 0.6 * 1_000 * (end - start)  # it looks for tasks now and then


def test_duckdb_spins_no_core_away_while_a_udf_runs_on_its_thread() -> None:
    names = []

    def nap(engine: Engine, column: pa.Array) -> pa.Array:
        names.append(threading.current_thread().name)
        time.sleep(0.2)
        return column

    with mfgsql.connect(progress="off", threads=2) as session:
        register(session.engine, session.con, Udf("nap", "BIGINT", True, nap))
        session.execute("CREATE TABLE t AS SELECT i FROM range(10) r(i)")
        for _ in range(50):  # now and then the calling thread is the quicker one
            spent, began = time.thread_time(), time.monotonic()
            session.execute("SELECT sum(nap(i)) FROM t").fetchall()
            if names[-1] != threading.main_thread().name:
                assert time.thread_time() - spent < 0.4 * (time.monotonic() - began)
                return
    pytest.skip("DuckDB ran all calls on the thread that asked")


def test_ctrl_c_reaches_work_while_the_main_thread_sleeps() -> None:
    reached = []

    def work(session: mfgsql.Session) -> None:
        with waiting.working():
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(100):
                time.sleep(0.01)
                try:
                    session.cancellation.check()
                except CancelledError:
                    reached.append(True)
                    return

    _while_main_waits(work)
    assert reached == [True]


def test_a_rest_that_is_over_at_once_interrupts_nothing() -> None:
    reached = []

    def work(session: mfgsql.Session) -> None:
        for _ in range(200):
            with waiting.working():
                pass
        time.sleep(0.05)
        session.cancellation.check()
        reached.append(True)

    _while_main_waits(work)
    assert reached == [True]


def test_a_moved_database_keeps_its_snapshots(tmp_path):
    with mfgsql.connect(tmp_path / "a.duckdb", progress="off") as s:
        s.execute("CREATE TABLE t AS SELECT i AS a, i % 2 = 0 AS y FROM range(100) r(i)")
        s.finetune(
            "m", "SELECT a % 7 AS a, y FROM t", target="y", options={"epochs": 1, "width": 8, "layers": 1, "heads": 2}
        )
    (tmp_path / "b").mkdir()
    for name in ("a.duckdb", "a.duckdb.ml"):
        (tmp_path / name).rename(tmp_path / "b" / name)
    (tmp_path / "b/a.duckdb.ml/killed.parquet").touch()
    (tmp_path / "b/a.duckdb.ml/killed.part").touch()
    (tmp_path / "b/a.duckdb.ml/forgotten.state").touch()
    os.utime(tmp_path / "b/a.duckdb.ml/forgotten.state", times=(0, time.time() - 15 * 86400))
    (tmp_path / "b/a.duckdb.ml/resumable.state").touch()
    with mfgsql.connect(tmp_path / "b/a.duckdb", progress="off"):
        left = [f.suffix for f in (tmp_path / "b/a.duckdb.ml").iterdir()]
        assert sorted(left) == [".parquet", ".state"]


def test_connecting_while_another_thread_closes(tmp_path):
    """DuckDB crashes the process where functions or a connection go while a statement of theirs runs."""
    failed, through = [], []

    def often() -> None:
        for _ in range(6):
            try:
                with mfgsql.connect(tmp_path / "a.duckdb", progress="off") as s:
                    for _ in range(3):
                        s.execute("FROM ml.models").fetchall()
                    through.append(s.sql("SELECT 1").num_rows)
            except ClosedError:
                pass  # the other thread owned the engine, and closed it
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=often) for _ in range(4)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert failed == []
    assert through
