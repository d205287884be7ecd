"""Models of several labels a row, by SQL: typed as the target is, judged as scikit-learn does, refused where one class is meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import classification_report
from sklearn.preprocessing import MultiLabelBinarizer

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import DataError, OptionError
from mfgsql.manifest import Manifest

FAST = "'backbone': 'transformer', 'epochs': 12, 'width': 16, 'layers': 1, 'heads': 2"
NOTES = """
CREATE TABLE notes AS SELECT *, array_to_string(parts, ' | ') AS words, list_transform(parts, lambda p: len(p)) AS sizes FROM (
  SELECT i AS id, 'm' || i % 6 AS unit, TIMESTAMP '2026-01-01' + to_hours(i) AS ts, a, b, substr('XYZ', 1 + (hash(i, 3) % 3)::INT, 1) AS shift,
    CASE WHEN i % 97 = 5 THEN NULL ELSE list_filter(
      [if(a > 5, 'pump', NULL), if(b > 6, 'it''s {seal}', NULL), if(a < 4 AND b < 5, 'motor', NULL), if(i = 17, 'once', NULL)],
      lambda e: e IS NOT NULL) END AS parts
  FROM (SELECT i, hash(i, 1) % 100 / 10.0 AS a, hash(i, 2) % 100 / 10.0 AS b FROM range(300) r(i)))
