"""The wire beside a real PostgreSQL 15: the same rows to the same clients over TCP, by turns, in one run.

PostgreSQL's cluster is made here, in a temporary folder, with its own defaults but for memory; its table is analyzed and
warm. Both servers ask for the password (SCRAM), and go without TLS where it is not said otherwise.
"""

import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import psycopg

import mfgsql
from mfgsql.cli import read_results_directly
from mfgsql.engine.access import Role
from mfgsql.engine.users import Users
from mfgsql.server.auth.tls import own_tls
from tests.soak.served import PASSWORD, Served

ROWS, ROUNDS, SCORED, IDLE = 1_000_000, 5, 200_000, 200
PROGRAMS = Path("/usr/lib/postgresql/15/bin")
TABLE = f"""
CREATE TABLE wide AS SELECT (hash(i) % 1000000000)::BIGINT AS order_id, (hash(i + 1) % 1000000000) / 997.0 AS torque,
  'machine-' || lpad((i % 10000)::VARCHAR, 4, '0') AS machine, TIMESTAMP '2026-01-01' + to_milliseconds(i * 37) AS ts,
  hash(i) % 2 = 0 AS passed FROM range({ROWS}) r(i)
"""
ON_POSTGRES = (
    "CREATE TABLE wide (order_id BIGINT, torque DOUBLE PRECISION, machine VARCHAR, ts TIMESTAMP, passed BOOLEAN)"
)
QUERY = "SELECT * FROM wide"
SCORE = "SELECT id, probability, predicted_failed FROM ml_predict('m', 'scored')"


@dataclass(frozen=True)
class Place:
    """Where a server is."""

    port: int
    user: str

    def dsn(self, tls: bool = False) -> str:
        """For libpq."""
        mode = "require" if tls else "disable"
        return f"host=127.0.0.1 port={self.port} dbname=plant user={self.user} password='{PASSWORD}' sslmode={mode}"

    def url(self) -> str:
        """For drivers that take one."""
        return f"postgresql://{self.user}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/plant?sslmode=disable"


def run() -> list[dict]:
    """Seconds over PostgreSQL's for each client, the wire's cost on a scored query, and what a connection costs."""
    read_results_directly()  # as the server's process does
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with _ours(folder) as (served, here), _postgres(folder / "pg") as there:
            ours = Place(served.port, "admin")
            _fill(ours, there)
            rows = [_against(name, fetch, ours, there) for name, fetch in FETCHES.items()]
            rows += [_scored(ours, here), *_connections(ours, there), _idle(served, ours)]
        return rows


# -- the two servers ----------------------------------------------------------------------------------------------------


@contextmanager
def _ours(folder: Path) -> Iterator[tuple[Served, mfgsql.Session]]:
    """A server, and in this process a session over a copy of its database."""
    database = folder / "plant.duckdb"
    with mfgsql.connect(database, progress="off") as s:
        s.execute(TABLE)
        features = ", ".join(f"(hash(i * 8 + {n}) % 10000) / 10000 AS s{n}" for n in range(8))
        s.execute(
            f"CREATE TABLE scored AS SELECT i AS id, {features}, s0 + s1 > 1.1 AS failed FROM range({SCORED}) r(i)"
        )
        s.finetune("m", "SELECT * EXCLUDE (id) FROM scored LIMIT 5000", target="failed", options={"epochs": 1})
        s.execute("CHECKPOINT")
    Users(database).add("admin", Role.ADMIN, PASSWORD)
    shutil.copy(database, folder / "copy.duckdb")
    served = Served(database, "--max-connections", str(IDLE + 50))
    try:
        with mfgsql.connect(folder / "copy.duckdb", progress="off") as here:
            yield served, here
    finally:
        served.stop()


