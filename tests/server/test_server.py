"""The server as a whole: who gets in, what stops, who goes when, and that nobody stalls anybody."""

import asyncio
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

psycopg = pytest.importorskip("psycopg")

import mfgsql
from mfgsql.engine.users import Users
from mfgsql.server import Options, Server

PASSWORD = "a pass-word 1"
LONG = "SELECT sum(a * b) FROM range(10000000) x(a), range(100000) y(b)"


@pytest.fixture
def serve(tmp_path):
    """``with serve(option=...) as server``: a server of its own, over a small database."""

    @contextmanager
    def serving(**options):
        path = tmp_path / "plant.duckdb"
        with mfgsql.connect(path, threads=2) as session:
            session.execute("CREATE TABLE IF NOT EXISTS t AS SELECT range AS i FROM range(1000)")
            users = Users(path)
            for name, role in (("admin", "admin"), ("anna", "analyst"), ("rita", "reader")):
                if users.get(name) is None:
                    users.add(name, role, PASSWORD)
            server = Server(session, users, Options(**{"port": 0, "drain": 5.0} | options))
            try:
                yield server
            finally:
                server.stop()

    return serving


def connect(server, user="anna", **more):
    told = {"host": "127.0.0.1", "port": server.port, "dbname": "plant", "user": user, "password": PASSWORD}
    return psycopg.connect(**told | more, autocommit=True)


def refused(server, user="anna", **more):
    with pytest.raises(psycopg.OperationalError) as caught:
        connect(server, user, **more)
    return str(caught.value)


