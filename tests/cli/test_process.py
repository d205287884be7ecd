"""What only a real process shows: start time, exit codes, pipes, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from mfgsql.cli import main; main(prog_name='mfgsql')"]


def run(*arguments, **environment):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False,
                          env=os.environ | environment)  # fmt: skip


def test_help_answers_in_half_a_second_and_imports_no_engine():
    best = min(_timed("--help") for _ in range(3))
    assert best < 0.5
    heavy = "import sys, mfgsql.cli; print({'torch', 'duckdb', 'rich', 'mfgsql.engine'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", heavy], text=True).strip() == "set()"


def test_plain_sql_and_the_views_import_no_torch(db):
    script = """
import sys, mfgsql
with mfgsql.connect(sys.argv[1], progress='off') as s:
    s.execute('SELECT 1').fetchall(), s.execute('FROM ml.models').fetchall(), s.execute('FROM ml.functions').fetchall()
    print('torch' in sys.modules)
"""
    assert subprocess.check_output([sys.executable, "-c", script, db], text=True).strip() == "False"


def _timed(*arguments):
    started = time.perf_counter()
    assert run(*arguments).returncode == 0
    return time.perf_counter() - started


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("sql", "SELECT 1"), 0, ""),
        (("sql", "SELEC 1"), 1, "Error: Parser Error"),
        (("predict", "none", "parts"), 1, "Error: There is no model 'none'"),
        (("finetune", "m", "parts"), 2, "--target"),
        (("finetune", "m", "parts", "--target", "failed", "--option", "epochs"), 2, "KEY=VALUE"),
        (("sql", "SELECT 1", "--db", "/nowhere/x.duckdb"), 1, "mfgsql init"),
        (("sql", "SELECT 1", "--db", ""), 2, "--db plant.duckdb"),
    ],
)
def test_exit_codes(db, arguments, code, words):
    done = run(*arguments, MFGSQL_DB="" if arguments[-1] == "" else db)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr and "\n\n" not in done.stderr.strip().replace("--help' for help.\n\n", "")


def test_debug_shows_the_traceback(db):
    assert "Traceback" in run("sql", "SELEC 1", MFGSQL_DB=db, MFGSQL_DEBUG="1").stderr


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_reader_that_has_seen_enough_is_no_error(db, form):
    query = ["sql", "FROM range(200000)", "--all", "--format", form, "--db", db]
    if form == "table":
        query[1] = "FROM range(5000)"
    with subprocess.Popen([*COMMAND, *query], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


def test_ctrl_c_cancels_a_training_and_its_run_says_so(tmp_path):
    path = str(tmp_path / "long.duckdb")
    table = "CREATE TABLE t AS SELECT random() AS a, random() AS b, random() > 0.5 AS y FROM range(20000)"
    assert run("init", "--db", path).returncode == run("sql", table, "--db", path).returncode == 0
    training = [*COMMAND, "finetune", "m", "t", "--target", "y", "--option", "epochs=10000", "--option",
                "patience=100000", "--db", path]  # fmt: skip
    with subprocess.Popen(training, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not list(Path(f"{path}.ml").glob("*.parquet")):  # the rows are frozen: it learns
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert (process.returncode, told.splitlines()[-1]) == (130, "Cancelled."), told
    assert "cancelled" in run("runs", "list", "--db", path).stdout


def test_the_program_reads_results_without_the_dataset_scanner(db):
    """Predictions and a champion's challenge work where ``pyarrow.dataset`` can't be imported."""
    program = [sys.executable, "-c", "import sys; from mfgsql.cli import run; run()"]
    call = {"text": True, "capture_output": True, "timeout": 120, "check": False}
    counted = "SELECT count(probability) AS n FROM ml_predict('m', 'parts')"
    done = subprocess.run([*program, "sql", counted, "--db", db, "--format", "csv"], **call)
    assert done.stdout.split() == ["n", "400"], done.stderr
    again = "SELECT status FROM ml_finetune('m', 'parts', target := 'failed', promote := 'auto', options := {options})"
    options = "{'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2, 'seed': 7}"
    done = subprocess.run([*program, "sql", again.format(options=options), "--db", db, "--format", "csv"], **call)
    assert done.stdout.split() == ["status", "finished"], done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_ends_by_a_signal(tmp_path, number):
    database = tmp_path / "plant.duckdb"
    words = ["serve", str(database), "--init", "--port", "0", "--drain", "1"]
    program = [sys.executable, "-c", "from mfgsql.cli import run; run()", *words]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        server.stdin.write("a-pass-word-1\n")
        server.stdin.close()
        assert "may log in as admin" in server.stdout.readline()
        assert "is served at" in server.stdout.readline()
        server.send_signal(number)
        assert server.wait(30) == 0
    assert not (tmp_path / "plant.duckdb.ml" / "served.json").exists()
