"""ml_adapt(options := {'structure': 'auto'}): another structure is tried where the training asks for it, and told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.adapting import running
from mfgsql.engine.adapting.structuring import anew
from mfgsql.errors import CancelledError, OptionError

COLUMNS = ", ".join(f"(hash(i, {k}) % 100000) / 100000 AS x{k}" for k in range(8))
ODD = "((x0 > 0.5) <> (x1 > 0.5)) <> (x2 > 0.5)"  # of which a narrow network can't tell much
WAVE = "sin(9 * x0) * cos(8 * x1) + sin(7 * x0 * x1) + (hash(i, 99) % 1000) / 10000"
PLAIN = "x0 + x1 / 4 > 0.6"
AUTO = "options := {'structure': 'auto', 'epochs': 40, 'patience': 3, 'fresh': 0.5}"


@pytest.fixture()
def s() -> Iterator[Session]:
    with mfgsql.connect(threads=1, progress="off") as session:
        yield session


def learn(s: Session, y: str, rows: int, **options: Any) -> None:
    s.execute(f"CREATE TABLE t AS SELECT i, {COLUMNS}, {y} AS y FROM range(3000) r(i)")
    told = {"folds": 3, "members": 1, "dropout": 0, "learning_rate": 0.02, "epochs": 40} | options
    s.execute(f"FROM ml_finetune('m', 'SELECT * EXCLUDE (i) FROM t WHERE i < {rows}', target := 'y', options := {told})").fetchall()


def adapt(s: Session, first: int, last: int, more: str = AUTO) -> dict[str, Any]:
    row: dict[str, Any] = s.execute(
        f"FROM ml_adapt('m', 'SELECT * EXCLUDE (i) FROM t WHERE i >= {first} AND i < {last}', {more})"
    ).pl().to_dicts()[0]  # fmt: skip
    return row


def manifest(s: Session, version: int) -> dict[str, Any]:
    (text,) = s.execute("SELECT manifest FROM ml_catalog.versions WHERE version = ?", [version]).fetchone()
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_network_that_can_not_say_more_grows_and_the_next_batch_goes_on_from_there(s: Session) -> None:
    learn(s, ODD, 1000, width=4, layers=1)
    row = adapt(s, 1000, 1400, f"policy := 'auto', {AUTO}")
    assert row["promoted"] and row["metric"] == "pr_auc"
    assert "Tried width 8 instead of 4, since it learns no more (error 0." in row["reason"]
    assert row["reason"].endswith("on 1400 rows held out, and kept.")
    told = manifest(s, 2)
    assert told["backbone"]["width"] == 8
    assert (told["lineage"]["structure"]["width"], told["lineage"]["structure"]["kept"]) == ([4, 8], True)
    assert told["lineage"]["adapted"]["root"] == 1
    assert told["lineage"]["adapted"]["recipe"]["width"] == told["lineage"]["recipe"]["width"] == 8
    (spec,) = s.execute("SELECT spec->>'$.recipe.width' FROM ml_catalog.runs WHERE version = 2").fetchone()
    assert spec == "8"
    (reason,) = s.execute("SELECT reason FROM ml.events WHERE event = 'promoted' AND version = 2").fetchone()
    assert reason == row["reason"]
    after = adapt(s, 1400, 1700, "options := {'epochs': 2}")
    assert after["status"] == "finished"
    assert manifest(s, 3)["backbone"]["width"] == 8
    assert "structure" not in manifest(s, 3)["lineage"]
    assert [v for (v,) in s.execute("SELECT version FROM ml.versions ORDER BY 1").fetchall()] == [1, 2, 3]
    assert len(list(s.engine.folder.glob("*.state"))) == 0
    assert s.execute("FROM ml_adapt('m', 'SELECT * EXCLUDE (i) FROM t WHERE i >= 1000 AND i < 1400', policy := 'auto', " + AUTO + ")").pl()["status"][0] == "reused"  # fmt: skip


def test_a_network_that_learns_few_rows_by_heart_shrinks(s: Session) -> None:
    learn(s, WAVE, 150, width=128, layers=3, learning_rate=0.03, epochs=60)
    row = adapt(s, 150, 330)
    assert "Tried width 64 instead of 128, since it has learnt 220 rows by heart" in row["reason"]
    assert "and kept." in row["reason"]
    assert row["new"] < row["new_champion"]
    assert manifest(s, 2)["backbone"]["width"] == 64


def test_where_nothing_asks_for_it_nothing_is_tried(s: Session) -> None:
    learn(s, PLAIN, 600, width=32, epochs=20)
    row = adapt(s, 600, 900)
    assert "No other structure is tried: nothing asks for it (error 0.0" in row["reason"]
    assert manifest(s, 2)["backbone"]["width"] == 32
    assert "structure" not in manifest(s, 2)["lineage"]
    assert "structure" not in adapt(s, 900, 1000, "options := {'epochs': 1}")["reason"]


def test_what_chance_decides_keeps_its_structure_and_is_not_tried_each_day(s: Session) -> None:
    learn(s, "x0 + (hash(i, 99) % 1000) / 1000 > 1", 600, width=8, epochs=10)
    row = adapt(s, 600, 900)
    assert "Tried width 16 instead of 8" in row["reason"]
    assert row["reason"].endswith("it is no better beyond chance, and the structure stays.")
    assert manifest(s, 2)["backbone"]["width"] == 8
    assert manifest(s, 2)["lineage"]["structure"]["kept"] is False
    assert "Width 16 instead of 8 was tried beside @2, and was no better." in adapt(s, 900, 1200)["reason"]


def test_labels_that_are_not_to_be_trusted_and_few_rows_try_nothing(s: Session) -> None:
    learn(s, PLAIN, 600, width=8, epochs=20)
    s.execute("UPDATE t SET y = NOT y WHERE i >= 600 AND i < 900")
    row = adapt(s, 600, 900)
    assert row["verdict"] == "suspicious labels"
    assert row["reason"].endswith("No other structure is tried by such labels.")
    assert "by so few new rows" in adapt(s, 900, 940)["reason"]


def test_stopped_in_the_second_training_it_leaves_nothing(s: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    learn(s, ODD, 1000, width=4, layers=1, epochs=20)

    def stopping(*told: Any) -> Any:
        s.interrupt()
        return anew(*told)

    monkeypatch.setattr(running, "anew", stopping)
    with pytest.raises(CancelledError):
        adapt(s, 1000, 1400, "options := {'structure': 'auto', 'epochs': 3}")
    assert s.execute("SELECT count(*) FROM ml.versions").fetchone() == (1,)
    assert s.execute("SELECT count(*) FROM ml_catalog.replays").fetchone() == (0,)
    assert len(list(s.engine.folder.iterdir())) == 1  # the champion's snapshot


KILLED = """
import os, signal, sys, mfgsql
from mfgsql.engine.adapting import running
running.chosen = lambda *told: os.kill(os.getpid(), signal.SIGKILL)
with mfgsql.connect(sys.argv[1], threads=1, progress='off') as s:
    s.execute("FROM ml_adapt('m', 'SELECT * EXCLUDE (i) FROM t WHERE i BETWEEN 1000 AND 1399', options := {'structure': 'auto', 'epochs': 3})")
