"""Costs choose the threshold, which goes with the version; sets and intervals hold what they promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import OptionError

Finetune = Callable[..., str]
COSTS = "costs := {'missed': 2000, 'false_alarm': 50}"
NOISY = """
SELECT unit, x, y, x + 0.4 * y AS z, CASE WHEN f < 1 / (1 + exp(2.5 - 3 * x)) THEN 'yes' ELSE 'no' END AS failed, 2 * x + 0.6 * e + u AS wear,
  CASE WHEN y + e / 3 > .8 THEN 'rare' WHEN x > 0.3 THEN 'usual' ELSE 'other' END AS grade
FROM (SELECT i % 40 AS unit, (hash(i % 40 + 7) % 1000) / 1000.0 AS u, (hash(i) % 10000) / 5000.0 - 1 AS x, (hash(i + 0.5) % 10000) / 5000.0 - 1 AS y,
  (hash(i + 0.25) % 10000) / 10000.0 AS f, sqrt(-2 * ln((hash(i + 0.125) % 9999 + 1) / 10000.0)) * cos(2 * pi() * (hash(i + 0.0625) % 10000) / 10000.0) AS e
  FROM range({}, {}) r(i))
"""


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Rows ``seen`` and ``unseen``, models of a class with costs (``alarm``), of three classes, and of a number."""
    with mfgsql.connect(tmp_path_factory.mktemp("noisy") / "p.duckdb", threads=2, progress="off") as s:
        s.execute(f"CREATE TABLE seen AS {NOISY.format(0, 3000)}")
        s.execute(f"CREATE TABLE unseen AS {NOISY.format(100_000, 108_000)}")
        how = "options := {'epochs': 6, 'width': 16, 'members': 2}"
        for model, target, more in (
            ("alarm", "failed", f"{COSTS}, "),
            ("grade", "grade", ""),
            ("wear", "wear", "split := 'entity', entity := 'unit', "),
        ):
            others = ", ".join({"unit", "failed", "grade", "wear"} - {target} - ({"unit"} if more.startswith("split") else set()))
            source = f"SELECT * EXCLUDE ({others}) FROM seen"
            s.execute(f"FROM ml_finetune('{model}', '{source}', target := '{target}', {more}{how})").fetchall()
        yield s


def test_the_threshold_goes_with_the_version(noisy: Session, tmp_path: Path) -> None:
    threshold = noisy.execute("SELECT threshold FROM ml.versions WHERE model = 'alarm'").fetchone()[0]
    assert 0 < threshold < 0.2  # a missed one costs forty false alarms
    said = "SELECT count(*) FILTER ((probability >= {}) <> (predicted_failed = 'yes')), count(DISTINCT predicted_failed) FROM ml_predict('{}', 'unseen')"
    assert noisy.execute(said.format(threshold, "alarm")).fetchone() == (0, 2)
    noisy.execute(f"FROM ml_export('alarm', '{tmp_path / 'alarm.safetensors'}')").fetchall()
    noisy.execute(f"FROM ml_import('other', '{tmp_path / 'alarm.safetensors'}')").fetchall()
    assert noisy.execute(said.format(threshold, "other")).fetchone() == (0, 2)


def test_one_rare_class_among_many_spoils_no_verdict(lab: Session) -> None:
    kinds = "CASE WHEN id = 7 THEN 'rare' ELSE grade END AS kind"
    row = lab.execute(
        f"FROM ml_finetune('m', 'SELECT torque, temp, {kinds.replace(chr(39), chr(39) * 2)} FROM parts', target := 'kind', "
        "options := {'epochs': 10, 'width': 16})"
    ).pl().to_dicts()[0]  # fmt: skip
    assert row["verdict"] == "useful"


def test_the_verdict_says_what_alarms_cost(noisy: Session) -> None:
    verdict = noisy.execute("SELECT verdict FROM ml.versions WHERE model = 'alarm'").fetchone()[0]
    assert verdict.startswith("useful: alarms from probability 0.0")
    assert " a row, an alarm for each row " in verdict


def test_the_threshold_saves_on_new_rows(noisy: Session) -> None:
    """Cheaper than the more probable class, and near the cheapest that these rows know; ``costs`` are the model's own."""
    rows = noisy.execute("FROM ml_thresholds('alarm', 'unseen')").pl()
    chosen = noisy.execute("SELECT threshold FROM ml.versions WHERE model = 'alarm'").fetchone()[0]
    scored = noisy.execute("SELECT failed = 'yes' AS y, probability AS p FROM ml_predict('alarm', 'unseen')").pl()
    y, p = scored["y"].to_numpy(), scored["p"].to_numpy()

    def cost(at: float) -> float:
        return float(2000 * (y & (p < at)).sum() + 50 * (~y & (p >= at)).sum())

    best = rows.filter(pl.col("best"))["cost"][0]
    assert best <= cost(chosen) <= 1.15 * best
    assert cost(chosen) < 0.5 * cost(0.5)


