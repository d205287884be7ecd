"""Curves, calibration and thresholds by SQL: what they agree with, and what is refused."""

from __future__ import annotations

import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from mfgsql.engine import Session
from mfgsql.errors import DataError, MfgsqlError, OptionError, SourceError

COSTS = "costs := {'missed': 2000, 'false_alarm': 50.5}"


def records(s: Session, sql: str) -> list[dict]:
    return s.sql(sql).to_pylist()


@pytest.fixture(scope="module")
def scored(plant: Session) -> list[dict]:
    return records(plant, "SELECT failed, probability FROM ml_predict('fail', 'parts')")


def test_curves_are_those_of_the_predictions(plant: Session, scored: list[dict]) -> None:
    truth, scores = [r["failed"] for r in scored], [r["probability"] for r in scored]
    roc = records(plant, "FROM ml_roc_curve('fail', 'parts')")
    found = sum(
        (b["false_positive_rate"] - a["false_positive_rate"]) * (a["true_positive_rate"] + b["true_positive_rate"]) / 2
        for a, b in zip(roc, roc[1:], strict=False)
    )
    assert found == pytest.approx(roc_auc_score(truth, scores), abs=0.005)
    pr = records(plant, "FROM ml_pr_curve('fail', 'parts')")
    found = sum(
        (a["recall"] - b["recall"]) * (a["precision"] + b["precision"]) / 2 for a, b in zip(pr, pr[1:], strict=False)
    )
    assert found == pytest.approx(average_precision_score(truth, scores), abs=0.02)


def test_each_of_three_classes_has_its_curve(plant: Session) -> None:
    for verb in ("roc_curve", "pr_curve", "calibration"):
        rows = records(plant, f"FROM ml_{verb}('kind', 'parts')")
        assert {r["class"] for r in rows} == {"x", "y", "z"}
    by_class = records(plant, "SELECT class, sum(rows) AS n FROM ml_calibration('kind', 'parts') GROUP BY class")
    assert {r["n"] for r in by_class} == {600}


def test_calibration_of_numbers_is_that_of_predict(plant: Session) -> None:
    rows = {r["level"]: r for r in records(plant, "FROM ml_calibration('wear', 'parts')")}
    assert list(rows) == [0.5, 0.8, 0.9, 0.95]
    for level, row in rows.items():
        sql = (
            "SELECT avg((wear BETWEEN lower AND upper)::INT) AS share, avg(upper - lower) AS width "
            f"FROM ml_predict('wear', 'parts', level := {level})"
        )
        (wanted,) = records(plant, sql)
        assert row["coverage"] == pytest.approx(wanted["share"])
        assert row["mean_width"] == pytest.approx(wanted["width"])
        assert row["lower"] < row["coverage"] <= row["upper"]
        assert row["rows"] == 600


def test_thresholds_are_those_of_the_predictions(plant: Session, scored: list[dict]) -> None:
    rows = records(plant, f"FROM ml_thresholds('fail', 'parts', {COSTS}, order_by := 'ts')")
    for r in rows:
        alarms = [s["failed"] for s in scored if s["probability"] >= r["threshold"]]
        assert r["alarms"] == len(alarms)
        assert r["false_alarms"] == alarms.count(False)
        assert r["cost"] == pytest.approx(2000 * r["missed"] + 50.5 * r["false_alarms"])
        assert r["alarms_per_day"] == pytest.approx(r["alarms"] / (599 / 1440))
    (best,) = (r for r in rows if r["best"])
    assert best["cost"] == min(r["cost"] for r in rows)
    plain = records(plant, "FROM ml_thresholds('fail', 'parts')")
    assert {(r["cost"], r["cost_per_row"], r["alarms_per_day"]) for r in plain} == {(None, None, None)}
    assert max(plain, key=lambda r: r["f1"])["f1"] == next(r["f1"] for r in plain if r["best"])


@pytest.mark.parametrize(("kind", "days"), [("DATE", 1), ("TIMESTAMPTZ", 599 / 1440), ("TIMESTAMP_S", 599 / 1440)])
def test_days_of_other_types_of_time(plant: Session, kind: str, days: float) -> None:
    source = f"SELECT * REPLACE (ts::{kind} AS ts) FROM parts"
    rows = records(plant, f"FROM ml_thresholds('fail', '{source}', order_by := 'TS') LIMIT 1")
    assert rows[0]["alarms_per_day"] == pytest.approx(600 / days)


def test_one_moment_has_no_days(plant: Session) -> None:
    rows = records(plant, "FROM ml_thresholds('fail', 'FROM parts LIMIT 1', order_by := 'ts')")
    assert {r["alarms_per_day"] for r in rows} == {None}


def test_rows_without_truth_or_prediction_do_not_count(plant: Session) -> None:
    source = "SELECT * REPLACE (CASE WHEN id % 2 = 0 THEN failed END AS failed) FROM parts"
    for verb, column in (("thresholds", "alarms"), ("calibration", "rows")):
        (found,) = records(plant, f"SELECT sum({column}) AS n, first({column}) AS f FROM ml_{verb}('fail', '{source}')")
        assert found["f" if verb == "thresholds" else "n"] == 300


@pytest.mark.parametrize(
    ("sql", "error", "words"),
    [
        ("ml_thresholds('kind', 'parts')", OptionError, "3 classes.*ml_roc_curve"),
        ("ml_thresholds('wear', 'parts')", OptionError, "predicts a number"),
        ("ml_roc_curve('wear', 'parts')", OptionError, "predicts a number"),
        ("ml_pr_curve('fail', 'FROM parts WHERE failed')", DataError, "of the class 'true'"),
        ("ml_thresholds('fail', 'parts', costs := {'missed': 1})", OptionError, "lacks 'false_alarm'.*costs := "),
        ("ml_thresholds('fail', 'parts', costs := 3)", OptionError, "is a struct"),
        ("ml_thresholds('fail', 'parts', order_by := 3)", OptionError, "name of a column"),
        ("ml_thresholds('fail', 'parts', order_by := 'tss')", SourceError, "no column 'tss'.*Did you mean 'ts'"),
        ("ml_thresholds('fail', 'parts', order_by := 'unit')", OptionError, "type string, not of time.*TIMESTAMP"),
        ("ml_thresholds('fail', 'FROM parts LIMIT 0')", SourceError, "No row"),
        ("ml_calibration('wear', 'SELECT * REPLACE (NULL::DOUBLE AS wear) FROM parts')", SourceError, "No row"),
        ("ml_pr_curve('fail', 'SELECT * REPLACE (''maybe'' AS failed) FROM parts')", DataError, "model knows"),
        ("ml_roc_curve('fail', 'SELECT * EXCLUDE (failed) FROM parts')", SourceError, "the target of fail@1"),
    ],
)
def test_what_can_not_be_judged_is_refused(plant: Session, sql: str, error: type[MfgsqlError], words: str) -> None:
    with pytest.raises(error, match=words):
        plant.execute(f"FROM {sql}").fetchall()


def test_a_cte_and_a_temporary_table_can_be_judged(plant: Session) -> None:
    plant.execute("CREATE OR REPLACE TEMP TABLE mine AS FROM parts LIMIT 300")
    for sql in ("FROM ml_thresholds('fail', 'mine')", "WITH mine AS (FROM parts LIMIT 300) FROM ml_thresholds('fail', 'mine')"):
        assert records(plant, sql)[0]["alarms"] == 300
    plant.execute("DROP TABLE mine")
