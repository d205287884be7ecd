"""Each public macro: documented in its header, and callable by every one of its arguments."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import duckdb
import pytest

from mfgsql.engine import Session
from mfgsql.engine.installing import SqlFile, shipped_functions, shipped_views
from mfgsql.errors import MfgsqlError

FUNCTIONS = shipped_functions()
SIGNATURE = re.compile(r"MACRO\s+(\w+)\s*\(([^)]*)\)", re.IGNORECASE)
VALUES = {
    "model": "'fail'", "source": "'parts'", "target": "'failed'", "task": "'classification'", "base": "NULL",
    "split": "'time'", "order_by": "'ts'", "entity": "'unit'", "weight": "'torque'", "promote": "'auto'",
    "force": "true", "options": "{'epochs': 1}", "level": "0.8", "explain": "3", "objective": "'masked'", "file": "'f.safetensors'",
    "overwrite": "true", "verb": "'predict'", "arguments": "{'level': 0.8}",
    "costs": "{'missed': 2000, 'false_alarm': 50}", "latest": "false", "since": "NULL", "failures": "'SELECT unit, ts FROM parts WHERE failed'",
    "supply": "'SELECT ''A'' AS plant, 9 AS qty'", "demand": "'SELECT ''x'' AS depot, 7 AS qty'",
    "cost": "'SELECT ''A'' AS plant, ''x'' AS depot, 1.5 AS cost'", "subject_to": "['lane_capacity <= 400']",
    "reference": "'parts'", "supplier": "'unit'", "ordered": "'ts'", "promised": "'ts'", "received": "'ts'",
    "adjust": "['torque', 'shift']", "maximize": "'failed'", "minimize": "'torque'", "goal": "'failed <= 0.5'", "derive": "{'load': '2 * torque'}", "k": "2", "policy": "'shadow'",
    "a": "'fail'", "b": "'fail@1'", "require": "'pr_auc >= 0.1'", "reason": "'new alloy'", "horizon": "INTERVAL 2 HOUR", "trials": "2", "budget": "INTERVAL 2 MINUTE", "field": "'torque'", "kind": "'ewma'", "adapter_by": "'unit'", "teacher": "'fail@1'", "loss": "0.02", "events": "'SELECT unit, ts, shift FROM parts WHERE hot'",
}  # fmt: skip
OPTIONS = {  # of verbs that learn otherwise, or don't
    "ml_adapt": "{'epochs': 1, 'trust': true, 'structure': 'auto'}", "ml_distill": "{'sizes': ['tiny'], 'temperature': 2}",
    "ml_drivers": "{'exclude': ['id']}", "ml_labels": "{'unit': 'day'}", "ml_events": "{'field': 'shift'}",
    "ml_compare": "{'draws': 200}", "ml_label_queue": "{'novelty': 0.2}",
    "ml_recommend": "{'seed': 1}", "ml_control_chart": "{'baseline': 100}", "ml_capability": "{'lower': 1}", "ml_allocate": "{'whole': true}", "ml_drift": "{'psi': 0.2, 'features': ['torque']}",
}  # fmt: skip
OTHERS = {"ml_recommend": {"subject_to": "['torque <= 3']", "costs": "{'torque': 2}"}}  # what the same name means elsewhere
NEEDED = {  # arguments with a default that can't do without
    "ml_finetune": ("target",), "ml_tune": ("target",), "ml_drivers": ("target",), "ml_labels": ("failures", "entity", "order_by"),
    "ml_events": ("entity", "order_by"), "ml_control_chart": ("field", "order_by"),
    "ml_capability": ("field", "options"), "ml_allocate": ("supply", "demand", "cost"),
    "ml_recommend": ("adjust", "maximize"), "ml_promote": ("require",),
    "ml_supplier_risk": ("supplier", "ordered", "promised", "received"),
}  # fmt: skip

ELSEWHERE = {  # verbs of models that are not in the plant: all their arguments, and what is said of another model
    "ml_detect_anomalies": (", explain := 1, latest := true, since := '2026-01-01', heat_map := true", "'fail' is no detector"),
    "ml_maintenance_plan": (", costs := {'failure': 9}, level := 0.8, options := {'lead': 1}", "'fail' tells no remaining life"),
    "ml_forecast": (", horizon := 3, level := 0.8, group_by := []", "'fail' is a model of task 'classification', and forecasts nothing"),
    "ml_backtest": (", horizon := 3, folds := 1, level := 0.8, details := true", "'fail' is a model of task 'classification', and forecasts nothing"),
    "ml_order_policy": (", lead_time := 3, costs := {'holding': 1}, service_level := 0.9, stock := 'parts', backtest := 2, options := {'review': 2}", "forecasts nothing"),
    "ml_countermeasures": (", stock := 'parts', purchases := 'parts', costs := {'holding': 1}, horizon := 3, supplier := 'unit', ordered := 'ts', promised := 'ts', received := 'ts', quantity := 'id', options := {'expedited_days': 2}", "forecasts nothing"),
    "ml_generate": (", n := 5, subject_to := ['torque > 1'], guide := 'parts', given := {'shift': 'a'}, score := 'fail', maximize := 'torque', minimize := 'hot', derive := {'x': 'torque * 2'}, level := 0.8, options := {'seed': 1}", "'fail' says no designs"),
    "ml_spans": ("", "'fail' finds no spans"),
    "ml_embed": (", field := 'shift'", "'fail' reads neither texts nor pictures"),
    "ml_search": (", field := 'shift', query := 'leak', k := 3", "'fail' reads neither texts nor pictures"),
    "ml_similar": (", key := 'id', field := 'shift', k := 2, least := 0.9", "'fail' reads neither texts nor pictures"),
}
UNFILLED = ("class_steps", "shadow", "trials")  # views of what this plant has not done; tests/engine/test_{adapting,tune}.py read them
_LOG = ", case_id := 'id', station := 'shift', started := 'ts', finished := 'ts'"
WAYS = {  # verbs some of whose arguments exclude one another: between them the calls have all
    "ml_bottlenecks": (
        f"{_LOG}, each := INTERVAL 1 DAY, options := {{'machines': 2}}", ", station := 'unit', order_by := 'ts', state := 'shift'",
    ),
    "ml_whatif": (f"{_LOG}, change := 'early: -10 %', level := 0.8", f"{_LOG}, costs := {{'machine': 2}}, options := {{'seed': 3}}"),
}  # fmt: skip




def arguments(function: SqlFile) -> dict[str, str | None]:
    """Names with their defaults."""
    match = SIGNATURE.search(function.sql)
    assert match is not None
    pairs = [a.partition(":=") for a in match[2].split(",") if a.strip()]
    return {name.strip(): default.strip() or None for name, _, default in pairs}


def by_name(function: SqlFile) -> Any:
    return pytest.param(function, id=function.name)


@pytest.mark.parametrize("function", [by_name(f) for f in FUNCTIONS])
def test_the_header_says_all(function: SqlFile) -> None:
    assert {"summary", "columns", "example"} <= function.header.keys()
    assert function.summary.endswith(".")
    match = SIGNATURE.search(function.sql)
    assert match is not None
    assert match[1] == function.name.split(".")[0]
    told = [k for k in function.header if k not in ("summary", "columns", "example")]
    assert told == list(arguments(function))


@pytest.mark.parametrize("function", [by_name(f) for f in FUNCTIONS])
def test_every_named_argument_can_be_given(plant: Session, function: SqlFile) -> None:
    """Bound, not run: an argument whose name is a word of SQL would be a syntax error."""
    given = arguments(function)
    name = function.name.split(".")[0]
    if function.name == "ml_embed.value":
        with pytest.raises(MfgsqlError, match="'?fail@1'? reads neither texts nor pictures"):
            plant.execute("SELECT ml_embed('fail', 'leak')").fetchall()
        return
    if name in ELSEWHERE:  # there is no such model here: who is told so has had the arguments understood
        called, told = ELSEWHERE[name]
        with pytest.raises(MfgsqlError, match=told):
            source = ", 'parts'" if "source" in given else ""
            plant.execute(f"EXPLAIN FROM {name}('fail'{source}{called})")
        assert all(f"{n} := " in called for n, default in given.items() if default is not None)
        return
    if name in WAYS:
        for called in WAYS[name]:
            plant.execute(f"EXPLAIN FROM {name}('parts'{called})")
        assert all(any(f"{n} := " in called for called in WAYS[name]) for n, default in given.items() if default is not None)
        return
    if "AS TABLE" not in function.sql:
        values = VALUES | {"input": "t", "rows": "[t]", "title": "'Parts'", "x": "'id'", "y": "'torque'"}
        one_row = "(SELECT * FROM parts LIMIT 1) t"
        plant.execute(f"SELECT {name}({', '.join(values[n] for n in given)}) FROM {one_row}").fetchall()
        return
    values = {n: VALUES[n] for n in given} | ({"model": "'new'"} if name in ("ml_finetune", "ml_pretrain", "ml_tune") else {})
    values |= {"options": OPTIONS[name]} if name in OPTIONS else {}
    values |= OTHERS.get(name, {})
    required = [values[n] for n, default in given.items() if default is None]
    for one in [n for n, default in given.items() if default is not None]:
        needed = [f"{n} := {values[n]}" for n in NEEDED.get(name, ()) if n != one]
        plant.execute(f"EXPLAIN FROM {name}({', '.join([*required, f'{one} := {values[one]}', *needed])})")
    named = [f"{n} := {values[n]}" for n, default in given.items() if default is not None]
    plant.execute(f"EXPLAIN FROM {name}({', '.join([*required, *named])})")
    assert plant.execute("SELECT count(*) FROM ml.models").fetchone() == (3,)


@pytest.mark.parametrize("function", [by_name(f) for f in FUNCTIONS])
def test_an_unknown_argument_is_refused(plant: Session, function: SqlFile) -> None:
    with pytest.raises((duckdb.Error, MfgsqlError)):
        plant.execute(f"EXPLAIN FROM {function.name.split('.')[0]}('fail', 'parts', bogus := 3)")


def test_macros_and_views_carry_their_comment(plant: Session) -> None:
    found = dict(
        plant.execute(
            "SELECT function_name, comment FROM duckdb_functions() WHERE function_name LIKE 'ml\\_%' ESCAPE '\\'"
        ).fetchall()
    )
    assert {f.name.split(".")[0] for f in FUNCTIONS} <= found.keys()
    assert all(found[f.name.split(".")[0]] for f in FUNCTIONS)
    views = dict(plant.execute("SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'ml'").fetchall())
    assert views == {v.name: v.summary for v in shipped_views()}


@pytest.mark.parametrize("view", [pytest.param(v, id=v.name) for v in shipped_views()])
def test_every_view_can_be_read(plant: Session, view: SqlFile) -> None:
    direct = plant.execute(view.sql).fetchall()
    names = [d[0] for d in plant.description or []]
    assert direct or view.name in UNFILLED
    found = plant.execute(f"FROM ml.{view.name}").fetchall()
    assert [d[0] for d in plant.description or []] == names
    assert len(found) == len(direct)


def test_reports_of_a_model(plant: Session) -> None:
    source = "SELECT * FROM parts"
    metrics = {r[0]: r for r in plant.execute(f"FROM ml_evaluate('fail', '{source}')").fetchall()}
    matrix = plant.execute(f"FROM ml_confusion_matrix('fail', '{source}')").fetchall()
    assert sum(r[2] for r in matrix) == 600
    right = sum(r[2] for r in matrix if r[0] == r[1]) / 600
    report = {r[0]: r for r in plant.execute(f"FROM ml_classification_report('fail', '{source}')").fetchall()}
    assert report["accuracy"][3] == pytest.approx(right)
    assert all(r[5] == 600 for r in metrics.values())
    assert plant.execute("SELECT count(*) FROM ml_check('parts', target := 'failed')").fetchone()[0] > 3
    assert plant.execute("SELECT count(*) FROM ml_devices()").fetchone()[0] >= 1


@pytest.mark.parametrize("name", ["mfgsql", "mfgsql.catalog", "mfgsql.errors", "mfgsql.settings"])
def test_the_import_is_light(name: str) -> None:
    code = f"import sys, {name}; print([m for m in ('torch', 'transformers', 'ibis', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_database_opens_without_what_only_models_need() -> None:
    code = (
        "import sys, mfgsql; mfgsql.connect(progress='off').execute('SELECT 1').fetchall(); "
        "print([m for m in ('torch', 'transformers', 'scipy', 'sklearn', 'sqlglot', 'holidays') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