"""


def learn(target: str, more: str = "", options: str = FAST, columns: str = "a, b, shift") -> str:
    return f"FROM ml_finetune('{target}', 'SELECT {columns}, {target} FROM notes', target := '{target}'{more}, options := {{{options}}})"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """``notes`` with the models ``parts`` (a list), ``words`` (a text) and ``sizes`` (a list of numbers)."""
    with mfgsql.connect(tmp_path_factory.mktemp("shop") / "shop.duckdb", threads=2, progress="off") as s:
        s.execute(NOTES)
        s.execute(learn("parts")).fetchall()
        s.execute(learn("words", options=f"{FAST}, 'separator': '|'")).fetchall()
        s.execute(learn("sizes", ", task := 'multilabel'")).fetchall()
        yield s


def table(s: Session, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = s.sql(sql).to_pylist()
    return found


def one(s: Session, sql: str) -> Any:
    return s.execute(sql).fetchone()[0]


def types(s: Session, sql: str) -> dict[str, str]:
    return {r[0]: r[1] for r in s.execute(f"DESCRIBE {sql}").fetchall()}


# -- learning and predicting ----------------------------------------------------------------------------------------


def test_a_list_is_learnt_as_labels_and_rare_ones_are_told(shop: Session) -> None:
    manifest = Manifest.from_json(one(shop, "SELECT manifest FROM ml_catalog.versions WHERE model = 'parts'"))
    assert manifest.task == "multilabel"
    assert manifest.target is not None
    assert manifest.target.classes == ("it's {seal}", "motor", "pump")
    assert manifest.target.rows == one(shop, "SELECT count(parts) FROM notes")
    row = table(shop, learn("parts"))[0]
    assert (row["status"], row["metric"], row["verdict"]) == ("reused", "f1_micro", "useful")
    assert any("1 labels of parts are left out" in w and "'once'" in w for w in row["warnings"])


def test_labels_come_in_the_targets_type(shop: Session) -> None:
    chances, status = {"probabilities": "MAP(VARCHAR, DOUBLE)"}, {"ml_status": "VARCHAR", "ml_reason": "VARCHAR"}
    kinds = {"parts": "VARCHAR[]", "words": "VARCHAR", "sizes": "BIGINT[]"}
    for model, kind in kinds.items():
        found = types(shop, f"FROM ml_predict('{model}', 'notes')")
        assert found == types(shop, "FROM notes") | {f"predicted_{model}": kind} | chances | status


def test_labels_are_known_ones_and_mostly_right(shop: Session) -> None:
    rows = table(shop, "SELECT * FROM ml_predict('parts', 'SELECT * FROM notes WHERE parts IS NOT NULL AND id <> 17')")
    assert {label for r in rows for label in r["predicted_parts"]} == {"it's {seal}", "motor", "pump"}
    assert sum(set(r["predicted_parts"]) == set(r["parts"]) for r in rows) > 0.8 * len(rows)
    assert all(0 <= p <= 1 for r in rows for _, p in r["probabilities"])
    texts = table(shop, "SELECT words, predicted_words FROM ml_predict('words', 'notes') WHERE words IS NOT NULL")
    split = [[set(filter(None, map(str.strip, t.split("|")))) for t in r.values()] for r in texts]
    assert sum(told == said for told, said in split) > 0.8 * len(split)
    assert "" in {r["predicted_words"] for r in texts}


def test_an_unreadable_row_gets_none(shop: Session) -> None:
    source = "SELECT * REPLACE (if(id = 7, ''?'', a::VARCHAR) AS a) FROM notes"
    rows = table(shop, f"SELECT id, predicted_parts, probabilities, ml_status FROM ml_predict('parts', '{source}')")
    void = [r for r in rows if r["ml_status"] == "unreadable"]
    assert [r["id"] for r in void] == [7]
    assert void[0]["predicted_parts"] is None
    assert void[0]["probabilities"] is None
    texts = table(shop, f"SELECT predicted_words FROM ml_predict('words', '{source}') WHERE id = 7")
    assert texts == [{"predicted_words": None}]


def test_the_scalar_form_joins_labels(shop: Session) -> None:
    found = table(shop, "SELECT id, ml_predict('parts', t) AS p, ml_predict('words', t) AS w FROM notes t ORDER BY id")
    said = table(shop, "SELECT id, predicted_parts FROM ml_predict('parts', 'notes') ORDER BY id")
    words = table(shop, "SELECT id, predicted_words FROM ml_predict('words', 'notes') ORDER BY id")
    assert [r["p"]["label"] for r in found] == [", ".join(r["predicted_parts"]) for r in said]
    assert [r["w"]["label"] for r in found] == [r["predicted_words"] for r in words]
    assert {r["p"]["probability"] for r in found} == {None}


def test_equal_statements_give_equal_weights(shop: Session) -> None:
    before = one(shop, "SELECT probabilities FROM ml_predict('parts@1', 'notes') WHERE id = 3")
    shop.execute(learn("parts", ", force := true")).fetchall()
    assert one(shop, "SELECT probabilities FROM ml_predict('parts@candidate', 'notes') WHERE id = 3") == before


# -- judging --------------------------------------------------------------------------------------------------------


def test_the_report_is_that_of_scikit_learn(shop: Session) -> None:
    rows = table(shop, "SELECT parts, predicted_parts FROM ml_predict('parts', 'notes') WHERE parts IS NOT NULL")
    binarizer = MultiLabelBinarizer().fit([r["parts"] for r in rows])
    truth, said = (binarizer.transform([r[c] for r in rows]) for c in ("parts", "predicted_parts"))
    names = list(binarizer.classes_)
    wanted = classification_report(truth, said, target_names=names, output_dict=True, zero_division=0.0)
    found = table(shop, "FROM ml_classification_report('parts', 'notes')")
    assert [r["class"] for r in found] == [*sorted(names), "micro avg", "macro avg", "weighted avg", "samples avg"]
    for row in found:
        told = wanted[row["class"]]
        assert [row[k] for k in ("precision", "recall", "f1", "support")] == pytest.approx(
            [told[k] for k in ("precision", "recall", "f1-score", "support")]
        )


@pytest.mark.parametrize("model", ["parts", "words", "sizes"])
def test_figures_agree_with_the_rows(shop: Session, model: str) -> None:
    found = {r["metric"]: r for r in table(shop, f"FROM ml_evaluate('{model}', 'notes')")}
    assert list(found) == ["f1_micro", "f1_macro", "subset_accuracy", "hamming_loss", "lrap"]
    if model == "parts":
        known = "parts IS NOT NULL AND parts <> ['once']"
        right = "list_sort(list_filter(parts, lambda p: p <> 'once')) = list_sort(predicted_parts)"
        share = one(shop, f"SELECT avg(({right})::INT) FROM ml_predict('parts', 'notes') WHERE {known}")
        assert found["subset_accuracy"]["value"] == pytest.approx(share)
    assert found["f1_micro"]["value"] > found["f1_micro"]["baseline"]
    assert found["f1_micro"]["lower"] <= found["f1_micro"]["value"] <= found["f1_micro"]["upper"]


def test_the_report_page_tells_of_labels(shop: Session) -> None:
    page = shop.report("parts")
    sections = [part.partition('"')[0] for part in page.split('<section id="')[1:]]
    assert "labels" in sections
    assert not {"confusion", "curves", "calibration", "residuals"} & set(sections)
    assert "Tells which of 3 labels" in page


def test_it_is_explained(shop: Session) -> None:
    why = table(shop, "SELECT why FROM ml_predict('parts', 'SELECT * FROM notes LIMIT 5', explain := 2)")
    assert all(len(r["why"]) == 2 for r in why)
    ranked = table(shop, "FROM ml_feature_importance('parts')")
    assert {r["feature"] for r in ranked[:2]} == {"a", "b"}


def test_a_challenger_is_compared(shop: Session) -> None:
    row = table(shop, learn("parts", ", promote := 'auto'", f"{FAST}, 'seed': 5"))[0]
    assert not any("can''t be compared" in w or "can't be compared" in w for w in row["warnings"])


@pytest.mark.parametrize(
    ("sql", "error", "words"),
    [
        ("FROM ml_confusion_matrix('parts', 'notes')", OptionError, "several labels"),
        ("FROM ml_roc_curve('parts', 'notes')", OptionError, "ml_classification_report"),
        ("FROM ml_calibration('parts', 'notes')", OptionError, "several labels"),
        ("FROM ml_thresholds('words', 'notes')", OptionError, "several labels"),
        ("FROM ml_predict('parts', 'notes', level := 0.9)", OptionError, "no level"),
        ("FROM ml_drivers('notes', target := 'parts')", DataError, "list_contains"),
        (learn("words", ", task := 'multilabel'"), OptionError, "what parts its labels"),
        (learn("shift", options=f"{FAST}, 'separator': 3", columns="a, b"), OptionError, "separator is a text"),
        (learn("shift", ", task := 'classification'", f"{FAST}, 'separator': '_'", "a, b"), OptionError, "separator is for"),
        (learn("parts", ", costs := {'missed': 2, 'false_alarm': 1}"), OptionError, "several labels a row"),
    ],
)
def test_what_is_meant_for_one_class_is_refused(shop: Session, sql: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        shop.execute(sql).fetchall()


def test_a_check_tells_of_labels(shop: Session) -> None:
    found = {r["item"]: r for r in table(shop, "FROM ml_check('notes', target := 'words', options := {'separator': ' | '})")}
    assert "4 labels" not in found["target"]["finding"]
    assert "3 labels" in found["target"]["finding"]
    assert "'separator': ' | '" in found["go"]["advice"]


# -- other shapes ---------------------------------------------------------------------------------------------------


def test_an_ensemble_and_its_folds(tmp_path: Path) -> None:
    with mfgsql.connect(tmp_path / "e.duckdb", threads=2, progress="off") as s:
        s.execute(NOTES)
        s.execute("CREATE TYPE part AS ENUM ('pump', 'it''s {seal}', 'motor', 'once'); ALTER TABLE notes ALTER parts TYPE part[]")
        row = table(s, learn("parts", options="'epochs': 6, 'folds': 2, 'class_weight': 'balanced'"))[0]
        assert row["verdict"] == "useful"
        assert types(s, "FROM ml_predict('parts', 'notes')")["predicted_parts"].startswith("ENUM('pump'")
        assert s.execute("FROM ml_predict('parts', 'notes')").fetchall()


def test_histories_have_labels_too(tmp_path: Path) -> None:
    with mfgsql.connect(tmp_path / "h.duckdb", threads=2, progress="off") as s:
        s.execute(NOTES)
        options = "'window': 4, 'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2, 'folds': 1"
        source = "SELECT unit, ts, a, b, parts FROM notes"
        row = table(
            s,
            f"FROM ml_finetune('h', '{source}', target := 'parts', entity := 'unit', order_by := 'ts', options := {{{options}}})",
        )[0]
        assert row["metric"] == "f1_micro"
        latest = table(s, "SELECT predicted_parts, probabilities, ml_status FROM ml_predict('h', 'notes', latest := true)")
        assert len(latest) == 6
        assert all(len(r["probabilities"]) == 3 for r in latest)
        assert table(s, "FROM ml_evaluate('h', 'notes')")[0]["rows"] > 200
