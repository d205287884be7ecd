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
    with pytest.raises(DataError, match="depot x, sku k1, where no lane leads, is short of 30"):
        s.execute(f"FROM ml_allocate({of_goods})").fetchall()


def test_nothing_to_ship(s):
    assert plan(s, what="supply := 'stock', demand := 'SELECT * FROM needs WHERE false', cost := 'lanes'") == []
    assert plan(s, what="supply := 'stock', demand := 'SELECT depot, 0 AS qty FROM needs', cost := 'lanes'") == []
    with pytest.raises(DataError, match="depot x, where no lane leads, is short of 60; depot y"):
        plan(s, what="supply := 'SELECT * FROM stock WHERE false', demand := 'needs', cost := 'lanes'")


@pytest.mark.parametrize(("change", "kind", "told"), [
    (("'lanes'", "'SELECT plant, cost FROM lanes'"), SourceError, "The lanes and the demand share no column that names a place"),
    (("'stock'", "'SELECT *, 1 AS age FROM (SELECT plant, qty AS n1 FROM stock)'"), OptionError, "Which column of supply tells how much is available: n1 or age"),
    (("'stock'", "'SELECT plant FROM stock'"), OptionError, "No column of supply holds numbers that tell what is available"),
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
    (", options := {'unmet': -1}", "unmet is a number above 0"),
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


def test_a_bound_is_that_of_the_rows_that_count(s):
    capped = BASE.replace("'lanes'", "'SELECT *, if(depot = ''x'', 55, 7) AS cap FROM lanes'")
    with pytest.raises(DataError, match="depot x is short of 5"):
        plan(s, ", subject_to := ['sum(quantity) FILTER (WHERE depot = ''x'') <= cap'], options := {'price': 'cost'}", capped)


def test_columns_keep_their_types(s):
    rich = """SELECT plant, depot, cost, INTERVAL 36 HOUR AS takes, '\\x41\\xff'::BLOB AS tag, '{"a": [1]}'::JSON AS told, [1, NULL] AS stops,
        TIMESTAMPTZ '2026-01-01 10:00:00+00' AS seen, 1.25::DECIMAL(9, 4) AS rate_ FROM lanes"""
    named = BASE.replace("'lanes'", "'" + rich.replace("'", "''") + "'") + ", options := {'price': 'cost'}"
    columns = "takes, told->>'$.a[0]', stops, seen, rate_, typeof(rate_)"
    made = s.execute(f"SELECT DISTINCT {columns} FROM ml_allocate({named})").fetchall()
    assert "tag" not in [row[0] for row in s.execute(f"DESCRIBE FROM ml_allocate({named})").fetchall()]
    assert made == s.execute(f"SELECT DISTINCT {columns} FROM ({rich})").fetchall()


def test_names_are_alike_whatever_their_case(s):
    goods = ("supply := 'SELECT plant AS \"Plant\", ''k'' AS \"Part\", 1 AS \"Qty\" FROM stock', demand := 'SELECT depot, ''k'' AS part, 9 AS qty FROM needs', "
             "cost := 'SELECT *, ''k'' AS part FROM lanes', options := {'price': 'cost', 'unmet': 50}")  # fmt: skip
    rows = s.execute(f"SELECT part, depot, quantity, status FROM ml_allocate({goods}) WHERE status = 'not delivered'").fetchall()
    assert {row[0] for row in rows} == {"k"}
    assert sum(row[2] for row in rows) == 16


@pytest.mark.parametrize(("change", "told"), [
    (("'needs'", "'SELECT depot, qty, ''k'' AS prodct FROM needs'", "'stock'", "'SELECT plant, qty / 2 AS qty, ''k'' || g AS product FROM stock, range(2) r(g)'"),
     "supply has several rows of one plant, told apart by 'product', which demand has not"),
    (("'lanes'", "'SELECT plant, depot, most FROM lanes'"), "Which column of cost is what a unit costs: most"),
    (("'lanes'", "'SELECT *, cost * 2 AS price FROM lanes'"), "Which column of cost is what a unit costs: cost, most or price"),
    (("'lanes'", "'SELECT plant AS plnt, depot, cost FROM lanes'"), "The lanes have plnt, depot, cost; supply has plant, qty"),
    (("'stock'", "'SELECT plant, qty || '' t'' AS qty FROM stock'"), r"If it is plant or qty, which is text|which is text: SELECT \* REPLACE"),
    (("'stock'", "'SELECT plant || ''1'' AS status, qty FROM stock'", "'lanes'", "'SELECT plant || ''1'' AS status, depot, cost FROM lanes'"), "'status' names places or goods"),
    (("'lanes'", "'SELECT 1 + row_number() OVER () AS plant, depot, cost FROM lanes'"), "can't be compared"),
])  # fmt: skip
def test_what_is_told_by_names(s, change, told):
    what = BASE
    for old, new in zip(change[::2], change[1::2], strict=True):
        what = what.replace(old, new)
    with pytest.raises(MfgsqlError, match=told):
        plan(s, what=what)


def test_numbers_may_name_goods_and_places(s):
    what = "supply := 'SELECT 1 AS plant, 7 AS part, 90 AS qty', demand := 'SELECT 2 AS depot, 7 AS part, 80 AS need', cost := 'SELECT 1 AS plant, 2 AS depot, 3 AS cost'"
    assert s.execute(f"SELECT part, quantity, total_cost FROM ml_allocate({what})").fetchall() == [(7, 80, 240)]


def test_a_column_of_the_lanes_is_no_load(s):
    own = BASE.replace("'lanes'", "'SELECT plant, depot, cost, 40 AS lane_capacity FROM lanes'")
    with pytest.raises(OptionError, match="The lanes have a column 'lane_capacity', and in a limit lane_capacity is what a lane carries"):
        plan(s, ", subject_to := ['lane_capacity <= lane_capacity']", own)


def test_a_limit_of_no_lane(s):
    with pytest.raises(DataError, match="asks for something of no lane"):
        plan(s, ", subject_to := ['sum(quantity) FILTER (WHERE plant = ''C'') >= 20']")
    assert plan(s, ", subject_to := ['sum(quantity) FILTER (WHERE plant = ''C'') <= 20']") == plan(s)
    with pytest.raises(DataError, match="adds up a NULL, or what is no number"):
        plan(s, ", subject_to := ['sum(quantity / 0) <= 20']")


def test_planning_solves_nothing(s):
    assert s.execute(f"EXPLAIN FROM ml_allocate({BASE}, subject_to := ['sum(quantity) <= 1'])").fetchall()


def test_by_python(s):
    found = s.allocate("stock", "needs", "lanes", subject_to=["quantity <= most"])
    assert found.quantity.sum().execute() == 90
