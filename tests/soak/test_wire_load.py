"""Sixty-four clients at once read, score, write, cancel and leave in the middle, while models are trained: each row that
comes is right, each request ends, and the server's memory and threads stay.
"""

from __future__ import annotations

import os
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from tests.conftest import _finetune
from tests.soak.raw import Raw, message
from tests.soak.served import FEATURES, PASSWORD, Served, make_plant

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
CLIENTS = 64
PATIENCE = 120.0  # seconds until a request counts as one that never ends
GROWTH = 300 * 2**20  # bytes that the server may grow by in the second half
MORE_THREADS = 4  # than before the load
QUERIES = {  # with a number in 0..599 for %s, and the rows known before
    "read": "SELECT id, torque, shift, hot, ts, unit FROM parts WHERE id >= %s::INT ORDER BY id",
    "score": "SELECT id, probability, predicted_failed, ml_status FROM ml_predict('fail', 'parts') WHERE id >= %s::INT ORDER BY id",
    "filter": "SELECT id, probability FROM ml_predict('fail', 'FROM parts WHERE hot') WHERE probability > 0.001 AND id >= %s::INT "
    "ORDER BY id",
    "scalar": "SELECT id, ml_predict('fail', p).probability FROM parts p WHERE id >= %s::INT ORDER BY id",
}
LONG = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 7"
MANY = "SELECT i, 'row ' || i FROM range(200000) r(i)"
SHORT = "SELECT torque FROM parts WHERE id = %s"
TRAIN = _finetune("t", FEATURES, "failed", "force := true")
TRAIN_LONG = _finetune("t", f"{FEATURES}, range(200)", "failed", "force := true")
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Without a limit on what statements may take."""
    one = Served(make_plant(tmp_path_factory.mktemp("loaded")), "--no-tls")
    yield one
    one.stop()


class Client:
    """One client, and what it knows of the rows that it must see.

    Args:
        wanted: all rows of each of the queries.
    """

    def __init__(self, served: Served, number: int, wanted: dict[str, Rows]) -> None:
        self.served, self.wanted, self.dice = served, wanted, random.Random(number)
        self.role = "analyst" if number % 2 else "reader"
        self.table, self.mine = f"of_{number}", list[int]()
        self.done: Counter[str] = Counter()
        self.doing = "login"
        self.fault: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name=self.table, daemon=True)

    def start(self, until: float) -> None:
        """Work until then."""
        self.until = until
        self.thread.start()

    def _run(self) -> None:
        works = [self.ask] * 8 + [self.cancel, self.leave, self.page, self.many]
        works += [self.write] * 4 + [self.copy] * 2 if self.role == "analyst" else [self.refused]
        try:
            with self.served.connect(self.role) as self.c:
                if self.role == "analyst":
                    self.c.execute(f"CREATE TABLE {self.table}(n INTEGER)")
                while time.monotonic() < self.until:
                    work = self.dice.choice(works)
                    self.doing = work.__name__
                    work()
                    self.done[self.doing] += 1
        except BaseException as error:  # noqa: BLE001  (whatever it is, the test tells it)
            self.fault = error

    def ask(self) -> None:
        """A query whose rows are known."""
        kind, least = self.dice.choice(list(QUERIES)), self.dice.randrange(600)
        with self.c.cursor(binary=self.dice.random() < 0.5) as cursor:
            found = cursor.execute(QUERIES[kind], (least,)).fetchall()
        assert same(found, [row for row in self.wanted[kind] if row[0] >= least]), kind

    def write(self) -> None:
        """Rows in a transaction that is committed or not; then exactly those that are to be there are there."""
        values, keep = [self.dice.randrange(1000) for _ in range(20)], self.dice.random() < 0.6
        with self.c.transaction(force_rollback=not keep), self.c.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {self.table} VALUES (%s)", [(v,) for v in values])
        self._wrote(values if keep else [])

    def copy(self) -> None:
        """The same by COPY."""
        values = [self.dice.randrange(1000) for _ in range(2000)]
        with self.c.cursor().copy(f"COPY {self.table} FROM STDIN") as copy:
            for value in values:
                copy.write_row((value,))
        self._wrote(values)

    def _wrote(self, values: list[int]) -> None:
        self.mine += values
        found = self.c.execute(f"SELECT count(*), coalesce(sum(n), 0)::BIGINT FROM {self.table}").fetchone()
        assert found == (len(self.mine), sum(self.mine))

    def refused(self) -> None:
        """A reader writes nothing, and goes on."""
        with pytest.raises(psycopg.Error) as caught:
            self.c.execute("DELETE FROM parts")
        assert caught.value.sqlstate in ("42501", "25006")

    def cancel(self) -> None:
        """A statement that would take days is stopped, and the connection is as good as before. A cancel that comes
        before the server has begun stops nothing, as in PostgreSQL: it is said again.
        """
        ended = threading.Event()

        def say() -> None:
            ended.wait(self.dice.uniform(0.02, 0.3))
            while not ended.is_set():
                self.c.cancel_safe(timeout=PATIENCE)
                ended.wait(2)

        teller = threading.Thread(target=say, daemon=True)
        teller.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            self.c.execute(LONG)
        ended.set()
        teller.join()

    def leave(self) -> None:
        """Somebody leaves while rows come, or before they do."""
        with closing(Raw(self.served.port)) as raw:
            raw.login(self.role, PASSWORD)
            raw.send(message(b"Q", self.dice.choice((MANY, LONG)).encode() + b"\0"))
            if self.dice.random() < 0.5:
                raw.socket.settimeout(0.2)
                try:
                    raw.socket.recv(1000)
                except TimeoutError:
                    return

    def page(self) -> None:
        """A cursor, read to its middle, with another query in between."""
        with self.c.transaction(), self.c.cursor("page") as cursor:
            cursor.execute(MANY)
            first = cursor.fetchmany(500)
            self.ask()
            assert [row[0] for row in first + cursor.fetchmany(500)] == list(range(1000))

    def many(self) -> None:
        """More rows than the server would hold at once."""
        with self.c.cursor(binary=True) as cursor:
            rows = cursor.execute(MANY).fetchall()
        assert len(rows) == 200_000
        assert rows[-1] == (199_999, "row 199999")


def same(found: Rows, wanted: Rows) -> bool:
    """Equal rows; floats to 1e-6."""
    return len(found) == len(wanted) and all(
        abs(a - b) < 1e-6 if isinstance(b, float) else a == b
        for x, y in zip(found, wanted, strict=True)
        for a, b in zip(x, y, strict=True)
    )


def train(served: Served, statement: str, stop: threading.Event, done: list[str]) -> None:
    """Train over and over, in a connection of its own."""
    with served.connect("analyst") as c:
        while not stop.is_set():
            done.append(c.execute(statement).fetchall()[0][3])
            c.execute("FROM ml_drop('t')")


def latency(served: Served, times: int = 300) -> float:
    """Median seconds of a short read."""
    seconds = []
    with served.connect("reader") as c:
        while len(seconds) < times:
            started = time.perf_counter()
            c.execute(SHORT, (len(seconds) % 600,)).fetchall()
            seconds.append(time.perf_counter() - started)
            time.sleep(0.002)
    return statistics.median(seconds)


def beside_training(served: Served) -> None:
    """Print what a short read takes while a model is trained, and while nothing happens."""
    idle, stop, done = latency(served), threading.Event(), list[str]()
    trainer = threading.Thread(target=train, args=(served, TRAIN_LONG, stop, done), daemon=True)
    trainer.start()
    while not served.metric("mfgsql_training"):
        time.sleep(0.01)
    busy = latency(served)
    stop.set()
    trainer.join(PATIENCE)
    assert set(done) == {"finished"}
    print(
        f"short read: {idle * 1e3:.2f} ms idle, {busy * 1e3:.2f} ms beside a training: {busy / idle:.1f}x (goal <= 3x)"
    )


def load(served: Served, seconds: float, clients: int) -> None:
    """So many clients for so long, in two halves: what the first one has grown the server by is for good."""
    with served.connect("reader") as c:
        wanted = {kind: c.execute(sql, (0,)).fetchall() for kind, sql in QUERIES.items()}
    threads = served.threads + MORE_THREADS
    for half in range(2):
        before, stop, trained = served.resident, threading.Event(), list[str]()
        trainer = threading.Thread(target=train, args=(served, TRAIN, stop, trained), daemon=True)
        trainer.start()
        team = [Client(served, n + half * clients, wanted) for n in range(clients)]
        for one in team:
            one.start(time.monotonic() + seconds / 2)
        end = time.monotonic() + seconds / 2 + PATIENCE
        for one in team:
            one.thread.join(max(0.0, end - time.monotonic()))
        stop.set()
        trainer.join(PATIENCE)
        told = sum((one.done for one in team), Counter[str]())
        grown = served.resident - before
        print(f"{dict(told)}, {len(trained)} trainings, {grown / 2**20:+.0f} MiB, {served.threads} threads")
        assert [(one.table, one.fault) for one in team if one.fault] == []
        assert [(one.table, one.doing) for one in team if one.thread.is_alive()] == []
        assert not trainer.is_alive()
        assert set(trained) == {"finished"}
        served.quiet(threads)
    assert grown < GROWTH
    assert not served.faults()


def test_every_client_gets_its_rows_under_load(served: Served) -> None:
    beside_training(served)
    load(served, SECONDS, CLIENTS)