def eventually(check, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def threads(server):
    return len(server._connections)


def test_who_gets_in(serve):
    with serve() as server:
        assert "password authentication failed" in refused(server, password="wrong pass")
        assert "password authentication failed" in refused(server, "ghost")
        assert "'plant' is served here" in refused(server, dbname="other")
        with connect(server) as con:
            assert con.pgconn.ssl_in_use
            assert con.execute("SELECT current_user, current_database()").fetchone() == ("anna", "plant")
        with connect(server, sslmode="disable") as con:  # from this machine
            assert not con.pgconn.ssl_in_use
        with connect(server, channel_binding="require") as con:
            assert con.execute("SELECT 1").fetchone() == (1,)


def test_users_may_be_made_while_it_serves(serve, tmp_path):
    with serve() as server:
        users = Users(tmp_path / "plant.duckdb")
        users.add("late", "reader", PASSWORD)
        connect(server, "late").close()
        late = connect(server, "late")
        users.remove("late")
        assert "password authentication failed" in refused(server, "late")
        with pytest.raises(psycopg.OperationalError, match="removed or changed"):
            for _ in range(50):
                late.execute("SELECT 1")
                time.sleep(0.1)
        late.close()


def test_guessing_is_slowed_down(serve):
    with serve() as server:
        for _ in range(6):
            assert "authentication failed" in refused(server, "rita", password="wrong pass", sslmode="require")
        assert "Too many failed logins" in refused(server, "rita")
        connect(server, "anna").close()


def test_from_elsewhere_only_encrypted(serve, monkeypatch):
    from mfgsql.server import connection

    monkeypatch.setattr(connection, "address_of", lambda connected: "10.1.2.3")
    with serve() as server:
        assert "only encrypted connections" in refused(server, sslmode="disable")
        connect(server, sslmode="require").close()
    with serve(plaintext=True) as server:
        connect(server, sslmode="disable").close()
    with serve(tls=False) as server:
        assert "only encrypted connections" in refused(server)
    with serve(tls=False, plaintext=True) as server:
        connect(server, sslmode="prefer").close()
        assert "does not support SSL" in refused(server, sslmode="require")


def test_too_many_clients(serve):
    with serve(max_connections=2) as server:
        held = [connect(server), connect(server)]
        assert "too many clients" in refused(server)
        held.append(connect(server, "admin"))  # places are kept for admins
        held.pop(0).close()
        eventually(lambda: len(server._known) == 2)
        held.pop(0).close()
        eventually(lambda: len(server._known) == 1)
        held.append(connect(server))
        for con in held:
            con.close()


def test_strangers_take_no_places(serve):
    with serve(max_connections=2) as server:
        strangers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        connect(server).close()
        for stranger in strangers:
            stranger.close()
        eventually(lambda: threads(server) == 0)


@pytest.mark.parametrize("encrypted", ["require", "disable"])
def test_a_statement_is_cancelled(serve, encrypted):
    with serve() as server, connect(server, sslmode=encrypted) as con:
        threading.Timer(0.5, con.cancel_safe).start()
        started = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
            con.execute(LONG)
        assert time.monotonic() - started < 5
        assert con.execute("SELECT 1").fetchone() == (1,)


def test_a_training_is_cancelled(serve):
    with serve() as server, connect(server) as con, connect(server, "rita") as other:
        con.execute("CREATE TABLE m AS SELECT random() AS a, random() AS b, random() < 0.3 AS y FROM range(2000)")
        began = []

        def cancel():
            running = "SELECT count(*) FROM ml.runs WHERE status = 'running'"
            eventually(lambda: other.execute(running).fetchone() == (1,), 60)
            began.append(time.monotonic())
            con.cancel_safe()

        canceller = threading.Thread(target=cancel)
        canceller.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            con.execute("FROM ml_finetune('m', 'm', target := 'y', options := {'epochs': 5000})")
        assert time.monotonic() - began[0] < 10  # a second, where nothing else runs
        canceller.join()
        assert con.execute("SELECT status FROM ml.runs").fetchall() == [("cancelled",)]


def test_only_with_the_key(serve):
    with serve() as server, connect(server) as con:
        process = con.pgconn.backend_pid
        secret = server._connections[process].activity.secret
        answers = []
        worker = threading.Thread(target=lambda: answers.append(_fails(con, LONG)))
        worker.start()
        eventually(lambda: server._connections[process].activity.busy)
        for number, key in ((process, 0), (process, secret ^ 1), (process + 1000, secret)):
            server.cancel(number, key)
        time.sleep(0.5)
        assert worker.is_alive()
        server.cancel(process, secret)
        worker.join(10)
        assert isinstance(answers[0], psycopg.errors.QueryCanceled)


def _fails(con, sql):
    with pytest.raises(psycopg.Error) as caught:
        con.execute(sql)
    return caught.value


def test_sessions_stop_each_other(serve):
    """As Superset stops a query: by the number that the session itself has told."""
    with serve() as server, connect(server) as con, connect(server, "rita") as other, connect(server) as own:
        process = con.execute("SELECT pg_backend_pid()").fetchone()[0]
        assert process == con.info.backend_pid
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(f"SELECT pg_cancel_backend({process})")
        assert own.execute("SELECT pg_cancel_backend(99999)").fetchone() == (False,)
        stop = f"SELECT pg_cancel_backend({process})"
        threading.Timer(0.5, lambda: own.execute(stop)).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            con.execute(LONG)
        own.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid='{process}'")
        eventually(lambda: process not in server._connections)
        assert own.execute("SELECT set_config('application_name', 'x', false)").fetchone() == ("x",)
        assert own.info.parameter_status("application_name") == "x"


def test_statements_end_in_time(serve):
    with serve(statement_timeout=0.5) as server, connect(server) as con:
        with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
            con.execute(LONG)
        con.execute("SET statement_timeout = '10min'")
        assert con.execute("SELECT count(*) FROM range(1000)").fetchone() == (1000,)
    with serve() as server, connect(server) as con:
        con.execute("SET statement_timeout = 400")
        with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
            con.execute(LONG)


def test_the_idle_are_sent_away(serve):
    with serve(idle_timeout=0.5) as server:
        con = connect(server)
        eventually(lambda: threads(server) == 0)
        with pytest.raises(psycopg.OperationalError, match="idle-session timeout"):
            con.execute("SELECT 1")
        con.close()
    with serve(transaction_timeout=0.5) as server:
        con = connect(server)
        time.sleep(1.0)  # outside a transaction it may wait
        con.execute("BEGIN")
        with pytest.raises(psycopg.Error, match="idle-in-transaction timeout"):
            for _ in range(40):
                time.sleep(1.0)
                con.execute("SELECT 1")
        con.close()


def test_what_nobody_waits_for_is_stopped(serve):
    with serve() as server:
        con = connect(server)
        con.pgconn.send_query(LONG.encode())
        eventually(lambda: any(c.activity.busy for c in server._connections.values()))
        con.close()
        eventually(lambda: threads(server) == 0)


def test_a_client_that_does_not_read_stalls_nobody(serve):
    with serve() as server:
        slow = connect(server)
        slow.pgconn.send_query(b"SELECT range, repeat('x', 200) FROM range(20000000)")
        with connect(server) as con:
            for _ in range(20):
                started = time.monotonic()
                assert con.execute("SELECT count(*) FROM t").fetchone() == (1000,)
                assert time.monotonic() - started < 5
        slow.close()
        eventually(lambda: threads(server) == 0)


def test_draining_lets_statements_end(serve):
    with serve(drain=20.0) as server:
        idle, busy = connect(server), connect(server)
        found = []
        query = "SELECT count(*) FROM range(20000) a, range(5000) b WHERE (a.range * b.range) % 7 = 3"
        worker = threading.Thread(target=lambda: found.extend(busy.execute(query).fetchall()))
        worker.start()
        eventually(lambda: any(c.activity.busy for c in server._connections.values()))
        server.stop()
        worker.join(30)
        assert len(found) == 1
        with pytest.raises(psycopg.OperationalError, match="administrator command"):
            idle.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            connect(server)
        idle.close()
        busy.close()


def test_draining_does_not_wait_for_ever(serve):
    with serve(drain=0.5) as server:
        busy = connect(server)
        failed = []

        def run():
            try:
                busy.execute(LONG)
            except psycopg.Error as error:
                failed.append(error)

        worker = threading.Thread(target=run)
        worker.start()
        eventually(lambda: any(c.activity.busy for c in server._connections.values()))
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 10
        worker.join(10)
        assert failed
        assert threads(server) == 0
        busy.close()


def test_health_and_metrics(serve):
    with serve(metrics_port=0) as server:
        base = f"http://127.0.0.1:{server.health.port}"
        with connect(server) as con:
            con.execute("SELECT i FROM t").fetchall()
            with pytest.raises(psycopg.Error):
                con.execute("SELECT nope")
            assert urllib.request.urlopen(f"{base}/healthz").read() == b"ok\n"
            text = urllib.request.urlopen(f"{base}/metrics").read().decode()
        lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        assert lines["mfgsql_connections"] == "1.0"
        assert lines["mfgsql_rows_sent_total"] == "1000.0"
        assert lines['mfgsql_errors_total{sqlstate="42703"}'] == "1.0"
        assert lines['mfgsql_logins_total{result="ok"}'] == "1.0"
        eventually(lambda: "mfgsql_bytes_sent_total 0.0" not in urllib.request.urlopen(f"{base}/metrics").read().decode())
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{base}/nothing")


def test_a_port_that_is_taken(serve):
    from mfgsql.errors import SourceError

    with serve() as server, pytest.raises(SourceError, match="can't be listened on"), mfgsql.connect() as session:
        Server(session, Users("nowhere"), Options(port=server.port, tls=False))


def test_a_transaction_over_several_messages(serve):
    with serve() as server, connect(server) as con, connect(server) as other:
        with con.pipeline() as pipeline:
            con.execute("CREATE TABLE p (i INTEGER)")
            con.execute("INSERT INTO p VALUES (1)")
            con.execute("INSERT INTO p VALUES (2)")
            pipeline.sync()
        assert other.execute("SELECT count(*) FROM p").fetchone() == (2,)
        with pytest.raises(psycopg.Error), con.pipeline():
            con.execute("INSERT INTO p VALUES (3)")
            con.execute("SELECT nope")
        assert other.execute("SELECT count(*) FROM p").fetchone() == (2,)  # as one
        con.execute("INSERT INTO p VALUES (4); INSERT INTO p VALUES (5)")
        with pytest.raises(psycopg.Error):
            con.execute("INSERT INTO p VALUES (6); SELECT nope; INSERT INTO p VALUES (7)")
        assert other.execute("SELECT count(*) FROM p").fetchone() == (4,)


def test_portals_and_cursors_side_by_side(serve):
    with serve() as server, connect(server) as con, con.transaction():
        first, second = con.cursor("first"), con.cursor("second")
        first.execute("SELECT i FROM t ORDER BY i")
        second.execute("SELECT i FROM t ORDER BY i DESC")
        seen = [(first.fetchone()[0], second.fetchone()[0]) for _ in range(500)]
        assert seen == [(i, 999 - i) for i in range(500)]
        assert con.execute("SELECT count(*) FROM t").fetchone() == (1000,)
        assert first.fetchone() == (500,)


def test_a_cursor_with_hold_outlives_its_transaction(serve):
    with serve() as server, connect(server) as con:
        with con.transaction():
            con.execute("DECLARE held CURSOR WITH HOLD FOR SELECT i FROM t ORDER BY i")
            con.execute("DECLARE gone CURSOR FOR SELECT i FROM t")
            assert con.execute("FETCH 2 FROM held").fetchall() == [(0,), (1,)]
        assert con.execute("FETCH 2 FROM held").fetchall() == [(2,), (3,)]
        with pytest.raises(psycopg.errors.InvalidCursorName):
            con.execute("FETCH 1 FROM gone")
        con.execute("CLOSE held")


def test_rows_that_nobody_wants_are_not_made(serve):
    """A portal that is left after two rows of very many ends with its transaction, at once."""
    with serve() as server, connect(server) as con:
        started = time.monotonic()
        with con.transaction(), con.cursor("many") as cursor:
            cursor.execute("SELECT range FROM range(100000000000)")
            assert cursor.fetchmany(2) == [(0,), (1,)]
        assert con.execute("SELECT 1").fetchone() == (1,)
        assert time.monotonic() - started < 20


def test_a_plan_that_has_changed_is_told(serve):
    """Drivers know these words and prepare anew; rows of another type would be read as the old one."""
    asyncpg = pytest.importorskip("asyncpg")

    async def talk(port):
        con = await asyncpg.connect(host="127.0.0.1", port=port, user="anna", password=PASSWORD, database="plant")
        await con.execute("CREATE TABLE d (a INTEGER); INSERT INTO d VALUES (1)")
        statement = await con.prepare("SELECT a FROM d")
        assert await statement.fetchval() == 1
        assert await con.fetchval("SELECT a FROM d") == 1
        await con.execute("CREATE OR REPLACE TABLE d AS SELECT 'abcd' AS a")
        with pytest.raises(asyncpg.InvalidCachedStatementError):
            await statement.fetchval()
        assert await con.fetchval("SELECT a FROM d") == "abcd"
        await con.close()

    with serve() as server:
        asyncio.run(talk(server.port))


def test_a_cursor_outlives_an_error_behind_a_savepoint(serve):
    with serve() as server, connect(server) as con:
        con.execute("BEGIN; DECLARE c CURSOR FOR SELECT range FROM range(100000)")
        assert con.execute("FETCH 2 FROM c").fetchall() == [(0,), (1,)]
        con.execute("SAVEPOINT s")
        assert con.execute("FETCH 2 FROM c").fetchall() == [(2,), (3,)]
        with pytest.raises(psycopg.errors.SyntaxError):
            con.execute("SELEC 1")
        con.execute("ROLLBACK TO s")
        assert con.execute("FETCH 2 FROM c").fetchall() == [(4,), (5,)]
        con.execute("ROLLBACK")


def test_a_savepoint_knows_what_execute_wrote(serve):
    with serve() as server, connect(server) as con:
        con.execute("CREATE TABLE k (i INTEGER); PREPARE ins AS INSERT INTO k VALUES (7)")
        con.execute("BEGIN; SAVEPOINT a; EXECUTE ins")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="savepoints"):
            con.execute("ROLLBACK TO a")
        con.execute("ROLLBACK")
        assert con.execute("SELECT count(*) FROM k").fetchone() == (0,)


