"""Two versions on the same rows: their figures are ml_evaluate's, and the interval is of the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import MfgsqlError, NotFoundError, OptionError, SourceError
from mfgsql.evaluation.paired import Draws, differences, differences_of_spans
from mfgsql.metrics import BINARY, REGRESSION
from mfgsql.tasks import Prediction

Finetune = Callable[..., str]
OLD, NEW = "SELECT * FROM parts WHERE id < 400", "SELECT * FROM parts WHERE id >= 400"
TINY = "'width': 8, 'layers': 1, 'heads': 2"


def rows(s: Session, a: str, b: str, source: str, more: str = "") -> dict[str, dict[str, object]]:
    return {r["metric"]: r for r in s.sql(f"FROM ml_compare('{a}', '{b}', $${source}$$ {more})").to_pylist()}


def reason(found: dict[str, dict[str, object]]) -> str:
    return str(next(iter(found.values()))["ml_reason"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, finetune: Finetune) -> Iterator[Session]:
    """Models of all kinds, each with a version that has learnt and one that has hardly."""
    from tests.conftest import PARTS

    with mfgsql.connect(tmp_path_factory.mktemp("shop") / "shop.duckdb", threads=2, progress="off") as s:
        s.execute(PARTS)
        s.execute(
            "CREATE TABLE h AS SELECT 'm' || i % 30 AS unit, TIMESTAMP '2026-01-01' + to_minutes((i // 30)::INT) AS ts, "
            "sin(i / 90) + hash(i) % 100 / 400 AS v, (i // 30) % 20 > 14 AS y, (60 - i // 30)::DOUBLE AS life, "
            "['hot', 'worn'][: (i % 3)::INT] AS tags FROM range(1800) r(i)"
        )
        read = f"SELECT torque, temp, {{}} FROM ({OLD})"
        for model, target in (("fail", "failed"), ("kind", "grade"), ("wear", "wear")):
            for epochs in (1, 12):
                statement = finetune(model, read.format(target), target).replace("'epochs': 1", f"'epochs': {epochs}")
                s.execute(statement).fetchall()
        history = "entity := 'unit', order_by := 'ts'"
        for seed in (0, 1):
            options = f"options := {{'epochs': 1, 'seed': {seed}, {TINY}}}"
            window = options.replace("{'", "{'window': 8, '", 1)
            for statement in (
                f"ml_finetune('hist', 'SELECT unit, ts, v, y FROM h', target := 'y', {history}, {window})",
                f"ml_finetune('life', 'SELECT unit, ts, v, life FROM h', target := 'life', task := 'rul', {history}, {window})",
                f"ml_finetune('tags', 'SELECT v, y, tags FROM h', target := 'tags', task := 'multilabel', {options})",
            ):
                s.execute(f"FROM {statement}").fetchall()
        yield s


@pytest.mark.parametrize(("model", "source"), [("fail", NEW), ("kind", NEW), ("wear", NEW), ("hist", "h"), ("life", "h"), ("tags", "h")])
def test_the_figures_are_those_of_ml_evaluate(shop: Session, model: str, source: str) -> None:
    found = rows(shop, f"{model}@2", f"{model}@1", source, ", options := {'draws': 200}")
    for side, name in (("a", f"{model}@2"), ("b", f"{model}@1")):
        told = {m: (v, n) for m, v, n in shop.execute(f"SELECT metric, value, rows FROM ml_evaluate('{name}', $${source}$$)").fetchall()}
        assert found.keys() == told.keys()
        assert all(found[m][side] == pytest.approx(v, abs=1e-5) and found[m]["rows"] == n for m, (v, n) in told.items())
    assert all(r["lower"] <= r["difference"] <= r["upper"] for r in found.values())
    assert found == rows(shop, f"{model}@2", f"{model}@1", source, ", options := {'draws': 200}")


def test_what_has_learnt_is_ahead(shop: Session) -> None:
    found = rows(shop, "wear@2", "wear@1", NEW)
    assert found["rmse"]["ahead"] == "a" and found["rmse"]["better"] == "lower" and found["rmse"]["upper"] < 0
    assert found["r2"]["ahead"] == "a" and found["r2"]["better"] == "higher" and found["r2"]["share"] == 1
    turned = rows(shop, "wear@1", "wear@2", NEW)
    assert turned["rmse"]["ahead"] == "b" and turned["rmse"]["difference"] == pytest.approx(-found["rmse"]["difference"])
    same = rows(shop, "wear@2", "wear@2", NEW)
    assert all(r["ahead"] is None and r["difference"] == 0 and r["share"] == 0.5 for r in same.values())


def test_rows_that_one_has_learnt_from_are_told(shop: Session, finetune: Finetune) -> None:
    fresh = f"SELECT * REPLACE (temp + 0.0071 AS temp) FROM ({NEW})"
    assert {r["ml_status"] for r in rows(shop, "fail@2", "fail@1", fresh).values()} == {"ok"}
    seen = rows(shop, "fail@2", "fail@1", OLD)
    assert {r["ml_status"] for r in seen.values()} == {"seen"}
    assert "a (fail@2) has learnt from 400 of the 400 rows" in reason(seen)
    retyped = f"SELECT id, torque::DECIMAL(9, 2) AS torque, temp::VARCHAR::DOUBLE AS temp, failed::VARCHAR AS failed FROM ({OLD})"
    assert "400 of the 400" in reason(rows(shop, "fail@2", "fail@1", retyped))
    shop.execute(finetune("other", f"SELECT torque, temp, failed FROM ({NEW})", "failed")).fetchall()
    found = reason(rows(shop, "other", "fail@2", fresh.replace(">= 400", ">= 300")))
    assert "other" not in found and "flatters" not in found
    assert "a (other@1) has learnt from 200 of the 200 rows" in reason(rows(shop, "other", "fail@2", NEW))


def test_machines_are_drawn_whole(shop: Session) -> None:
    single, whole = rows(shop, "wear@2", "wear@1", NEW), rows(shop, "wear@2", "wear@1", NEW, ", entity := 'unit'")
    assert whole["rmse"]["difference"] == single["rmse"]["difference"]
    assert (whole["rmse"]["lower"], whole["rmse"]["ml_status"]) != (single["rmse"]["lower"], single["rmse"]["ml_status"])
    assert "10 entities judge" in reason(whole)
    few = rows(shop, "wear@2", "wear@1", f"SELECT * FROM ({NEW}) WHERE unit IN ('m1', 'm2')", ", entity := 'unit'")
    assert few["rmse"]["lower"] is None and few["rmse"]["ahead"] is None
    assert "30 entities judge" in reason(rows(shop, "hist@2", "hist@1", "h"))


def test_versions_of_other_classes_are_judged_by_all(lab: Session, finetune: Finetune) -> None:
    lab.execute(finetune("two", "SELECT torque, temp, grade FROM parts WHERE grade <> 'z'", "grade")).fetchall()
    lab.execute(finetune("three", "SELECT torque, temp, grade FROM parts", "grade")).fetchall()
    found = rows(lab, "three", "two", "parts")
    assert "b doesn't know 'z'" in reason(found)
    assert [*found] == ["f1_macro", "accuracy", "log_loss", "roc_auc"]
    told = lab.execute("SELECT avg((grade = predicted_grade)::INT) FROM ml_predict('two', 'parts')").fetchone()[0]
    assert found["accuracy"]["b"] == pytest.approx(told)


def test_rows_only_the_caller_sees_and_unread_ones(shop: Session) -> None:
    found = shop.execute(f"WITH mine AS ({NEW}) SELECT rows FROM ml_compare('wear@2', 'wear', 'mine')").fetchall()
    assert {r for (r,) in found} == {200}
    unknown = f"SELECT * REPLACE (if(id % 2 = 0, NULL, wear) AS wear) FROM ({NEW})"
    assert rows(shop, "wear@2", "wear", unknown)["rmse"]["rows"] == 100


def test_what_cannot_be_compared_is_refused(shop: Session) -> None:
    with pytest.raises(OptionError, match="fail@1 predicts 'failed'.*wear@1 predicts 'wear'"):
        rows(shop, "fail", "wear", "parts")
    with pytest.raises(OptionError, match="draws is a whole number from 100"):
        rows(shop, "fail", "fail@2", "parts", ", options := {'draws': 3}")
    with pytest.raises(OptionError, match="level"):
        rows(shop, "fail", "fail@2", "parts", ", level := 95")
    with pytest.raises(NotFoundError, match="'@9'"):
        rows(shop, "fail", "fail@9", "parts")
    for missing in ("SELECT * EXCLUDE torque FROM parts", "SELECT * EXCLUDE failed FROM parts"):
        with pytest.raises(SourceError, match="no column '(torque|failed)'"):
            rows(shop, "fail", "fail@2", missing)
    with pytest.raises(SourceError, match="no column 'unti'.*unit"):
        rows(shop, "fail", "fail@2", "parts", ", entity := 'unti'")
    with pytest.raises(MfgsqlError, match="No row of the source has a 'failed'"):
        rows(shop, "fail", "fail@2", "SELECT * FROM parts WHERE false")
    with pytest.raises(MfgsqlError, match="No row of the source has a 'failed'"):
        rows(shop, "fail", "fail@2", "SELECT * REPLACE (NULL::BOOLEAN AS failed) FROM parts")


def test_forecasts_are_sent_to_the_backtest(lab: Session) -> None:
    lab.execute("CREATE TABLE d AS SELECT 's' || i % 3 AS sku, DATE '2026-01-01' + (i // 3)::INT AS day, (i // 3) % 7 AS q FROM range(240) r(i)")
    lab.execute(
        "FROM ml_finetune('f', 'd', target := 'q', task := 'forecast', entity := 'sku', order_by := 'day', "
        "options := {'horizon': 7, 'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2, 'window': 14})"
    ).fetchall()
    with pytest.raises(NotFoundError, match=r"FROM ml_backtest\('f@1', 'my_table'\)"):
        rows(lab, "f", "f@1", "d")


def test_logs_and_spans_are_compared_by_their_own_figures(lab: Session) -> None:
    lab.execute(
        "CREATE TABLE log AS SELECT 'O' || o AS case_no, ['cut', 'mill', 'pack'][k] AS step, "
        "TIMESTAMP '2026-01-05' + to_hours((o * 2 + k)::INT) AS done FROM range(60) r(o), range(1, 4) t(k)"
    )
    lab.execute(
        "CREATE TABLE notes AS SELECT part || ' is worn on line ' || i AS note, "
        "[{'label': 'part', 'begin': 0, 'stop': length(part)}] AS spans "
        "FROM (SELECT i, ['pump', 'bearing'][1 + i % 2] AS part FROM range(60) r(i))"
    )
    process = "task := 'process', target := 'step', entity := 'case_no', order_by := 'done'"
    lab.execute("FROM ml_pretrain('base', 'notes', field := 'note', options := {'epochs': 1})").fetchall()
    for seed in (0, 1):
        lab.execute(f"FROM ml_finetune('flow', 'log', {process}, options := {{'epochs': 1, 'seed': {seed}, {TINY}}})").fetchall()
        lab.execute(
            "FROM ml_finetune('marks', 'notes', task := 'token_classification', target := 'spans', base := 'base', "
            f"options := {{'epochs': {1 + 5 * seed}}})"
        ).fetchall()
    for model, source in (("flow", "log"), ("marks", "notes")):
        found = rows(lab, f"{model}@2", f"{model}@1", source, ", options := {'draws': 100}")
        for side, version in (("a", 2), ("b", 1)):
            told = dict(lab.execute(f"SELECT metric, value FROM ml_evaluate('{model}@{version}', '{source}')").fetchall())
            assert {m: r[side] for m, r in found.items()} == pytest.approx(told, abs=1e-5)
    assert found["span_f1"]["ahead"] == "a"


# -- the maths ------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(5, 60), st.integers(1, 5))
def test_who_is_right_is_never_behind(seed: int, count: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=count * size)
    groups = np.repeat(np.arange(count), size)
    other = Prediction(truth + rng.normal(size=len(truth)))
    for one in differences(REGRESSION, truth, (Prediction(truth.copy()), other), Draws(groups, 60, seed)):
        assert one.ahead == "a" and one.share == 1.0
        assert one.lower <= one.upper and (one.lower > 0) == (one.better == "higher")
        assert one.rows == len(truth)


def test_the_interval_holds_as_often_as_it_says() -> None:
    """Of 200 samples of rows of machines that are alike, some 95 % of the intervals by machine hold the truth: 0."""
    held = {True: 0, False: 0}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        truth = np.zeros(400)
        apart = np.repeat(rng.normal(size=40), 10) + 0.1 * rng.normal(size=400)
        one, other = Prediction(1.0 + apart / 20), Prediction(1.0 - apart / 20)  # errors whose sizes differ by machine
        for whole in held:
            groups = np.repeat(np.arange(40), 10) if whole else np.arange(400)
            found = differences(REGRESSION[1:2], truth, (one, other), Draws(groups, 200, seed))[0]
            held[whole] += found.ahead is None
    assert 0.88 <= held[True] / 200 <= 0.99
    assert held[False] / 200 < 0.7  # rows by themselves would feign evidence


def test_few_groups_and_undefined_metrics_have_no_interval() -> None:
    truth, scores = np.array([0, 1] * 4), np.tile([[0.6, 0.4], [0.3, 0.7]], (4, 1))
    said = Prediction(truth.copy(), scores)
    found = {d.metric: d for d in differences(BINARY, truth, (said, said), Draws(np.repeat([0, 1], 4), 50))}
    assert found["pr_auc"].a == 1.0 and found["pr_auc"].lower is None
    none = {d.metric: d for d in differences(BINARY, truth * 0, (said, said), Draws(np.arange(8), 50))}
    assert none["pr_auc"].a is None and none["pr_auc"].ahead is None and none["brier"].lower is not None


def test_spans_are_compared_by_their_sums() -> None:
    perfect = np.tile([2, 2, 2, 9, 10, 6], (40, 1))
    blind = np.tile([0, 0, 2, 6, 10, 6], (40, 1))
    found = differences_of_spans(perfect, blind, Draws(np.arange(40), 100))
    assert [d.ahead for d in found] == ["a"] * 4
    assert found[0].a == 1.0 and found[0].b == 0.0
