"""``ml_recommend``: suggestions hold what was asked, are what ml_predict says of them, and errors name what to mend."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import CancelledError, DataError, OptionError, SourceError

MIXES = """
CREATE TABLE mixes AS SELECT *, round(20 + 0.1 * cement - 0.2 * (water - 160) + 5 * sugar + if(line = 'A', 6, 0) + 0.3 * noise, 2) AS strength,
    strength < 30 AS failed, substr('xyz', 1 + (strength > 34)::INT + (strength > 44)::INT, 1) AS grade, 0.12 * cement + 0.01 * water + 2 * sugar AS cost
FROM (SELECT i AS id, 100 + (hash(i) % 200)::INT AS cement, round(140 + (hash(i, 1) % 600) / 10, 1) AS water, (hash(i, 2) % 5)::DECIMAL(4,1) AS sugar,
    substr('ABC', 1 + (hash(i, 3) % 3)::INT, 1) AS line, hash(i, 4) % 2 = 0 AS wet, hash(i, 5) % 10 / 10 AS noise FROM range(400) r(i))
"""
HISTORY = """
CREATE TABLE readings AS SELECT 'm' || i % 6 AS unit, TIMESTAMP '2026-01-01' + to_hours((i // 6)::INT) AS ts, 1 + hash(i) % 100 / 50.0 AS speed,
  50 + hash(i + 1) % 100 / 10.0 AS pressure, 10 * speed + 0.5 * pressure AS wear FROM range(900) r(i)
"""
SMALL = "options := {'epochs': 12, 'width': 32, 'layers': 1, 'heads': 2}"
NOW = "SELECT * EXCLUDE (strength, failed, grade, cost) FROM mixes WHERE id < 3"
FEW = "options := {'trials': 600}"
FEATURES = "cement, water, sugar, line, wet"


@pytest.fixture(scope="module")
def s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with mfgsql.connect(tmp_path_factory.mktemp("mixes") / "mixes.duckdb", threads=1, progress="off") as session:
        session.execute(MIXES)
        session.execute(HISTORY)
        for target in ("strength", "failed", "grade"):
            session.execute(f"FROM ml_finetune('{target}', 'SELECT {FEATURES}, {target} FROM mixes', target := '{target}', {SMALL})").fetchall()
        session.execute(
            "FROM ml_finetune('wear', 'readings', target := 'wear', entity := 'unit', order_by := 'ts', "
            "options := {'epochs': 2, 'width': 8, 'layers': 1, 'heads': 2, 'window': 8})"
        ).fetchall()
        yield session


def recommend(s: Session, model: str, source: str, more: str, options: str = FEW) -> list[dict]:
    quoted = source.replace("'", "''")
    cursor = s.execute(f"FROM ml_recommend({model}, '{quoted}', {more}{', ' + options if options else ''})")
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def predicted(s: Session, model: str, rows: list[dict], columns: str, what: str) -> list[dict]:
    """What ml_predict says of the rows as they are shown."""
    for number, row in enumerate(rows):
        row["__n"] = number
    kinds = {"cement": "INT", "water": "DOUBLE", "sugar": "DECIMAL(4,1)", "line": "VARCHAR", "wet": "BOOLEAN"}
    values = ", ".join("(" + ", ".join(f"'{row[c]}'::{kinds[c]}" for c in columns.split(", ")) + f", {row['__n']})" for row in rows)
    s.execute(f"CREATE OR REPLACE TABLE shown AS FROM (VALUES {values}) v({columns}, n)")
    return [dict(zip(("predicted", *what.split(", ")), r)) for r in s.execute(
        f"SELECT predicted_{model}, {what} FROM ml_predict('{model}', 'shown') ORDER BY n").fetchall()]  # fmt: skip


def test_suggestions_are_what_predict_says_and_hold_what_was_asked(s: Session) -> None:
    rows = recommend(s, "'strength'", NOW, "adjust := ['water', 'cement', 'line'], maximize := 'strength', k := 4, subject_to := ['water between 150 and 180', "
                     "'cement / water <= 1.5', 'line in (''A'', ''B'')']")  # fmt: skip
    assert {r["id"] for r in rows} == {0, 1, 2}
    for row, told in zip(rows, predicted(s, "strength", rows, FEATURES, "lower, upper")):
        assert row["predicted_strength"] == pytest.approx(told["predicted"], abs=1e-6)
        assert row["lower"] <= told["lower"] + 1e-9 and row["upper"] >= told["upper"] - 1e-9
        assert 150 <= row["water"] <= 180 and row["cement"] / row["water"] <= 1.5 and row["line"] in "AB"
        assert round(row["water"], 1) == row["water"] and isinstance(row["cement"], int)
        assert row["gain"] == pytest.approx(row["lower"] - row["current_strength"])
        assert row["ml_status"] in ("ok", "uncertain", "out_of_range") and row["why"].endswith(f"(at least {row['lower']:.4g})")
    for unit in range(3):
        mine = [r for r in rows if r["id"] == unit]
        assert [r["suggestion"] for r in mine] == list(range(1, len(mine) + 1))
        lowers = [r["lower"] for r in mine]
        assert lowers[0] >= max(lowers) - 0.5
        assert len({json.dumps([(c["feature"], c["to"]) for c in r["changes"]]) for r in mine}) == len(mine)


def test_changes_tell_what_differs_and_all_else_stays(s: Session) -> None:
    now = {r["id"]: r for r in (dict(zip(("id", "cement", "water", "sugar", "line", "wet", "noise"), r)) for r in s.execute(NOW).fetchall())}
    for row in recommend(s, "'strength'", NOW, "adjust := ['water', 'line', 'sugar', 'wet'], maximize := 'strength', k := 5"):
        told = {c["feature"] for c in row["changes"]}
        before = now[row["id"]]
        assert {n for n in before if str(before[n]) != str(row[n])} == told
        assert row["noise"] == before["noise"] and row["cement"] == before["cement"]


def test_the_first_suggestion_is_as_good_as_a_grid_finds(s: Session) -> None:
    """Exhaustively, over all that may be set."""
    grid = "SELECT cement, w AS water, sugar, l AS line, wet, id FROM mixes, range(1400, 2000, 5) r(x), (SELECT x / 10 AS w), (VALUES ('A'), ('B'), ('C')) v(l) WHERE id = 1"
    best = s.execute(f"SELECT max(lower) FROM ml_predict('strength', '{grid.replace(chr(39), chr(39) * 2)}')").fetchone()[0]
    (row,) = recommend(s, "'strength'", NOW + " AND id = 1", "adjust := ['water', 'line'], maximize := 'strength', k := 1", "options := {'trials': 2000}")
    assert row["lower"] >= best - 0.75  # a strange row's bound is lower than predict's


def test_a_goal_is_reached_with_the_least_change(s: Session) -> None:
    rows = recommend(s, "'strength'", "SELECT * FROM mixes WHERE strength < 32 LIMIT 3", "adjust := ['cement', 'water', 'line'], goal := 'strength >= 36', k := 3")
    assert all(r["lower"] >= 36 for r in rows if r["suggestion"])
    assert any(r["suggestion"] for r in rows)
    sizes = [len(r["changes"]) for r in rows if r["suggestion"] == 1]
    assert min(sizes) == 1


def test_costs_count_changes(s: Session) -> None:
    rows = recommend(s, "'strength'", NOW, "adjust := ['cement', 'line'], goal := 'strength >= 38', costs := {'cement': 0.5, 'line': 40}")
    for row in (r for r in rows if r["suggestion"]):
        cost = sum(40 if c["feature"] == "line" else 0.5 * abs(float(c["to"]) - float(c["from"])) for c in row["changes"])
        assert row["change_cost"] == pytest.approx(cost)


def test_derived_columns_follow_and_can_be_constrained(s: Session) -> None:
    rows = recommend(s, "'strength'", "SELECT * FROM mixes WHERE id < 4", "adjust := ['cement', 'water'], maximize := 'strength', "
                     "derive := {'cost': '0.12 * cement + 0.01 * water', 'twice': '2 * cost'}, subject_to := ['cost <= 30', 'twice >= 20']")  # fmt: skip
    assert rows
    for row in rows:
        assert row["cost"] == pytest.approx(0.12 * row["cement"] + 0.01 * row["water"]) and row["twice"] == pytest.approx(2 * row["cost"])
        assert row["suggestion"] is None or 10 <= row["cost"] <= 30


def test_nothing_is_suggested_that_is_only_surer(s: Session) -> None:
    """Whatever is suggested is predicted better than now."""
    rows = recommend(s, "'failed'", "SELECT * EXCLUDE (strength, failed, grade, cost) FROM mixes WHERE id < 25", "adjust := ['sugar', 'wet'], minimize := 'failed', k := 2", "options := {'trials': 200}")
    assert all(r["probability"] < r["current_probability"] for r in rows if r["suggestion"])
    rows = recommend(s, "'strength'", "SELECT * EXCLUDE (strength, failed, grade, cost) FROM mixes WHERE id < 25", "adjust := ['sugar'], maximize := 'strength', k := 2", "options := {'trials': 200}")
    assert all(r["predicted_strength"] > r["current_strength"] for r in rows if r["suggestion"])


def test_several_objectives_give_a_pareto_set(s: Session) -> None:
    rows = recommend(s, "'strength'", NOW + " AND id = 0", "adjust := ['cement', 'water', 'line'], maximize := 'strength', minimize := '0.12 * cement', k := 6")
    first = [(r["lower"], -0.12 * r["cement"]) for r in rows if r["pareto_rank"] == 1]
    assert len(first) >= 4
    assert not any(a[0] > b[0] + 1e-9 and a[1] > b[1] + 1e-9 for a in first for b in first)


def test_several_models_at_once(s: Session) -> None:
    rows = recommend(s, "['strength', 'failed']", NOW, "adjust := {'cement': [150, 250], 'line': ['A', 'B']}, goal := {'strength': 'maximize', 'failed': '<= 0.4'}, k := 2")
    shown = [r for r in rows if r["suggestion"]]
    assert shown
    told = predicted(s, "failed", shown, FEATURES, "probability")
    for row, said in zip(shown, told):
        assert row["probability_failed"] == pytest.approx(said["probability"], abs=1e-6) and row["predicted_failed"] is said["predicted"]
        assert row["probability_failed"] <= 0.4 and row["line"] in "ABC"
        assert "lower_strength" in row and row["current_failed"] in (True, False)


def test_a_class_of_several(s: Session) -> None:
    source = "SELECT * EXCLUDE (strength, failed, grade, cost) FROM mixes WHERE grade <> 'z' LIMIT 3"
    rows = [r for r in recommend(s, "'grade'", source, "adjust := ['cement', 'water'], maximize := 'grade = ''z''', k := 1") if r["suggestion"]]
    assert rows
    for row, told in zip(rows, predicted(s, "grade", rows, FEATURES, "probabilities")):
        assert row["probability"] == pytest.approx(told["probabilities"]["z"], abs=1e-6)
        assert row["probability"] > row["current_probability"] and row["predicted_grade"] == told["predicted"]


def test_a_sum_that_has_to_stay(s: Session) -> None:
    rows = recommend(s, "'strength'", "SELECT *, cement + water AS total FROM mixes WHERE id < 5", "adjust := ['cement', 'water', 'line'], maximize := 'strength', subject_to := ['cement + water = total']")
    moved = [r for r in rows if r["suggestion"] and r["changes"][0]["feature"] != "line"]
    assert moved
    assert all(r["cement"] + r["water"] == pytest.approx(r["total"], abs=1e-9) for r in rows)


def test_of_histories_the_newest_row_of_each_is_set(s: Session) -> None:
    rows = recommend(s, "'wear'", "FROM readings", "adjust := ['speed'], minimize := 'wear', k := 2", "options := {'trials': 300}")
    newest = dict(s.execute("SELECT unit, max(ts) FROM readings GROUP BY unit").fetchall())
    assert {r["unit"]: r["ts"] for r in rows} == newest
    for row in [r for r in rows if r["suggestion"] == 1]:
        s.execute(f"CREATE OR REPLACE TABLE changed AS SELECT * REPLACE (if(ts = TIMESTAMP '{row['ts']}', {row['speed']!r}, speed) AS speed) FROM readings WHERE unit = '{row['unit']}'")
        told = s.execute("SELECT predicted_wear FROM ml_predict('wear', 'changed', latest := true)").fetchone()
        assert row["predicted_wear"] == pytest.approx(told[0], abs=1e-5)
    now = dict(s.execute("SELECT unit, predicted_wear FROM ml_predict('wear', 'readings', latest := true)").fetchall())
    assert all(r["current_wear"] == pytest.approx(now[r["unit"]], abs=1e-5) for r in rows)


def test_the_same_seed_says_the_same_whatever_rows_stand_beside(s: Session) -> None:
    asked = "adjust := ['water', 'cement', 'sugar'], maximize := 'strength'"
    together, again = (recommend(s, "'strength'", NOW, asked) for _ in range(2))
    assert together == again
    alone = recommend(s, "'strength'", NOW + " AND id = 2", asked)
    mine = [r for r in together if r["id"] == 2]
    assert [r["water"] for r in alone] == [r["water"] for r in mine]


@pytest.mark.parametrize(("more", "status", "reason"), [
    ("goal := 'strength >= 900'", "beyond_reach", "'strength >= 900' is beyond reach: at most"),
    ("maximize := 'strength', subject_to := ['cement + water <= 9']", "infeasible", "'cement \\+ water <= 9' can't hold: cement \\+ water is 2.* to 4"),
    ("maximize := 'strength', subject_to := ['cement * water <= 100']", "not_found", "for which 'cement \\* water <= 100' can hold; at the nearest 'cement \\* water <= 100' comes to "),
    ("maximize := 'strength', subject_to := ['water <= 150', 'water >= 190']", "infeasible", "'water <= 150' and 'water >= 190' can't hold together: water may be 140"),
    ("goal := ['strength >= 50', 'strength <= 40']", "infeasible", "can't hold together: no strength is at least 50 and at most 40"),
    ("goal := 'strength >= -50'", "nothing_better", "leave it as it is"),
])  # fmt: skip
def test_a_row_for_which_nothing_can_be_done_says_why(s: Session, more: str, status: str, reason: str) -> None:
    (row,) = recommend(s, "'strength'", NOW + " AND id = 0", f"adjust := ['water', 'cement'], {more}")
    assert row["suggestion"] is None and row["changes"] == [] and row["current_strength"] is not None and row["predicted_strength"] is None
    assert row["ml_status"] == status
    assert re.search(reason, row["ml_reason"])


def test_most_changes_and_types_of_odd_columns(s: Session) -> None:
    source = """SELECT id, cement::UTINYINT AS "Cement", water::FLOAT AS water, sugar, line, wet, {'a': [1, NULL]} AS nested, 'x''"y' AS "odd ""name", NULL AS nothing,
        TIMESTAMPTZ '2026-01-01 00:00:00+02' AS at_, '\\xAA'::BLOB AS raw FROM mixes WHERE cement < 250 AND id < 9"""
    rows = recommend(s, "'strength'", source, "adjust := 'Cement, water, sugar', maximize := 'strength'", "options := {'trials': 400, 'most_changes': 1}")
    assert all(len(r["changes"]) == 1 for r in rows if r["suggestion"])
    described = {r[0]: r[1] for r in s.execute(f"DESCRIBE FROM ml_recommend('strength', '{source.replace(chr(39), chr(39) * 2)}', adjust := ['Cement'], maximize := 'strength')").fetchall()}
    assert described["Cement"] == "UTINYINT" and described["water"] == "FLOAT" and described["nested"] == "STRUCT(a INTEGER[])" and described["raw"] == "BLOB"
    assert rows[0]["nested"] == {"a": [1, None]} and rows[0]['odd "name'] == 'x\'"y' and rows[0]["raw"] == b"\xaa"


def test_values_may_be_listed_and_beyond_is_a_choice(s: Session) -> None:
    asked = "adjust := {'water': {'values': [150, 172.5]}, 'cement': [90, 400]}, maximize := 'strength'"
    rows = recommend(s, "'strength'", NOW, asked, "options := {'trials': 600, 'beyond': true}")
    assert {r["water"] for r in rows if any(c["feature"] == "water" for c in r["changes"])} <= {150, 172.5}
    assert any(r["cement"] > 299 and r["ml_status"] == "out_of_range" for r in rows)
    assert all(r["cement"] <= 299 for r in recommend(s, "'strength'", NOW, asked))


def test_missing_values_and_no_rows(s: Session) -> None:
    assert recommend(s, "'strength'", "FROM mixes WHERE false", "adjust := ['water'], maximize := 'strength'") == []
    source = "SELECT * REPLACE (NULL::DOUBLE AS water, if(id = 1, NULL, line) AS line) FROM mixes WHERE id < 2"
    rows = recommend(s, "'strength'", source, "adjust := ['water', 'line'], maximize := 'strength'")
    assert all(c["from"] is None for r in rows for c in r["changes"] if c["feature"] == "water")
    assert any(r["water"] is not None for r in rows)


@pytest.mark.parametrize(("more", "said"), [
    ("maximize := 'strength'", "adjust says what may be set"), ("adjust := [], maximize := 'strength'", "adjust says what may be set"),
    ("adjust := ['id'], maximize := 'strength'", "'id' can't be adjusted: it is no column that the model reads.*cement"),
    ("adjust := ['cemnt'], maximize := 'strength'", "Did you mean 'cement'"), ("adjust := ['water']", "Nothing is asked for"),
    ("adjust := ['water'], maximize := 'strengt'", "strengt"), ("adjust := ['water'], maximize := 'strength * 2'", "more than a target"),
    ("adjust := ['water'], maximize := 'strength', subject_to := ['watr <= 3']", "Did you mean 'water'"),
    ("adjust := ['water'], goal := 'strength = 40'", "never known exactly"), ("adjust := ['water'], goal := 'NOT (strength < 40)'", "than to compare it"),
    ("adjust := ['water'], goal := 'strength + 2 > 40'", "than to compare it"), ("adjust := {'water': [10, 20]}, maximize := 'strength'", "has learnt from 140.2 to"),
    ("adjust := {'line': ['A', 'Q']}, maximize := 'strength'", "which the model has not learnt from"), ("adjust := {'line': [1, 2]}, maximize := 'strength'", "has not learnt from"),
    ("adjust := {'water': {'lo': 3}}, maximize := 'strength'", "none of low, high, step or values"), ("adjust := {'water': {'step': -1}}, maximize := 'strength'", "above 0"),
    ("adjust := ['water', 'Water'], maximize := 'strength'", "twice"), ("adjust := ['water'], maximize := 'strength', costs := {'cement': 1}", "isn't adjusted"),
    ("adjust := ['water'], maximize := 'strength', costs := {'water': -1}", "number from 0 on"), ("adjust := ['water'], maximize := 'strength', k := 0", "k is a whole number"),
    ("adjust := ['water'], maximize := 'strength', options := {'trails': 3}", "Did you mean 'trials'"), ("adjust := ['water'], maximize := 'strength', level := 2", "level is a share"),
    ("adjust := ['water'], maximize := 'strength', derive := {'strength': '2'}", "which a model predicts"), ("adjust := ['water'], maximize := 'strength', derive := 'x'", "derive is a struct"),
])  # fmt: skip
def test_what_can_not_be_asked(s: Session, more: str, said: str) -> None:
    quoted = NOW.replace("'", "''")
    with pytest.raises(OptionError, match=said):
        s.execute(f"EXPLAIN FROM ml_recommend('strength', '{quoted}', {more})")


@pytest.mark.parametrize(("model", "more", "said"), [
    ("'grade'", "maximize := 'grade'", "has 3 classes: say which one"), ("'grade'", "maximize := 'grade = ''q'''", "names the class 'q'"),
    ("'grade'", "goal := 'grade >= 0.5'", "one of several"), ("['strength', 'strength']", "maximize := 'strength'", "predict the same target"), ("[]", "maximize := 'x'", "names none"),
])  # fmt: skip
def test_what_can_not_be_asked_of_these_models(s: Session, model: str, more: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        recommend(s, model, NOW, f"adjust := ['water'], {more}")


def test_sources_that_can_not_be(s: Session) -> None:
    asked = "adjust := ['water'], maximize := 'strength'"
    with pytest.raises(SourceError, match="no column 'sugar', which strength@1 reads"):
        recommend(s, "'strength'", "SELECT water, cement, line, wet FROM mixes", asked)
    with pytest.raises(OptionError, match="'water' can't be adjusted: the source has VARCHAR, and the model learnt numbers"):
        recommend(s, "'strength'", "SELECT * REPLACE (water::VARCHAR AS water) FROM mixes", asked)
    with pytest.raises(DataError, match="'line <= 3' can't be told of these columns"):
        recommend(s, "'strength'", NOW, asked + ", subject_to := ['line <= 3']")
    with pytest.raises(SourceError, match="can't be read"):
        recommend(s, "'strength'", "no_such_table", asked)
    with pytest.raises(DataError, match="1,600 rows or histories, and 1,000 can be recommended for at once.*LIMIT 1000"):
        recommend(s, "'strength'", "FROM mixes, range(4)", asked)


def test_other_tasks_are_refused(s: Session) -> None:
    s.execute("FROM ml_pretrain('base', 'SELECT cement, water FROM mixes', options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2})").fetchall()
    with pytest.raises(OptionError, match="'base@1' is a base, and what to change can be said by models of numbers and of classes only"):
        recommend(s, "'base'", NOW, "adjust := ['water'], maximize := 'strength'")


def test_names_of_all_kinds_and_texts_beside(s: Session) -> None:
    s.execute("""CREATE TABLE odd AS SELECT i % 17 AS "order", (hash(i) % 100)::INT AS "Größe [µm]", 'a' || i % 4 AS "sel""ect", (i % 17) * 2 + i % 4 AS "Y out",
        ['leaks at the seal of pump ', 'as new and clean again today '][(1 + i % 2)::INT] || i AS note FROM range(300) r(i)""")
    for model, left_out in (("odd", "note"), ("odd_texts", '"sel""ect"')):
        s.execute(f"FROM ml_finetune('{model}', 'SELECT * EXCLUDE ({left_out}) FROM odd', target := 'Y out', options := {{'epochs': 2, 'width': 16, 'layers': 1, 'heads': 2}})").fetchall()
    limit = """subject_to := ['"order" between 3 and 9 OR "sel""ect" = ''a1''', '"order" <> 5']"""
    for row in recommend(s, "'odd'", "FROM odd LIMIT 3", f"adjust := ['order', 'Größe [µm]', 'sel\"ect'], goal := {{'Y out': 'maximize'}}, {limit}"):
        assert row["suggestion"] is None or ((3 <= row["order"] <= 9 or row['sel"ect'] == "a1") and row["order"] != 5)
    (row,) = recommend(s, "'odd_texts'", "FROM odd LIMIT 1", "adjust := ['order'], maximize := 'Y out', k := 1", "options := {'trials': 100}")
    s.execute(f'CREATE OR REPLACE TABLE changed AS SELECT * REPLACE ({row["order"]} AS "order") FROM odd LIMIT 1')
    assert row["predicted_y_out"] == pytest.approx(s.execute("SELECT predicted_y_out FROM ml_predict('odd_texts', 'changed')").fetchone()[0], abs=1e-5)


def test_planning_searches_nothing_and_a_stop_is_heeded(s: Session) -> None:
    quoted = NOW.replace("'", "''")
    s.execute(f"EXPLAIN FROM ml_recommend('strength', '{quoted}', adjust := ['water'], maximize := 'strength', options := {{'trials': 1000000}})")
    threading.Timer(1.5, s.interrupt).start()
    with pytest.raises(CancelledError):
        recommend(s, "'strength'", NOW, "adjust := ['water', 'cement'], maximize := 'strength'", "options := {'trials': 1000000}")


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(low=st.integers(140, 170), span=st.integers(1, 25), most=st.integers(120, 290), seed=st.integers(0, 99))
def test_whatever_is_suggested_holds(s: Session, low: int, span: int, most: int, seed: int) -> None:
    rows = recommend(s, "'strength'", NOW, f"adjust := ['water', 'cement'], maximize := 'strength', subject_to := ['water between {low} and {low + span}', 'cement <= {most}']",
                     f"options := {{'trials': 200, 'seed': {seed}}}")  # fmt: skip
    assert {r["id"] for r in rows} == {0, 1, 2}
    for row in rows:
        assert row["ml_reason"] if row["suggestion"] is None else low <= row["water"] <= low + span and row["cement"] <= most and math.isfinite(row["gain"])
