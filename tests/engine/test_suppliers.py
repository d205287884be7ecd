"""``ml_supplier_risk`` and ``ml_countermeasures``: what purchases tell, and what to do before stock runs out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scipy.stats import beta

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import DataError, MfgsqlError, OptionError, SourceError

# Of A two orders came, one of them 4 days late, one is overdue since 20 days when the latest order was made (10 April),
# and one is on its way; B is on time, C delivered before it was asked, which can't be.
PURCHASES = """
CREATE TABLE purchases AS FROM (VALUES
  ('A', 's0', DATE '2026-01-01', DATE '2026-01-11', DATE '2026-01-10', 30), ('A', 's0', DATE '2026-02-01', DATE '2026-02-11', DATE '2026-02-15', 30),
  ('A', 's1', DATE '2026-03-11', DATE '2026-03-21', NULL, 30), ('A', 's1', DATE '2026-04-10', DATE '2026-04-20', NULL, 30),
  ('B', 's1', DATE '2026-01-01', DATE '2026-01-04', DATE '2026-01-04', 20), ('B', 's1', DATE '2026-02-01', DATE '2026-02-04', DATE '2026-02-04', 20),
  ('B', 's1', DATE '2026-02-11', DATE '2026-02-14', DATE '2026-02-14', 20), ('B', 's0', DATE '2026-02-21', DATE '2026-02-24', DATE '2026-02-24', 20),
  ('B', 's1', DATE '2026-03-01', DATE '2026-03-04', DATE '2026-03-04', 20), ('C', 's2', DATE '2026-03-06', DATE '2026-03-16', DATE '2026-03-01', 20)
) t(supplier, sku, ordered_on, promised_on, received_on, quantity)
"""
DEMAND = """
CREATE TABLE demand AS SELECT 's' || k AS sku, DATE '2026-01-01' + d::INT AS day, (5 + 4 * (d % 7 >= 5)::INT + hash(k, d) % 3)::INT AS qty
FROM range(4) r(k), range(100) q(d)
"""
STOCK = "CREATE TABLE stock AS FROM (VALUES ('s0', 10), ('s0', 5), ('s1', 1000), ('s2', 5)) t(sku, on_hand)"
COSTS = "{'holding': 0.02, 'shortage': 5, 'order': 3, 'expedite': 8, 'second_source': 0.5}"


@pytest.fixture(scope="module")
def plant() -> Iterator[Session]:
    with mfgsql.connect(threads=1, progress="off") as session:
        for statement in (PURCHASES, DEMAND, STOCK):
            session.execute(statement)
        session.verb("finetune", "f", "demand", target="qty", task="forecast", entity="sku", order_by="day",
                     options={"epochs": 1, "members": 1, "width": 8, "heads": 2, "horizon": 7, "window": 28})  # fmt: skip
        yield session


def rows(session: Session, sql: str) -> list[dict[str, Any]]:
    session.execute(sql)
    names = [d[0] for d in session.description]
    return [dict(zip(names, row, strict=True)) for row in session.fetchall()]


def risk(session: Session, source: str = "purchases", more: str = "") -> dict[Any, dict[str, Any]]:
    quoted = source.replace("'", "''")
    return {row["supplier"]: row for row in rows(session, f"FROM ml_supplier_risk('{quoted}'{more})")}


def test_the_result_has_these_columns(plant: Session) -> None:
    plant.execute("DESCRIBE FROM ml_supplier_risk('purchases')")
    assert [r[:2] for r in plant.fetchall()] == [
        ("supplier", "VARCHAR"), ("orders", "BIGINT"), ("open", "BIGINT"), ("overdue", "BIGINT"), ("late_probability", "DOUBLE"), ("lower", "DOUBLE"),
        ("upper", "DOUBLE"), ("days_late", "DOUBLE"), ("promised_days", "DOUBLE"), ("lead_days", "DOUBLE"), ("lead_days_90", "DOUBLE"),
        ("lead_times", "DOUBLE[]"), ("ml_status", "VARCHAR"), ("ml_reason", "VARCHAR"),
    ]  # fmt: skip


def test_suppliers_by_hand(plant: Session) -> None:
    found = risk(plant)
    assert list(found) == ["A", "C", "B"]  # the riskiest first
    # It is known of eight orders whether they are late: two are, one by 4 days, one by 20 so far.
    usual = 2.5 / 9
    a, b, c = found["A"], found["B"], found["C"]
    assert (a["orders"], a["open"], a["overdue"]) == (4, 2, 1)
    late, timely = 2 + 5 * usual, 1 + 5 * (1 - usual)
    assert a["late_probability"] == pytest.approx(late / (late + timely))
    assert (a["lower"], a["upper"]) == pytest.approx(beta.ppf([0.05, 0.95], late, timely))
    assert (a["days_late"], a["promised_days"]) == (12, 10)
    assert (b["orders"], b["open"], b["overdue"], b["days_late"], b["promised_days"], b["lead_days"]) == (
        5,
        0,
        0,
        None,
        3,
        3,
    )
    assert b["late_probability"] == pytest.approx(5 * usual / 10)
    assert (b["ml_status"], b["ml_reason"]) == ("ok", None)
    assert (c["orders"], c["promised_days"]) == (0, None)
    assert c["late_probability"] == pytest.approx(usual)
    assert {one["ml_status"] for one in (a, c)} == {"too_short"}


def test_lead_times_count_what_is_under_way(plant: Session) -> None:
    found = risk(plant)
    times = found["A"]["lead_times"]
    assert len(times) == 100
    assert times == sorted(times)
    assert set(times) <= {3, 9, 14}
    assert found["A"]["lead_days_90"] == times[89] == 14
    came = risk(plant, "SELECT * FROM purchases WHERE received_on IS NOT NULL")
    assert sum(came["A"]["lead_times"]) < sum(times)


def test_rows_that_can_not_be_are_left_out(plant: Session) -> None:
    reason = risk(plant)["C"]["ml_reason"]
    assert "1 orders left out: no time, one to come, or received before it was made" in reason
    more = "FROM purchases UNION ALL SELECT 'B', 's1', NULL, NULL, DATE '2026-02-04', 1 UNION ALL SELECT NULL, 's1', DATE '2026-01-01', NULL, DATE '2026-03-30', 1"
    found = risk(plant, more)
    assert "1 orders left out" in found["B"].pop("ml_reason")
    told = risk(plant)
    told["B"].pop("ml_reason")
    assert found == told


def test_the_level_widens_the_interval(plant: Session) -> None:
    wide, narrow = risk(plant, more=", level := 0.99")["A"], risk(plant, more=", level := 0.5")["A"]
    assert wide["lower"] < narrow["lower"] < wide["late_probability"] < narrow["upper"] < wide["upper"]
    with pytest.raises(OptionError, match="level is a share between 0 and 1"):
        risk(plant, more=", level := 2")


def test_columns_of_other_names(plant: Session) -> None:
    other = 'SELECT supplier AS maker, ordered_on AS "From", promised_on AS due, received_on AS came FROM purchases'
    found = rows(
        plant,
        f"FROM ml_supplier_risk('{other}', supplier := 'maker', ordered := 'from', promised := 'due', received := 'came')",
    )
    assert found == list(risk(plant).values())


def test_columns_of_other_types(plant: Session) -> None:
    wanted = [[v for n, v in one.items() if n != "supplier"] for one in risk(plant).values()]
    for kind in ("{}::TIMESTAMP", "{} - DATE '2020-01-01'"):
        columns = ", ".join(f"{kind.format(n)} AS {n}" for n in ("ordered_on", "promised_on", "received_on"))
        found = risk(plant, f"SELECT * REPLACE ({columns}, ascii(supplier) AS supplier) FROM purchases")
        assert list(found) == [65, 67, 66]
        assert [[v for n, v in one.items() if n != "supplier"] for one in found.values()] == wanted


@pytest.mark.parametrize(("source", "more", "error", "words"), [
    ("SELECT * EXCLUDE (promised_on) FROM purchases", "", SourceError, r"no column 'promised_on' \(promised\)"),
    ("SELECT * EXCLUDE (supplier) FROM purchases", "", SourceError, r"no column 'supplier'"),
    ("purchases", ", supplier := 'maker'", SourceError, r"no column 'maker' \(supplier\).*supplier := "),
    ("purchases", ", ordered := 3", OptionError, "ordered is the name of a column, not 3"),
    ("purchases", ", ordered := 'quantity'", OptionError, "some are times and some are not"),
    ("SELECT * REPLACE (ordered_on::VARCHAR AS ordered_on) FROM purchases", "", OptionError, "can't be ordered by 'ordered_on'"),
    ("SELECT * FROM purchases WHERE false", "", DataError, "The purchases have no row with a supplier"),
    ("SELECT * REPLACE (NULL::VARCHAR AS supplier) FROM purchases", "", DataError, "no row with a supplier"),
    ("SELECT * REPLACE (NULL::DATE AS ordered_on, NULL::DATE AS received_on) FROM purchases", "", DataError, "No purchase has a time in 'ordered_on'"),
    ("nowhere", "", MfgsqlError, "nowhere"),
])  # fmt: skip
def test_purchases_that_tell_nothing(
    plant: Session, source: str, more: str, error: type[MfgsqlError], words: str
) -> None:
    with pytest.raises(error, match=words):
        risk(plant, source, more)


def test_times_that_are_text(plant: Session) -> None:
    columns = ", ".join(f"{n}::VARCHAR AS {n}" for n in ("ordered_on", "promised_on", "received_on"))
    with pytest.raises(OptionError):
        risk(plant, f"SELECT * REPLACE ({columns}) FROM purchases")


def counter(session: Session, demand: str = "demand", more: str = "", **told: str) -> dict[str, list[dict[str, Any]]]:
    """What can be done, by item, in the order of the result."""
    named = {"stock": "'stock'", "purchases": "'purchases'", "costs": COSTS} | told
    quoted = demand.replace("'", "''")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows(
        session, f"FROM ml_countermeasures('f', '{quoted}', {', '.join(f'{n} := {v}' for n, v in named.items())}{more})"
    ):
        found.setdefault(row["sku"], []).append(row)
    return found


def test_countermeasures_have_these_columns(plant: Session) -> None:
    plant.execute(
        f"DESCRIBE FROM ml_countermeasures('f', 'demand', stock := 'stock', purchases := 'purchases', costs := {COSTS})"
    )
    assert [r[:2] for r in plant.fetchall()] == [
        ("sku", "VARCHAR"), ("measure", "VARCHAR"), ("supplier", "VARCHAR"), ("quantity", "DOUBLE"), ("arrives_in", "DOUBLE"), ("stock_out_probability", "DOUBLE"),
        ("missing", "DOUBLE"), ("cost", "DOUBLE"), ("saving", "DOUBLE"), ("advice", "VARCHAR"), ("ml_status", "VARCHAR"), ("ml_reason", "VARCHAR"),
    ]  # fmt: skip


@pytest.mark.parametrize("more", ["", ", horizon := 14"])
def test_waiting_is_always_there_and_the_best_comes_first(plant: Session, more: str) -> None:
    found = counter(plant, more=more)
    assert list(found) == ["s0", "s1", "s2", "s3"]
    for item in ("s0", "s1"):
        measures = found[item]
        waiting = [m for m in measures if m["measure"] == "wait"]
        assert len(waiting) == 1
        assert waiting[0]["saving"] == 0
        assert waiting[0]["supplier"] is waiting[0]["quantity"] is waiting[0]["arrives_in"] is None
        costs = [m["cost"] for m in measures]
        assert costs == sorted(costs)
        assert [m["advice"] for m in measures] == ["nothing to do" if measures[0] is waiting[0] else "do this"] + [
            None
        ] * (len(measures) - 1)
        for one in measures:
            assert one["saving"] == pytest.approx(waiting[0]["cost"] - one["cost"])
            assert 0 <= one["stock_out_probability"] <= 1
            assert one["ml_status"] == "ok"


def test_what_helps_an_item_that_runs_out(plant: Session) -> None:
    found = {m["measure"]: m for m in counter(plant, more=", horizon := 14")["s0"]}
    assert set(found) == {"wait", "order", "raise_stock", "second_source", "expedite"}
    assert found["order"]["supplier"] == found["expedite"]["supplier"] == "A"  # most of its orders went there
    assert found["second_source"]["supplier"] == "B"
    assert found["wait"]["stock_out_probability"] == 1
    assert found["second_source"]["arrives_in"] < found["order"]["arrives_in"]
    assert found["second_source"]["missing"] < found["order"]["missing"] < found["wait"]["missing"]
    assert found["raise_stock"]["quantity"] > found["order"]["quantity"] == found["second_source"]["quantity"]


def test_nothing_is_to_be_done_where_there_is_enough(plant: Session) -> None:
    (one,) = counter(plant)["s1"]
    assert (one["measure"], one["stock_out_probability"], one["missing"], one["advice"]) == (
        "wait",
        0,
        0,
        "nothing to do",
    )
    assert one["cost"] == pytest.approx(0.02 * 7 * 985, rel=0.05)


def test_items_of_which_too_little_is_told(plant: Session) -> None:
    found = counter(plant)
    for item, reason in (("s2", "no purchase of it tells how long one takes"), ("s3", "the stock tells nothing of it")):
        (one,) = found[item]
        assert (one["measure"], one["cost"], one["advice"]) == (None, None, None)
        assert (one["ml_status"], one["ml_reason"]) == ("missing", reason)
    lost = counter(plant, "SELECT * REPLACE (CASE WHEN sku <> 's0' THEN qty END AS qty) FROM demand")
    assert [(m["measure"], m["ml_status"], m["ml_reason"]) for m in lost["s0"]] == [
        (None, "unreadable", "no row has a value")
    ]
    assert lost["s1"] == found["s1"]
    assert counter(plant, "SELECT * FROM demand WHERE false") == {}


def test_what_is_under_way_counts(plant: Session) -> None:
    soon = "'SELECT * REPLACE (DATE ''2026-04-07'' AS ordered_on, NULL AS received_on, 200 AS quantity) FROM purchases WHERE supplier = ''B'' AND sku = ''s0'' UNION ALL FROM purchases'"
    before, after = (counter(plant, more=", horizon := 14", **told)["s0"] for told in ({}, {"purchases": soon}))
    waits = [next(m for m in measures if m["measure"] == "wait") for measures in (before, after)]
    assert waits[1]["missing"] < waits[0]["missing"]
    assert "order" not in {m["measure"] for m in after}


def test_how_long_a_hurried_order_takes(plant: Session) -> None:
    said = counter(plant, more=", horizon := 14, options := {'expedited_days': 1}")["s0"]
    assert next(m for m in said if m["measure"] == "expedite")["arrives_in"] == 1


def test_costs_are_the_sum_of_their_parts(plant: Session) -> None:
    more = ", horizon := 14"
    shortage = counter(plant, more=more, costs="{'shortage': 5}")["s0"]
    assert all(m["cost"] == pytest.approx(5 * m["missing"]) for m in shortage)
    free, dear = (
        {
            m["measure"]: m["cost"]
            for m in counter(plant, more=more, costs=f"{{'shortage': 5, 'order': {o}, 'expedite': {e}}}")["s0"]
        }
        for o, e in ((0, 0), (1, 2))
    )
    assert {n: dear[n] - free[n] for n in dear} == pytest.approx(
        {"wait": 0, "order": 1, "raise_stock": 1, "second_source": 1, "expedite": 3}
    )


@pytest.mark.parametrize(("told", "error", "words"), [
    ({"costs": "NULL"}, OptionError, "The costs are missing"), ({"costs": "3"}, OptionError, "The costs are no struct, but 3"),
    ({"costs": "{'holdin': 1}"}, OptionError, "costs are holding, shortage, order, expedite or second_source"), ({"costs": "{'holding': 'x'}"}, OptionError, "numbers from 0 on"),
    ({"costs": "{'holding': -1}"}, OptionError, "numbers from 0 on"), ({"options": "{'days': 2}"}, OptionError, "Unknown option 'days'"),
    ({"options": "{'expedited_days': -2}"}, OptionError, "expedited_days is a number of days"), ({"horizon": "0"}, OptionError, "horizon is a number of steps"),
    ({"stock": "NULL"}, OptionError, "stock is missing"), ({"purchases": "NULL"}, OptionError, "purchases is missing"),
    ({"stock": "'SELECT sku FROM stock'"}, SourceError, "The stock has no column 'on_hand'"), ({"stock": "'SELECT on_hand FROM stock'"}, SourceError, "The stock has no column 'sku'"),
    ({"purchases": "'SELECT * EXCLUDE (sku) FROM purchases'"}, SourceError, "The purchases have no column 'sku'"), ({"quantity": "'pieces'"}, SourceError, "no column 'pieces'"),
    ({"purchases": "'SELECT * FROM purchases WHERE false'"}, DataError, "no row with a supplier"),
])  # fmt: skip
def test_countermeasures_that_can_not_be(
    plant: Session, told: dict[str, str], error: type[MfgsqlError], words: str
) -> None:
    with pytest.raises(error, match=words):
        counter(plant, **told)


def test_countermeasures_are_for_forecasts_of_items(plant: Session) -> None:
    plant.verb("finetune", "one", "SELECT day, qty FROM demand WHERE sku = 's0'", target="qty", task="forecast", order_by="day",
               options={"epochs": 1, "members": 1, "width": 8, "heads": 2, "horizon": 7, "window": 28})  # fmt: skip
    with pytest.raises(OptionError, match="'one' forecasts one series, and countermeasures are for items by name"):
        rows(
            plant,
            f"FROM ml_countermeasures('one', 'demand', stock := 'stock', purchases := 'purchases', costs := {COSTS})",
        )


def test_what_comes_too_late_is_no_stock(plant: Session) -> None:
    late = "'SELECT * REPLACE (NULL AS received_on, DATE ''2026-04-10'' AS ordered_on, DATE ''2026-04-25'' AS promised_on, 500 AS quantity) FROM purchases WHERE supplier = ''A'' AND sku = ''s0'' UNION ALL FROM purchases'"
    found = {m["measure"]: m for m in counter(plant, purchases=late)["s0"]}
    assert found["wait"]["stock_out_probability"] == 1
    assert "second_source" in found  # it would be there in three days


def test_by_python(plant: Session) -> None:
    assert len(plant.verb("supplier_risk", "purchases")) == 3