def test_who_wrote_a_row(serve):
    with serve() as server, connect(server) as con:
        con.execute("CREATE TABLE log AS SELECT current_user AS who, version() AS what")
        con.execute("INSERT INTO log VALUES (current_user, to_char(DATE '2026-01-02', 'YYYY'))")
        who = con.execute("SELECT who FROM log").fetchall()
        assert who == [("anna",), ("anna",)]
        mixed = con.execute("SELECT 7 / 2, current_user, to_char(DATE '2026-01-02', 'DD.MM.YYYY')").fetchone()
        assert mixed == (3.5, "anna", "02.01.2026")


def test_a_commit_that_fails_leaves_nothing_of_its_settings(serve):
    with serve() as server, connect(server) as con, connect(server) as other:
        con.execute("CREATE TABLE u (i INTEGER PRIMARY KEY)")
        con.execute("BEGIN; SET LOCAL lock_timeout = '77s'; SET statement_timeout = '66s'; INSERT INTO u VALUES (1)")
        other.execute("INSERT INTO u VALUES (1)")
        with pytest.raises(psycopg.Error):
            con.execute("COMMIT")
        assert con.execute("SHOW lock_timeout").fetchone() == ("0",)
        assert con.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_a_client_that_takes_nothing_is_sent_away(serve):
    with serve() as server, connect(server, "admin") as admin:
        slow = connect(server)
        process = slow.info.backend_pid
        slow.pgconn.send_query(b"SELECT range, repeat('x', 200) FROM range(20000000)")
        eventually(lambda: server._connections[process].stream.sending)
        time.sleep(0.5)
        assert admin.execute(f"SELECT pg_terminate_backend({process})").fetchone() == (True,)
        eventually(lambda: process not in server._connections)
        slow.close()


