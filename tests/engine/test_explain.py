"""``explain := k``: the column ``why``, made for the rows that a query keeps, each once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

import mfgsql.scoring.explaining
from mfgsql.engine import Session
from mfgsql.errors import CancelledError, OptionError
from mfgsql.scoring import Scorer
from mfgsql.scoring.explaining import explain, typical_row

WHY = 'STRUCT(feature VARCHAR, "at" VARCHAR, "value" VARCHAR, contribution DOUBLE)[]'


@pytest.fixture()
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How many rows were scored and explained."""
    found: Counter[str] = Counter()
    score = Scorer.score

    def counting_score(self: Scorer, columns: Any, rows: int) -> Any:
        found["scored"] += rows
        return score(self, columns, rows)

    def counting_explain(scorer: Scorer, batch: Any, check: Callable[[], None]) -> Any:
        found["explained"] += len(batch)
        return explain(scorer, batch, check)

    monkeypatch.setattr(Scorer, "score", counting_score)
    monkeypatch.setattr(mfgsql.scoring.explaining, "explain", counting_explain)
    yield found


def predict(model: str, source: str = "parts", k: int = 99) -> str:
    return f"ml_predict('{model}', '{source.replace(chr(39), chr(39) * 2)}', explain := {k})"


def test_the_column_and_its_type(plant: Session) -> None:
    for model in ("fail", "kind", "wear"):
        plain = plant.execute(f"DESCRIBE FROM ml_predict('{model}', 'parts')").fetchall()
        asked = plant.execute(f"DESCRIBE FROM {predict(model)}").fetchall()
        assert [r[:2] for r in asked] == [*(r[:2] for r in plain), ("why", WHY)]


@pytest.mark.parametrize(
    ("model", "shown"), [("fail", "probability"), ("wear", "predicted_wear"), ("kind", "probability")]
)
def test_contributions_sum_to_the_prediction_less_the_typical_rows(plant: Session, model: str, shown: str) -> None:
    source = "SELECT * REPLACE (CASE WHEN id % 7 > 0 THEN torque END AS torque) FROM parts"
    found = plant.execute(
        f"SELECT {shown}, list_sum([w.contribution FOR w IN why]), * LIKE 'predicted%' FROM {predict(model, source)}"
    ).fetchall()
    with plant.engine.scorer(f"{model}@1") as scorer:
        typical = typical_row(scorer.model.manifest.features)
        base, classes = scorer.predict(typical.continuous, typical.codes), scorer.model.target.classes
    for prediction, total, label in found:
        if model == "wear":
            assert total == pytest.approx(prediction - base.values[0], abs=1e-5)
        else:
            column = 1 if model == "fail" else classes.index(label)
            assert total == pytest.approx(prediction - base.scores[0, column], abs=1e-5)
    assert len(found) == 600


def test_an_informative_column_is_named(lab: Session) -> None:
    source = "SELECT torque, temp, shift, hot, wear FROM parts"
    options = "{'epochs': 12, 'width': 16, 'layers': 1, 'heads': 2, 'learning_rate': 0.01}"
    lab.execute(f"FROM ml_finetune('w', '{source}', target := 'wear', options := {options})").fetchall()
    first = lab.execute(
        f"SELECT why[1].feature, count(*) FROM {predict('w', k=1)} GROUP BY 1 ORDER BY 2 DESC"
    ).fetchall()
    assert first[0][0] == "torque"
    assert first[0][1] > 500
    slope = lab.execute(
        f"SELECT regr_slope(why[1].contribution, torque) FROM {predict('w', k=1)} WHERE why[1].feature = 'torque'"
    )
    assert slope.fetchone()[0] == pytest.approx(2, abs=0.5)  # wear is 2 * torque + 1


def test_values_are_spelled_as_sql_spells_them(plant: Session) -> None:
    source = "SELECT * REPLACE (torque::DECIMAL(5, 2) AS torque, CASE WHEN hot THEN temp END AS temp) FROM parts"
    wrong = plant.execute(
        f"""SELECT count(*) FROM (SELECT *, unnest(why) AS w FROM {predict("fail", source)})
        WHERE w.at IS NOT NULL OR w.value IS DISTINCT FROM CASE w.feature
          WHEN 'torque' THEN torque::VARCHAR WHEN 'temp' THEN temp::VARCHAR
          WHEN 'shift' THEN shift WHEN 'hot' THEN hot::VARCHAR END"""
    )
    assert wrong.fetchone() == (0,)


def test_the_largest_contributions_come_first(plant: Session) -> None:
    whole = dict(plant.execute(f"SELECT id, why FROM {predict('fail')}").fetchall())
    assert all(len(why) == 4 for why in whole.values())
    for k in (1, 3):
        for ident, why in plant.execute(f"SELECT id, why FROM {predict('fail', k=k)}").fetchall():
            sizes = [abs(w["contribution"]) for w in whole[ident]]
            assert sizes == sorted(sizes, reverse=True)
            assert len(why) == k
            assert [abs(w["contribution"]) for w in why] == pytest.approx(sizes[:k], abs=1e-6)


def test_a_row_is_explained_alike_in_any_query(plant: Session) -> None:
    whole = dict(plant.execute(f"SELECT id, why FROM {predict('wear')}").fetchall())
    for source in (
        "FROM parts WHERE id = 7",
        "FROM parts WHERE id % 3 = 0 ORDER BY temp",
        "FROM parts ORDER BY hash(id)",
    ):
        for ident, why in plant.execute(f"SELECT id, why FROM {predict('wear', source)}").fetchall():
            mine, theirs = ({w["feature"]: w["contribution"] for w in found} for found in (why, whole[ident]))
            assert mine == pytest.approx(theirs, abs=1e-5)


