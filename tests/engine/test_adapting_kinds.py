"""Each kind of model goes on learning: of histories, remaining lives, texts and pictures, by a transformer, of several labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import MfgsqlError
from tests.engine.test_challenge import snapshot

READINGS = """
CREATE TABLE readings AS SELECT 'm' || i % 8 AS unit, i // 8 AS h, TIMESTAMP '2026-01-01' + to_hours((i // 8)::INT) AS ts,
  sin(h / 3.0 + i % 8) + if(h >= 60, 3, 0) AS x, hash(i) % 100 / 100 AS noise, 100.0 - h AS rul,
  sin((h - 1) / 3.0 + i % 8) > 0.5 AS hot FROM range(720) r(i)
"""
OF_HISTORIES = "entity := 'unit', order_by := 'ts', options := {'window': 4, 'patch': 2, 'width': 8, 'layers': 1, 'heads': 2, 'epochs': 4, 'batch_size': 64}"
NOTES = """
CREATE TABLE notes AS SELECT part || ' ' || fault || ' on line ' || i AS note, hash(i) % 90 AS age, if(part = 'valve', 'hydraulic', part) AS system
FROM (SELECT i, if(i < 80, ['pump', 'bearing'][1 + i % 2], ['pump', 'valve'][1 + i % 2]) AS part, ['leaks', 'is loud'][1 + i % 3 % 2] AS fault FROM range(160) r(i))
"""
SMALL = "'width': 16, 'layers': 1, 'heads': 2"


@pytest.fixture()
def s() -> Iterator[Session]:
    with mfgsql.connect(threads=1, progress="off") as session:
        yield session


def adapt(s: Session, model: str, source: str, more: str = "policy := 'auto'") -> dict[str, Any]:
    quoted = source.replace("'", "''")
    row: dict[str, Any] = s.execute(f"FROM ml_adapt('{model}', '{quoted}', {more})").pl().to_dicts()[0]
    return row


def test_of_histories_a_machine_stays_in_its_part_and_windows_reach_back(s: Session) -> None:
    s.execute(READINGS)
    columns = "unit, ts, x, noise, hot"
    s.execute(f"FROM ml_finetune('m', 'SELECT {columns} FROM readings WHERE h < 60', target := 'hot', {OF_HISTORIES})").fetchall()
    row = adapt(s, "m", f"SELECT {columns} FROM readings WHERE h BETWEEN 56 AND 79", "policy := 'auto', options := {'epochs': 6, 'patience': 3, 'fresh': 0.5}")
    assert row["rows"] == 160  # of 192, 32 had been learnt from: they are what came before
    assert any("32 rows had been given before" in w for w in row["warnings"])
    assert row["new_rows"] == 160 and row["new"] > row["new_champion"]
    parts = s.execute(
        "SELECT count(DISTINCT __ml_split) FROM read_parquet(?) WHERE __ml_split >= 0 GROUP BY __ml_history", [str(snapshot(s, "m@2"))]
    ).fetchall()
    assert parts == [(1,)] * 8
    both = [s.execute(f"SELECT __ml_history, any_value(__ml_split) FROM read_parquet('{snapshot(s, v)}') WHERE __ml_split >= 0 GROUP BY 1 ORDER BY 1").fetchall() for v in ("m@1", "m@2")]  # fmt: skip
    assert both[0] == both[1]
    assert s.execute("SELECT count(probability) FROM ml_predict('m@2', 'readings', latest := true)").fetchone() == (8,)


def test_of_histories_no_row_comes_twice_and_machines_stay_in_their_part(s: Session) -> None:
    """Overlapping weeks, and one of them given twice."""
    s.execute(READINGS)
    columns, few = "unit, ts, x, noise, hot", "options := {'epochs': 1}"
    s.execute(f"FROM ml_finetune('m', 'SELECT {columns} FROM readings WHERE h < 50', target := 'hot', {OF_HISTORIES})").fetchall()
    week = f"SELECT {columns} FROM readings WHERE h BETWEEN {{}} AND {{}}"
    assert adapt(s, "m", week.format(46, 57), few)["rows"] == 64
    assert adapt(s, "m", week.format(46, 57), "policy := 'shadow', options := {'epochs': 1}")["rows"] == 64
    s.execute("FROM ml_promote('m@3')").fetchall()
    assert adapt(s, "m", week.format(54, 65), few)["rows"] == 64
    for version in ("m@2", "m@3", "m@4"):
        path = snapshot(s, version)
        assert s.execute(f"SELECT count(*) - count(DISTINCT (__ml_history, __ml_time)) FROM read_parquet('{path}')").fetchone() == (0,)
    parts = s.execute(f"SELECT count(DISTINCT __ml_split) FROM read_parquet('{path}') WHERE __ml_split >= 0 GROUP BY __ml_history")
    assert parts.fetchall() == [(1,)] * 8


def test_of_one_network_the_end_of_what_is_new_judges(s: Session) -> None:
    s.execute(READINGS)
    columns = "unit, ts, x, noise, hot"
    one = OF_HISTORIES.replace("'epochs': 4", "'epochs': 4, 'folds': 1")
    s.execute(f"FROM ml_finetune('m', 'SELECT {columns} FROM readings WHERE h < 60', target := 'hot', {one})").fetchall()
    adapt(s, "m", f"SELECT {columns} FROM readings WHERE h BETWEEN 20 AND 64", "options := {'epochs': 1}")
    parts = s.execute(f"SELECT __ml_split, count(*) FROM read_parquet('{snapshot(s, 'm@2')}') WHERE __ml_batch IS NULL AND __ml_split >= 0 GROUP BY 1 ORDER BY 1")
    assert parts.fetchall() == [(0, 32), (1, 8)]


def test_a_column_of_lower_bounds_is_remembered_by_its_name(s: Session) -> None:
    s.execute(READINGS)
    columns = "unit, ts, x, noise, rul, h < 30 AS running"
    told = OF_HISTORIES.replace("{'window'", "{'censored': 'running', 'window'")
    s.execute(f"FROM ml_finetune('m', 'SELECT {columns} FROM readings WHERE h < 60', target := 'rul', task := 'rul', {told})").fetchall()
    row = adapt(s, "m", f"SELECT {columns.replace('h < 30', 'h < 70')} FROM readings WHERE h >= 60", "options := {'epochs': 1}")
    assert not any("does not read" in w for w in row["warnings"])
    least = s.execute(f"SELECT count(*) FROM read_parquet('{snapshot(s, 'm@2')}') WHERE __ml_batch IS NULL AND __ml_least").fetchone()
    assert least == (80,)
    with pytest.raises(MfgsqlError, match="censored = 'running' is to name a BOOLEAN column"):
        adapt(s, "m", "SELECT unit, ts, x, noise, rul FROM readings WHERE h >= 60", "options := {'epochs': 1}")


def test_of_histories_that_were_learnt_a_sample_is_replayed_and_all_are_judged(s: Session) -> None:
    s.execute(READINGS)
    columns = "unit, ts, x, noise, hot"
    s.execute(f"FROM ml_finetune('m', 'SELECT {columns} FROM readings WHERE h < 60', target := 'hot', {OF_HISTORIES})").fetchall()

    def taking_part(version: str) -> list[tuple[int | None, bool, int, int]]:
        path = str(snapshot(s, version))
        return s.execute(
            "SELECT __ml_batch, __ml_replayed, count(*), count(*) FILTER (WHERE __ml_split >= 0) FROM read_parquet(?) GROUP BY ALL ORDER BY ALL", [path]
        ).fetchall()

    few = "options := {'epochs': 1, 'replay': 60}"
    adapt(s, "m", f"SELECT {columns} FROM readings WHERE h BETWEEN 60 AND 74", few)
    assert taking_part("m@2") == [(1, True, 480, 60), (None, False, 120, 120)]
    row = adapt(s, "m", f"SELECT {columns} FROM readings WHERE h BETWEEN 75 AND 85", few)
    assert taking_part("m@3") == [(1, True, 480, 60), (2, False, 120, 60), (None, False, 88, 88)]
    assert row["new_rows"] == 208  # of both batches, also those that took no part


def test_remaining_lives(s: Session) -> None:
    s.execute(READINGS)
    s.execute(f"FROM ml_finetune('m', 'SELECT unit, ts, x, noise, rul FROM readings WHERE unit < ''m6''', task := 'rul', target := 'rul', {OF_HISTORIES})").fetchall()
    row = adapt(s, "m", "SELECT unit, ts, x, noise, rul - 15 AS rul FROM readings WHERE unit >= 'm6' AND h < 80", "options := {'epochs': 5}")
    assert (row["metric"], row["rows"], row["status"]) == ("rmse", 160, "finished")
    assert row["new"] < row["new_champion"]
    assert s.execute("SELECT count(lower) FROM ml_predict('m@2', 'readings', latest := true)").fetchone()[0] > 0


def test_texts_and_a_class_that_is_new(s: Session) -> None:
    s.execute(NOTES)
    s.execute(f"FROM ml_finetune('m', 'SELECT note, age, system FROM notes LIMIT 80', target := 'system', options := {{'epochs': 12, 'learning_rate': 0.005, 'batch_size': 16, {SMALL}}})").fetchall()
    row = adapt(s, "m", "SELECT note, age, system FROM notes OFFSET 80", "policy := 'auto', options := {'epochs': 12}")
    assert row["status"] == "finished" and any("'hydraulic'" in w for w in row["warnings"])
    said = s.execute("SELECT avg((predicted_system = system)::INT) FROM ml_predict('m@2', 'notes') WHERE system = 'hydraulic'").fetchone()[0]
    assert said > 0.8
    kept = s.execute("SELECT avg((predicted_system = system)::INT) FROM ml_predict('m@2', 'SELECT * FROM notes LIMIT 80')").fetchone()[0]
    assert kept > 0.8
    assert s.execute("SELECT map_keys(any_value(probabilities)) FROM ml_predict('m@2', 'notes')").fetchone()[0][-1] == "hydraulic"


def test_a_transformer_learns_on_a_fifth_held_out(s: Session) -> None:
    s.execute("CREATE TABLE t AS SELECT hash(i) % 1000 / 1000 AS a, hash(i, 1) % 1000 / 1000 AS b, if(i < 600, a, b) > 0.6 AS y FROM range(1200) r(i)")
    s.execute(f"FROM ml_finetune('m', 'SELECT * FROM t LIMIT 600', target := 'y', options := {{'backbone': 'transformer', 'epochs': 8, 'learning_rate': 0.01, {SMALL}}})").fetchall()
    row = adapt(s, "m", "SELECT a, b, y FROM t OFFSET 600", "options := {'epochs': 10}")
    assert row["rows"] == 600 and 110 <= row["new_rows"] <= 130
    assert row["new"] > row["new_champion"]


def test_of_several_labels_unknown_ones_are_no_new_class(s: Session) -> None:
    s.execute("CREATE TABLE t AS SELECT hash(i) % 100 / 100 AS a, hash(i, 1) % 100 / 100 AS b, list_filter(['x', 'y', 'z'], lambda l: (l = 'x' AND a > 0.5) OR (l = 'y' AND b > 0.5) OR (l = 'z' AND i > 300)) AS l FROM range(400) r(i)")
    s.execute("FROM ml_finetune('m', 'SELECT a, b, l FROM t LIMIT 300', target := 'l', options := {'epochs': 3, 'width': 16, 'folds': 2})").fetchall()
    row = adapt(s, "m", "SELECT a, b, l FROM t OFFSET 300", "options := {'epochs': 2}")
    assert row["status"] == "finished" and row["rows"] == 100
    assert s.execute("SELECT count(*) FROM ml_predict('m@2', 't')").fetchone() == (400,)


def test_what_is_trained_anew_says_how(s: Session) -> None:
    s.execute(READINGS)
    s.execute("FROM ml_finetune('watch', 'SELECT unit, ts, x, noise FROM readings', task := 'anomaly', entity := 'unit', order_by := 'ts', options := {'window': 4, 'patch': 2, 'width': 8, 'layers': 1, 'heads': 2, 'epochs': 1})").fetchall()
    with pytest.raises(MfgsqlError, match="detects anomalies"):
        adapt(s, "watch", "readings")


def test_a_retrained_challenger_is_compared_on_rows_that_no_ancestor_has_seen(s: Session) -> None:
    s.execute("CREATE TABLE t AS SELECT hash(i) / 1e19 AS a, hash(i, 1) / 1e19 AS b, a + b > 1 AS y FROM range(1200) r(i)")
    made = "options := {'epochs': 4, 'width': 16, 'folds': 2}"
    s.execute(f"FROM ml_finetune('m', 'SELECT * FROM t LIMIT 800', target := 'y', {made})").fetchall()
    version = adapt(s, "m", "SELECT * FROM t LIMIT 200 OFFSET 800", "options := {'epochs': 1, 'replay': 100}")["version"]
    s.execute(f"FROM ml_promote('m@{version}')").fetchall()
    row = s.execute(f"FROM ml_finetune('m', 'SELECT * FROM t LIMIT 900', target := 'y', promote := 'auto', force := true, {made})").pl().to_dicts()[0]
    assert np.isfinite(row["value"])  # all 900 were learnt from by the champion's ancestor, each by one half: its other half speaks
    assert "900 rows neither saw" in row["warnings"][-1] or row["champion"]
