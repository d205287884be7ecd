"""README.md: its blocks run as they stand, and its table has every verb."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import mfgsql
from mfgsql.cli import main

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
LEFT_OUT = ("make demo", "make test")  # they make a venv of their own
TABLES = """
CREATE TABLE labelled AS
SELECT i % 9 / 3.0 AS torque, 20 + hash(i) % 100 AS temperature, i % 9 > 6 AS failed FROM range(200) r(i);
CREATE TABLE telemetry AS FROM labelled;
CREATE TABLE labelled_lines AS SELECT *, 'L' || hash(torque, temperature) % 3 AS line FROM labelled;
CREATE TABLE labelled_later AS FROM labelled;
CREATE TABLE telemetry_now AS SELECT torque, temperature FROM labelled LIMIT 20;
CREATE TABLE readings AS SELECT 'm' || i % 8 AS machine_id, TIMESTAMP '2026-01-01' + to_hours((i // 8)::INT) AS ts,
  1 + hash(i) % 100 / 50.0 AS vibration, 50 + hash(i + 1) % 100 / 10.0 AS pressure FROM range(2400) r(i);
CREATE TABLE maintenance AS SELECT machine_id, ts, ['service', 'repair', 'oil'][(1 + hash(ts) % 3)::INT] AS kind FROM readings
  WHERE hash(ts, machine_id) % 50 = 0;
CREATE TABLE work_orders AS
  SELECT 'WO-' || i AS id, part || ' ' || fault || ', replaced the seal on line ' || i AS note, part AS system,
    [{'label': 'Part', 'begin': 0, 'stop': length(part)}] AS spans
  FROM (SELECT i, ['pump', 'bearing'][1 + i % 2] AS part, ['leaks', 'is loud', 'is worn'][1 + i % 3] AS fault FROM range(60) r(i));
CREATE TABLE annotated_notes AS SELECT note, spans FROM work_orders;
ALTER TABLE work_orders DROP spans;
CREATE TABLE order_events AS SELECT 'O-' || o AS order_no, ['cut', 'mill', 'wash', 'pack'][k] AS activity, TIMESTAMP '2026-01-05' + to_hours((o * 2 + k)::INT) AS finished,
  finished - INTERVAL 40 MINUTE AS started, TIMESTAMP '2026-01-05' + to_hours((o * 2 + 4)::INT) AS due, o > 35 AS open FROM range(40) r(o), range(1, 5) s(k) WHERE o <= 35 OR k < 3;
CREATE TABLE plates AS SELECT 'PL-' || i AS id, 'plate from die ' || i || ', ' || ['clean', 'spotted'][1 + i % 2] AS note, 2 + i % 7 / 10 AS thickness_mm,
  unhex('424D360300000000000036000000280000001000000010000000010018000000000000030000' || repeat('00', 16)
    || array_to_string([repeat(format('{:02x}', (60 + hash(i, p) % 40 + if(i % 2 = 1 AND p % 16 < 4, 90, 0))::INT), 3) for p in range(256)], '')) AS image,
  ['good > clean', 'surface > stain'][1 + i % 2] AS label, i % 2 = 0 AS good FROM range(60) r(i);
CREATE TABLE camera_now AS SELECT * EXCLUDE (label, good) FROM plates LIMIT 20;
CREATE TABLE warehouse_stock AS SELECT warehouse, sku, 900 AS pieces FROM (VALUES ('Aalen'), ('Brno')) w(warehouse), (VALUES ('BR-110'), ('CV-120')) g(sku);
CREATE TABLE region_needs AS SELECT region, sku, 500 AS pieces FROM (VALUES ('Alps'), ('Tatra')) r(region), (VALUES ('BR-110'), ('CV-120')) g(sku);
CREATE TABLE lanes AS SELECT *, 300 + hash(warehouse, region) % 900 AS km, round(0.15 + 0.0011 * km, 2) AS cost, 1500 AS most_pieces
  FROM (SELECT DISTINCT warehouse FROM warehouse_stock), (SELECT DISTINCT region FROM region_needs);
CREATE TABLE sales AS SELECT sku, family, 3 AS lead_days, DATE '2026-01-01' + d::INT AS day, hash(sku, d) % 9 = 0 AS promotion,
    (20 + 5 * (d % 7) + hash(d, sku) % 10)::INT AS quantity
  FROM (VALUES ('BR-110', 'bracket'), ('BR-120', 'bracket'), ('CV-120', 'cover')) s(sku, family), range(120) r(d);
CREATE TABLE stock AS SELECT DISTINCT sku, 90 AS on_hand, 20 AS on_order FROM sales;
CREATE TABLE purchases AS SELECT sku, ['Lumo', 'Delta'][(1 + hash(day) % 2)::INT] AS supplier, day AS ordered_on, day + 4 AS promised_on, 100 AS quantity,
    CASE WHEN day < DATE '2026-04-25' THEN day + 3 + (hash(day, sku) % 4)::INT END AS received_on FROM sales WHERE hash(sku, day) % 10 = 0;
CREATE TABLE operations AS SELECT k AS order_no, ['saw', 'mill'][i] AS station, TIMESTAMP '2026-01-05' + to_minutes((10 * k + 10 * i)::INT) AS start_ts,
    start_ts + to_minutes((5 + 2 * i + hash(k, i) % 3)::INT) AS end_ts FROM range(80) r(k), range(1, 3) s(i);
CREATE TABLE states AS SELECT machine_id, ts, ['running', 'starved', 'failed'][(1 + hash(ts, machine_id) % 9 // 4)::INT] AS state FROM readings;
CREATE TABLE mixes AS SELECT 'MX-' || i AS batch, ['A', 'B'][1 + i % 2] AS line, 200 + hash(i) % 200 AS cement, hash(i, 1) % 150 AS slag,
  140 + hash(i, 2) % 60 AS water, round(20 + cement / 10 - water / 10 + hash(i, 3) % 5, 1) AS strength, 0.12 * cement + 0.05 * slag AS cost FROM range(120) r(i);
CREATE TABLE design_rules AS SELECT 'water / (cement + slag) <= 0.6' AS expression, 'wetter ones let frost in' AS reason;
CREATE TABLE failures AS SELECT machine_id, ts FROM readings WHERE hash(machine_id, ts) % 97 = 0;
"""
MILLING = """
COPY (SELECT i AS "UDI", 'L' || i AS "Product ID", substr('LMH', 1 + i % 3, 1) AS "Type",
  298 + hash(i) % 40 / 10.0 AS "Air temperature [K]", 3 + i % 60 AS "Torque [Nm]",
  (i % 60 > 50)::INT AS "Machine failure",
  0 AS "TWF", 0 AS "HDF", 0 AS "PWF", (i % 60 > 55)::INT AS "OSF", 0 AS "RNF" FROM range(300) r(i)) TO 'ai4i2020.csv'
"""


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


def shells(*, served: bool) -> list[str]:
    """Lines of the shell, of the blocks that serve or of those that don't."""
    texts = [text for text in blocks("sh") if ("mfgsql serve" in text) == served]
    return [line for text in texts for line in text.splitlines() if line.strip()]


def commands() -> list[list[str]]:
    lines = shells(served=False)
    return [words for line in lines if " ".join(words := shlex.split(line, comments=True)) not in LEFT_OUT]


@pytest.fixture()
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFGSQL_THREADS", "1")
    return tmp_path


def test_the_blocks_are_of_these_kinds() -> None:
    assert {name for name, _ in BLOCKS} == {"sql", "sh", "python", ""}
    assert all(line in README for line in LEFT_OUT)


def test_the_sql_runs(here: Path) -> None:
    with mfgsql.connect(progress="off") as s:
        s.execute(TABLES)
        for text in blocks("sql"):
            for statement in s.con.extract_statements(text):
                s.execute(statement.query).fetchall()
        assert s.execute("SELECT count(*), count(probability) FROM risk").fetchone() == (20, 20)
        assert s.execute("SELECT base FROM ml.versions WHERE model = 'press_failure'").fetchone() == ("press@1",)


def test_the_commands_and_then_the_python_run(here: Path) -> None:
    with mfgsql.connect() as s:
        s.execute(MILLING)
    for words in commands():
        assert words[0] == "mfgsql"
        result = CliRunner().invoke(main, words[1:])
        assert result.exit_code == 0, (words, result.output)
    (python,) = blocks("python")
    names: dict[str, mfgsql.Session] = {}
    exec(python, names)
    assert names["s"].execute("SELECT champion FROM ml.models").fetchall() == [(1,)]
    names["s"].close()


def test_the_server_serves(here: Path) -> None:
    """The block about the server, with a free port and the password from the environment."""
    if shutil.which("psql") is None:
        pytest.skip("psql isn't installed")
    with mfgsql.connect("plant.duckdb", progress="off") as s:
        s.execute(TABLES)
        s.execute("FROM ml_finetune('press_failure', 'labelled', target := 'failed', options := {'epochs': 1})")
    (serve, *others) = shells(served=True)
    port, password = free_port(), "a-pass-word-1"
    environment = os.environ | {"PGPORT": str(port), "PGPASSWORD": password}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    words = [*shlex.split(serve, comments=True), "--port", str(port)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdin and server.stdout
        server.stdin.write(f"{password}\n")
        server.stdin.close()
        assert "may log in as admin" in server.stdout.readline()
        assert f"postgresql://USER@127.0.0.1:{port}/plant" in server.stdout.readline()
        try:
            for line in others:
                run = subprocess.run(
                    line, shell=True, input=f"{password}\n", capture_output=True, text=True, env=environment, timeout=120
                )
                assert run.returncode == 0, (line, run.stdout, run.stderr)
            assert "predicted_failed" in run.stdout
        finally:
            server.terminate()
            assert server.wait(60) == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_the_table_has_every_verb_and_no_other_argument() -> None:
    rows = re.findall(r"^\| (`ml_.*?) \|", README, re.MULTILINE)
    calls = [call for row in rows for call in re.findall(r"`(ml_\w+)(?:\((.*?)\))?`", row)]
    with mfgsql.connect() as s:
        found = s.execute("SELECT name, arguments FROM ml.functions WHERE kind = 'verb'").fetchall()
    assert {name for name, _ in calls} == {name for name, _ in found}
    known = {(name, argument) for name, told in found for argument in re.findall(r"(?:^|; )(\w+): ", told)}
    assert {(name, a) for name, told in calls for a in re.findall(r"(\w+) :=", told)} <= known
