"""``mfgsql bottlenecks``: a table on the screen has what tells most, everything else has all columns."""

from __future__ import annotations

from pathlib import Path

import mfgsql
from mfgsql.cli.border import as_options
from mfgsql.cli.flow import bottlenecks
from tests.cli.remote.conftest import rows, run

LOG = """CREATE TABLE jobs AS SELECT i AS c, s, TIMESTAMP '2026-03-02' + to_minutes(10 * i + b) AS b, TIMESTAMP '2026-03-02' + to_minutes(10 * i + b + lasts) AS e
FROM range(40) t(i), (VALUES ('saw', 0, 4), ('mill', 4, 9)) v(s, b, lasts)"""
ROLES = ("--case-id", "c", "--station", "s", "--started", "b", "--finished", "e")


def test_a_screen_shows_what_tells_most(tmp_path: Path) -> None:
    db = str(tmp_path / "p.duckdb")
    with mfgsql.connect(db, threads=1, progress="off") as s:
        s.execute(LOG)
        s.execute("CREATE TABLE states AS SELECT s, b AS ts, 'running' AS state FROM jobs")
    few = run("bottlenecks", "jobs", *ROLES, "--each", "1 hour", "--db", db).output
    assert "mill limits the line" in few and "period_start" in few and "wait_minutes_90" not in few
    assert "wait_minutes_90" in run("bottlenecks", "jobs", *ROLES, "--all", "--db", db).output
    assert len(rows(run("bottlenecks", "jobs", *ROLES, "--format", "json", "--db", db))[0]) == 28
    of_states = run("bottlenecks", "states", "--station", "s", "--order-by", "ts", "--state", "state", "--db", db).output
    assert "changeover" in of_states and "critical" not in of_states


def test_suggestions_fit_on_a_screen_and_say_once_what_is_the_same(tmp_path: Path) -> None:
    db = str(tmp_path / "p.duckdb")
    with mfgsql.connect(db, threads=1, progress="off") as s:
        s.execute(LOG)
    told = run("whatif", "jobs", *ROLES, "--option", "replications=2", "--db", db).output
    assert "gain_per_cost" in told and "upper" in told and "lead_time" not in told
    assert told.count("costs weren't told") == 1 and "ml_reason: " in told
    one = run("whatif", "jobs", *ROLES, "--change", "mill: -10 %", "--option", "replications=2", "--option", "wip=3", "--db", db).output
    assert one.count("3 cases in the line, as told") == 1 and "logged" not in one
    struct = run("bottlenecks", "jobs", *ROLES, "--option", "machines={'mill': 2}", "--format", "json", "--db", db)
    assert {row["station"]: row["machines"] for row in rows(struct)} == {"mill": 2, "saw": 1}


def test_errors_speak_of_the_options_of_the_command(tmp_path: Path) -> None:
    db = str(tmp_path / "p.duckdb")
    with mfgsql.connect(db, threads=1, progress="off") as s:
        s.execute(LOG)
    assert "As in: --case-id order_no." in run("whatif", "jobs", "--db", db).output
    assert "Say it in days: --each '30 day'." in run("bottlenecks", "jobs", *ROLES, "--each", "1 month", "--db", db).output
    assert as_options("options := {'states': {'zz': 'working'}}", bottlenecks) == """--option "states={'zz': 'working'}\""""
    assert as_options("options := {'closed': INTERVAL 1 HOUR}, k := 3", bottlenecks) == "--option 'closed=1 HOUR', k := 3"
    assert as_options("FROM ml_whatif('x', case_id := 'c')", bottlenecks) == "FROM ml_whatif('x', case_id := 'c')"


def test_a_page_of_a_table_of_nothing_and_of_a_column_that_is_not_there(tmp_path: Path) -> None:
    db, page = str(tmp_path / "p.duckdb"), str(tmp_path / "p.html")
    with mfgsql.connect(db, threads=1, progress="off") as s:
        s.execute('CREATE TABLE "a b" AS SELECT 1 AS b, 2 AS c')
    for query in ('"a b"', 'FROM "a b";', '(SELECT * FROM "a b")', 'WITH t AS (FROM "a b") FROM t'):
        assert run("page", query, "-o", page, "--db", db).exit_code == 0, query
    assert "gave none" in run("page", 'FROM "a b" WHERE b > 3', "-o", page, "--db", db).output
    assert "no column 'nix'. They have b, c." in run("page", '"a b"', "-o", page, "--x", "nix", "--db", db).output
    assert "Did you mean" in run("page", '"a c"', "-o", page, "--db", db).output