"""


def test_killed_after_the_second_training_it_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "line.duckdb"
    with mfgsql.connect(path, threads=1, progress="off") as s:
        learn(s, ODD, 1000, width=4, layers=1, epochs=20)
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode == -signal.SIGKILL
    with mfgsql.connect(path, threads=1, progress="off") as s:
        assert s.execute("SELECT count(*) FROM ml.versions").fetchone() == (1,)
        assert s.execute("SELECT status FROM ml.runs WHERE verb = 'adapt'").fetchone() == ("interrupted",)
        assert s.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'artifact%'").fetchone() == (1,)
        assert len(list(s.engine.folder.iterdir())) == 1


def test_where_something_else_gives_the_structure_it_is_refused(s: Session) -> None:
    s.execute("CREATE TABLE n AS SELECT ['pump leaks', 'belt is loud'][1 + i % 2] || ' on line ' || i AS note, i % 2 = 0 AS y, i / 60.0 AS x FROM range(60) r(i)")
    small = "'width': 8, 'layers': 1, 'heads': 2, 'epochs': 1"
    s.execute("FROM ml_finetune('noted', 'SELECT note, y FROM n', target := 'y', options := {'epochs': 1})").fetchall()
    s.execute(f"FROM ml_pretrain('press', 'SELECT x FROM n', options := {{{small}}})").fetchall()
    s.execute("FROM ml_finetune('based', 'SELECT x, y FROM n', target := 'y', base := 'press', options := {'epochs': 1})").fetchall()
    for model, told in (("noted", "'noted' reads texts or pictures"), ("based", "'based' stands on 'press@1', which gives it its structure")):
        with pytest.raises(OptionError, match=told):
            s.execute(f"FROM ml_adapt('{model}', 'n', {AUTO})")
    s.execute("FROM ml_adapt('based', 'SELECT x + 1 AS x, y FROM n', options := {'epochs': 1})").fetchall()
    s.execute("FROM ml_promote('based@candidate')").fetchall()
    with pytest.raises(OptionError, match="'based' stands on 'press@1'"):
        s.execute(f"FROM ml_adapt('based', 'n', {AUTO})")
    with pytest.raises(OptionError, match="structure is keep or auto, not 'larger'"):
        s.execute("FROM ml_adapt('based', 'n', options := {'structure': 'larger'})")


def test_of_histories_and_transformers_the_heads_go_on_dividing_the_width(s: Session) -> None:
    s.execute("CREATE TABLE t AS SELECT i, 'm' || i % 6 AS unit, i // 6 AS h, sin(h / 3.0) + hash(i) % 100 / 100 AS x, hash(i, 7) % 100 / 100 AS y FROM range(1200) r(i)")
    shape = "'width': 8, 'layers': 1, 'heads': 2, 'epochs': 3, 'batch_size': 64"
    s.execute(f"FROM ml_finetune('m', 'SELECT unit, h, x, y FROM t WHERE h < 120', target := 'y', entity := 'unit', order_by := 'h', options := {{'window': 4, 'patch': 2, {shape}}})").fetchall()
    row = s.execute("FROM ml_adapt('m', 'SELECT unit, h, x, y FROM t WHERE h >= 120', options := {'structure': 'auto', 'epochs': 4})").pl().to_dicts()[0]
    assert "width 16 instead of 8" in row["reason"]
    assert "the structure stays" in row["reason"]  # what it reads tells nothing
