"""What ``ml_recommend`` and ``ml_generate`` say where something can't be meant, can't be reached, or is easily forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import OptionError

MIXES = """
CREATE TABLE mixes AS SELECT *, round(20 + 0.1 * cement - 0.2 * (water - 160), 1) AS strength, 50 + water - 150 AS "Slump mm", 0.2 * cement AS cost
FROM (SELECT 200 + (hash(i) % 200)::INT AS cement, round(120 + (hash(i, 1) % 900) / 10, 1) AS water, 10 + hash(i, 2) % 50 AS "Resin %", hash(i, 3) % 2 = 0 AS hardened FROM range(300) r(i))
"""
SMALL = {"width": 32, "layers": 1, "heads": 2, "epochs": 8}
COLUMNS = 'cement, water, "Resin %", hardened'


@pytest.fixture(scope="module")
def s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with mfgsql.connect(tmp_path_factory.mktemp("said") / "a.duckdb", threads=1, progress="off") as session:
        session.execute(MIXES)
        session.verb("finetune", "strength", f"SELECT {COLUMNS}, strength FROM mixes", target="strength", options=SMALL)
        session.verb("pretrain", "designer", f'SELECT {COLUMNS}, "Slump mm" FROM mixes', objective="design", options=SMALL)
        yield session


def recommend(s: Session, more: str, source: str = "SELECT * FROM mixes LIMIT 2") -> list[dict[str, Any]]:
    cursor = s.execute(f"FROM ml_recommend('strength', '{source}', {more}, options := {{'trials': 400}})")
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.parametrize(("more", "said"), [
    ("adjust := ['cement'], maximize := 'strenght'", "The objective 'strenght' names 'strenght', which there is not. Did you mean 'strength'? It may name strength, cement, "),
    ("adjust := ['cement'], maximize := 'Resin % + 1'", "Put double quotes around the name: '\"Resin %\" + 1'."),
    ("adjust := ['cement'], maximize := 'strength', minimize := 'Strength'", "'strength' is to be both high and low: leave one of the two out."),
    ("adjust := ['cement'], maximize := ['strength', 'cement + 1'], minimize := 'Cement+1'", "'cement + 1' is to be both high and low"),
    ("adjust := {'cement': [310, 300]}, maximize := 'strength'", "'cement' in adjust goes from 310 to 300: low is above high. As in: adjust := {'cement': [300, 310]}."),
    ("adjust := ['cement'], maximize := 'strength', derive := {'Cement': 'water * 2'}", "derive makes 'cement', which is adjusted: leave it out of one of the two."),
    ("adjust := ['cement'], maximize := 'strength', derive := {'x': 'cemnt * 2'}", "The expression 'cemnt * 2' names 'cemnt', which there is not. Did you mean 'cement'?"),
    ("adjust := ['cement'], maximize := 'strength', subject_to := ['Resin % >= 30']", "Put double quotes around the name: '\"Resin %\" >= 30'."),
    ("adjust := ['cement'], maximize := 'strength', subject_to := ['slump mm >= 120']", "Put double quotes around the name: '\"Slump mm\" >= 120'."),
    ("adjust := ['cement'], maximize := 'strength', subject_to := ['cement']", "is no condition that holds or doesn't"),
])  # fmt: skip
def test_what_can_not_be_meant(s: Session, more: str, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        recommend(s, more)
    assert said in str(caught.value)


@pytest.mark.parametrize(("more", "said"), [
    ("subject_to := ['Slump mm >= 120']", "Put double quotes around the name: '\"Slump mm\" >= 120'."),
    ("score := 'strength', maximize := 'strength', minimize := 'strength'", "'strength' is to be both high and low"),
    ("subject_to := ['water']", "is no condition that holds or doesn't"),
])  # fmt: skip
def test_what_can_not_be_meant_of_designs(s: Session, more: str, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        s.execute(f"FROM ml_generate('designer', {more})").fetchall()
    assert said in str(caught.value)


def test_a_truth_value_is_a_condition(s: Session) -> None:
    rows = recommend(s, "adjust := ['cement', 'hardened'], maximize := 'strength', subject_to := ['Hardened']")
    assert {r["hardened"] for r in rows if r["suggestion"]} == {True}
    assert s.execute("SELECT count(*), bool_and(hardened) FROM ml_generate('designer', n := 5, subject_to := ['hardened'])").fetchone() == (5, True)


def test_a_number_that_stays_though_it_may_be_meant_to_follow_is_told(s: Session) -> None:
    note = "'cost <= 62' takes cost as it is stored: derive := {'cost': '...'} says how it follows from others"
    asked = "adjust := ['cement'], maximize := 'strength', subject_to := ['cost <= 62', 'water <= 300']"
    source = "SELECT * REPLACE ({} AS cost) FROM mixes WHERE cement < 300 LIMIT 1"
    assert {r["ml_reason"] for r in recommend(s, asked, source.format(50)) if r["ml_status"] == "ok"} == {note}
    (row,) = recommend(s, asked, source.format(90))
    assert (row["ml_status"], row["ml_reason"]) == ("infeasible", f"'cost <= 62' can't hold: cost is 90; {note}")
    assert not any("stored" in (r["ml_reason"] or "") for r in recommend(s, asked + ", derive := {'cost': '0.1 * cement'}"))


def test_goals_that_each_alone_can_be_reached(s: Session) -> None:
    (row,) = recommend(s, "adjust := ['cement', 'water'], goal := ['strength >= 40', 'strength <= 41']", "SELECT * FROM mixes LIMIT 1")
    assert (row["ml_status"], row["ml_reason"]) == ("beyond_reach", "'strength >= 40' and 'strength <= 41' can't be promised together, though each alone can")
    (row,) = recommend(s, "adjust := ['cement', 'water'], goal := 'strength between 40 and 41'", "SELECT * FROM mixes LIMIT 1")
    assert row["ml_reason"].startswith("'strength between 40 and 41' is beyond reach: the nearest that can be promised is ")


@pytest.mark.parametrize("source", ["strength > 60", "strength < 35"])
def test_to_come_between_two_numbers_is_a_gain_from_either_side(s: Session, source: str) -> None:
    rows = recommend(s, "adjust := ['cement', 'water'], goal := 'strength between 38 and 58'", f"SELECT * FROM mixes WHERE {source} LIMIT 1")
    assert rows[0]["suggestion"] == 1
    assert all(r["gain"] > 0 for r in rows)


def test_less_that_is_surer_is_no_suggestion(s: Session) -> None:
    """Of a row that misses a value little is promised: of one that doesn't more, though less is predicted."""
    source = "SELECT * REPLACE (NULL::INT AS cement) FROM mixes LIMIT 1"
    (row,) = recommend(s, "adjust := {'cement': [270, 285]}, maximize := 'strength'", source)
    assert (row["suggestion"], row["ml_status"]) == (None, "nothing_better")
    assert row["ml_reason"] == "nothing is predicted better, surer at most: leave it as it is"


def test_a_goal_that_costs_something_is_a_gain(s: Session) -> None:
    """Reaching it is gained where it isn't reached, then what is saved."""
    asked = "adjust := ['cement', 'water'], goal := 'strength >= 45', minimize := '0.2 * cement'"
    weak = recommend(s, asked, "SELECT * FROM mixes WHERE strength < 38 LIMIT 1")
    assert weak[0]["suggestion"] == 1
    assert all(r["gain"] == pytest.approx(r["lower"] - r["current_strength"]) and r["gain"] > 0 for r in weak)
    strong = recommend(s, asked, "SELECT * FROM mixes WHERE strength > 60 LIMIT 1")
    (before,) = s.execute("SELECT 0.2 * cement FROM mixes WHERE strength > 60 LIMIT 1").fetchone()
    assert all(r["gain"] == pytest.approx(float(before) - 0.2 * r["cement"]) and r["gain"] > 0 for r in strong)
