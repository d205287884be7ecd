"""Forecasts, orders and supply by commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Mfgsql

TABLES = """
CREATE TABLE sales AS SELECT 's' || k AS sku, DATE '2026-01-01' + d::INT AS day, ['north', 'south'][1 + k % 2] AS region,
  3 + k AS lead_days, (10 * (k + 1) + 8 * (d % 7 >= 5)::INT + hash(k, d) % 5)::INT AS qty FROM range(4) r(k), range(80) q(d);
CREATE TABLE stock AS SELECT DISTINCT sku, 20 AS on_hand, 0 AS on_order FROM sales;
CREATE TABLE purchases AS SELECT sku, 'Lumo' AS supplier, day AS ordered_on, day + 4 AS promised_on, 60 AS quantity,
  CASE WHEN day < DATE '2026-03-15' THEN day + 3 + (hash(sku, day) % 4)::INT END AS received_on FROM sales WHERE hash(sku, day) % 9 = 0
"""
TINY = ("epochs=1", "members=1", "width=8", "heads=2", "horizon=7", "window=28")


@pytest.fixture()
def demand(new: Mfgsql) -> Mfgsql:
    assert new("init").exit_code == 0
    assert new("sql", TABLES).exit_code == 0
    options = [word for option in TINY for word in ("--option", option)]
    roles = ("--task", "forecast", "--target", "qty", "--entity", "sku", "--order-by", "day", "--exclude", "lead_days")
    made = new("finetune", "demand", "sales", *roles, *options)
    assert made.exit_code == 0, made.output
    assert "mfgsql forecast demand SOURCE" in made.output
    return new


def test_each_command_tells_rows(demand: Mfgsql, tmp_path: Path) -> None:
    def rows(*words: str) -> list[dict]:
        found = demand(*words, "--format", "json")
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)

    assert len(rows("forecast", "demand", "sales", "--horizon", "5")) == 20
    assert [one["step"] for one in rows("forecast", "demand", "sales", "--total")] == [1, 2, 3, 4, 5, 6, 7]
    assert {one["region"] for one in rows("forecast", "demand", "sales", "--group-by", "region")} == {"north", "south"}
    assert {one["metric"] for one in rows("backtest", "demand", "sales", "--folds", "1")} >= {"mase", "coverage"}
    orders = rows("order", "demand", "sales", "--lead-time", "lead_days", "--service-level", "0.9", "--stock", "stock")
    assert all(one["order_now"] > 0 for one in orders)
    assert rows("order", "demand", "sales", "--lead-time", "3", "--holding", "0.1", "--shortage", "5")
    assert [one["supplier"] for one in rows("suppliers", "purchases")] == ["Lumo"]
    costs = ("--shortage", "5", "--order", "3", "--expedite", "2")
    measures = rows("countermeasures", "demand", "sales", "--stock", "stock", "--purchases", "purchases", *costs)
    assert {"wait", "order"} <= {one["measure"] for one in measures}
    file = tmp_path / "demand.csv"
    assert "28 rows written" in demand("forecast", "demand", "sales", "-o", str(file)).output
    assert file.read_text(encoding="utf-8").startswith("sku,day,step,predicted_qty")


def test_a_report_shows_what_is_to_come(demand: Mfgsql, tmp_path: Path) -> None:
    file = tmp_path / "demand.html"
    assert demand("report", "demand", "-o", str(file)).exit_code == 0
    page = file.read_text(encoding="utf-8")
    for title in ("The steps to come", "Back-test: how far off, step by step", "How much lasts how long"):
        assert title in page
    assert "Forecasts “qty” 7 steps ahead from the 28 before" in page


def test_the_sum_of_all_is_of_no_group(demand: Mfgsql) -> None:
    assert demand("forecast", "demand", "sales", "--total", "--group-by", "region").exit_code == 2
