"""``mfgsql recommend``: every option reaches the verb."""

from __future__ import annotations

from pathlib import Path

import mfgsql
from tests.cli.remote.conftest import rows, run


def test_recommend_takes_all_that_sql_takes(tmp_path: Path) -> None:
    db = str(tmp_path / "p.duckdb")
    with mfgsql.connect(db, threads=1, progress="off") as s:
        s.execute("CREATE TABLE parts AS SELECT i % 40 AS torque, hash(i) % 90 AS temp, 2 * torque + temp / 9 AS wear FROM range(300) r(i)")
        s.execute("FROM ml_finetune('wear', 'parts', target := 'wear', options := {'epochs': 2, 'width': 8, 'layers': 1, 'heads': 2})").fetchall()
    told = run(
        "recommend", "wear", "SELECT torque, temp FROM parts LIMIT 2", "--adjust", "torque, temp", "--minimize", "wear", "--minimize", "load", "--limit",
        "load >= 5", "--derive", "load=torque + temp", "-k", "2", "--level", "0.8", "--option", "trials=200", "--format", "json", "--db", db,
    )  # fmt: skip
    found = rows(told)
    assert found and all(r["load"] == r["torque"] + r["temp"] for r in found)
    assert all(r["load"] >= 5 for r in found if r["suggestion"]) and {"pareto_rank", "why"} <= found[0].keys()
    wrong = run("recommend", "wear", "parts", "--adjust", "torque", "--maximize", "wear", "--derive", "load", "--db", db)
    assert wrong.exit_code == 2 and "COL=EXPRESSION" in wrong.output
    reached = rows(run("recommend", "wear", "SELECT torque, temp FROM parts LIMIT 1", "--adjust", "torque", "--goal", "wear >= 900", "--option", "trials=64", "--format", "json", "--db", db))
    assert [r["ml_status"] for r in reached] == ["beyond_reach"]
    cheap = rows(run("recommend", "wear", "SELECT 30 AS torque, 60 AS temp", "--adjust", "temp,torque 4..12 by 4", "--minimize", "wear", "--cost", "torque=2", "--cost", "temp=0.5",
                     "--option", "trials=200", "--option", "most_changes=1", "--format", "json", "--db", db))  # fmt: skip
    assert all(r["torque"] == 30 or r["torque"] in (4, 8, 12) for r in cheap)
    assert all(r["change_cost"] == abs(2 * (30 - r["torque"])) + abs(0.5 * (60 - r["temp"])) for r in cheap)
    assert any(r["torque"] != 30 for r in cheap)
    wrong = run("recommend", "wear", "parts", "--adjust", "torque 12..4", "--minimize", "wear", "--db", db)
    assert "low is above high" in wrong.output
    assert "design" in run("pretrain", "--help").output