@contextmanager
def _postgres(folder: Path) -> Iterator[Place]:
    """A cluster of its own; PostgreSQL does not run as root."""
    user = "postgres" if os.getuid() == 0 else None
    folder.mkdir()
    own_tls(folder / "tls")
    (folder / "password").write_text(PASSWORD)
    if user:
        for file in (folder, *folder.rglob("*")):
            shutil.chown(file, user, user)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data = folder / "data"

    def do(program: str, *words: str) -> None:
        command = [str(PROGRAMS / program), "-D", str(data), *words]
        with (folder / "log").open("a") as log:
            subprocess.run(command, check=True, user=user, stdout=log, stderr=log, cwd=folder)

    do("initdb", "-U", "admin", "-E", "UTF8", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}")
    settings = {
        "port": port, "unix_socket_directories": "", "shared_buffers": "512MB", "max_connections": IDLE + 50, "ssl": "on",
        "ssl_cert_file": folder / "tls" / "server.crt", "ssl_key_file": folder / "tls" / "server.key",
    }  # fmt: skip
    do("pg_ctl", "-w", "start", "-o", " ".join(f"-c {k}='{v}'" for k, v in settings.items()))
    try:
        with psycopg.connect(Place(port, "admin").dsn().replace("plant", "postgres"), autocommit=True) as c:
            c.execute("CREATE DATABASE plant")
        yield Place(port, "admin")
    finally:
        do("pg_ctl", "-m", "immediate", "stop")


def _fill(ours: Place, there: Place) -> None:
    """PostgreSQL's table gets our rows, by COPY from one to the other."""
    with psycopg.connect(ours.dsn()) as source, psycopg.connect(there.dsn(), autocommit=True) as target:
        target.execute(ON_POSTGRES)
        with (
            source.cursor().copy(f"COPY ({QUERY}) TO STDOUT (FORMAT binary)") as rows,
            target.cursor().copy("COPY wide FROM STDIN (FORMAT binary)") as into,
        ):
            for piece in rows:
                into.write(piece)
        target.execute("VACUUM ANALYZE wide")
        total = (
            "SELECT count(*), sum(order_id), min(machine), max(ts), sum(CASE WHEN passed THEN 1 ELSE 0 END) FROM wide"
        )
        found, wanted = source.execute(total).fetchone(), target.execute(total).fetchone()
        assert found == wanted, (found, wanted)


# -- clients ------------------------------------------------------------------------------------------------------------


def _psycopg(place: Place, *, binary: bool = False, tls: bool = False) -> int:
    with psycopg.connect(place.dsn(tls)) as c, c.cursor(binary=binary) as cursor:
        return len(cursor.execute(QUERY).fetchall())


def _adbc(place: Place) -> int:
    with adbc.connect(place.url()) as c, c.cursor() as cursor:
        cursor.execute(QUERY)
        return cursor.fetch_arrow_table().num_rows


def _copy(place: Place, form: str) -> int:
    with psycopg.connect(place.dsn()) as c, c.cursor() as cursor:
        with cursor.copy(f"COPY wide TO STDOUT (FORMAT {form})") as copy:
            for _ in copy:
                pass
        return cursor.rowcount


