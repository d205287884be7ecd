"""The SQL that verbs stand for, held by files: a change of a plan shows in a diff.

To write the files anew: ``MFGSQL_UPDATE_PLANS=1 python -m pytest tests/sql/test_plans.py``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mfgsql.engine import Session

FILES = Path(__file__).with_name("plans")
TUNED = "{'target': 'failed', 'split': 'time', 'order_by': 'ts', 'options': {'epochs': 3, 'exclude': ['id']}}"
AHEAD = "{'failures': 'SELECT unit, ts FROM parts WHERE failed', 'entity': 'unit', 'order_by': 'ts', 'horizon': INTERVAL 1 HOUR}"
LATELY = "{'events': 'SELECT unit, ts, shift FROM parts', 'entity': 'unit', 'order_by': 'ts', 'options': {'field': 'shift', 'kinds': ['A']}}"
CHART = "{'field': 'torque', 'entity': 'unit', 'order_by': 'ts', 'kind': 'i_mr', 'options': {'rules': [1, 2], 'baseline': 30}}"
WITHIN = "{'field': 'torque', 'entity': 'unit', 'order_by': 'ts', 'options': {'lower': 1, 'upper': 3}}"
PLANS = {
    "predict_classes": "'predict', 'fail', 'parts'",
    "predict_number": "'predict', 'wear@1', 'SELECT * FROM parts WHERE hot', arguments := {'level': 0.8}",
    "predict_explained": "'predict', 'fail', 'parts', arguments := {'explain': 3}",
    "predict_file": "'predict', 'fail@champion', 'it''s new.parquet'",
    "evaluate_classes": "'evaluate', 'fail', 'parts'",
    "finetune": f"'finetune', 'new', 'parts', arguments := {TUNED}",
    "capability": f"'capability', NULL, 'parts', arguments := {WITHIN}",
    "control_chart": f"'control_chart', NULL, 'parts', arguments := {CHART}",
    "events": f"'events', NULL, 'parts', arguments := {LATELY}",
    "labels": f"'labels', NULL, 'parts', arguments := {AHEAD}",
    "promote": "'promote', 'fail@1', NULL",
    "promote_required": "'promote', 'fail@1', 'parts', arguments := {'require': 'pr_auc >= champion', 'reason': 'new alloy'}",
    "compare": "'compare', NULL, 'parts', arguments := {'a': 'fail', 'b': 'fail@1', 'entity': 'unit'}",
    "label_queue": "'label_queue', 'fail', 'parts', arguments := {'k': 5}",
}


def plan(s: Session, name: str) -> str:
    text = str(s.execute(f"SELECT plan FROM ml_plan({PLANS[name]})").fetchone()[0])
    return text.replace(s.id, "<session>") + "\n"


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_as_it_was(plant: Session, name: str) -> None:
    file = FILES / f"{name}.sql"
    found = plan(plant, name)
    if os.environ.get("MFGSQL_UPDATE_PLANS") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


def test_every_file_is_held() -> None:
    assert {f.stem for f in FILES.iterdir()} == PLANS.keys()


@pytest.mark.parametrize("name", ["predict_classes", "predict_number"])
def test_a_plan_runs_as_its_verb(plant: Session, name: str) -> None:
    verb, arguments = PLANS[name].replace("arguments := {'level': 0.8}", "level := 0.8").split(", ", 1)
    by_plan, by_verb = plant.sql(plan(plant, name)), plant.sql(f"FROM ml_{verb.strip(chr(39))}({arguments})")
    assert by_plan.schema == by_verb.schema
    assert sorted(map(repr, by_plan.to_pylist())) == sorted(map(repr, by_verb.to_pylist()))


def test_a_plan_trains_nothing(plant: Session) -> None:
    before = plant.execute("SELECT count(*) FROM ml.runs").fetchone()
    plant.execute(f"SELECT plan FROM ml_plan({PLANS['finetune']})").fetchall()
    assert plant.execute("SELECT count(*) FROM ml.runs").fetchone() == before


def test_a_plan_reads_where_its_verb_would(lab: Session) -> None:
    lab.execute("CREATE SCHEMA other; CREATE TABLE other.mine AS FROM parts; USE other")
    asked = "{'target': 'failed', 'options': {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}}"
    (found,) = lab.execute(f"SELECT plan FROM main.ml_plan('finetune', 'm', 'mine', arguments := {asked})").fetchone()
    assert lab.execute(found).pl()["status"].to_list() == ["finished"]
