"""psql 15: its commands that ask the catalog, \\copy, cursors behind FETCH_COUNT, errors as a person sees them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.clients.conftest import LIKELY, SLOW
from tests.server.conftest import Served, required

Psql = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def psql(served: Served) -> Psql:
    """``(script, *arguments, role='analyst')``: what psql wrote; unaligned, only rows (``-At``) unless told otherwise."""
    program = shutil.which("psql")
    required("psql", program)

    def run(script: str, *arguments: str, role: str = "analyst") -> subprocess.CompletedProcess[str]:
        command = [str(program), "-X", "-q", *(arguments or ("-At",))]
        return subprocess.run(
            command, input=script, env=served.environment(role) | {"LC_ALL": "C.UTF-8"}, capture_output=True, text=True, timeout=60
        )

    return run


def _rows(found: subprocess.CompletedProcess[str]) -> list[list[str]]:
    assert found.stderr == ""
    return [line.split("|") for line in found.stdout.splitlines()]


# -- \d -------------------------------------------------------------------------------------------------------------------

MACHINES = '''\
                                         Table "main.machines"
    Column    |            Type             | Collation | Nullable |              Default               
--------------+-----------------------------+-----------+----------+------------------------------------
 id           | integer                     |           | not null | 
 name         | text                        |           | not null | 
 site         | text                        |           |          | 'north'
 rated        | numeric(8,2)                |           |          | 
 since        | timestamp without time zone |           |          | CAST('2026-01-01' AS TIMESTAMP)
 double_rated | numeric(9,2)                |           |          | CAST((rated * 2) AS DECIMAL(9, 2))
Indexes:
    "machines_id_pkey" PRIMARY KEY, btree (id)
    "machines_name_key" UNIQUE CONSTRAINT, btree (name)
Check constraints:
    "machines_rated_check" CHECK ((rated > 0))
Referenced by:
    TABLE "readings" CONSTRAINT "readings_machine_id_id_fkey" FOREIGN KEY (machine_id) REFERENCES machines(id)

'''  # noqa: W291  (psql's own blanks)
PROBE = '''\
                Table "Lab 2.Probe"
 Column |  Type   | Collation | Nullable | Default 
--------+---------+-----------+----------+---------
 X      | integer |           |          | 

'''  # noqa: W291


@pytest.mark.parametrize(("command", "expected"), [("\\d machines", MACHINES), ('\\d "Lab 2".*', PROBE)])
def test_a_table_is_described(psql: Psql, command: str, expected: str) -> None:
    found = psql(command, "-q")
    assert (found.stdout, found.stderr) == (expected, "")


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("\\d+ machines", ["Power in kW", "Access method: heap"]),
        ("\\d readings", ['"readings_machine_id_moment_pkey" PRIMARY KEY, btree (machine_id, moment)', '"readings_by_note" btree (note)',
                          "FOREIGN KEY (machine_id) REFERENCES machines(id)"]),
        ("\\d risk", ['View "main.risk"', "predicted_failed | boolean", "probabilities    | json"]),
        ('\\d "Order Items"', ['btree ("Order Id")', ' a"b      | double precision']),
        ("\\d 设备", [" 编号   | integer"]),
        ("\\d tickets", ['Sequence "main.tickets"', "bigint |     7 |       1"]),
        ("\\dt machines", ["main   | machines | table | analyst"]),
        ("\\dt", ["main   | 设备"]),
        ("\\dt+ machines", ["What stands in the hall; 设备"]),
        ("\\dt lab.*", ["lab    | samples | table"]),
        ("\\dv risk", ["main   | risk | view | analyst"]),
        ("\\dn", [" lab   |", " Lab 2 |", " ml    |"]),
        ("\\ds", ["main   | tickets | sequence"]),
        ("\\di readings_by_note", ["main   | readings_by_note | index | analyst | readings"]),
        ("\\df ml_predict", ["main   | ml_predict | TABLE            | model, source, level, explain, latest, since"]),
        ("\\du", ["analyst"]),
        ("\\l", [" plant | analyst | UTF8"]),
        ("\\sv by_site", ["CREATE OR REPLACE VIEW main.by_site AS", "GROUP BY site"]),
        ("\\sf ml_predict", ["CREATE MACRO ml_predict(model, input)"]),
        ("\\dp machines", ["main   | machines | table"]),
        ("\\conninfo", ['database "plant" as user "analyst"', "SSL connection (protocol: TLSv1.3"]),
        ("\\dx", ["(0 rows)"]),
    ],
)  # fmt: skip
def test_what_there_is(psql: Psql, command: str, shown: list[str]) -> None:
    found = psql(command, "-q")
    assert found.stderr == ""
    for words in shown:
        assert words in found.stdout


def test_what_there_is_not(psql: Psql) -> None:
    assert psql("\\d nowhere", "-v", "QUIET=off").stderr == 'Did not find any relation named "nowhere".\n'


# -- rows -----------------------------------------------------------------------------------------------------------------


def test_rows_as_text(psql: Psql) -> None:
    found = psql("\\pset null NULL\nSELECT * EXCLUDE (c_varchar, c_enum, c_texts) FROM everything WHERE id IN (1, 4) ORDER BY id;")
    first, fourth = _rows(found)
    assert first == [
        "1", "t", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "1.5", "2.25", "123.456", "0.0000000001", "\\x6162", "1010",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", '{"k": [1, "x"]}', "2026-01-02", "03:04:05.678901", "03:04:05+02",
        "2026-01-02 03:04:05.678901", "2026-01-02 03:04:05", "2026-01-02 03:04:05.678", "2026-01-02 03:04:05.678901", "2026-01-02 03:04:05+00",
        "1 year 2 mons 3 days 04:05:06.7", "{1,2}", "{1,2,3}", "[[1],[2,3]]", '{"a":1,"b c":"x"}', '[{"a":1},{"a":2}]', '{"k":1.5}', '{"n":1}',
        "{1.25,-0.01}", '{"2026-01-02 03:04:05"}', "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
    ]  # fmt: skip
    assert set(fourth[1:]) == {"NULL"}


def test_edges_as_text(psql: Psql) -> None:
    assert _rows(psql("FROM edges ORDER BY kind;")) == [
        ["ancient", "0044-03-15 BC", "0044-03-15 12:00:00 BC", "0044-03-15 12:00:00+00 BC", "NaN", "{-0}"],
        ["endless", "-infinity", "-infinity", "-infinity", "-Infinity", ""],
        ["far", "12345-06-07", "12345-06-07 08:09:10", "12345-06-07 08:09:10+00", "1e-300", "{1e+300}"],
        ["infinite", "infinity", "infinity", "infinity", "Infinity", "{Infinity,-Infinity,NaN}"],
    ]


def test_all_rows_by_cursors(psql: Psql, truth: Callable) -> None:
    found = psql("\\set FETCH_COUNT 777\nSELECT id, label FROM many ORDER BY id;")
    assert [(int(i), label) for i, label in _rows(found)] == truth("SELECT id, label FROM many ORDER BY id")


def test_variables_and_g(psql: Psql, tmp_path: Path) -> None:
    script = f"""
      \\set site south
      \\set table machines
      SELECT name FROM :"table" WHERE site = :'site' \\g
      SELECT count(*) AS n, max(id) AS most FROM many \\gset
      \\echo :n :most
      SELECT 'SELECT ' || i FROM range(3) r(i) \\gexec
      SELECT 5 \\g {tmp_path / "out.txt"}
      SELECT {{'a': 1}} AS s, [1, 2] AS l \\gx
    """
    found = psql(script)
    assert found.stderr == ""
    assert found.stdout.split() == ["lathe", "30000", "29999", "0", "1", "2", 's|{"a":1}', "l|{1,2}"]
    assert (tmp_path / "out.txt").read_text() == "5\n"


def test_several_statements_and_a_transaction(psql: Psql, truth: Callable) -> None:
    found = psql("CREATE TABLE psql_tx (a INTEGER); INSERT INTO psql_tx VALUES (1);\nBEGIN;\nINSERT INTO psql_tx VALUES (2);\nROLLBACK;", "-At")
    assert (found.stdout, found.stderr) == ("", "")
    assert truth("FROM psql_tx") == [(1,)]
    tags = psql("BEGIN;\nUPDATE psql_tx SET a = 5;\nCOMMIT;\nDROP TABLE psql_tx;", "-At", "-v", "QUIET=off").stdout.split("\n")
    assert tags[:4] == ["BEGIN", "UPDATE 1", "COMMIT", "DROP TABLE"]


# -- COPY -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["", "(FORMAT csv, HEADER)", "csv header delimiter ';' null 'none'", "(FORMAT binary)"])
def test_copy_to_a_file_and_back(psql: Psql, truth: Callable, tmp_path: Path, options: str) -> None:
    file, name = tmp_path / "rows", f"psql_copied_{sum(map(ord, options))}"
    script = f"""
      CREATE TABLE {name} AS FROM everything LIMIT 0;
      \\copy everything to '{file}' {options}
      \\copy {name} from '{file}' {options}
    """
    found = psql(script, "-At", "-v", "QUIET=off")
    assert (found.stdout.split("\n")[-3:-1], found.stderr) == (["COPY 4", "COPY 4"], "")
    assert truth(f"FROM {name} ORDER BY id") == truth("FROM everything ORDER BY id")


def test_copy_in_the_script(psql: Psql, truth: Callable) -> None:
    script = 'CREATE TABLE psql_inline ("Id" INTEGER, t VARCHAR);\nCOPY psql_inline ("Id", t) FROM stdin;\n1\ta\\tb\n2\t\\N\n\\.\nCOPY psql_inline TO stdout;\n'
    assert psql(script).stdout == "1\ta\\tb\n2\t\\N\n"
    assert truth("FROM psql_inline") == [(1, "a\tb"), (2, None)]


def test_a_copy_that_fails_says_where(psql: Psql, truth: Callable) -> None:
    found = psql("CREATE TABLE psql_bad (a INTEGER, b VARCHAR);\nCOPY psql_bad FROM stdin;\n1\tx\noops\ty\n\\.\nSELECT 'after';")
    assert found.stdout == "after\n"
    assert "ERROR:" in found.stderr
    assert "oops" in found.stderr
    assert truth("SELECT count(*) FROM psql_bad") == [(0,)]


# -- errors ---------------------------------------------------------------------------------------------------------------


def test_an_error_shows_its_place(psql: Psql) -> None:
    assert psql("SELECT id,\n  nope FROM many;").stderr.splitlines()[:3] == [
        'ERROR:  Referenced column "nope" not found in FROM clause!', "LINE 2:   nope FROM many;", "          ^",
    ]  # fmt: skip


def test_an_error_of_a_verb_has_its_hint(psql: Psql) -> None:
    lines = psql("FROM ml_predict('fial', 'parts');").stderr.splitlines()
    assert lines[0].startswith("ERROR:  ")
    assert "fial" in lines[0]
    assert any(line.startswith("HINT:  ") for line in lines) or "fail" in lines[0]


def test_passwords_are_not_changed_by_sql(psql: Psql) -> None:
    found = psql("\\password\nother-pass-word\nother-pass-word\n")
    assert "Users and roles are no matter of SQL here." in found.stderr
    assert "HINT:  mfgsql users" in found.stderr


def test_on_error_rollback(psql: Psql, truth: Callable) -> None:
    script = """
      CREATE TABLE psql_saved (a INTEGER);
      \\set ON_ERROR_ROLLBACK on
      BEGIN;
      INSERT INTO psql_saved VALUES (1);
      SELECT nope;
      INSERT INTO psql_saved VALUES (2);
      COMMIT;
    """
    found = psql(script)
    assert found.stderr.count("ERROR") == 1
    assert truth("FROM psql_saved ORDER BY a") == [(1,), (2,)]


def test_on_error_stop(psql: Psql) -> None:
    found = psql("SELECT nope;\nSELECT 1;", "-At", "-v", "ON_ERROR_STOP=1")
    assert (found.returncode, found.stdout) == (3, "")


def test_ctrl_c_cancels_a_scoring(served: Served, psql: Psql) -> None:
    assert psql("SELECT 1;").stdout == "1\n"
    running = subprocess.Popen(
        ["psql", "-X", "-q", "-At", "-c", "SELECT 'begun'", "-c", SLOW],
        env=served.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    time.sleep(0.5)
    begin = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert "canceling statement due to user request" in errors
    assert time.monotonic() - begin < 5


# -- models ---------------------------------------------------------------------------------------------------------------


def test_predictions(psql: Psql, truth: Callable) -> None:
    found = _rows(psql(LIKELY + ";", role="reader"))
    assert [(int(i), label == "t", float(p)) for i, label, p in found] == truth(LIKELY)


@pytest.mark.parametrize("options", ["{'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}", "struct_pack(epochs := 1, width := 8, layers := 1, heads := 2)"])
def test_training(psql: Psql, truth: Callable, options: str) -> None:
    name = f"psql_{options[0] == '{'}".lower()
    script = f"""
      SELECT model, version FROM ml_finetune('{name}', 'SELECT torque, temp, shift, hot, failed FROM parts', target := 'failed', options := {options});
      CREATE VIEW {name}_view AS SELECT id, probability FROM ml_predict('{name}', 'parts') WHERE probability > 0.2;
      SELECT count(*) FROM {name}_view;
    """
    assert _rows(psql(script)) == [[name, "1"], [str(truth(f"SELECT count(*) FROM {name}_view")[0][0])]]


def test_a_reader_may_not(psql: Psql) -> None:
    found = psql("CREATE TABLE no (a INTEGER);\n\\copy many from '/dev/null'", role="reader")
    assert found.stderr.count("ERROR") == 2
    assert "analyst" in found.stderr
