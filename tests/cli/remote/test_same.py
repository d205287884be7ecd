"""What each command says of a server is what it says of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfgsql.cli.remote.address import public
from tests.cli.conftest import TINY
from tests.cli.remote.conftest import ODD, Run, rows, run
from tests.server.conftest import Served

MADE = "SELECT unit AS unit, id AS cycle, torque FROM parts"
NOTES = "SELECT id, note FROM url_orders"
ORDERS = """
CREATE TABLE url_orders AS SELECT i AS id, part || ' is ' || fault || ' at line ' || i AS note,
  [{'label': 'part', 'begin': 0, 'stop': length(part)}] AS spans
FROM (SELECT i, ['pump', 'bearing'][1 + i % 2] AS part, ['loud', 'worn', 'hot'][1 + i % 3] AS fault FROM range(40) r(i))
"""
JOBS = (
    "SELECT k AS job, ['turn', 'mill'][i] AS station, TIMESTAMP '2026-03-02' + to_minutes((10 * k + 10 * i)::INT) AS b, "
    "b + to_minutes((11 - 3 * i + k % 2)::INT) AS e FROM range(60) t(k), range(1, 3) r(i)"
)
OF_JOBS = ("--case-id", "job", "--station", "station", "--started", "b", "--finished", "e")
COMMANDS = [
    ("sql", ODD),
    ("sql", "FROM parts WHERE false"),
    ("sql", "SELECT 1 AS a; SELECT 2 AS b"),
    ("sql", "BEGIN; FROM parts LIMIT 3; COMMIT; SELECT 1 AS a"),
    ("sql", "SUMMARIZE parts"),
    ("check", "parts", "--target", "failed"),
    ("labels", MADE, "--run-to-failure", "--entity", "unit", "--order-by", "cycle", "--horizon", "30"),
    (
        "events",
        "parts",
        "SELECT unit, ts, shift FROM parts",
        "--entity",
        "unit",
        "--order-by",
        "ts",
        "--field",
        "shift",
    ),
    ("chart", "parts", "--field", "temp", "--order-by", "ts", "--kind", "ewma"),
    ("capability", "parts", "--field", "temp", "--lower", "20", "--upper", "40"),
    (
        "allocate",
        "--supply",
        "SELECT shift AS plant, 9 AS qty FROM parts LIMIT 2",
        "--demand",
        "SELECT 'north' AS depot, 7 AS qty",
        "--cost",
        "SELECT DISTINCT shift AS plant, 'north' AS depot, 1.5 AS cost FROM parts",
        "--limit",
        "quantity <= 20",
        "--whole",
    ),
    ("suppliers", "parts", "--supplier", "unit", "--ordered", "ts", "--promised", "ts", "--received", "ts"),
    ("bottlenecks", JOBS, *OF_JOBS, "--each", "1 day"),
    ("whatif", JOBS, *OF_JOBS, "--change", "turn: -10 %", "--option", "replications=2"),
    ("whatif", JOBS, *OF_JOBS, "--machine", "9", "--option", "replications=2"),
    ("drivers", "SELECT * EXCLUDE ts FROM parts", "--target", "failed"),
    ("predict", "fail", "parts"),
    ("predict", "fail", "FROM parts LIMIT 2", "--explain", "2"),
    ("recommend", "fail", "FROM parts LIMIT 2", "--adjust", "torque,shift", "--minimize", "failed", "--limit", "torque <= 3", "-k", "2", "--option", "trials=200"),
    ("evaluate", "fail", "parts"),
    ("evaluate", "fail", "parts", "--confusion"),
    ("compare", "fail@1", "fail", "parts", "--entity", "shift", "--option", "draws=200"),
    ("queue", "fail", "SELECT * EXCLUDE failed FROM parts", "-k", "3"),
    ("drift", "fail", "SELECT * FROM parts WHERE hot", "--order-by", "ts", "--option", "psi=0.2"),
    ("thresholds", "fail", "parts", "--missed", "20", "--false-alarm", "1"),
    ("importance", "fail"),
    ("spans", "url_marks", NOTES),
    ("embed", "url_notes", f"{NOTES} LIMIT 3"),
    ("search", "url_notes", NOTES, "bearing noise", "-k", "3"),
    ("similar", "url_notes", NOTES, "--key", "id", "--least", "0.5"),
    ("models", "list"),
    ("models", "show", "fail"),
    ("models", "show", "fail@champion"),
    ("models", "show", "url_notes"),
    ("models", "events", "fail"),
    ("runs", "list"),
    ("devices",),
]
SHOWN = [
    COMMANDS[0],
    ("sql", "FROM parts WHERE false"),
    ("predict", "fail", "parts"),
    ("similar", "url_notes", NOTES, "--key", "id"),
    ("models", "show", "fail@1"),
]
FAILING = [
    ("predict", "fial", "parts"),
    ("models", "show", "fail@9"),
    ("models", "rollback", "fail"),
    ("models", "promote", "fail@1", "--require", "accuracy > 1", "--source", "parts"),
    ("compare", "fail", "wear", "parts"),
    ("queue", "fail", "parts", "-k", "0"),
    ("runs", "show", "nix"),
    ("detect", "fail", "parts"),
    ("recommend", "fail", "parts", "--adjust", "id", "--maximize", "failed"),
    ("maintenance", "fail", "parts", "--failure", "2", "--replacement", "1"),
    ("forecast", "fail", "parts", "--horizon", "3"),
    ("backtest", "fail", "parts"),
    ("order", "fail", "parts", "--lead-time", "3", "--service-level", "0.9"),
    ("countermeasures", "fail", "parts", "--stock", "parts", "--purchases", "parts", "--shortage", "2"),
    ("bottlenecks", "parts", "--station", "unit"),
    ("whatif", JOBS, *OF_JOBS, "--change", "turning: -10 %"),
    ("generate", "fail", "-n", "3", "--limit", "torque > 1"),
    ("spans", "fail", "parts"),
    ("search", "fail", "parts", "leak"),
    ("search", "url_notes", "parts", "leak"),
    ("similar", "url_notes", NOTES, "--key", "nope"),
    ("pretrain", "f", "parts", "--field", "shift", "--base", "./nowhere/minilm"),
    ("finetune", "f", "parts", "--target", "nope"),
    ("tune", "f", "parts", "--target", "nope", "--search", "layers=1,2"),
    ("finetune", "f", "parts", "--target", "failed", "--adapter-by", "shift"),
    ("adapt", "fail", "SELECT torque, failed FROM parts", "--policy", "auto", "--option", "epochs=1"),
    ("adapt", "fail@1", "parts"),
    ("distill", "fast", "SELECT torque FROM parts", "--teacher", "fail", "--size", "tiny", "--option", "temperature=2"),
]


@pytest.fixture(scope="module", autouse=True)
def texts(served: Served) -> Iterator[None]:
    """Notes, a base of them and a model that finds spans; gone afterwards."""
    with served.session.cursor() as cursor:
        cursor.execute(ORDERS)
        marks = "task := 'token_classification', target := 'spans', base := 'url_notes'"
        for learn in (
            "ml_pretrain('url_notes', 'url_orders', field := 'note', options := {'epochs': 1})",
            f"ml_finetune('url_marks', '{NOTES.replace('note', 'note, spans')}', {marks}, options := {{'epochs': 8}})",
        ):
            assert cursor.execute(f"FROM {learn}").fetchall()
        yield
        cursor.execute("FROM ml_drop('url_marks')").fetchall()
        cursor.execute("FROM ml_drop('url_notes')").fetchall()
        cursor.execute("DROP TABLE url_orders")


@pytest.mark.parametrize(
    ("command", "form"),
    [(command, "json") for command in COMMANDS] + [(command, f) for command in SHOWN for f in ("table", "csv")],
    ids=lambda c: " ".join(c)[:40] if isinstance(c, tuple) else c,
)
def test_a_server_says_what_the_file_says(remote: Run, local: Run, command: tuple[str, ...], form: str) -> None:
    here, there = (way(*command, "--format", form) for way in (local, remote))
    assert here.exit_code == there.exit_code == 0, (here.output, there.output)
    assert here.stdout
    assert _lines(there.stdout) == _lines(here.stdout)
    assert _lines(there.stderr) == _lines(here.stderr)


def _lines(text: str) -> list[str]:
    """In any order, which few verbs promise; without the hint that names the database. Numbers to four digits: the last
    ones depend on which rows a thread scores together.
    """
    lines = (re.sub(r"--(db|url) \S+$|,$", "", line) for line in text.splitlines())
    return sorted(re.sub(r"\d+\.\d{6,}", lambda number: f"{float(number[0]):.4g}", line) for line in lines)


@pytest.mark.parametrize("command", FAILING, ids=lambda c: " ".join(c)[:40])
def test_errors_are_the_same_words(remote: Run, local: Run, command: tuple[str, ...]) -> None:
    here, there = local(*command), remote(*command)
    assert (there.exit_code, there.stderr) == (here.exit_code, here.stderr) == (1, here.stderr)


def test_a_wrong_statement_is_shown_with_its_place(remote: Run) -> None:
    told = remote("sql", "SELECT nope FROM parts")
    assert told.exit_code == 1
    assert told.stderr.startswith('Error: Referenced column "nope" not found')
    assert "LINE 1: SELECT nope FROM parts\n" in told.stderr and told.stderr.rstrip().endswith("^")


def test_changes_are_counted_and_a_failure_in_a_transaction_undoes_it(remote: Run) -> None:
    made = remote("sql", "CREATE TABLE url_changes (i INT); INSERT INTO url_changes VALUES (1), (2)")
    assert made.stderr.splitlines() == ["done", "2 rows changed"]
    failed = remote("sql", "BEGIN; DELETE FROM url_changes; SELECT error('boom'); COMMIT")
    assert failed.exit_code == 1 and "boom" in failed.stderr
    assert rows(remote("sql", "SELECT count(*) AS n FROM url_changes", "--format", "json")) == [{"n": 2}]


def test_verbs_that_learn_and_tables_that_are_kept(remote: Run, served: Served) -> None:
    done = remote("finetune", "url_model", "SELECT torque, shift, failed FROM parts", "--target", "failed", *TINY)
    assert done.exit_code == 0, done.output
    assert "verdict" in done.stdout and done.stderr == ""
    url = f"postgresql://admin@{served.host}:{served.port}/{served.database}"
    assert done.stdout.rstrip().endswith(f"Next: mfgsql predict url_model SOURCE --url {url}")
    kept = remote("chart", "parts", "--field", "temp", "--order-by", "ts", "--table", "url_chart")
    assert kept.stdout == "600 rows in the table url_chart\n"
    (run_,) = rows(remote("runs", "list", "--model", "url_model", "--format", "json"))
    assert rows(remote("runs", "show", str(run_["run_id"]), "--metrics", "--format", "json"))
    assert rows(remote("models", "drop", "url_model", "--format", "json"))


def test_a_page_is_written_here(remote: Run, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    assert remote("report", "fail", "-o", str(page)).exit_code == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_models_travel_below_the_servers_folder(remote: Run, served: Served) -> None:
    done = remote("models", "export", "fail", "url.safetensors")
    assert done.exit_code == 0 and "lies on the server" in done.stderr
    assert (served.files / "url.safetensors").is_file()
    assert remote("models", "import", "url_copy", "url.safetensors").exit_code == 0
    assert "not below the folder" in remote("models", "export", "fail", "../x.safetensors").stderr


def test_doctor_tells_of_this_machine_and_of_the_server(served: Served) -> None:
    found = {r["what"]: r for r in rows(run("doctor", "--format", "json", "--url", served.url("reader")))}
    assert found["server"]["finding"] == public(served.url("reader"))
    assert found["models"]["state"] == "ok" and "server's device" in found and "torch" in found
    gone = rows(run("doctor", "--format", "json", "--url", "postgresql://x@127.0.0.1:1/plant"))
    assert [r["state"] for r in gone if r["what"] == "server"] == ["warn"]
