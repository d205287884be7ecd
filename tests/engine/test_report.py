"""ml_report and ml_feature_importance: of every sort of model, read-only, and never of other rows than its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.verbs.importance import COLUMNS
from mfgsql.engine.verbs.reporting import gather
from mfgsql.errors import MissingExtraError, NotFoundError
from mfgsql.reporting import Missing

Finetune = Callable[..., str]
TINY = "options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}"


def sections(page: str) -> list[str]:
    return [part.partition('"')[0] for part in page.split('<section id="')[1:]]


@pytest.mark.parametrize(
    ("model", "special"), [("fail", "confusion"), ("kind", "calibration"), ("wear", "residuals"), ("fail@1", "curves")]
)
def test_a_page_of_each_task(plant: Session, model: str, special: str) -> None:
    page = plant.report(model)
    assert special in sections(page)
    assert f"<title>{model.partition('@')[0]}@1: report</title>" in page
    assert "torque = " in page  # its examples
    assert page == plant.execute(f"SELECT ml_report('{model}')").fetchone()[0]


def test_facts_are_the_records(plant: Session) -> None:
    facts = gather(plant.engine, "fail")
    recorded = plant.execute("SELECT metric, value, baseline, rows FROM ml.versions WHERE model = 'fail'").fetchone()
    assert (facts.metric, facts.value, facts.baseline, facts.rows) == recorded
    assert {s.metric for s in facts.scores} >= {"pr_auc", "roc_auc", "f1"}
    assert {f.name for f in facts.features if f.kind} == {"torque", "temp", "shift", "hot"}
    assert facts.history
    assert facts.aliases == ("champion",)
    assert isinstance(facts.rival, Missing)
    assert not isinstance(facts.examples, Missing)
    assert [g.title for g in facts.examples] == ["Missed", "False alarms", "Found"]
    shown = [e for g in facts.examples for e in g.examples]
    assert shown
    assert all(len(e.values) == 4 and set(e.contributions) == {"torque", "temp", "shift", "hot"} for e in shown)


def test_explain_makes_no_page_and_a_name_is_pinned(plant: Session) -> None:
    text = plant.execute("EXPLAIN SELECT ml_report('fail')").fetchall()[0][1]
    assert "fail@1" in text
    many = plant.execute("SELECT model, ml_report(model) FROM ml.models WHERE model IN ('fail', 'wear') ORDER BY 1")
    assert [f"<title>{m}@1" in page for m, page in many.fetchall()] == [True, True]


def test_an_unknown_model_and_version(plant: Session) -> None:
    with pytest.raises(NotFoundError, match="Did you mean 'fail'"):
        plant.report("fial")
    with pytest.raises(NotFoundError, match="has no '@9'"):
        plant.report("fail@9")
    with pytest.raises(mfgsql.errors.OptionError, match="model is missing"):
        plant.execute("SELECT ml_report(NULL)").fetchall()


def test_versions_side_by_side(lab: Session, finetune: Finetune) -> None:
    lab.execute(finetune("m", "SELECT torque, temp, failed FROM parts", "failed")).fetchall()
    lab.execute(finetune("m", "SELECT torque, temp, shift, failed FROM parts", "failed")).fetchall()
    facts = gather(lab.engine, "m@2")
    assert facts.aliases == ("candidate",)
    assert not isinstance(facts.rival, Missing), facts.rival
    assert facts.rival.name == "m@1"
    assert len(facts.rival.truth) >= 30
    assert "m@1" in lab.report("m@candidate")
    lab.execute("FROM ml_promote('m@2')").fetchall()
    assert "no champion" not in lab.report("m")


def test_a_failed_run_a_base_an_import_and_one_feature(lab: Session, finetune: Finetune, tmp_path: Path) -> None:
    with pytest.raises(mfgsql.errors.DataError):
        lab.execute(finetune("broken", "SELECT 1 AS a, 2 AS b FROM range(5)", "b")).fetchall()
    page = lab.report("broken")
    assert sections(page) == ["failures"]
    assert "too few to learn from" in page
    assert "What to do" in page

    lab.execute(f"FROM ml_pretrain('base', 'SELECT * EXCLUDE (failed) FROM parts', {TINY})").fetchall()
    assert sections(lab.report("base")) == ["learning", "data", "limits", "lineage"]

    lab.execute(finetune("one", "SELECT torque, failed FROM parts", "failed", "base := 'base'")).fetchall()
    page = lab.report("one")
    assert "your own: the base was trained in this database" in page
    assert "confusion" in sections(page)

    file = tmp_path / "one.safetensors"
    lab.execute(f"FROM ml_export('one', '{file}')").fetchall()
    lab.execute(f"FROM ml_import('<b>\"&copy', '{file}')").fetchall()
    page = lab.report('<b>"&copy')
    assert "was imported, and the rows it was judged on stayed behind" in page
    assert "&lt;b&gt;&#34;&amp;copy" in page
    assert "<b>&" not in page.replace('<b style="', "")

    for snapshot in lab.engine.folder.glob("*.parquet"):
        snapshot.unlink()
    assert "The snapshot of one@1 is gone" in lab.report("one")


def test_hundreds_of_classes(lab: Session, finetune: Finetune) -> None:
    lab.execute("CREATE TABLE many AS SELECT i % 300 + i / 1e4 AS x, '类 ' || (i % 300) AS part FROM range(3000) r(i)")
    lab.execute(finetune("many", "many", "part")).fetchall()
    page = lab.report("many")
    assert "the other 290" in page
    assert len(page.encode()) < 2 * 2**20


def test_importance_of_features(plant: Session) -> None:
    rows = plant.execute("FROM ml_feature_importance('wear')").fetchall()
    assert [d[0] for d in plant.description or []] == list(COLUMNS)
    assert {r[0] for r in rows} == {"torque", "temp", "shift", "hot"}
    assert [r[5] for r in rows] == [1, 2, 3, 4]
    assert all(r[3] <= r[1] <= r[4] for r in rows)
    assert {r[6] for r in rows} == {"rmse"}
    assert plant.execute("FROM ml_feature_importance('wear@1')").fetchall() == rows
    assert "ml_run" in plant.execute("FROM ml_plan('feature_importance', 'wear', 'parts')").fetchone()[0]


def test_pairs_of_columns_that_tell_together_are_listed_and_reported(lab: Session) -> None:
    lab.execute("""CREATE TABLE presses AS
      FROM (SELECT 20 + hash(i) % 61 AS torque, 1000 + hash(i + 9999) % 801 AS "the speed's", hash(-i) % 100 AS other FROM range(600) r(i))
      SELECT *, torque * "the speed's" > 100000 AS failed""")
    lab.execute(f"FROM ml_finetune('m', 'presses', target := 'failed', {TINY})").fetchall()
    lab.execute(f"FROM ml_finetune('noise', 'SELECT torque, other > 50 AS y FROM presses', target := 'y', {TINY})").fetchall()
    first, operation, second, share = lab.execute(
        "SELECT first_feature, operation, second_feature, share FROM ml.interactions WHERE model = 'm'"
    ).fetchall()[0]
    assert {first, second} == {"torque", "the speed's"}
    assert (operation, share) == ("*", 1.0)
    assert lab.execute("SELECT count(*) FROM ml.interactions WHERE model = 'noise'").fetchone() == (0,)
    assert "torque × the speed&#39;s" in lab.report("m")
    assert "tell more together" not in lab.report("noise")


def test_importance_needs_held_out_rows(lab: Session) -> None:
    lab.execute(f"FROM ml_pretrain('base', 'parts', {TINY})").fetchall()
    with pytest.raises(NotFoundError, match="is a base"):
        lab.execute("EXPLAIN FROM ml_feature_importance('base')")


def test_a_reader_may_report(lab: Session, finetune: Finetune, tmp_path: Path) -> None:
    lab.execute(finetune("m", "SELECT torque, temp, failed FROM parts", "failed")).fetchall()
    lab.close()
    with mfgsql.connect(tmp_path / "lab.duckdb", read_only=True, threads=2) as reader:
        assert "confusion" in sections(reader.report("m"))
        assert len(reader.execute("FROM ml_feature_importance('m')").fetchall()) == 2


def test_a_missing_extra_costs_no_work(plant: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mfgsql\[report\]'"):
        plant.report("fail")
