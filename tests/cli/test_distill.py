"""``mfgsql distill``: every option reaches the verb."""

from __future__ import annotations

import json

from tests.cli.conftest import Mfgsql

TABLE = "CREATE TABLE parts AS SELECT hash(i) % 1000 / 1000 AS torque, hash(i, 1) % 1000 / 1000 AS wear, torque > 0.7 AS failed FROM range(400) r(i)"
TINY = ("--option", "epochs=1", "--option", "width=8", "--option", "folds=2")


def test_distill_takes_all_that_sql_takes(new: Mfgsql) -> None:
    assert new("init").exit_code == 0
    assert new("sql", TABLE).exit_code == 0
    assert new("finetune", "fail", "parts", "--target", "failed", *TINY).exit_code == 0
    asked = ("--teacher", "fail", "--loss", "1", "--size", "tiny", "--size", "small", "--force", "--option", "epochs=1", "--option", "temperature=2")
    told = new("distill", "fast", "SELECT torque, wear FROM parts", *asked, "--format", "json")
    assert told.exit_code == 0, told.output
    rows = json.loads(told.stdout)
    assert [r["student"] for r in rows] == ["teacher", "tiny", "small"]
    assert [r["chosen"] for r in rows] == [False, True, False]
    assert rows[1]["model"] == "fast"
    wrong = new("distill", "fast", "parts", "--teacher", "fail", "--option", "temprature=2")
    assert wrong.exit_code == 1
    assert "temprature" in wrong.output
