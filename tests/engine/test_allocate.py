"""``ml_allocate``: three tables in, a row for each lane that is used."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import DataError, MfgsqlError, OptionError, SourceError

BASE = "supply := 'stock', demand := 'needs', cost := 'lanes'"


@pytest.fixture(scope="module")
def s() -> Iterator[Session]:
    with mfgsql.connect(threads=1, progress="off") as session:
        session.execute("""
            CREATE TABLE stock AS FROM (VALUES ('A', 50), ('B', 60)) t(plant, qty);
            CREATE TABLE needs AS FROM (VALUES ('x', 60), ('y', 30)) t(depot, qty);
            CREATE TABLE lanes AS FROM (VALUES ('A', 'x', 1.0, 100, DATE '2026-01-01'), ('A', 'y', 5.0, 100, NULL), ('B', 'x', 4.0, 100, NULL),
              ('B', 'y', 2.0, 25, NULL)) t(plant, depot, cost, most, since)
        """)
        yield session


def plan(s: Session, more: str = "", what: str = BASE) -> list[tuple]:
    return s.execute(f"SELECT plant, depot, quantity, total_cost, status FROM ml_allocate({what}{more})").fetchall()


def test_the_cheapest_lanes_with_their_columns(s):
    assert plan(s) == [("A", "x", 50, 50, "optimal"), ("B", "x", 10, 40, "optimal"), ("B", "y", 30, 60, "optimal")]
    found = s.execute(f"DESCRIBE FROM ml_allocate({BASE})").fetchall()
    assert [(row[0], row[1]) for row in found] == [
        ("plant", "VARCHAR"), ("depot", "VARCHAR"), ("cost", "DECIMAL(2,1)"), ("most", "INTEGER"), ("since", "DATE"), ("quantity", "DOUBLE"),
        ("total_cost", "DOUBLE"), ("status", "VARCHAR"),
    ]  # fmt: skip
    assert str(s.execute(f"SELECT since FROM ml_allocate({BASE}) WHERE plant = 'A'").fetchone()[0]) == "2026-01-01"


def test_limits(s):
    assert [row[2] for row in plan(s, ", subject_to := ['quantity <= most']")] == [45, 5, 15, 25]
    assert [row[2] for row in plan(s, ", subject_to := 'lane_capacity <= 40'")] == [40, 20, 30]
    assert [row[2] for row in plan(s, ", subject_to := ['sum(quantity) FILTER (WHERE depot = ''x'') OVER (PARTITION BY plant) >= 20']")] == [40, 20, 30]
    assert [row[2] for row in plan(s, ", subject_to := ['sum(quantity * cost) <= 180', 'quantity <= most']")] == [45, 5, 15, 25]
    with pytest.raises(DataError, match=r"depot x is short of 10. In the way: 'sum\(quantity\) OVER \(PARTITION BY depot\) <= 50' depot x"):
        plan(s, ", subject_to := ['sum(quantity) OVER (PARTITION BY depot) <= 50']")


def test_what_is_not_delivered(s):
    rows = plan(s, ", subject_to := ['sum(quantity) OVER (PARTITION BY depot) <= 50'], options := {'unmet': 100}")
    assert rows[-1] == (None, "x", 10, 1000, "not delivered")


def test_goods_are_columns_of_supply_and_demand(s):
    two = ("supply := 'SELECT plant, ''k'' || g AS sku, 30 AS qty FROM stock, range(2) r(g)', "
           "demand := 'SELECT depot, ''k'' || g AS sku, qty / 2 AS qty FROM needs, range(2) r(g)', cost := 'lanes'")  # fmt: skip
    rows = s.execute(f"SELECT sku, depot, sum(quantity) FROM ml_allocate({two}) GROUP BY ALL ORDER BY ALL").fetchall()
    assert rows == [("k0", "x", 30), ("k0", "y", 15), ("k1", "x", 30), ("k1", "y", 15)]
    most = s.execute(f"SELECT max(q) FROM (SELECT sum(quantity) AS q FROM ml_allocate({two}, subject_to := ['lane_capacity <= 40']) GROUP BY plant, depot)")
    assert most.fetchone()[0] <= 40
    of_goods = two.replace("cost := 'lanes'", "cost := 'SELECT lanes.*, ''k'' || g AS sku FROM lanes, range(1) r(g)'")
    with pytest.raises(DataError, match="depot x, sku k1 is short of 30"):
        s.execute(f"FROM ml_allocate({of_goods})").fetchall()


def test_nothing_to_ship(s):
    assert plan(s, what="supply := 'stock', demand := 'SELECT * FROM needs WHERE false', cost := 'lanes'") == []
    assert plan(s, what="supply := 'stock', demand := 'SELECT depot, 0 AS qty FROM needs', cost := 'lanes'") == []
    with pytest.raises(DataError, match="depot x is short of 60; depot y is short of 30"):
        plan(s, what="supply := 'SELECT * FROM stock WHERE false', demand := 'needs', cost := 'lanes'")


@pytest.mark.parametrize(("change", "kind", "told"), [
    (("'lanes'", "'SELECT plant, cost FROM lanes'"), SourceError, "The lanes and the demand share no column that names a place"),
    (("'stock'", "'SELECT *, 1 AS age FROM (SELECT plant, qty AS n1 FROM stock)'"), OptionError, "Which column of supply is the available one, of n1, age"),
    (("'stock'", "'SELECT plant FROM stock'"), OptionError, "no other column holds numbers"),
    (("'stock'", "'SELECT plant, -qty AS qty FROM stock'"), DataError, "qty is below 0 in 2 rows of supply"),
    (("'needs'", "'SELECT depot, NULL::INT AS qty FROM needs'"), DataError, "qty is NULL or no number in 2 rows of demand"),
    (("'lanes'", "'SELECT * REPLACE (if(plant = ''A'', NULL, plant) AS plant) FROM lanes'"), DataError, "plant is NULL in 2 rows of cost"),
    (("'needs'", "NULL"), OptionError, "demand is missing"),
    (("'needs'", "'nothing'"), MfgsqlError, "nothing"),
])  # fmt: skip
def test_tables_that_say_nothing(s, change, kind, told):
    with pytest.raises(kind, match=told):
        plan(s, what=BASE.replace(*change))


@pytest.mark.parametrize(("more", "told"), [
    (", options := {'available': 'stock'}", "names 'stock', and supply has no such column"),
    (", options := {'price': 'since'}", "holds DATE, no numbers"),
    (", options := {'whole': 3}", "whole is true or false"),
    (", options := {'unmet': -1}", "unmet is what a unit costs"),
    (", options := {'price_': 1}", "Unknown option 'price_'"),
    (", subject_to := ['quantity <= mst']", "names 'mst'"),
    (", subject_to := ['sum(lane_capacity) <= 3']", "adds lane_capacity up"),
])  # fmt: skip
def test_options_that_can_not_be(s, more, told):
    with pytest.raises(OptionError, match=told):
        plan(s, more)


def test_a_sum_has_one_bound(s):
    with pytest.raises(DataError, match="compares one sum with a column that differs among its rows"):
        plan(s, ", subject_to := ['sum(quantity) OVER (PARTITION BY plant) <= most']")


def test_planning_solves_nothing(s):
    assert s.execute(f"EXPLAIN FROM ml_allocate({BASE}, subject_to := ['sum(quantity) <= 1'])").fetchall()


def test_by_python(s):
    found = s.allocate("stock", "needs", "lanes", subject_to=["quantity <= most"])
    assert found.quantity.sum().execute() == 90
