"""``mfgsql bottlenecks``: a table on the screen has what tells most, everything else has all columns."""

from __future__ import annotations

from pathlib import Path

import mfgsql
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
