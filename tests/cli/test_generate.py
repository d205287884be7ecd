"""``mfgsql generate``: every option reaches the verb."""

from __future__ import annotations

import json

from tests.cli.conftest import Mfgsql

TABLES = """
CREATE TABLE mixes AS SELECT 200 + hash(i) % 200 AS cement, hash(i, 1) % 90 AS slag, ['A', 'B'][1 + i % 2] AS line, cement / 9.0 AS strength FROM range(120) r(i);
CREATE TABLE rules AS SELECT 'slag <= 80' AS expression, 'slow' AS reason
"""
TINY = ("--option", "epochs=1", "--option", "width=8", "--option", "layers=1", "--option", "heads=2")


def test_generate_takes_all_that_sql_takes(new: Mfgsql) -> None:
    assert new("init").exit_code == 0
    assert new("sql", TABLES).exit_code == 0
    told = new("pretrain", "designer", "SELECT * EXCLUDE strength FROM mixes", "--objective", "design", *TINY)
    assert told.exit_code == 0, told.output
    assert new("finetune", "strong", "SELECT * EXCLUDE line FROM mixes", "--target", "strength", *TINY[:2]).exit_code == 0
    told = new(
        "generate", "designer", "-n", "4", "--limit", "cement + slag <= 350", "--limit", "binder >= 210", "--guide", "rules", "--given", "line=A",
        "--score", "strong", "--derive", "binder=cement + slag", "--minimize", "binder", "--level", "0.8", "--option", "seed=3", "--format", "json",
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert len(found) == 4
    assert all(r["line"] == "A" and 210 <= r["binder"] == r["cement"] + r["slag"] <= 350 and r["slag"] <= 80 for r in found)
    assert {"predicted_strength", "pareto_rank"} <= found[0].keys()
    wrong = new("generate", "strong")
    assert wrong.exit_code == 1
    assert "says no designs" in wrong.output
