"""``mfgsql adapt``: every option reaches the verb."""

from __future__ import annotations

import json

from tests.cli.conftest import Mfgsql

TABLES = """
CREATE TABLE past AS SELECT hash(i) % 1000 / 1000 AS torque, hash(i, 1) % 1000 / 1000 AS wear, torque > 0.7 AS failed FROM range(400) r(i);
CREATE TABLE today AS SELECT torque + wear / 9000 AS torque, wear, failed FROM past
"""
TINY = ("--option", "epochs=1", "--option", "width=8", "--option", "folds=2")


def test_adapt_takes_all_that_sql_takes(new: Mfgsql) -> None:
    assert new("init").exit_code == 0
    assert new("sql", TABLES).exit_code == 0
    assert new("finetune", "fail", "past", "--target", "failed", *TINY).exit_code == 0
    told = new("adapt", "fail", "today", "--policy", "auto", "--force", "--option", "epochs=2", "--option", "replay=100", "--format", "json")
    assert told.exit_code == 0, told.output
    (row,) = json.loads(told.stdout)
    assert (row["policy"], row["status"], row["rows"], row["version"]) == ("auto", "finished", 400, 2)
    assert row["reason"]
    shadow = json.loads(new("sql", "FROM ml.shadow", "--format", "json").stdout)
    assert [(r["champion"], r["rows"]) for r in shadow] == [(1, 400)]
    wrong = new("adapt", "fail", "today", "--option", "epoch=2")
    assert wrong.exit_code == 1
    assert "Unknown option 'epoch'" in wrong.output
