"""Rows to be labelled: the unsure and the new first, near-duplicates last, of all kinds of models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import MfgsqlError, OptionError, SourceError
from mfgsql.scoring.queueing import in_turn, shares, unsure_of_classes, unsure_of_labels

NEW = "SELECT * EXCLUDE (failed, grade, wear) FROM parts"


def queue(s: Session, model: str, source: str, more: str = "") -> list[dict[str, object]]:
    return s.sql(f"FROM ml_label_queue('{model}', $${source}${'$'}{more})").to_pylist()


@pytest.mark.parametrize("model", ["fail", "kind", "wear"])
def test_a_queue_keeps_the_source_and_says_why(plant: Session, model: str) -> None:
    rows = queue(plant, model, NEW, ", k := 15")
    assert [r["rank"] for r in rows] == [*range(1, 16)]
    assert [*rows[0]] == ["id", "torque", "temp", "shift", "hot", "ts", "unit", "rank", "score", "uncertainty", "novelty", "why"]
    assert len({r["id"] for r in rows}) == 15
    assert all(0 < r["score"] <= 1 and 0 <= r["uncertainty"] <= 1 and r["novelty"] >= 0 and r["why"] for r in rows)
    assert rows == queue(plant, model, NEW, ", k := 15")
    assert len(queue(plant, model, NEW)) == 20


def test_the_unsure_and_the_strange_come_first(plant: Session) -> None:
    unsure = queue(plant, "fail", NEW, ", k := 30, options := {'novelty': 0}")
    sure = plant.execute(f"SELECT avg(abs(probability - 0.5)) FROM ml_predict('fail', '{NEW}')").fetchone()[0]
    ids = ", ".join(str(r["id"]) for r in unsure)
    asked = plant.execute(f"SELECT avg(abs(probability - 0.5)) FROM ml_predict('fail', '{NEW}') WHERE id IN ({ids})").fetchone()[0]
    assert asked < 0.5 * sure
    strange = f"{NEW} UNION ALL BY NAME SELECT 9999 AS id, 60.0 AS torque, -40.0 AS temp, 'B' AS shift, true AS hot"
    (first,) = queue(plant, "fail", strange, ", k := 1, options := {'novelty': 1}")
    assert first["id"] == 9999
    assert first["novelty"] > 3
    assert "unlike nine in ten" in str(first["why"])
    assert "torque = 60" in str(first["why"])


def test_duplicates_come_last(plant: Session) -> None:
    twice = f"SELECT * REPLACE (id + 1000 * n AS id) FROM ({NEW}), range(4) r(n)"
    rows = queue(plant, "fail", f"SELECT * EXCLUDE n FROM ({twice})", ", k := 40")
    seen = {(r["torque"], r["temp"], r["shift"], r["hot"]) for r in rows}
    assert len(seen) == 40


def test_labelled_rows_are_left_out(plant: Session) -> None:
    half = "SELECT * REPLACE (if(id % 2 = 0, failed, NULL) AS failed) FROM parts"
    rows = queue(plant, "fail", half, ", k := 500")
    assert len(rows) == 300
    assert all(r["id"] % 2 == 1 and r["failed"] is None for r in rows)
    assert queue(plant, "fail", "parts") == []
    own = f"WITH mine AS ({half}) SELECT count(*), count(failed) FROM ml_label_queue('fail', 'mine', k := 500)"
    assert plant.execute(own).fetchone() == (300, 0)  # only the caller sees it
    other = "WITH mine AS (SELECT torque, temp, shift, hot FROM parts) SELECT count(*) FROM ml_label_queue('fail', 'mine')"
    assert plant.execute(other).fetchone() == (20,)


@pytest.mark.parametrize("kind", ["DOUBLE", "FLOAT"])
def test_what_is_no_number_is_no_label(plant: Session, kind: str) -> None:
    """As in trainings: NaN is how other programs write NULL."""
    odd = "CASE id % 4 WHEN 0 THEN NULL WHEN 1 THEN 'nan' WHEN 2 THEN 'inf' ELSE wear END"
    half = f"SELECT * REPLACE (({odd})::{kind} AS wear) FROM parts"
    rows = queue(plant, "wear", half, ", k := 500")
    assert sorted({r["id"] % 4 for r in rows}) == [0, 1, 2] and len(rows) == 450
    own = f"WITH mine AS ({half}) SELECT count(*) FROM ml_label_queue('wear', 'mine', k := 500)"
    assert plant.execute(own).fetchone() == (450,)  # only the caller sees it
    words = "WITH mine AS (SELECT * REPLACE ('nan' AS grade) FROM parts) SELECT count(*) FROM ml_label_queue('kind', 'mine')"
    assert plant.execute(words).fetchone() == (0,)


def test_a_source_may_be_empty_and_its_names_odd(plant: Session) -> None:
    assert queue(plant, "fail", f"{NEW} WHERE false") == []
    odd = 'SELECT torque, temp, shift, hot, 7 AS "rank", \'x\' AS "select \'\'", [1] AS "é" FROM parts LIMIT 3'
    rows = queue(plant, "fail", odd)
    assert [r["rank"] for r in rows] == [1, 2, 3]
    assert rows[0]["select ''"] == "x" and rows[0]["é"] == [1]


def test_a_feature_may_be_called_as_an_output(lab: Session, finetune: Callable[..., str]) -> None:
    lab.execute(finetune("m", "SELECT torque AS score, temp AS rank, failed FROM parts", "failed")).fetchall()
    rows = queue(lab, "m", "SELECT id, torque AS score, temp AS rank FROM parts", ", k := 3")
    assert [*rows[0]] == ["id", "rank", "score", "uncertainty", "novelty", "why"]


def test_what_the_model_learnt_from_may_be_gone(lab: Session, finetune: Callable[..., str], tmp_path: Path) -> None:
    lab.execute(finetune("m", "SELECT torque, temp, failed FROM parts", "failed")).fetchall()
    lab.execute("FROM ml_export('m', $1)", [str(tmp_path / "m.safetensors")]).fetchall()
    lab.execute("FROM ml_import('i', $1)", [str(tmp_path / "m.safetensors")]).fetchall()
    rows = queue(lab, "i", NEW, ", k := 3")
    assert [r["novelty"] for r in rows] == [None] * 3
    assert rows[0]["uncertainty"] >= rows[2]["uncertainty"] or len(rows) == 3


def test_wrong_arguments_are_refused(plant: Session) -> None:
    for more, told in (
        (", k := 0", "k is a whole number from 1"), (", options := {'novelty': 2}", "share from 0 to 1"),
        (", options := {'uncertainty': 'variance'}", "'margin' or 'entropy'"), (", options := {'novel': 1}", "Unknown option 'novel'"),
    ):  # fmt: skip
        with pytest.raises(OptionError, match=told):
            queue(plant, "fail", NEW, more)
    with pytest.raises(SourceError, match="no column 'temp'"):
        queue(plant, "fail", "SELECT torque, shift, hot FROM parts")
    with pytest.raises(MfgsqlError, match="no model"):
        queue(plant, "nix", NEW)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Models of histories, texts, several labels, and one that detects."""
    with mfgsql.connect(tmp_path_factory.mktemp("many") / "many.duckdb", threads=2, progress="off") as s:
        s.execute(
            "CREATE TABLE h AS SELECT 'm' || i % 6 AS unit, TIMESTAMP '2026-01-01' + to_minutes((i // 6)::INT) AS ts, "
            "sin(i / 30) + hash(i) % 100 / 400 AS v, (i // 6) % 40 > 30 AS y, (200 - i // 6)::DOUBLE AS rul, "
            "['hot', 'worn'][: (i % 3)::INT] AS tags, 'pump ' || ['leaks', 'is loud'][1 + i % 2] AS note FROM range(1200) r(i)"
        )
        tiny = "'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2"
        history = "entity := 'unit', order_by := 'ts'"
        for statement in (
            f"ml_finetune('hist', 'SELECT unit, ts, v, y FROM h', target := 'y', {history}, options := {{'window': 8, {tiny}}})",
            f"ml_finetune('odd', 'SELECT unit, ts, v FROM h', task := 'anomaly', {history}, options := {{'window': 8, {tiny}}})",
            f"ml_finetune('tags', 'SELECT v, y, tags FROM h', target := 'tags', task := 'multilabel', options := {{{tiny}}})",
        ):
            s.execute(f"FROM {statement}").fetchall()
        yield s


