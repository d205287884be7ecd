"""``ml_order_policy``: when to order and how much by SQL, for each item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import MfgsqlError, OptionError, SourceError

DEMAND = """
CREATE TABLE demand AS SELECT 's' || k AS sku, DATE '2026-01-01' + d::INT AS day, (10 * (k + 1) + 8 * (d % 7 >= 5)::INT + hash(k, d) % 5)::INT AS qty,
  2 + hash(k, d, 'lead') % 3 AS lead, 0.02 * (k + 1) AS hold, 5.0 AS short, 30.0 AS ordering, 12 AS lot, (hash(k, d, 'w') % 100) / 10.0 AS warmth
FROM range(4) r(k), range(100) q(d)
"""
TINY = {"epochs": 1, "members": 1, "width": 8, "heads": 2, "horizon": 7, "window": 28}
SAFE = "service_level := 0.95"
NUMBERS = [
    "reorder_point",
    "order_up_to",
    "order_quantity",
    "safety_stock",
    "lead_time",
    "lead_demand",
    "service",
    "fill_rate",
    "cost",
]
STOCK = "stock := 'SELECT sku, 20 AS on_hand, 5 AS on_order FROM demand WHERE sku <> ''s3'' GROUP BY ALL'"


@pytest.fixture(scope="module")
def shop() -> Iterator[Session]:
    with mfgsql.connect(threads=1, progress="off") as session:
        session.execute(DEMAND)
        for model, columns in (("f", "sku, day, qty"), ("warm", "sku, day, qty::DOUBLE AS qty, warmth")):
            session.verb(
                "finetune",
                model,
                f"SELECT {columns} FROM demand",
                target="qty",
                task="forecast",
                entity="sku",
                order_by="day",
                options=TINY,
            )
        yield session


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return session.execute(sql).fetchall()


def policy(session: Session, more: str, source: str = "demand", model: str = "f") -> dict[str, dict[str, Any]]:
    """What is said of each item, by column."""
    quoted = source.replace("'", "''")
    session.execute(f"FROM ml_order_policy('{model}', '{quoted}', {more})")
    names = [d[0] for d in session.description]
    return {row[0]: dict(zip(names, row, strict=True)) for row in sorted(session.fetchall())}


def changed(change: str) -> str:
    return f"SELECT * REPLACE ({change}) FROM demand"


def test_the_result_has_these_columns(shop: Session) -> None:
    plain = [r[:2] for r in rows(shop, f"DESCRIBE FROM ml_order_policy('f', 'demand', lead_time := 3, {SAFE})")]
    said = [("ml_status", "VARCHAR"), ("ml_reason", "VARCHAR")]
    numbers = [(n, "DOUBLE") for n in NUMBERS]
    assert plain == [("sku", "VARCHAR"), *numbers, *said]
    tested = [(n, "DOUBLE") for n in ("tested_fill_rate", "tested_cost", "normal_fill_rate", "normal_cost")]
    whole = [
        r[:2]
        for r in rows(
            shop, f"DESCRIBE FROM ml_order_policy('f', 'demand', lead_time := 3, {SAFE}, backtest := 3, {STOCK})"
        )
    ]
    assert [n for n, _ in whole] == [
        "sku",
        *NUMBERS,
        *(n for n, _ in tested),
        "on_hand",
        "on_order",
        "order_now",
        "ml_status",
        "ml_reason",
    ]
    assert set(tested) < set(whole)


def test_a_row_for_each_item(shop: Session) -> None:
    found = policy(shop, f"lead_time := 3, {SAFE}")
    assert list(found) == ["s0", "s1", "s2", "s3"]
    for k, one in enumerate(found.values()):
        assert (one["ml_status"], one["ml_reason"], one["lead_time"]) == ("ok", None, 3)
        assert one["lead_demand"] == pytest.approx(4 * (10 * (k + 1) + 4), rel=0.25)
        assert one["reorder_point"] == int(one["reorder_point"]) >= one["lead_demand"]
        assert one["safety_stock"] == pytest.approx(one["reorder_point"] - one["lead_demand"])
        assert one["order_up_to"] == one["reorder_point"] + one["order_quantity"]
        assert 0.95 <= one["service"] <= 1
        assert 0.9 < one["fill_rate"] <= 1


def test_the_same_is_said_again_and_of_any_items(shop: Session) -> None:
    more = f"lead_time := 'lead', {SAFE}"
    whole = policy(shop, more)
    assert policy(shop, more) == whole
    alone = policy(shop, more, "SELECT * FROM demand WHERE sku = 's2' ORDER BY hash(day)")["s2"]
    assert {n: alone[n] for n in NUMBERS} == pytest.approx({n: whole["s2"][n] for n in NUMBERS}, abs=1e-3)


def test_safer_stock_and_longer_leads_take_more(shop: Session) -> None:
    points = [policy(shop, f"lead_time := 3, service_level := {s}")["s1"]["reorder_point"] for s in (0.6, 0.9, 0.99)]
    assert points == sorted(set(points))
    points = [policy(shop, f"lead_time := {lead}, {SAFE}")["s1"]["reorder_point"] for lead in (0, 2, 2.5, 6, 12)]
    assert points == sorted(set(points))
    assert policy(shop, f"lead_time := 2.5, {SAFE}")["s1"] == policy(shop, f"lead_time := 3, {SAFE}")["s1"]


def test_lead_times_that_differ_are_a_distribution(shop: Session) -> None:
    known = rows(shop, "SELECT sku, avg(lead) FROM demand GROUP BY ALL ORDER BY ALL")
    found = policy(shop, f"lead_time := 'lead', {SAFE}")
    fixed = policy(shop, f"lead_time := 3, {SAFE}")
    for sku, mean in known:
        assert found[sku]["lead_time"] == pytest.approx(mean, abs=0.1)
        assert found[sku]["safety_stock"] > fixed[sku]["safety_stock"]
    constant = policy(shop, f"lead_time := 'lead', {SAFE}", changed("3 AS lead"))
    assert constant == fixed


def test_lead_times_that_can_not_be(shop: Session) -> None:
    cases = "CASE sku WHEN 's1' THEN NULL WHEN 's2' THEN -1 WHEN 's3' THEN 1000 ELSE lead END AS lead"
    found = policy(shop, f"lead_time := 'lead', {SAFE}", changed(cases))
    assert {
        sku: (one["ml_status"], one["ml_reason"], one["reorder_point"]) for sku, one in found.items() if sku != "s0"
    } == {
        "s1": ("missing", "lead is NULL in all rows", None),
        "s2": ("unreadable", "lead goes down to -1", None),
        "s3": ("unreadable", "lead time and review take up to 1001 steps, and the model forecasts 140 at most", None),
    }
    assert all(found["s2"][n] is None for n in NUMBERS)
    assert found["s0"]["reorder_point"] == policy(shop, f"lead_time := 'lead', {SAFE}")["s0"]["reorder_point"]
    assert {one["ml_status"] for one in policy(shop, f"lead_time := 140, {SAFE}").values()} == {"unreadable"}


@pytest.mark.parametrize(("more", "words"), [
    ("lead_time := 3", "How safe stock is to be isn't said"), ("lead_time := 3, costs := {'holding': 0, 'shortage': 5}", "How safe stock is to be isn't said"),
    ("lead_time := 3, costs := {'order': 5}", "How safe stock is to be isn't said"),
    (SAFE, "lead_time is"), (f"lead_time := -1, {SAFE}", "not -1"), (f"lead_time := true, {SAFE}", "not True"),
    ("lead_time := 3, service_level := 1", "service_level is a share between 0 and 1"), ("lead_time := 3, service_level := 0", "not 0"),
    ("lead_time := 3, service_level := 'high'", "not 'high'"),
    ("lead_time := 3, costs := {'hold': 1}", "costs is a struct.*not {'hold': 1}"), ("lead_time := 3, costs := {'holding': -1}", "numbers from 0 on"),
    ("lead_time := 3, costs := 5", "costs is a struct.*not 5"), (f"lead_time := 3, {SAFE}, options := {{'policy': 'magic'}}", "policy is reorder_point, periodic or newsvendor, not 'magic'"),
    (f"lead_time := 3, {SAFE}, options := {{'review': 0}}", "review is a number of steps"), (f"lead_time := 3, {SAFE}, options := {{'cover': 3}}", "cover is for policy 'newsvendor'"),
    (f"lead_time := 3, {SAFE}, options := {{'lot': -1}}", "lot is a number of pieces"), (f"lead_time := 3, {SAFE}, options := {{'lots': 1}}", "Unknown option 'lots'"),
    (f"lead_time := 3, {SAFE}, backtest := 0", "backtest is how many of the last steps"), (f"lead_time := 3, {SAFE}, backtest := 'all'", "not 'all'"),
    (f"lead_time := 3, {SAFE}, backtest := 3, options := {{'policy': 'newsvendor'}}", "'newsvendor' orders once"),
])  # fmt: skip
def test_what_can_not_be_asked_for(shop: Session, more: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        policy(shop, more)


@pytest.mark.parametrize(
    "more",
    [
        f"lead_time := 'nope', {SAFE}",
        "lead_time := 3, costs := {'holding': 'nope', 'shortage': 5}",
        f"lead_time := 3, {SAFE}, options := {{'lot': 'nope'}}",
    ],
)
def test_columns_that_there_are_not(shop: Session, more: str) -> None:
    with pytest.raises(SourceError, match="no column 'nope'"):
        policy(shop, more)


def test_costs_tell_how_safe_stock_is(shop: Session) -> None:
    found = policy(shop, "lead_time := 3, costs := {'holding': 0.1, 'shortage': 5, 'order': 30}")
    for one in found.values():
        rate = one["lead_demand"] / 4
        assert one["order_quantity"] == pytest.approx((2 * 30 * rate / 0.1) ** 0.5, rel=0.1)
        assert one["service"] == pytest.approx(1 - 0.1 * one["order_quantity"] / (5 * rate), abs=0.05)
        assert one["cost"] > 0
    dear = policy(shop, "lead_time := 3, costs := {'holding': 0.1, 'shortage': 50, 'order': 30}")
    assert all(dear[sku]["reorder_point"] > found[sku]["reorder_point"] for sku in found)


def test_costs_may_be_columns(shop: Session) -> None:
    by_name = "lead_time := 3, costs := {'holding': 'hold', 'shortage': 'short', 'order': 'ordering'}"
    found = policy(shop, by_name)
    for k, sku in enumerate(found):
        plain = policy(shop, f"lead_time := 3, costs := {{'holding': {0.02 * (k + 1)}, 'shortage': 5, 'order': 30}}")
        assert found[sku] == plain[sku]
    latest = policy(shop, by_name, changed("CASE WHEN day < DATE '2026-03-01' THEN 99 ELSE hold END AS hold"))
    assert latest == found
    negative = policy(shop, by_name, changed("CASE WHEN sku = 's1' THEN -1 ELSE hold END AS hold"))
    assert (negative["s1"]["ml_status"], negative["s1"]["ml_reason"]) == ("unreadable", "a cost or the lot is negative")
    assert negative["s2"] == found["s2"]


def test_what_is_to_be_ordered_now(shop: Session) -> None:
    found = policy(shop, f"lead_time := 3, {SAFE}, {STOCK}")
    for sku, one in found.items():
        there = 0 if sku == "s3" else 25
        assert (one["on_hand"], one["on_order"]) == ((None, None) if sku == "s3" else (20, 5))
        assert one["order_now"] == (one["order_up_to"] - there if there <= one["reorder_point"] else 0) > 0
    many = policy(
        shop, f"lead_time := 3, {SAFE}, stock := 'SELECT sku, 10000 AS on_hand, 0 AS on_order FROM demand GROUP BY ALL'"
    )
    assert {one["order_now"] for one in many.values()} == {0}
    point = found["s1"]["reorder_point"]
    for there, wanted in ((point, found["s1"]["order_up_to"] - point), (point + 1, 0)):
        edge = policy(
            shop,
            f"lead_time := 3, {SAFE}, stock := 'SELECT DISTINCT sku, {there} AS on_hand, 0 AS on_order FROM demand'",
        )
        assert edge["s1"]["order_now"] == wanted


def test_stock_in_several_places_adds_up(shop: Session) -> None:
    places = "stock := 'SELECT sku, 4 AS on_hand, 1 AS on_order FROM (SELECT DISTINCT sku FROM demand), range(5)'"
    found = policy(shop, f"lead_time := 3, {SAFE}, {places}")
    assert {(one["on_hand"], one["on_order"]) for one in found.values()} == {(20, 5)}


@pytest.mark.parametrize("lot", ["'lot'", "12"])
def test_what_is_ordered_is_whole_lots(shop: Session, lot: str) -> None:
    found = policy(shop, f"lead_time := 3, {SAFE}, options := {{'lot': {lot}}}, {STOCK}")
    for sku, one in found.items():
        assert (one["order_up_to"] - one["reorder_point"]) % 12 == 0
        assert one["order_now"] % 12 == 0
        needed = one["order_up_to"] - (0 if sku == "s3" else 25)
        assert needed <= one["order_now"] < needed + 12


@pytest.mark.parametrize(
    "stock",
    [
        "SELECT 1 AS on_hand, 2 AS on_order",
        "SELECT sku, 1 AS on_order FROM demand",
    ],
)
def test_a_stock_that_lacks_a_column(shop: Session, stock: str) -> None:
    with pytest.raises(SourceError, match="stock.*no column"):
        policy(shop, f"lead_time := 3, {SAFE}, stock := '{stock}'")


def test_periodic_orders_fill_up(shop: Session) -> None:
    weekly = policy(shop, f"lead_time := 3, {SAFE}, options := {{'policy': 'periodic', 'review': 7}}, {STOCK}")
    daily = policy(shop, f"lead_time := 3, {SAFE}, options := {{'policy': 'periodic'}}")
    for sku, one in weekly.items():
        assert one["reorder_point"] is None
        assert one["lead_demand"] == pytest.approx(10 / 4 * daily[sku]["lead_demand"], rel=0.2)
        assert one["order_up_to"] > daily[sku]["order_up_to"]
        assert one["order_now"] == one["order_up_to"] - (0 if sku == "s3" else 25)


def test_a_newsvendor_orders_once(shop: Session) -> None:
    usual = policy(shop, f"lead_time := 3, {SAFE}, options := {{'policy': 'newsvendor'}}")
    assert usual == policy(shop, f"lead_time := 3, {SAFE}, options := {{'policy': 'newsvendor', 'cover': 7}}")
    long = policy(shop, f"lead_time := 3, {SAFE}, options := {{'policy': 'newsvendor', 'cover': 14}}")
    for sku, one in usual.items():
        assert one["reorder_point"] is None
        assert one["order_up_to"] == one["order_quantity"] > one["lead_demand"]
        assert long[sku]["lead_demand"] == pytest.approx(2 * one["lead_demand"], rel=0.3)
    costs = policy(shop, "lead_time := 3, costs := {'holding': 1, 'shortage': 7}, options := {'policy': 'newsvendor'}")
    assert all(0.45 < one["service"] < 0.6 for one in costs.values())


def test_a_newsvendor_covers_no_more_than_is_forecast(shop: Session) -> None:
    with pytest.raises(OptionError, match="140"):
        policy(
            shop,
            f"lead_time := 3, {SAFE}, options := {{'policy': 'newsvendor', 'cover': 351}}",
            "SELECT * FROM demand WHERE sku = 's0'",
        )


def test_policies_are_played_against_what_came(shop: Session) -> None:
    costs = "costs := {'holding': 1, 'shortage': 50, 'order': 10}"
    found = policy(shop, f"lead_time := 2, {SAFE}, {costs}, backtest := 21")
    for k, one in enumerate(found.values()):
        for name in ("tested", "normal"):
            assert 0.8 < one[f"{name}_fill_rate"] <= 1
            assert 0 < one[f"{name}_cost"] < 50 * 10 * (k + 2)
    assert any(one["tested_cost"] != one["normal_cost"] for one in found.values())
    plain = policy(shop, f"lead_time := 2, {SAFE}, {costs}")
    assert all(one[n] == plain[sku][n] for sku, one in found.items() for n in NUMBERS)


def test_what_came_is_not_foreseen(shop: Session) -> None:
    more = f"lead_time := 2, {SAFE}, costs := {{'holding': 1, 'shortage': 0, 'order': 0}}, backtest := 1"
    whole = policy(shop, more)
    none = policy(shop, more, changed("CASE WHEN day = DATE '2026-04-10' THEN 0 ELSE qty END AS qty"))
    asked = dict(rows(shop, "SELECT sku, qty FROM demand WHERE day = DATE '2026-04-10'"))
    for sku, one in whole.items():  # one step is played, from a full stock that is the same if nothing was foreseen
        assert none[sku]["tested_cost"] - one["tested_cost"] == pytest.approx(asked[sku])


def test_what_was_not_known_is_not_foreseen(shop: Session) -> None:
    more = f"lead_time := 12, {SAFE}, costs := {{'holding': 1, 'shortage': 50, 'order': 10}}, backtest := 1"
    wanted = policy(shop, more, model="warm")
    later = (
        "CASE WHEN day = DATE '2026-04-10' THEN 9.9 - warmth ELSE warmth END AS warmth"  # the one step that is played
    )
    found = policy(shop, more, changed(later), "warm")
    assert {k: one["tested_cost"] for k, one in found.items()} == {k: one["tested_cost"] for k, one in wanted.items()}


def test_items_that_are_too_young_are_not_played(shop: Session) -> None:
    found = policy(
        shop,
        f"lead_time := 2, {SAFE}, backtest := 21",
        "SELECT * FROM demand WHERE sku <> 's1' OR day > DATE '2026-03-30'",
    )
    assert found["s1"]["tested_fill_rate"] is None
    assert found["s1"]["reorder_point"] > 0
    assert found["s0"]["tested_fill_rate"] is not None


def test_all_items_are_too_young_to_be_played(shop: Session) -> None:
    found = policy(shop, f"lead_time := 2, {SAFE}, backtest := 99")
    assert {one["tested_fill_rate"] for one in found.values()} == {None}


def test_items_without_a_forecast_have_no_policy(shop: Session) -> None:
    found = policy(shop, f"lead_time := 3, {SAFE}, {STOCK}", changed("CASE WHEN sku <> 's1' THEN qty END AS qty"))
    assert (found["s1"]["ml_status"], found["s1"]["ml_reason"]) == ("unreadable", "no row has a value")
    assert all(found["s1"][n] is None for n in (*NUMBERS, "order_now"))
    assert {found[sku]["ml_status"] for sku in ("s0", "s2", "s3")} == {"ok"}
    assert policy(shop, f"lead_time := 3, {SAFE}", "SELECT * FROM demand WHERE false") == {}


def test_no_demand_is_no_fault(shop: Session) -> None:
    found = policy(
        shop,
        f"lead_time := 3, {SAFE}, costs := {{'holding': 1, 'shortage': 5, 'order': 3}}, backtest := 5, {STOCK}",
        changed("0 AS qty"),
    )
    for one in found.values():
        assert one["ml_status"] == "ok"
        assert one["tested_fill_rate"] == one["normal_fill_rate"] == 1
        assert one["normal_cost"] == 0
        assert 0 <= one["reorder_point"] < 40


def test_what_nobody_asks_for_is_not_ordered(shop: Session) -> None:
    found = policy(shop, f"lead_time := 3, {SAFE}, {STOCK}", changed("CASE WHEN sku = 's0' THEN 0 ELSE qty END AS qty"))
    assert (found["s0"]["order_up_to"], found["s0"]["order_now"]) == (0, 0)


def test_planning_forecasts_nothing(shop: Session) -> None:
    assert rows(shop, f"EXPLAIN FROM ml_order_policy('f', 'demand', lead_time := 3, {SAFE})")
    shop.execute(f"CREATE OR REPLACE VIEW policies AS FROM ml_order_policy('f', 'demand', lead_time := 3, {SAFE})")
    assert rows(shop, "SELECT count(*) FROM policies WHERE reorder_point > 0") == [(4,)]


def test_demand_of_one_item(shop: Session) -> None:
    one = "SELECT day, qty FROM demand WHERE sku = 's0'"
    shop.verb("finetune", "one", one, target="qty", task="forecast", order_by="day", options=TINY)
    found = rows(
        shop,
        f"SELECT order_up_to - order_now, on_hand FROM ml_order_policy('one', '{one.replace(chr(39), chr(39) * 2)}', lead_time := 2, {SAFE}, stock := 'SELECT 5 AS on_hand, 2 AS on_order')",
    )
    assert found == [(7, 5)]


def test_parts_of_pieces(shop: Session) -> None:
    shop.verb(
        "finetune",
        "parts",
        "SELECT sku, day, qty / 3 AS qty FROM demand",
        target="qty",
        task="forecast",
        entity="sku",
        order_by="day",
        options=TINY,
    )
    found = policy(shop, f"lead_time := 3, {SAFE}", "SELECT *  REPLACE (qty / 3 AS qty) FROM demand", "parts")
    assert all(one["reorder_point"] != round(one["reorder_point"]) for one in found.values())


def test_text_is_no_lead_time(shop: Session) -> None:
    with pytest.raises(MfgsqlError, match="sku"):
        policy(shop, f"lead_time := 'sku', {SAFE}")


def test_a_stock_with_nothing_on_order(shop: Session) -> None:
    found = policy(shop, f"lead_time := 3, {SAFE}, stock := 'SELECT DISTINCT sku, 4 AS on_hand FROM demand'")
    assert {(one["on_hand"], one["on_order"]) for one in found.values()} == {(4, 0)}


def test_an_item_that_ended_is_not_ordered(shop: Session) -> None:
    source = "SELECT * FROM demand WHERE sku <> 's1' OR day < (SELECT max(day) - 20 FROM demand)"
    found = policy(shop, f"lead_time := 3, {SAFE}", source=source)
    assert found["s1"]["ml_status"] == "ended"
    assert found["s1"]["reorder_point"] is None
    assert found["s0"]["reorder_point"] is not None