def test_a_copy_that_waits_for_data_is_cancelled(serve):
    with serve() as server, connect(server) as con:
        con.execute("SET statement_timeout = '500ms'")
        with pytest.raises(psycopg.errors.QueryCanceled), con.cursor().copy("COPY t FROM STDIN") as copy:
            copy.write("1\n")
            time.sleep(2.0)
            copy.write("2\n")
        con.execute("RESET statement_timeout")
        assert con.execute("SELECT count(*) FROM t").fetchone() == (1000,)


def test_discard_leaves_nothing_to_the_next_one(serve):
    with serve() as server, connect(server) as con:
        con.execute("CREATE TEMP TABLE mine AS SELECT 1 AS a; PREPARE q AS SELECT 2; SET VARIABLE v = 3")
        con.execute("DISCARD ALL")
        for gone in ("FROM mine", "EXECUTE q"):
            with pytest.raises(psycopg.Error):
                con.execute(gone)
        assert con.execute("SELECT getvariable('v')").fetchone() == (None,)


def test_a_statement_that_is_too_long(serve):
    with serve() as server, connect(server, "rita") as con:
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            con.execute("SELECT '" + "x" * (2 << 20) + "'")
        assert con.execute("SELECT 1").fetchone() == (1,)


def test_sessions_know_their_settings(serve):
    with serve() as server, connect(server, options="-c search_path=ml,main -c TimeZone=Asia/Tokyo") as con:
        assert con.execute("SHOW search_path").fetchone() == ("ml,main",)
        assert con.execute("SELECT count(*) >= 0 FROM models").fetchone() == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only read"):
            con.execute("DROP VIEW models")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            con.execute("SET search_path = ml_catalog")
        with pytest.raises(psycopg.Error, match="nowhere"):
            con.execute("SET search_path = nowhere")
        assert con.execute("SHOW search_path").fetchone() == ("ml,main",)
        con.execute("SET VARIABLE since = (SELECT max(i) - 2 FROM t)")
        assert con.execute("SELECT count(*) FROM t WHERE i > getvariable('since')").fetchone() == (2,)
        assert con.info.parameter_status("TimeZone") == "Asia/Tokyo"
        midnight = con.execute("SELECT date_trunc('day', TIMESTAMPTZ '2026-01-01 20:00:00+00')::VARCHAR").fetchone()
        assert midnight == ("2026-01-02 00:00:00+09",)
        with con.transaction(force_rollback=True):
            con.execute("SET TIME ZONE 'UTC'")
            assert con.execute("SHOW TimeZone").fetchone() == ("UTC",)
        assert con.execute("SHOW TimeZone").fetchone() == ("Asia/Tokyo",)
