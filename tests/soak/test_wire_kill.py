"""Kill -9 of a server while clients read, write, copy and train: what was committed is there, all of it, and nothing
else; the next server starts.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

import mfgsql
from mfgsql.engine.users import Users
from tests.conftest import _finetune
from tests.soak.served import FEATURES, SCORES, Served, make_plant
from tests.soak.test_kill import check_catalog

LOOPS = int(os.environ.get("SOAK_LOOPS", "50"))
PARTS, BATCH, COPIED = 600, 100, 3000  # rows of the plant, of a transaction, and of a COPY
TABLES = ("inserted", "copied", "never")
WORK = [
    "FROM ml_promote('m@candidate')",
    "FROM ml_rollback('m')",
    "FROM ml_drop('m@candidate')",
    _finetune("m", FEATURES, "failed"),
]


class Ledger:
    """What clients did in one server's life.

    Attributes:
        committed: batches whose COMMIT was answered, by table. begun: all that may have been committed.
    """

    def __init__(self, served: Served, first: int) -> None:
        self.served, self._numbers = served, itertools.count(first)
        self.committed: dict[str, list[int]] = {t: [] for t in TABLES}
        self.begun: dict[str, list[int]] = {t: [] for t in TABLES}
        self.faults: list[BaseException] = []
        self.busy = threading.Barrier(6)
        works = (self.insert, self.copy, self.hold, self.read, self.learn)
        self.threads = [threading.Thread(target=self._run, args=(w,), daemon=True) for w in works]
        for thread in self.threads:
            thread.start()

    def _run(self, work: Callable[[psycopg.Connection], None]) -> None:
        try:
            with self.served.connect("analyst") as c:
                self.busy.wait(60)
                while True:
                    work(c)
        except psycopg.OperationalError:
            return  # it was killed
        except BaseException as error:  # noqa: BLE001  (whatever it is, the test tells it)
            self.faults.append(error)

    def insert(self, c: psycopg.Connection) -> None:
        """A transaction of two halves."""
        number = self._begin("inserted")
        with c.transaction():
            for _ in range(2):
                c.execute("INSERT INTO inserted SELECT %s, i FROM range(%s) r(i)", (number, BATCH // 2))
        self.committed["inserted"].append(number)

    def copy(self, c: psycopg.Connection) -> None:
        """COPY FROM, a row at a time."""
        number = self._begin("copied")
        with c.cursor().copy("COPY copied FROM STDIN") as copy:
            for n in range(COPIED):
                copy.write_row((number, n))
        self.committed["copied"].append(number)

    def hold(self, c: psycopg.Connection) -> None:
        """Rows that are never committed."""
        with c.transaction(force_rollback=True):
            c.execute("INSERT INTO never SELECT 0, i FROM range(1000) r(i)")
            time.sleep(random.uniform(0, 0.2))

    def read(self, c: psycopg.Connection) -> None:
        """Scores, all of them or an end."""
        assert len(c.execute(SCORES).fetchall()) == PARTS

    def learn(self, c: psycopg.Connection) -> None:
        """Train, promote, go back, drop."""
        try:
            c.execute(random.choice(WORK)).fetchall()
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            # Nothing to promote, drop or go back to at this moment.
            assert error.sqlstate in ("42704", "22023"), error

    def _begin(self, table: str) -> int:
        number = next(self._numbers)
        self.begun[table].append(number)
        return number


def kill(database: Path, loops: int, seed: int, longest: float = 3.0) -> None:
    """Serve, work and kill after ``longest`` seconds at most, so many times; look at the database after each."""
    with mfgsql.connect(database, threads=2, progress="off") as s:
        for table in TABLES:
            s.execute(f"CREATE TABLE {table}(batch BIGINT, n BIGINT)")
        s.execute(WORK[-1]).fetchall()
    known: dict[str, set[int]] = {t: set() for t in TABLES}
    for loop in range(loops):
        dice = random.Random(seed + loop)
        served = Served(database, "--no-tls")
        ledger = Ledger(served, loop * 10**6 + 1)
        ledger.busy.wait(60)
        time.sleep(dice.uniform(0.05, longest))
        served.kill()
        for thread in ledger.threads:
            thread.join(60)
        assert ledger.faults == []
        assert not any(thread.is_alive() for thread in ledger.threads)
        assert not served.faults()
        known = _look(database, ledger, known)


def _look(database: Path, ledger: Ledger, known: dict[str, set[int]]) -> dict[str, set[int]]:
    """The batches that are there now; each is whole, and all that were committed are among them."""
    with mfgsql.connect(database, threads=2, progress="off") as s:
        check_catalog(s, database.parent, PARTS)
        found: dict[str, set[int]] = {}
        for table, whole in zip(TABLES, (BATCH, COPIED, 0), strict=True):
            sizes = dict(s.execute(f"SELECT batch, count(*) FROM {table} GROUP BY batch").fetchall())
            assert set(sizes.values()) <= {whole}, (table, sizes)
            found[table] = set(sizes)
            certain = known[table] | set(ledger.committed[table])
            assert certain <= found[table] <= known[table] | set(ledger.begun[table]), table
    assert [user.name for user in Users(database).list()] == ["admin", "analyst", "reader"]
    return found


def test_what_was_committed_outlives_a_killed_server(tmp_path: Path) -> None:
    kill(make_plant(tmp_path), LOOPS, int(time.time()))