@pytest.mark.parametrize(
    ("target", "more", "words"),
    [
        ("grade", COSTS, "costs are for a target of two classes, and 'grade' has 3 classes: leave them out."),
        ("wear", COSTS, "and 'wear' is a number"),
        ("failed", "costs := {'missed': 2}", "costs lacks 'false_alarm'"),
        ("failed", "costs := 5", "costs is a struct of missed or false_alarm"),
    ],
)
def test_costs_that_can_not_be_are_refused(noisy: Session, target: str, more: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        noisy.execute(f"FROM ml_finetune('n', 'seen', target := '{target}', {more})").fetchall()


def test_costs_of_few_positives_go_by_what_probabilities_mean(noisy: Session) -> None:
    few = "SELECT x, y, failed FROM (FROM seen WHERE failed = ''no'' LIMIT 200) UNION ALL (SELECT x, y, failed FROM seen WHERE failed = ''yes'' LIMIT 8)"
    row = noisy.execute(f"FROM ml_finetune('few', '{few}', target := 'failed', {COSTS}, options := {{'epochs': 2}})").pl().to_dicts()[0]
    assert row["verdict"].startswith("too little data: alarms from probability 0.0244 on cost ")
    assert noisy.execute("SELECT threshold FROM ml.versions WHERE model = 'few'").fetchone()[0] == pytest.approx(50 / 2050)


def test_alarms_that_never_pay(noisy: Session) -> None:
    verdict = noisy.execute(
        "SELECT verdict FROM ml_finetune('dear', 'SELECT y, f FROM (SELECT y, hash(x) % 9 = 0 AS f FROM seen)', target := 'f', "
        "costs := {'missed': 1, 'false_alarm': 1000}, options := {'epochs': 1})"
    ).fetchone()[0]
    assert verdict.startswith("no better than the baseline: at these costs no alarm pays (no alarms cost 0.09"), verdict
    assert noisy.execute("SELECT DISTINCT predicted_f FROM ml_predict('dear', 'unseen')").fetchall() == [(False,)]


# -- sets and intervals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "target"), [("alarm", "failed"), ("grade", "grade")])
def test_sets_hold_each_class_as_often_as_asked(noisy: Session, model: str, target: str) -> None:
    for level in (0.8, 0.95):
        rows = noisy.execute(
            f"SELECT {target} AS class, avg(list_contains(prediction_set, {target})::INT) AS held, count(*) AS rows, "
            f"avg(len(prediction_set)) AS size FROM ml_predict('{model}', 'unseen', level := {level}) GROUP BY ALL"
        ).pl()
        spread = 3 * np.sqrt(level * (1 - level) * (1 / rows["rows"].to_numpy() + 1 / (0.35 * rows["rows"].to_numpy())))
        assert (np.abs(rows["held"].to_numpy() - level) < spread + 0.02).all(), rows
        assert rows["size"].mean() < 2.9


def test_a_set_is_there_where_a_level_was_asked_for(noisy: Session) -> None:
    assert "prediction_set" not in noisy.execute("FROM ml_predict('grade', 'unseen') LIMIT 1").pl().columns
    row = noisy.execute("SELECT prediction_set, probabilities FROM ml_predict('grade', 'unseen', level := 0.9999)").pl()
    assert set(row["prediction_set"].list.len()) == {3}  # too few rows to leave a class out so surely
    nothing = "SELECT prediction_set FROM ml_predict('grade', 'SELECT ''a'' AS x, 1 AS y, 1 AS z', level := 0.9)"
    assert noisy.execute(nothing).fetchone()[0] is None


def test_intervals_hold_new_entities_as_often_as_asked(noisy: Session) -> None:
    """Rows of a unit go together: intervals come from units that what speaks has not seen."""
    noisy.execute(f"CREATE OR REPLACE TABLE later AS {NOISY.format(0, 40_000).replace('i % 40', '1000 + i % 400')}")
    for level in (0.8, 0.9):
        inside = noisy.execute(
            "SELECT unit, avg((wear BETWEEN \"lower\" AND \"upper\")::INT) AS held "
            f"FROM ml_predict('wear', 'later', level := {level}) GROUP BY unit"
        ).pl()
        assert level - 0.04 < inside["held"].mean() < level + 0.05
        assert inside["held"].min() > level - 0.25
