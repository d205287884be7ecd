"""Detectors: alarms on what is unlike normal rows, made of the very numbers that are returned, with the sensor's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import NotFoundError, OptionError
from mfgsql.tasks.anomaly import Detector, level_of

PUMP = """
CREATE TABLE pump AS SELECT n, TIMESTAMP '2026-01-01' + to_seconds(n) AS ts, sin(n / 7) + noise(n, 1) AS flow,
  2 * sin(n / 7) + cos(n / 11) + noise(n, 2) AS pressure, cos(n / 11) + noise(n, 3) AS vibration FROM range(1000) r(n);
CREATE TABLE normal AS FROM pump WHERE n < 500;
CREATE TABLE live AS SELECT * REPLACE (CASE WHEN n BETWEEN 700 AND 760 THEN vibration + 1 ELSE vibration END AS vibration)
  FROM pump WHERE n >= 500;
"""
NOISE = "CREATE MACRO noise(n, k) AS (hash(n, k) % 1000 / 1000.0 - 0.5) * 0.3"
OPTIONS = "{'window': 16, 'patch': 4, 'epochs': 60, 'width': 16, 'layers': 1, 'heads': 2, 'exclude': ['n']}"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with mfgsql.connect(tmp_path_factory.mktemp("pump") / "pump.duckdb", threads=2, progress="off") as session:
        session.execute(NOISE)
        for statement in session.con.extract_statements(PUMP):
            session.execute(statement.query)
        session.execute(f"FROM ml_finetune('watch', 'normal', task := 'anomaly', order_by := 'ts', options := {OPTIONS})").fetchall()
        yield session


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return session.execute(sql).fetchall()


def test_a_shifted_sensor_is_found_and_named(plant: Session) -> None:
    found = rows(plant, "SELECT n, is_anomaly, changepoint, why FROM ml_detect_anomalies('watch', 'live', explain := 1) WHERE is_anomaly")
    inside = [n for n, *_ in found if 700 <= n <= 775]
    assert len(inside) > 25
    assert len(found) - len(inside) < 20
    assert any(changepoint for n, _, changepoint, _ in found if 700 <= n <= 740)
    named = [why[0]["feature"] for n, _, _, why in found if n in inside]
    assert named.count("vibration") > 0.5 * len(named)
    assert all(why[0]["at"].startswith("2026-01-01 00:1") for n, _, _, why in found if n in inside)


def test_columns_and_the_flag(plant: Session) -> None:
    names = [d[0] for d in plant.execute("FROM ml_detect_anomalies('watch', 'live')").description or []]
    assert names == ["n", "ts", "flow", "pressure", "vibration", "score", "threshold", "is_anomaly", "changepoint", "ml_status", "ml_reason"]
    assert rows(plant, "SELECT count(*) FROM ml_detect_anomalies('watch', 'live') WHERE is_anomaly <> (score > threshold)") == [(0,)]
    assert rows(plant, "SELECT ml_status, count(*), count(score) FROM ml_detect_anomalies('watch', 'live') WHERE n < 515 GROUP BY ALL") == [("too_short", 15, 0)]
    assert rows(plant, "SELECT count(DISTINCT threshold) FROM ml_predict('watch', 'live')") == [(1,)]


def test_latest_since_and_the_order_of_the_source(plant: Session) -> None:
    whole = dict(rows(plant, "SELECT n, score FROM ml_detect_anomalies('watch', 'live')"))
    (last,) = rows(plant, "SELECT n, score FROM ml_detect_anomalies('watch', 'live', latest := true)")
    assert last[0] == 999
    assert last[1] == pytest.approx(whole[999], rel=1e-4)
    since = rows(plant, "SELECT n, score FROM ml_detect_anomalies('watch', 'live', since := TIMESTAMP '2026-01-01 00:15:00')")
    assert [n for n, _ in since] == list(range(901, 1000)) or sorted(n for n, _ in since) == list(range(901, 1000))
    assert [s for _, s in since] == pytest.approx([whole[n] for n, _ in since], rel=1e-4)
    shuffled = dict(rows(plant, "SELECT n, score FROM ml_detect_anomalies('watch', 'SELECT * FROM live ORDER BY hash(n)')"))
    for n, score in whole.items():
        assert (score is None) == (shuffled[n] is None)
        assert score is None or shuffled[n] == pytest.approx(score, rel=1e-4)


def test_what_comes_later_changes_nothing(plant: Session) -> None:
    whole = dict(rows(plant, "SELECT n, score FROM ml_detect_anomalies('watch', 'live')"))
    for n, score in rows(plant, "SELECT n, score FROM ml_detect_anomalies('watch', 'SELECT * FROM live WHERE n < 650') WHERE score IS NOT NULL"):
        assert score == pytest.approx(whole[n], rel=1e-4)


def test_a_rate_of_false_alarms_moves_the_threshold(plant: Session) -> None:
    asked = OPTIONS.removesuffix("}") + ", 'false_alarms_per_day': {}}}"
    asked = "{" + asked.replace("'epochs': 60", "'epochs': 2")
    made = []
    for rate in (0.01, 100.0):
        plant.execute(f"FROM ml_finetune('rate{rate:.0f}', 'normal', task := 'anomaly', order_by := 'ts', options := {asked.format(rate)})").fetchall()
        made.append(rows(plant, f"SELECT max(threshold) FROM ml_detect_anomalies('rate{rate:.0f}', 'normal')")[0][0])
    assert made[0] > made[1]


def test_refusals(plant: Session) -> None:
    for given_, words in (
        ("target := 'flow'", "takes no target"),
        ("costs := {'missed': 1, 'false_alarm': 2}", "takes no costs"),
    ):
        with pytest.raises(OptionError, match=words):
            plant.execute(f"FROM ml_finetune('new', 'normal', task := 'anomaly', order_by := 'ts', {given_})")
    with pytest.raises(OptionError, match="order_by := 'ts'"):
        plant.execute("FROM ml_finetune('new', 'normal', task := 'anomaly')").fetchall()
    with pytest.raises(OptionError, match="false_alarms_per_day is a number above 0"):
        plant.execute("FROM ml_finetune('new', 'normal', task := 'anomaly', order_by := 'ts', options := {'false_alarms_per_day': -1})").fetchall()
    with pytest.raises(OptionError, match="needs times"):
        plant.execute("FROM ml_finetune('new', 'normal', task := 'anomaly', order_by := 'n', options := {'false_alarms_per_day': 1})").fetchall()
    with pytest.raises(NotFoundError, match="detects anomalies and predicts no target"):
        plant.execute("FROM ml_evaluate('watch', 'live')")
    with pytest.raises(OptionError, match="A detector has no level"):
        plant.execute("FROM ml_predict('watch', 'live', level := 0.9)")
    plant.execute("FROM ml_pretrain('base', 'normal', order_by := 'ts', options := {'window': 16, 'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2})").fetchall()
    with pytest.raises(OptionError, match="'base' is no detector"):
        plant.execute("FROM ml_detect_anomalies('base', 'live')")


def test_a_single_sensor_and_a_report(plant: Session) -> None:
    plant.execute(f"FROM ml_finetune('one', 'SELECT ts, vibration FROM normal', task := 'anomaly', order_by := 'ts', options := {OPTIONS.replace(', ' + chr(39) + 'exclude' + chr(39) + ': [' + chr(39) + 'n' + chr(39) + ']', '')})").fetchall()
    assert rows(plant, "SELECT count(*) FROM ml_detect_anomalies('one', 'SELECT ts, vibration FROM live') WHERE is_anomaly")[0][0] > 10
    assert "<html" in rows(plant, "SELECT ml_report('one')")[0][0]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), columns=st.integers(1, 5), rows_=st.integers(80, 300))
def test_normal_rows_are_seldom_alarms(seed: int, columns: int, rows_: int) -> None:
    dice = np.random.default_rng(seed)
    mix = dice.normal(size=(columns, columns))
    first = np.zeros(rows_, np.int64)
    detector = Detector.fit(dice.normal(size=(rows_, columns)) @ mix, first, 8, 0.01)
    again = Detector.from_dict(detector.to_dict())
    new = dice.normal(size=(2000, columns)) @ mix
    score, added = again.score(new, np.zeros(2000, np.int64))
    assert np.allclose(added.sum(axis=1), score)
    assert (score > detector.threshold).mean() < 0.15
    shifted = new + 4 * (np.ones(columns) @ np.abs(mix))
    assert (again.score(shifted, np.zeros(2000, np.int64))[0] > detector.threshold)[50:].mean() > 0.9


def test_alarms_of_a_day() -> None:
    assert level_of(0.5, 20, 1.0) == pytest.approx(0.5 * 20 / 86_400)
    assert level_of(1e9, 20, 1.0) == 0.2