def test_an_unreadable_row_has_no_why(plant: Session) -> None:
    source = "SELECT * REPLACE (CASE WHEN id % 10 = 7 THEN '?' ELSE torque::VARCHAR END AS torque) FROM parts"
    found = plant.execute(
        f"SELECT ml_status, count(*), count(why) FROM {predict('fail', source)} GROUP BY 1 ORDER BY 1"
    )
    assert found.fetchall() == [("ok", 540, 540), ("unreadable", 60, 0)]
    (whole,) = plant.execute(f"SELECT why FROM {predict('fail', 'FROM parts WHERE id = 11')}").fetchone()
    beside = plant.execute(f"SELECT why FROM {predict('fail', source)} WHERE id = 11").fetchone()
    assert [w["value"] for w in beside[0]] == [w["value"] for w in whole]
    every = plant.execute(
        f"SELECT count(why) FROM {predict('fail', 'SELECT * REPLACE (? AS torque) FROM parts'.replace('?', chr(39) + '?' + chr(39)))}"
    )
    assert every.fetchone() == (0,)


@pytest.mark.parametrize(
    ("query", "scored", "explained"),
    [
        ("SELECT why FROM {p}", 600, 600),
        ("FROM {p} WHERE hot", 300, 300),
        ("SELECT why, probability FROM {p} WHERE probability > {q}", 600, 300),
        ("SELECT id FROM {p} WHERE probability > {q} AND why[1].feature <> 'shift'", 600, 300),
        ("SELECT id, why, probability FROM {p} WHERE why[1].feature = 'torque' AND why[1].contribution > 0", 600, 600),
        ("SELECT probability FROM {p}", 600, 0),
        ("SELECT count(*) FROM {p}", 0, 0),
        ("FROM {p} LIMIT 0", 0, 0),
    ],
)  # fmt: skip
def test_each_row_that_is_kept_is_explained_once(
    plant: Session, counted: Counter[str], query: str, scored: int, explained: int
) -> None:
    (middle,) = plant.execute("SELECT median(probability) FROM ml_predict('fail', 'parts')").fetchone()
    counted.clear()
    plant.execute(query.format(p=predict("fail", k=2), q=repr(middle))).fetchall()
    assert (counted["scored"], counted["explained"]) == (scored, explained)


def test_an_older_why_is_replaced(plant: Session) -> None:
    source = "SELECT *, 'old' AS why, 'old' AS scored, {'row': 1} AS __ml FROM parts"
    names = [r[0] for r in plant.execute(f"DESCRIBE FROM {predict('fail', source)}").fetchall()]
    assert names.count("why") == 1
    assert plant.execute(f"SELECT count(*) FROM {predict('fail', source)} WHERE why IS NULL").fetchone() == (0,)
    assert "why" in [
        r[0] for r in plant.execute("DESCRIBE FROM ml_predict('fail', 'SELECT *, 1 AS why FROM parts')").fetchall()
    ]


def test_names_of_any_kind(lab: Session, finetune: Callable[..., str]) -> None:
    lab.execute('CREATE TABLE odd AS SELECT torque AS "a\'b ""c""", shift AS "row", temp AS "Texts", failed FROM parts')
    lab.execute(finetune("odd", "odd", "failed")).fetchall()
    found = lab.execute(
        f"SELECT DISTINCT w.feature FROM (SELECT unnest(why) AS w FROM {predict('odd', 'odd')})"
    ).fetchall()
    assert {r[0] for r in found} == {'a\'b "c"', "row", "Texts"}


@pytest.mark.parametrize("k", ["0", "-1", "1.5", "'3'", "true", "[3]"])
def test_what_is_no_number_of_features(plant: Session, k: str) -> None:
    with pytest.raises(OptionError, match="explain is a number of features from 1 on"):
        plant.execute(f"FROM ml_predict('fail', 'parts', explain := {k})")


def test_views_and_prepared_statements(plant: Session) -> None:
    plant.execute(f"CREATE OR REPLACE VIEW reasons AS SELECT id, why FROM {predict('fail', k=2)}")
    plant.execute(f"PREPARE reasons AS SELECT id, why FROM {predict('fail', k=2)} WHERE id = $1")
    wanted = plant.execute(f"SELECT id, why FROM {predict('fail', k=2)} WHERE id = 5").fetchall()
    with plant.cursor() as other:
        found = other.execute("FROM reasons WHERE id = 5").fetchall()
    assert [w["feature"] for w in found[0][1]] == [w["feature"] for w in wanted[0][1]]
    assert len(plant.execute("EXECUTE reasons(5)").fetchall()) == 1
    plant.execute("DROP VIEW reasons; DEALLOCATE reasons")


def test_from_python(plant: Session) -> None:
    found = plant.predict("fail", "parts", explain=2).filter(lambda t: t.id < 3).to_pyarrow()
    assert [len(why) for why in found["why"].to_pylist()] == [2, 2, 2]


def test_it_can_be_stopped_within_a_batch(plant: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    started, passes = threading.Event(), Counter[str]()
    predicted = Scorer.predict

    def slow(self: Scorer, continuous: Any, codes: Any) -> Any:
        passes["made"] += 1
        started.set()
        time.sleep(0.05)
        return predicted(self, continuous, codes)

    with plant.engine.scorer("fail@1") as scorer, plant.cursor() as session:
        monkeypatch.setattr(scorer, "batch", 1)  # else the call would soon be over
        monkeypatch.setattr(Scorer, "predict", slow)

        def stop() -> None:
            started.wait(10)
            session.interrupt()

        thread = threading.Thread(target=stop)
        thread.start()
        with pytest.raises((CancelledError, duckdb.InterruptException)):
            session.execute(f"SELECT why FROM {predict('fail')}").fetchall()
        thread.join()
    assert passes["made"] < 20