def test_histories_keep_labelled_rows_as_their_past(many: Session) -> None:
    source = "SELECT * EXCLUDE (rul, tags) REPLACE (if(ts < TIMESTAMP ''2026-01-01 03:00'', y, NULL) AS y) FROM h"
    rows = queue(many, "hist", source.replace("''", "'"), ", k := 10")
    assert len(rows) == 10 and all(r["y"] is None for r in rows)
    told = many.execute(
        f"SELECT unit, ts, probability FROM ml_predict('hist', '{source}') WHERE y IS NULL"
    ).fetchall()
    margin = {(unit, ts): 1 - abs(2 * p - 1) for unit, ts, p in told if p is not None}
    assert all(r["uncertainty"] == pytest.approx(margin[r["unit"], r["ts"]], abs=1e-5) for r in rows)


def test_detectors_and_several_labels_have_queues(many: Session) -> None:
    rows = queue(many, "odd", "SELECT unit, ts, v FROM h", ", k := 5")
    assert len(rows) == 5 and all("threshold" in str(r["why"]) and r["novelty"] is not None for r in rows)
    rows = queue(many, "tags", "SELECT v, y FROM h", ", k := 5")
    assert len(rows) == 5 and all(0 <= r["uncertainty"] <= 1 for r in rows)


# -- the maths ------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 6))
def test_uncertainty_is_between_none_and_all(seed: int, rows: int, classes: int) -> None:
    scores = np.random.default_rng(seed).dirichlet(np.ones(classes), rows)
    for how in ("margin", "entropy"):
        unsure = unsure_of_classes(scores, how)
        assert unsure.shape == (rows,) and (unsure >= 0).all() and (unsure <= 1).all()
    assert (unsure_of_labels(scores) <= 1).all()
    even = np.full((1, max(classes, 2)), 1 / max(classes, 2))
    assert unsure_of_classes(even, "margin") == pytest.approx(1) == unsure_of_classes(even, "entropy")


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 70))
def test_each_row_stands_once_and_the_best_first(seed: int, rows: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    numbers, codes = rng.normal(size=(rows, 2)).astype(np.float32), rng.integers(0, 2, (rows, 1))
    score = shares(rng.random(rows))
    order = in_turn(score, numbers, codes, 0.5, k)
    assert len(order) == len({*order.tolist()}) == min(k, rows)
    assert order[0] == score.argmax()
