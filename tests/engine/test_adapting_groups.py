"""Models whose groups have adapters, under the verbs that watch, adapt, compare and tune models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import mfgsql
from mfgsql.catalog import read_artifact, resolve
from mfgsql.engine import Session
from mfgsql.errors import OptionError
from mfgsql.model import Model

# Lines A and B go opposite ways; C, which came later, goes as neither.
LINES = """
CREATE TABLE lines AS SELECT i, (i % 20) / 10.0 - 1 AS torque, (hash(i) % 200) / 100.0 - 1 AS warm,
  if(i >= 900 AND warm > 0.4, warm + 1, warm) AS temp,
  if(i < 900, ['A', 'B'][1 + i % 2], ['A', 'B', 'C'][1 + i % 3]) AS line,
  CASE line WHEN 'A' THEN 3 * torque WHEN 'B' THEN -3 * torque ELSE 5 END + warm + if(i >= 900, 1, 0) AS wear,
  CASE WHEN i >= 900 AND warm > 0.4 THEN 'hot' WHEN wear > 0.5 THEN 'worn' ELSE 'good' END AS state
FROM range(1500) r(i)
"""
FIT = "'epochs': 12, 'batch_size': 32, 'learning_rate': 0.01"
SMALL = "'width': 8, 'layers': 1, 'heads': 2"
OWN = f"adapter_by := 'line', options := {{'backbone': 'transformer', 'rank': 2, {SMALL}, {FIT}}}"
LATER = "SELECT torque, temp, line, {} FROM lines WHERE i >= 900"


@pytest.fixture(scope="module")
def s() -> Iterator[Session]:
    with mfgsql.connect(threads=1, progress="off") as session:
        session.execute(LINES)
        for model, target in (("m", "wear"), ("g", "state")):
            session.execute(f"FROM ml_finetune('{model}', 'SELECT torque, temp, line, {target} FROM lines WHERE i < 900', target := '{target}', {OWN})").fetchall()
        session.execute(f"FROM ml_adapt('m', '{LATER.format('wear')}', options := {{'epochs': 20}})").fetchall()
        yield session


def rows(s: Session, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = s.execute(sql).pl().to_dicts()
    return found


def weights(s: Session, name: str) -> dict[str, Any]:
    with s.engine.cursor() as cursor:
        version = resolve(cursor, name)
        return Model.from_bytes(read_artifact(cursor, version.artifact, version.bytes)).network.state_dict()


def test_all_of_it_goes_on_learning_and_groups_that_are_new_go_by_what_is_shared(s: Session) -> None:
    (row,) = rows(s, "SELECT result FROM ml_catalog.runs WHERE verb = 'adapt' AND model = 'm' AND version = 2")
    told = json.loads(row["result"])
    assert told["status"] == "finished"
    assert told["new"] < 0.7 * told["new_champion"]
    before, after = weights(s, "m@1"), weights(s, "m@2")
    assert before.keys() == after.keys()
    moved = {name for name in before if not bool((before[name] == after[name]).all())}
    assert any(name.endswith("adapter_up") for name in moved) and any("base_layer" in name for name in moved)
    asked = rows(s, "SELECT line, predicted_wear AS said, ml_status FROM ml_predict('m@2', 'SELECT 0.7 AS torque, 0.0 AS temp, unnest([''A'', ''B'', ''C'', ''Z'']) AS line')")
    said = {row["line"]: row["said"] for row in asked}
    assert said["A"] > said["B"] + 1
    assert said["C"] == said["Z"]
    assert {row["line"]: row["ml_status"] for row in asked} == {"A": "ok", "B": "ok", "C": "unseen", "Z": "unseen"}


def test_classes_that_are_new_are_told_in_each_group(s: Session) -> None:
    (row,) = rows(s, f"FROM ml_adapt('g', '{LATER.format('state')}', policy := 'auto', options := {{'epochs': 30}})")
    assert any("New values of 'state': 'hot'" in w for w in row["warnings"])
    found = {r["class"]: r for r in rows(s, "FROM ml.class_steps WHERE model = 'g'")}
    assert found["hot"]["recall"] > 0.6
    assert all(found[c]["recall"] > 0.6 for c in ("good", "worn"))
    for line in "AB":
        (hit,) = s.execute(f"SELECT avg((predicted_state = 'hot')::INT) FROM ml_predict('g@2', 'SELECT * FROM lines WHERE i >= 900 AND line = ''{line}'' AND state = ''hot''')").fetchone()
        assert hit > 0.6, line


def test_another_structure_has_adapters_again(s: Session) -> None:
    s.execute("CREATE TABLE odd AS SELECT * REPLACE ((sin(9 * torque) + CASE line WHEN 'A' THEN torque ELSE -torque END)::DOUBLE AS wear) FROM lines")
    narrow = OWN.replace("'width': 8", "'width': 4")
    s.execute(f"FROM ml_finetune('odd', 'SELECT torque, temp, line, wear FROM odd WHERE i < 900', target := 'wear', {narrow})").fetchall()
    (row,) = rows(s, "FROM ml_adapt('odd', 'SELECT torque, temp, line, wear FROM odd WHERE i >= 900', options := {'structure': 'auto', 'epochs': 60})")
    assert "Tried width 8 instead of 4" in row["reason"]
    (told,) = s.execute("SELECT manifest FROM ml_catalog.versions WHERE model = 'odd' AND version = 2").fetchone()
    manifest = json.loads(told)
    assert manifest["backbone"]["width"] == (8 if "and kept" in row["reason"] else 4)
    group = next(f for f in manifest["features"] if f["kind"] == "adapter")
    assert manifest["backbone"]["own"] == 1 + len(group["own"])
    assert s.execute("SELECT count(predicted_wear) FROM ml_predict('odd@2', 'odd')").fetchone() == (1500,)


def test_beside_a_lora_the_base_stays_as_it_is(s: Session) -> None:
    s.execute(f"FROM ml_pretrain('press', 'SELECT torque, temp FROM lines WHERE i < 900', options := {{'epochs': 1, {SMALL}}})").fetchall()
    s.execute("FROM ml_finetune('low', 'SELECT torque, temp, wear FROM lines WHERE i < 900 AND i % 2 = 0', target := 'wear', base := 'press', options := {'adapter': 'lora', 'rank': 2, 'epochs': 2})").fetchall()
    s.execute("FROM ml_adapt('low', 'SELECT torque, temp, wear FROM lines WHERE i >= 900 AND i % 2 = 0', options := {'epochs': 5})").fetchall()
    before, after = weights(s, "low@1"), weights(s, "low@2")
    moved = {name for name in before if not bool((before[name] == after[name]).all())}
    assert any("lora_" in name for name in moved)
    assert all("lora_" in name or name.startswith("head.") for name in moved)


def test_versions_are_compared(s: Session) -> None:
    found = rows(s, "FROM ml_compare('m@1', 'm@2', 'SELECT * FROM lines WHERE i >= 900')")
    assert {r["metric"]: r["ahead"] for r in found}["rmse"] == "b"


def test_drift_of_lines_is_found(s: Session) -> None:
    found = rows(s, "FROM ml_drift('m@1', 'SELECT torque, temp, ''A'' AS line FROM lines WHERE i >= 900')")
    assert [r["drifted"] for r in found if r["feature"] == "line"] == [True]
    assert [r["drifted"] for r in found if r["kind"] == "feature" and r["feature"] == "torque"] == [False]
    found = rows(s, "FROM ml_drift('m@1', 'SELECT torque, temp, line FROM lines WHERE i >= 900')")
    (new,) = [r for r in found if r["kind"] == "unseen"]
    assert (new["feature"], new["drifted"], new["ml_reason"]) == ("line", True, "200 of 600 rows")


def test_rows_to_label_are_named(s: Session) -> None:
    found = rows(s, "FROM ml_label_queue('m@1', 'SELECT i, torque, temp, line FROM lines WHERE i >= 900', k := 5)")
    assert len(found) == 5


def test_tuning_makes_no_adapters_and_says_so(s: Session) -> None:
    with pytest.raises(OptionError, match="ml_tune has no argument 'adapter_by'"):
        s.execute("FROM ml_tune('t', 'lines', target := 'wear', adapter_by := 'line')")
    source = "SELECT torque, temp, line, wear FROM lines WHERE i < 900"
    (row,) = rows(s, f"FROM ml_tune('t', '{source}', target := 'wear', base := 'm', trials := 2, options := {{'epochs': 1}})")
    assert (row["status"], row["trials"] + row["pruned"]) == ("finished", 2)
    kinds = dict(s.execute("SELECT feature, kind FROM ml.features WHERE model = 't'").fetchall())
    assert kinds["line"] == "categorical"  # a column as others are