def _psql(place: Place) -> int:
    done = subprocess.run(
        ["psql", place.dsn(), "-X", "-q", "-At", "-o", "/dev/null", "-c", QUERY, "-c", "\\o", "-c", "\\echo :ROW_COUNT"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return int(done.stdout.split()[-1])


FETCHES: dict[str, Callable[[Place], int]] = {
    "psycopg 3, text": _psycopg,
    "psycopg 3, binary": lambda place: _psycopg(place, binary=True),
    "psycopg 3, binary, TLS": lambda place: _psycopg(place, binary=True, tls=True),
    "ADBC": _adbc,
    "COPY, text": lambda place: _copy(place, "text"),
    "COPY, binary": lambda place: _copy(place, "binary"),
    "psql to /dev/null": _psql,
}


# -- figures ------------------------------------------------------------------------------------------------------------


def _seconds(what: Callable[[], object]) -> float:
    started = time.perf_counter()
    what()
    return time.perf_counter() - started


def _by_turns(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int = ROUNDS
) -> list[tuple[float, float]]:
    """Seconds of both, once each in every round; what else runs on the machine hits both."""
    return [(_seconds(ours), _seconds(theirs)) for _ in range(rounds)]


def _figure(name: str, pairs: list[tuple[float, float]], other: str, goal: str, unit: float = 1.0) -> dict:
    a, b = ([one * unit for one in times] for times in zip(*pairs, strict=True))
    best, median = min(a) / min(b), statistics.median(a) / statistics.median(b)
    words = f"{best:.2f}x best, {median:.2f}x median ({min(a):.3g} / {min(b):.3g} {'s' if unit == 1 else 'ms'})"
    print(f"{name}: {words}", flush=True)
    return {"figure": f"{name}, over {other}", "measured": words, "goal": goal, "ours": a, "other": b}


def _against(name: str, fetch: Callable[[Place], int], ours: Place, there: Place) -> dict:
    for place in (ours, there):
        assert fetch(place) == ROWS, name
    pairs = _by_turns(lambda: fetch(ours), lambda: fetch(there))
    return _figure(f"{ROWS:,} rows x 5 columns by {name}", pairs, "PostgreSQL 15", "<= 1.0x")


def _scored(ours: Place, here: mfgsql.Session) -> dict:
    with adbc.connect(ours.url()) as c, c.cursor() as cursor:

        def by_wire() -> int:
            cursor.execute(SCORE)
            return cursor.fetch_arrow_table().num_rows

        assert by_wire() == here.execute(SCORE).arrow().num_rows == SCORED
        pairs = _by_turns(by_wire, lambda: here.execute(SCORE).arrow())
    return _figure(f"ml_predict over {SCORED:,} rows by ADBC", pairs, "the same in process", "<= 1.1x")


def _connections(ours: Place, there: Place) -> list[dict]:
    with psycopg.connect(ours.dsn(), autocommit=True) as a, psycopg.connect(there.dsn(), autocommit=True) as b:
        for c in (a, b):
            c.execute("SELECT 1")
        latency = _by_turns(lambda: a.execute("SELECT 1").fetchone(), lambda: b.execute("SELECT 1").fetchone(), 1000)
        plans = "SELECT machine FROM wide WHERE order_id < %s LIMIT 1"
        short = _by_turns(
            lambda: a.execute(plans, (10**9,)).fetchone(), lambda: b.execute(plans, (10**9,)).fetchone(), 500
        )
    logins = _by_turns(lambda: psycopg.connect(ours.dsn()).close(), lambda: psycopg.connect(there.dsn()).close(), 100)
    rate = f"; {1 / statistics.median(a for a, _ in logins):,.0f} / {1 / statistics.median(b for _, b in logins):,.0f} a second"
    rows = [
        _figure("SELECT 1 on an open connection", latency, "PostgreSQL 15", "shown", 1e3),
        _figure("a prepared SELECT with a parameter", short, "PostgreSQL 15", "shown", 1e3),
        _figure("a connection with SCRAM", logins, "PostgreSQL 15", "shown", 1e3),
    ]
    rows[-1]["measured"] += rate
    for row in rows:
        row["ours"], row["other"] = statistics.median(row["ours"]), statistics.median(row["other"])
    return rows


def _idle(served: Served, ours: Place) -> dict:
    """What connections hold that do nothing, beyond the memory that earlier ones have left to the allocator."""
    before = served.resident
    idle = [psycopg.connect(ours.dsn()) for _ in range(IDLE)]
    grown = served.resident - before
    for c in idle:
        c.close()
    return {
        "figure": f"memory of each of {IDLE} idle connections",
        "measured": f"{grown / IDLE / 1024:,.0f} KiB",
        "goal": "shown",
    }
