"""What only a real process shows: Ctrl-C, pipes, memory, a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests.server.conftest import Served

COMMAND = [sys.executable, "-c", "from mfgsql.cli import main; main(prog_name='mfgsql')"]


def started(served: Served, *arguments: str) -> subprocess.Popen[str]:
    command = [*COMMAND, *arguments, "--url", served.url("analyst")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(happens: Callable[[], bool]) -> None:
    for _ in range(300):
        if happens():
            return
        time.sleep(0.1)
    raise AssertionError("it has not happened")


@pytest.mark.parametrize(
    "statement",
    [
        "FROM ml_finetune('url_long', 'SELECT torque, failed FROM parts', target := 'failed', options := {'epochs': 100000, 'patience': 100000})",
        "SELECT count(*) FROM range(10000000) a, range(10000000) b",
        "CREATE TABLE url_never AS SELECT a.range FROM range(10000000) a, range(10000000) b WHERE a.range % 7 > b.range",
    ],
    ids=["training", "query", "change"],
)
def test_ctrl_c_cancels_on_the_server(served: Served, statement: str) -> None:
    connections = served.server._connections

    def busy() -> bool:
        return any(c.activity.busy and time.monotonic() - c.activity.since > 1 for c in list(connections.values()))

    with started(served, "sql", statement) as process:
        wait_until(busy)
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=30)
    assert (process.returncode, out, told.splitlines()[-1]) == (130, "", "Cancelled."), told
    wait_until(lambda: not busy())
    if "ml_finetune" in statement:
        assert served.truth("SELECT status FROM ml.runs WHERE model = 'url_long'") == [("cancelled",)]


def test_many_rows_are_not_held(served: Served) -> None:
    script = """
import os, resource, sys
from mfgsql.cli import main
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
few, many = ("sql", "FROM range(1000)"), ("sql", "SELECT range, repeat('x', 100) AS x FROM range(1000000)")
out = os.dup(1); os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
main([*few, "--format", "csv", "--url", sys.argv[1]], standalone_mode=False); before = peak()
main([*many, "--all", "--format", "csv", "--url", sys.argv[1]], standalone_mode=False)
os.write(out, f"{peak() - before:.0f}".encode())
"""
    grown = subprocess.check_output([sys.executable, "-c", script, served.url("reader")], text=True, timeout=120)
    assert float(grown) < 60  # MiB; the rows are 200 of them


def test_a_reader_that_has_seen_enough_is_no_error(served: Served) -> None:
    with started(served, "sql", "FROM range(100000000)", "--all", "--format", "csv") as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == "range\n"
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no terminals of that kind")
@pytest.mark.parametrize(("typed", "code"), [("a pass-word 1", 0), ("other", 1)])
def test_a_terminal_is_asked_for_the_password(served: Served, typed: str, code: int) -> None:
    script = """
import os, pty, sys, time
child, terminal = pty.fork()
if child == 0:
    from mfgsql.cli import main
    main(["sql", "SELECT 6 * 7 AS a", "--format", "csv", "--url", sys.argv[1]], prog_name="mfgsql")
seen = b""
while b"Password for" not in seen: seen += os.read(terminal, 1000)
time.sleep(0.5)
os.write(terminal, sys.argv[2].encode() + b"\\n")
try:
    while data := os.read(terminal, 1000): seen += data
except OSError:
    pass
sys.stdout.write(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    url = f"postgresql://reader@{served.host}:{served.port}/{served.database}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"PGPASSFILE": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", script, url, typed],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert f"Password for {url}" in done.stdout and typed not in done.stdout
    assert ("42" if code == 0 else "password authentication failed") in done.stdout


def test_help_waits_for_no_driver() -> None:
    script = "import sys, mfgsql.cli; print({'psycopg', 'mfgsql.server', 'mfgsql.engine'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "set()"


def test_without_the_extra_it_is_named(served: Served) -> None:
    script = "import sys; sys.modules['psycopg'] = None; from mfgsql.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", script, "sql", "SELECT 1", "--url", served.url("reader")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "pip install 'mfgsql[serve]'" in done.stderr, done.stderr
