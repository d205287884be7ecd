"""What ``ml_recommend`` and ``ml_generate`` promise alike: what is shown is what a model was asked about, as carefully."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.planning import finite
from mfgsql.errors import OptionError

MIXES = """
CREATE TABLE mixes AS SELECT *, 20 + 0.1 * cement - 0.2 * (water - 160) + if(line = 'A', 6, 0) AS strength
FROM (SELECT 200 + (hash(i) % 200)::INT AS cement, round(120 + (hash(i, 1) % 900) / 10, 1) AS water, hash(i, 2) % 60 AS slag,
    substr('AB', 1 + (hash(i, 3) % 2)::INT, 1) AS line FROM range(300) r(i))
"""
HISTORY = """
CREATE TABLE readings AS SELECT 'm' || i % 4 AS unit, TIMESTAMP '2026-01-01' + to_hours((i // 4)::INT) AS ts, 1 + hash(i) % 100 / 50.0 AS speed,
  50 + hash(i + 1) % 100 / 10.0 AS pressure, 10 * speed + 0.5 * pressure AS wear FROM range(480) r(i)
"""
SMALL = {"width": 32, "layers": 1, "heads": 2, "epochs": 6}
COLUMNS = "cement, water, slag, line"
EXPRESSIONS = ("0.5 * cement", "cement / 3 + slag", "200 - 0.1 * cement", "coalesce(slag, 0) * 2 + 100", "cement / slag")


@pytest.fixture(scope="module")
def s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with mfgsql.connect(tmp_path_factory.mktemp("derived") / "a.duckdb", threads=1, progress="off") as session:
        session.execute(MIXES)
        session.execute(HISTORY)
        session.verb("finetune", "strength", f"SELECT {COLUMNS}, strength FROM mixes", target="strength", options=SMALL)
        session.verb("pretrain", "designer", f"SELECT {COLUMNS} FROM mixes", objective="design", options=SMALL)
        session.verb(
            "finetune", "wear", "readings", target="wear", entity="unit", order_by="ts", options=SMALL | {"epochs": 1, "window": 8}
        )
        yield session


def told(s: Session, statement: str) -> list[dict[str, Any]]:
    cursor = s.execute(statement)
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def as_predicted(s: Session, shown: list[dict[str, Any]]) -> None:
    """Each row's prediction is that of the row as it is shown."""
    for row in shown:
        values = ", ".join(f"'{row[c]}' AS {c}" if c == "line" else f"CAST('{row[c]}' AS DOUBLE) AS {c}" if row[c] is not None else f"NULL::DOUBLE AS {c}"
                           for c in COLUMNS.split(", "))  # fmt: skip
        (again,) = told(s, f"FROM ml_predict('strength', '{('SELECT ' + values).replace(chr(39), chr(39) * 2)}')")
        assert row["predicted_strength"] == pytest.approx(again["predicted_strength"], abs=1e-4)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    expression=st.sampled_from(EXPRESSIONS), adjust=st.sampled_from([["cement"], ["slag"], ["cement", "slag", "line"]]),
    name=st.sampled_from(["water", "WATER"]), k=st.integers(1, 3), seed=st.integers(0, 9),
)  # fmt: skip
def test_a_suggestion_is_predicted_as_it_is_shown(s: Session, expression: str, adjust: list[str], name: str, k: int, seed: int) -> None:
    found = told(s, f"""FROM ml_recommend('strength', 'SELECT {COLUMNS} FROM mixes LIMIT 2', maximize := 'strength', adjust := {adjust},
      derive := {{'{name}': '{expression}'}}, k := {k}, options := {{'trials': 200, 'seed': {seed}}})""")
    shown = [row | {"water": row[name]} for row in found]
    for row in shown:
        values = f"SELECT {row['cement']} AS cement, {row['slag']} AS slag"
        assert row["water"] == pytest.approx(finite(s.execute(f"SELECT CAST({expression} AS DOUBLE) FROM ({values})").fetchone()[0]))
    as_predicted(s, [row for row in shown if row["suggestion"] is not None])
    as_predicted(s, [row | {"predicted_strength": row["current_strength"]} for row in shown if row["suggestion"] is None])


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(expression=st.sampled_from(EXPRESSIONS), n=st.integers(1, 6), seed=st.integers(0, 9), least=st.integers(10, 40))
def test_a_design_is_predicted_as_it_is_shown(s: Session, expression: str, n: int, seed: int, least: int) -> None:
    found = told(s, f"""FROM ml_generate('designer', n := {n}, score := 'strength', derive := {{'water': '{expression}'}},
      subject_to := ['strength >= {least}'], options := {{'seed': {seed}, 'most_tries': 600}})""")
    designs = [row for row in found if row["ml_status"] != "not_found"]
    assert all(row["lower"] >= least for row in designs)
    as_predicted(s, designs)


def test_of_histories_the_newest_row_follows(s: Session) -> None:
    found = told(s, """FROM ml_recommend('wear', 'SELECT * EXCLUDE (wear) FROM readings', minimize := 'wear', adjust := ['speed'],
      derive := {'pressure': '50 + 4 * speed'}, k := 1, options := {'trials': 200})""")
    assert {row["unit"] for row in found} == {"m0", "m1", "m2", "m3"}
    for row in found:
        assert row["pressure"] == pytest.approx(50 + 4 * row["speed"])
        if row["suggestion"] is None:
            continue
        newest = f"unit = '{row['unit']}' AND ts = (SELECT max(ts) FROM readings WHERE unit = '{row['unit']}')"
        s.execute(f"""CREATE OR REPLACE TABLE again AS SELECT unit, ts, if({newest}, {row['speed']}, speed) AS speed,
          if({newest}, {row['pressure']}, pressure) AS pressure FROM readings""")
        (told_again,) = s.execute(f"SELECT predicted_wear FROM ml_predict('wear', 'again', latest := true) WHERE unit = '{row['unit']}'").fetchone()
        assert row["predicted_wear"] == pytest.approx(told_again, abs=1e-3)


def test_a_column_is_adjusted_whatever_the_case_of_its_name(s: Session) -> None:
    found = told(s, """FROM ml_recommend('strength', 'SELECT cement AS "CEMENT", water AS "Water", slag, line FROM mixes LIMIT 1', maximize := 'strength',
      adjust := ['cement', 'water'], k := 1, options := {'trials': 300})""")
    as_predicted(s, [row | {"cement": row["CEMENT"], "water": row["Water"]} for row in found])
    assert found[0]["predicted_strength"] != found[0]["current_strength"]


@pytest.mark.parametrize(("statement", "said"), [
    ("ml_recommend('strength', 'mixes', maximize := 'strength', adjust := ['cement'], derive := {'line': 'cement / 2'})", "derive makes 'line', a number, and the model reads it as a category"),
    ("ml_recommend('wear', 'readings', minimize := 'wear', adjust := ['speed'], derive := {'ts': 'speed / 2'})", "derive makes 'ts', which says whose row it is and when"),
    ("ml_generate('designer', derive := {'line': 'cement / 2'})", "derive makes 'line', which holds no numbers in the designs"),
    ("ml_generate('designer', score := 'strength', derive := {'water': 'strength * 2'})", "derive makes 'water', a column of the designs, of 'strength', which is only known"),
    ("ml_generate('designer', given := {'water': 150}, derive := {'water': 'cement / 2'})", "derive makes 'water', and given fixes it"),
])  # fmt: skip
def test_what_can_not_follow_is_refused(s: Session, statement: str, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        s.execute(f"FROM {statement}").fetchall()
    assert said in str(caught.value)


def test_what_can_not_be_computed_is_missing(s: Session) -> None:
    """Divided by zero: NULL is shown, and predicted."""
    source = "SELECT * REPLACE (0 AS slag) FROM mixes LIMIT 1"
    found = told(s, f"FROM ml_recommend('strength', '{source}', maximize := 'strength', adjust := ['cement'], derive := {{'water': 'cement / slag'}}, k := 1)")
    assert [row["water"] for row in found] == [None]
    as_predicted(s, found)
    designs = told(s, "FROM ml_generate('designer', n := 2, score := 'strength', given := {'slag': 0}, derive := {'water': 'cement / slag'})")
    assert {row["water"] for row in designs} == {None}
    as_predicted(s, designs)


def test_a_number_stays_within_what_its_type_holds(s: Session) -> None:
    source = "SELECT * REPLACE ((cement % 100)::UTINYINT AS cement, 9.5::DECIMAL(3,1) AS slag) FROM mixes LIMIT 1"
    (row,) = told(s, f"FROM ml_recommend('strength', '{source}', maximize := 'strength', adjust := {{'cement': [0, 900], 'slag': [0, 500]}}, k := 1, options := {{'beyond': true}})")
    assert row["cement"] <= 255
    assert row["slag"] < 100


def test_a_row_that_misses_a_value_is_promised_less(s: Session) -> None:
    changed = "SELECT * REPLACE (390 AS cement, {} AS water) FROM mixes LIMIT 1"
    known, missing = (
        told(s, f"FROM ml_recommend('strength', '{changed.format(value)}', maximize := 'strength', adjust := ['slag', 'line'], k := 1, options := {{'trials': 200}})")
        for value in ("150.0", "NULL::DOUBLE")
    )
    assert (known[0]["suggestion"], missing[0]["suggestion"], missing[0]["ml_status"]) == (1, 1, "missing")
    assert missing[0]["upper"] - missing[0]["lower"] > known[0]["upper"] - known[0]["lower"]


def test_a_design_and_a_suggestion_promise_the_same(s: Session) -> None:
    (row,) = told(s, f"FROM ml_recommend('strength', 'SELECT {COLUMNS} FROM mixes WHERE cement < 250 LIMIT 1', maximize := 'strength', adjust := ['cement', 'water', 'slag', 'line'], k := 1)")
    fixed = ", ".join(f"'{c}': '{row[c]}'" if c == "line" else f"'{c}': {row[c]}" for c in COLUMNS.split(", "))
    (design,) = told(s, f"FROM ml_generate('designer', n := 1, score := 'strength', given := {{{fixed}}}, options := {{'copies': true}})")
    assert [design[c] for c in COLUMNS.split(", ")] == [row[c] for c in COLUMNS.split(", ")]
    assert (design["lower"], design["upper"]) == pytest.approx((row["lower"], row["upper"]), abs=1e-3)
    (plain,) = told(s, f"FROM ml_predict('strength', 'SELECT {row['cement']} AS cement, {row['water']} AS water, {row['slag']} AS slag, ''{row['line']}'' AS line')")
    assert row["upper"] - row["lower"] >= plain["upper"] - plain["lower"] - 1e-6


@pytest.fixture(scope="module")
def parts(s: Session) -> Session:
    """Recipes whose parts have nothing to do with one another, of all types of numbers."""
    s.execute("""CREATE TABLE parts AS SELECT (20 + hash(i) % 30)::USMALLINT AS resin, (40 + hash(i, 1) % 41)::UTINYINT AS "filler %", round((hash(i, 2) % 200) / 10, 1) AS water,
      if(hash(i, 3) % 3 = 0, 0, 5 + hash(i, 3) % 10)::DECIMAL(5,2) AS dye, 0.2 * resin + water AS hard FROM range(300) r(i)""")
    s.verb("pretrain", "recipes", "SELECT * EXCLUDE (hard) FROM parts", objective="design", options=SMALL)
    s.verb("finetune", "hard", "parts", target="hard", options=SMALL)
    return s


@pytest.mark.parametrize("total", [
    'resin + "filler %" + water + dye = 100', 'resin + "filler %" = 100', "dye + resin - water = 30", '0.5 * resin + "filler %" = 80 AND water + resin = 40',
])  # fmt: skip
def test_a_sum_that_has_to_be_kept_is_kept(parts: Session, total: str) -> None:
    quoted = total.replace("'", "''")
    parts.execute(f"CREATE OR REPLACE TABLE made AS FROM ml_generate('recipes', n := 12, subject_to := ['{quoted}', 'water <= 15'], options := {{'most_tries': 3000}})")
    held = f"""SELECT count(*), count(*) FILTER ({total} AND water <= 15 AND round(water, 1) = water AND resin BETWEEN 20 AND 49 AND "filler %" BETWEEN 40 AND 80 AND dye BETWEEN 0 AND 14)
      FROM (SELECT resin::INT AS resin, "filler %"::INT AS "filler %", water, dye FROM made)"""
    assert parts.execute(held).fetchone() == (12, 12)
    source = "SELECT 35::USMALLINT AS resin, 50::UTINYINT AS \"filler %\", 5.0 AS water, 10::DECIMAL(5,2) AS dye"
    found = told(parts, f"FROM ml_recommend('hard', '{source}', maximize := 'hard', adjust := ['resin', 'filler %', 'water'], subject_to := ['{quoted}'], options := {{'trials': 600}})")
    assert found[0]["suggestion"] == 1
    assert all(parts.execute(f"""SELECT {total} FROM (SELECT {r['resin']} AS resin, {r['filler %']} AS "filler %", {r['water']} AS water, {r['dye']} AS dye)""").fetchone() == (True,) for r in found)


def test_what_is_given_stays_in_a_sum(parts: Session) -> None:
    found = told(parts, """FROM ml_generate('recipes', n := 8, given := {'resin': 25}, derive := {'rest': '"filler %" + water'}, subject_to := ['resin + rest = 90', 'dye in (0, 7)'],
      options := {'most_tries': 3000})""")
    assert [(r["resin"], r["rest"], float(r["dye"]) in (0, 7)) for r in found] == [(25, 65.0, True)] * 8


def test_a_sum_out_of_reach_is_told(parts: Session) -> None:
    (row,) = told(parts, "FROM ml_generate('recipes', n := 2, subject_to := ['resin + water = 10'], options := {'most_tries': 500})")
    assert row["ml_status"] == "infeasible"
    assert row["ml_reason"] == "'resin + water = 10' can't hold: resin + water is 20 to 68.9"
