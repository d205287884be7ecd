"""Models of paths, by SQL: chosen where the classes are such, consistent from the first level to the last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import DataError, OptionError
from mfgsql.manifest import Manifest

FAST = "'epochs': 6, 'width': 16, 'layers': 1, 'heads': 2"
FAULTS = """
CREATE TABLE faults AS SELECT *, string_split(path, ' > ') AS steps, if(id % 2 = 0, replace(path, ' > ', '>'), '  ' || path) AS spelt,
  if(path = 'fluid > hose', 'fluid', path) AS uneven FROM (
  SELECT i AS id, 'm' || i % 5 AS unit, TIMESTAMP '2026-01-01' + to_hours(i) AS ts, a, b,
    CASE WHEN a < 3 THEN 'fluid > hose' WHEN a < 5 THEN 'fluid > ' || if(b > 5, 'pump', 'it''s {seal}')
      ELSE 'rotating > ' || if(b > 7, 'shaft', 'bearing') END AS path
  FROM (SELECT i, hash(i, 1) % 100 / 10.0 AS a, hash(i, 2) % 100 / 10.0 AS b FROM range(400) r(i)))
"""
CLASSES = {"fluid > hose", "fluid > it's {seal}", "fluid > pump", "rotating > bearing", "rotating > shaft"}


def learn(target: str, more: str = "", options: str = FAST) -> str:
    return f"FROM ml_finetune('{target}', 'SELECT a, b, {target} FROM faults', target := '{target}'{more}, options := {{{options}}})"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """``faults`` with the models ``path``, ``spelt`` (the same, written in two ways), ``steps`` (lists) and ``uneven``."""
    with mfgsql.connect(tmp_path_factory.mktemp("shop") / "shop.duckdb", threads=2, progress="off") as s:
        s.execute(FAULTS)
        s.execute(learn("path")).fetchall()
        s.execute(learn("spelt")).fetchall()
        for target in ("steps", "uneven"):
            s.execute(learn(target, ", task := 'hierarchy'")).fetchall()
        yield s


def table(s: Session, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = s.sql(sql).to_pylist()
    return found


def manifest(s: Session, model: str) -> Manifest:
    return Manifest.from_json(s.execute(f"SELECT manifest FROM ml_catalog.versions WHERE model = '{model}'").fetchone()[0])


def types(s: Session, sql: str) -> dict[str, str]:
    return {r[0]: r[1] for r in s.execute(f"DESCRIBE {sql}").fetchall()}


@pytest.mark.parametrize("model", ["path", "spelt", "steps"])
def test_paths_are_a_hierarchy_of_their_own_accord_or_when_told(shop: Session, model: str) -> None:
    made = manifest(shop, model)
    assert (made.task, made.backbone.kind) == ("hierarchy", "transformer")
    assert made.target is not None
    assert set(made.target.classes) == CLASSES


def test_columns_are_named_and_typed(shop: Session) -> None:
    more = {
        "probability": "DOUBLE",
        "probabilities": "MAP(VARCHAR, DOUBLE)",
        "levels": 'STRUCT("level" INTEGER, "label" VARCHAR, probability DOUBLE)[]',
        "ml_status": "VARCHAR",
        "ml_reason": "VARCHAR",
    }
    for model, kind in (("path", "VARCHAR"), ("steps", "VARCHAR[]")):
        found = types(shop, f"FROM ml_predict('{model}', 'faults')")
        assert found == types(shop, "FROM faults") | {f"predicted_{model}": kind} | more


@pytest.mark.parametrize("model", ["path", "spelt", "uneven"])
def test_levels_lead_down_the_predicted_path(shop: Session, model: str) -> None:
    rows = table(shop, f"SELECT predicted_{model} AS path, probability, probabilities, levels FROM ml_predict('{model}', 'faults')")
    for row in rows:
        chances = dict(row["probabilities"])
        assert sum(chances.values()) == pytest.approx(1)
        assert row["path"] in chances
        assert [step["label"] for step in row["levels"]] == row["path"].split(" > ")
        assert [step["level"] for step in row["levels"]] == list(range(1, len(row["levels"]) + 1))
        for step in row["levels"]:
            begins = " > ".join(row["path"].split(" > ")[: step["level"]]) + " > "
            below = sum(p for path, p in chances.items() if f"{path} > ".startswith(begins))
            assert step["probability"] == pytest.approx(below)
        assert chances[row["path"]] == pytest.approx(row["probability"])
    assert len({row["path"] for row in rows}) > 2


def test_a_path_is_the_same_however_it_is_spelt(shop: Session) -> None:
    found = {r["metric"]: r for r in table(shop, "FROM ml_evaluate('spelt', 'faults')")}
    same = table(shop, "SELECT avg((path = predicted_spelt)::INT) AS share FROM ml_predict('spelt', 'faults')")[0]["share"]
    assert found["accuracy"]["rows"] == 400
    assert found["accuracy"]["value"] == pytest.approx(same)
    assert found["family_accuracy"]["value"] >= found["accuracy"]["value"] > 0.6
    report = table(shop, "FROM ml_classification_report('spelt', 'faults')")
    assert {r["class"] for r in report[:-3]} == CLASSES
    pairs = table(shop, "FROM ml_confusion_matrix('spelt', 'faults')")
    assert {p["actual"] for p in pairs} == CLASSES
    assert {r["class"] for r in table(shop, "FROM ml_roc_curve('spelt', 'faults')")} == CLASSES


def test_a_list_goes_the_same_way(shop: Session) -> None:
    rows = table(shop, "SELECT steps, predicted_steps, path FROM ml_predict('steps', 'faults')")
    assert {" > ".join(r["predicted_steps"]) for r in rows} <= CLASSES
    assert sum(r["steps"] == r["predicted_steps"] for r in rows) > 0.6 * len(rows)
    assert table(shop, "FROM ml_evaluate('steps', 'faults')")[1]["rows"] == 400


def test_an_unreadable_row_gets_none(shop: Session) -> None:
    source = "SELECT * REPLACE (if(id = 7, ''?'', a::VARCHAR) AS a) FROM faults"
    row = table(shop, f"SELECT predicted_path, levels, probability FROM ml_predict('path', '{source}') WHERE id = 7")[0]
    assert set(row.values()) == {None}


def test_the_other_verbs_know_it(shop: Session) -> None:
    label = shop.execute("SELECT ml_predict('path', t).label FROM faults t LIMIT 1").fetchone()[0]
    assert label in CLASSES
    page = shop.report("path")
    assert 'id="confusion"' in page
    assert "First level" in page
    assert {r["feature"] for r in table(shop, "FROM ml_feature_importance('path')")} == {"a", "b"}
    assert table(shop, "SELECT prediction_set FROM ml_predict('path', 'faults', level := 0.9) LIMIT 1")[0]["prediction_set"]
    assert "5 classes" in {r["item"]: r["finding"] for r in table(shop, "FROM ml_check('faults', target := 'spelt')")}["target"]
    assert table(shop, "FROM ml_drivers('faults', target := 'path')")[0]["significant"]


def test_costs_balance_and_what_is_no_path(shop: Session) -> None:
    with pytest.raises(OptionError, match="two classes"):
        shop.execute(learn("path", ", costs := {'missed': 2, 'false_alarm': 1}")).fetchall()
    with pytest.raises(OptionError, match="positive"):
        shop.execute(learn("path", "", f"{FAST}, 'positive': 'fluid > hose'")).fetchall()
    with pytest.raises(DataError, match="paths are texts"):
        shop.execute(learn("b", ", task := 'hierarchy'").replace("a, b, b", "a, b")).fetchall()


def test_flat_where_it_is_told(tmp_path: Path) -> None:
    with mfgsql.connect(tmp_path / "f.duckdb", threads=2, progress="off") as s:
        s.execute(FAULTS)
        s.execute(learn("path", ", task := 'classification'", "'epochs': 1, 'folds': 2")).fetchall()
        assert (manifest(s, "path").task, manifest(s, "path").backbone.kind) == ("classification", "ensemble")
        s.execute(learn("steps", ", task := 'hierarchy'", "'epochs': 4, 'folds': 2, 'backbone': 'ensemble'")).fetchall()
        assert manifest(s, "steps").backbone.kind == "ensemble"
        row = table(s, "SELECT probability, levels FROM ml_predict('steps', 'faults') LIMIT 1")[0]
        assert row["levels"][1]["probability"] == pytest.approx(row["probability"])


def test_histories_have_paths_too(tmp_path: Path) -> None:
    with mfgsql.connect(tmp_path / "h.duckdb", threads=2, progress="off") as s:
        s.execute(FAULTS)
        options = "'window': 4, 'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2, 'folds': 1"
        learn_windows = (
            "FROM ml_finetune('{}', 'SELECT unit, ts, a, b, path FROM faults', target := 'path', entity := 'unit', "
            f"order_by := 'ts'{{}}, options := {{{{{options}}}}})"
        )
        s.execute(learn_windows.format("flat", "")).fetchall()
        s.execute(learn_windows.format("tree", ", task := 'hierarchy'")).fetchall()
        assert (manifest(s, "flat").task, manifest(s, "tree").task) == ("classification", "hierarchy")
        assert all(len(r["levels"]) == 2 for r in table(s, "FROM ml_predict('tree', 'faults', latest := true)"))
