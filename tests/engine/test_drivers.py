"""ml_drivers: what it finds, what it leaves out, and what is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.verbs import drivers as verb
from mfgsql.errors import CancelledError, DataError, MfgsqlError, OptionError, SourceError

TABLE = """
CREATE TABLE quality AS SELECT
  i AS id, 40 + hash(i) % 200 / 10.0 AS "Torque [Nm]", (hash(i + 1) % 5)::UTINYINT AS cavity,
  substr('ABC', (1 + hash(i + 2) % 3)::INT, 1) AS shift, hash(i + 3) % 2 = 0 AS hot,
  TIMESTAMP '2026-01-01' + to_minutes(i) AS ts, NULL::INT AS nothing, 3 AS const, md5(i::VARCHAR) AS code, [1] AS list,
  repeat('word ', 40) || i AS note, 'c' || hash(i + 4) % 500 AS part,
  CASE WHEN hash(i + 5) % 20 = 0 THEN -9999 ELSE hash(i + 6) % 100 / 7.0 END AS sensor,
  CASE WHEN i % 200 = 0 THEN i * 1.5 END AS few,
  hash(i) % 200 + hash(i + 7) % 200 > 250 + 60 * (hash(i + 2) % 3 = 0)::INT AS defect,
  substr('xyz', (1 + hash(i) % 200 // 67)::INT, 1) AS grade, CASE WHEN i % 3 <> 0 THEN hash(i) % 200 * -0.5 END AS wear
FROM range(1500) r(i)
"""


@pytest.fixture(scope="module")
def shop() -> Iterator[Session]:
    with mfgsql.connect(threads=2, progress="off") as session:
        session.execute(TABLE)
        yield session


def found(s: Session, source: str, target: str, more: str = "") -> dict[str, dict]:
    rows = s.sql(f"FROM ml_drivers('{source}', target := '{target}'{more})").to_pylist()
    return {r["feature"]: r for r in rows}


def test_drivers_of_a_defect(shop: Session) -> None:
    rows = found(shop, "quality", "defect")
    assert {n for n, r in rows.items() if r["significant"]} == {"Torque [Nm]", "wear", "grade", "shift"}
    torque = rows["Torque [Nm]"]
    data = shop.execute('SELECT "Torque [Nm]"::DOUBLE AS x, defect FROM quality').df()
    wanted = stats.mannwhitneyu(data.x[data.defect], data.x[~data.defect], method="asymptotic")
    share = wanted.statistic / (data.defect.sum() * (~data.defect).sum())
    assert torque["value"] == pytest.approx(2 * share - 1)
    assert torque["p_value"] == pytest.approx(wanted.pvalue)
    assert torque["lower"] < torque["value"] < torque["upper"]
    assert torque["finding"].startswith("Torque [Nm] is higher where defect = true: median ")
    assert rows["wear"]["value"] < 0 and rows["wear"]["rows"] == 1000
    assert "of the rows where shift = " in rows["shift"]["finding"]
    assert rows["hot"]["finding"] == "nothing beyond chance"
    tested = [r for r in rows.values() if r["value"] is not None]
    wanted = stats.false_discovery_control([r["p_value"] for r in tested])
    assert [r["q_value"] for r in tested] == pytest.approx(list(wanted))


def test_what_is_left_out_says_why(shop: Session) -> None:
    rows = found(shop, "quality", "defect")
    out = {n: r["finding"] for n, r in rows.items() if r["value"] is None}
    for name, word in (("id", "an id"), ("nothing", "all NULL"), ("const", "constant"), ("code", "an id"),
                       ("list", "type INTEGER[]"), ("note", "a text"), ("few", "in 8 rows only")):  # fmt: skip
        assert word in out.pop(name), name
    assert not out
    assert rows.keys() == {d[0] for d in shop.execute("DESCRIBE quality").fetchall()} - {"defect"}


def test_sentinels_count_as_missing(shop: Session) -> None:
    known = shop.execute("SELECT count(*) FILTER (sensor <> -9999) FROM quality").fetchone()[0]
    assert found(shop, "quality", "defect")["sensor"]["rows"] == known < 1500


def test_each_pair_of_kinds_has_its_measure(shop: Session) -> None:
    two, three, number = (found(shop, "quality", t) for t in ("defect", "grade", "wear"))
    names = ("Torque [Nm]", "ts", "shift", "hot")
    rank, rho, v, eta = "rank-biserial correlation", "Spearman's rho", "Cramer's V", "eta-squared of ranks"
    assert [two[n]["effect"] for n in names] == [rank, rank, v, v]
    assert [three[n]["effect"] for n in names] == [eta, eta, v, v]
    assert [number[n]["effect"] for n in names] == [rho, rho, eta, rank]
    assert [two[n]["kind"] for n in names] == ["numeric", "temporal", "categorical", "boolean"]
    assert number["Torque [Nm]"]["value"] == pytest.approx(-1)
    assert number["Torque [Nm]"]["finding"].startswith("wear falls with Torque [Nm]: median ")


def test_five_hundred_classes_have_a_result(shop: Session) -> None:
    rows = found(shop, "quality", "part")
    assert rows["Torque [Nm]"]["value"] is not None
    assert sum(bool(r["significant"]) for r in rows.values()) <= 1


def test_options(shop: Session) -> None:
    rows = found(shop, "quality", "defect", ", options := {'exclude': ['GRADE', 'wear'], 'positive': false}")
    assert not {"grade", "wear"} & rows.keys()
    assert rows["Torque [Nm]"]["finding"].startswith("Torque [Nm] is lower where defect = false")
    assert "grade" not in found(shop, "quality", "defect", ", options := {'exclude': 'grade, wear'}")


def test_rows_without_target_do_not_count(shop: Session) -> None:
    source = "SELECT * REPLACE (CASE WHEN id < 600 THEN defect END AS defect) FROM quality"
    assert found(shop, source, "defect")["hot"]["rows"] == 600


def test_more_rows_than_the_most_are_sampled(shop: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "MOST", 500)
    rows = found(shop, "quality", "defect")
    assert rows["hot"]["rows"] == 500
    assert rows == found(shop, "SELECT * FROM quality ORDER BY id DESC", "defect")


def test_equal_rows_are_sampled_one_by_one(shop: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "SELECT shift, defect FROM quality"
    whole = found(shop, source, "defect")["shift"]
    monkeypatch.setattr(verb, "MOST", 900)
    some = found(shop, source, "defect")["shift"]
    assert (whole["rows"], some["rows"]) == (1500, 900)
    assert some["value"] == pytest.approx(whole["value"], abs=0.12)


def test_many_equal_rows_are_no_constant(shop: Session) -> None:
    source = "SELECT substr(''ABC'', (1 + i % 3)::INT, 1) AS shift, i % 3 = hash(i) % 20 AS defect FROM range(300000) r(i)"
    row = found(shop, source, "defect")["shift"]
    assert (row["rows"], row["effect"]) == (verb.MOST, "Cramer's V")


def test_a_number_of_two_values_is_told_as_a_switch(shop: Session) -> None:
    source = "SELECT defect, wear, CASE WHEN id % 9 = 0 THEN ''nan''::DOUBLE WHEN shift = ''C'' THEN 1 ELSE 0 END AS late FROM quality"
    row = found(shop, source, "defect")["late"]
    assert (row["kind"], row["effect"]) == ("numeric", "Cramer's V")
    assert "of the rows where late = " in row["finding"]
    assert row["rows"] == shop.execute("SELECT count(*) FROM quality WHERE id % 9 <> 0").fetchone()[0]
    assert found(shop, source, "wear")["late"]["effect"] == "rank-biserial correlation"


def test_the_order_of_rows_changes_nothing(shop: Session) -> None:
    one, other = found(shop, "quality", "grade"), found(shop, "SELECT * FROM quality ORDER BY code", "grade")
    assert list(one) == list(other)
    for name, row in one.items():
        numbers = {k: v for k, v in row.items() if isinstance(v, float)}
        assert {k: v for k, v in other[name].items() if isinstance(v, float)} == pytest.approx(numbers)


def test_infinite_values_are_missing(shop: Session) -> None:
    source = (
        "SELECT defect, CASE WHEN id % 2 = 0 THEN ''inf''::DOUBLE WHEN id % 3 = 0 THEN ''nan''::DOUBLE ELSE id / 7 END AS x, "
        "CASE WHEN id % 2 = 0 THEN ''infinity''::TIMESTAMP ELSE ts END AS t FROM quality"
    )
    rows = found(shop, source, "defect")
    assert (rows["x"]["rows"], rows["t"]["rows"]) == (500, 750)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("'quality'", OptionError, "target := 'defect'"),
        ("'quality', target := 'defects'", SourceError, "Did you mean 'defect'"),
        ("'quality', target := 'const'", DataError, "one class only"),
        ("'quality', target := 'nothing'", DataError, "NULL in all"),
        ("'quality', target := 'code'", DataError, "more than 1000 classes"),
        ("'FROM quality LIMIT 5', target := 'defect'", DataError, "5 rows: too few"),
        ("'FROM quality LIMIT 0', target := 'defect'", DataError, "no rows"),
        ("'nowhere', target := 'defect'", SourceError, "nowhere"),
        ("NULL, target := 'defect'", SourceError, "NULL"),
        ("'quality', target := 'defect', options := {'exlude': ['id']}", OptionError, "Did you mean 'exclude'"),
        ("'quality', target := 'defect', options := {'exclude': ['nope']}", SourceError, "nope"),
        ("'quality', target := 'defect', options := {'exclude': 3}", OptionError, "a list of columns"),
        ("'quality', target := 'defect', options := {'positive': 'x'}", OptionError, "no value of 'defect'"),
    ],
)
def test_what_can_not_be_done_is_refused(shop: Session, call: str, error: type[MfgsqlError], words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        shop.execute(f"FROM ml_drivers({call})").fetchall()
    assert "ml_pretrain" not in str(raised.value)


def test_explaining_it_runs_nothing(shop: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(verb, "freeze", never)
    shop.execute("EXPLAIN FROM ml_drivers('quality', target := 'defect')").fetchall()


def test_it_can_be_interrupted(shop: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = verb.driver

    def judged(*pair: object) -> object:
        time.sleep(0.3)
        return slow(*pair)

    monkeypatch.setattr(verb, "driver", judged)
    threading.Timer(0.6, shop.interrupt).start()
    with pytest.raises(CancelledError):
        shop.execute("FROM ml_drivers('quality', target := 'defect')").fetchall()
    monkeypatch.undo()
    assert found(shop, "quality", "defect")


def test_methods_of_a_session(shop: Session, plant: Session) -> None:
    rows = shop.drivers("quality", target="defect", options={"exclude": ["wear"]})
    assert [r["feature"] for r in rows] == [n for n in found(shop, "quality", "defect") if n != "wear"]
    assert len(shop.drivers("SELECT shift, defect FROM quality", target="defect")) == 1
    table = plant.thresholds("fail", "parts", costs={"missed": 2000, "false_alarm": 50})
    assert len(table.filter(table.best).to_pyarrow()) == 1
    assert np.isfinite(table.cost.min().to_pyarrow().as_py())
