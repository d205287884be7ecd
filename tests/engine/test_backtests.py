"""``ml_backtest``: forecasts from moments of the past by SQL, by models that have seen nothing after them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import DataError, MfgsqlError, OptionError, SourceError

SALES = """
CREATE TABLE sales AS SELECT 's' || k AS sku, DATE '2026-01-01' + d::INT AS day,
  hash(k, d, 'p') % 10 = 0 AS promo, (hash(k, d, 'w') % 100) / 10.0 AS warmth,
  (10 * (k + 1) + 8 * (d % 7 >= 5)::INT + hash(k, d) % 5 + 12 * (hash(k, d, 'p') % 10 = 0)::INT)::INT AS qty
FROM range(6) r(k), range(100) q(d)
"""
TINY = {"epochs": 1, "members": 1, "width": 8, "heads": 2, "horizon": 7, "window": 28}
MONTHS = "SELECT * REPLACE ((DATE '2018-01-15' + to_months((day - DATE '2026-01-01')::INT))::DATE AS day) FROM sales"
ONE = "SELECT day, qty FROM sales WHERE sku = 's0'"
LAST = date(2026, 4, 10)
METRICS = ["mase", "rmsse", "pinball", "wape", "bias", "coverage"]


def train(session: Session, model: str, source: str, roles: dict[str, Any] | None = None, **options: Any) -> None:
    named = {"entity": "sku", "order_by": "day"} if roles is None else roles
    session.verb("finetune", model, source, target="qty", task="forecast", options=TINY | options, **named)


@pytest.fixture(scope="module")
def shop() -> Iterator[Session]:
    with mfgsql.connect(threads=1, progress="off") as session:
        session.execute(SALES)
        train(session, "f", "sales", known=["promo"])
        yield session


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return session.execute(sql).fetchall()


def backtest(
    session: Session, source: str = "sales", more: str = "folds := 1", model: str = "f", what: str = "*"
) -> list[tuple[Any, ...]]:
    quoted = source.replace("'", "''")
    return rows(session, f"SELECT {what} FROM ml_backtest('{model}', '{quoted}', {more})")


def details(
    session: Session, source: str = "sales", more: str = "folds := 1", model: str = "f"
) -> list[tuple[Any, ...]]:
    return sorted(backtest(session, source, f"{more}, details := true", model))


def after(day: date, change: str) -> str:
    """The sales, where something is otherwise after a day."""
    name = change.split()[0]
    return f"SELECT * REPLACE (CASE WHEN day > DATE '{day}' THEN {change} ELSE {name} END AS {name}) FROM sales"


def past(session: Session, until: date) -> dict[str, np.ndarray]:
    found = rows(session, f"SELECT sku, list(qty ORDER BY day) FROM sales WHERE day <= DATE '{until}' GROUP BY ALL")
    return {sku: np.array(values, float) for sku, values in found}


def test_a_row_for_each_fold_and_metric_and_those_of_all(shop: Session) -> None:
    described = rows(shop, "DESCRIBE FROM ml_backtest('f', 'sales', folds := 2)")
    assert [(r[0], r[1]) for r in described] == [
        ("fold", "INTEGER"), ("origin", "DATE"), ("metric", "VARCHAR"), ("value", "DOUBLE"), ("baseline", "DOUBLE"), ("series", "BIGINT"), ("rows", "BIGINT"),
    ]  # fmt: skip
    found = backtest(shop, more="folds := 2")
    assert [r[:3] for r in found] == [
        (fold, origin, metric)
        for fold, origin in ((1, LAST - timedelta(7)), (2, LAST - timedelta(14)), (None, None))
        for metric in METRICS
    ]
    assert [r[5:] for r in found] == [(6, 42)] * 12 + [(12, 84)] * 6
    by = {(r[0], r[2]): r[3:5] for r in found}
    for metric in ("mase", "coverage"):
        for place in (0, 1):
            assert by[None, metric][place] == pytest.approx((by[1, metric][place] + by[2, metric][place]) / 2)


def test_the_forecast_of_a_season_before_by_hand(shop: Session) -> None:
    until = LAST - timedelta(7)
    whole, known = past(shop, LAST), past(shop, until)
    came = {sku: values[-7:] for sku, values in whole.items()}
    said = {sku: values[-7:] for sku, values in known.items()}
    changes = {sku: values[7:] - values[:-7] for sku, values in known.items()}
    errors = {sku: came[sku] - said[sku] for sku in known}
    baseline = {r[2]: r[4] for r in backtest(shop)}
    assert baseline["mase"] == pytest.approx(
        np.mean([np.abs(errors[s]).mean() / np.abs(changes[s]).mean() for s in known])
    )
    assert baseline["rmsse"] == pytest.approx(
        np.mean([np.sqrt((errors[s] ** 2).mean() / (changes[s] ** 2).mean()) for s in known])
    )
    total = sum(c.sum() for c in came.values())
    assert baseline["wape"] == pytest.approx(sum(np.abs(e).sum() for e in errors.values()) / total)
    assert baseline["bias"] == pytest.approx(-sum(e.sum() for e in errors.values()) / total)


def test_details_stand_beside_what_came(shop: Session) -> None:
    described = rows(shop, "DESCRIBE FROM ml_backtest('f', 'sales', folds := 1, details := true)")
    assert [(r[0], r[1]) for r in described] == [
        ("fold", "INTEGER"), ("sku", "VARCHAR"), ("day", "DATE"), ("step", "BIGINT"), ("qty", "DOUBLE"), ("predicted_qty", "DOUBLE"),
        ("lower", "DOUBLE"), ("upper", "DOUBLE"), ("seasonal", "DOUBLE"),
    ]  # fmt: skip
    found = details(shop, more="folds := 2")
    actual = dict(((sku, day), qty) for sku, day, qty in rows(shop, "SELECT sku, day, qty FROM sales"))
    assert len(found) == 84
    for fold, sku, day, step, qty, predicted, lower, upper, seasonal in found:
        assert day == LAST - timedelta(7 * fold) + timedelta(step)
        assert qty == actual[sku, day]
        assert seasonal == actual[sku, day - timedelta(7)]
        assert lower <= upper
        assert 0 <= predicted < 150


def test_metrics_are_those_of_the_details(shop: Session) -> None:
    found = details(shop, more="folds := 1, level := 0.5")
    told = {r[2]: r[3] for r in backtest(shop, more="folds := 1, level := 0.5")}
    came, said, lower, upper = (np.array([r[i] for r in found]) for i in (4, 5, 6, 7))
    assert told["wape"] == pytest.approx(np.abs(came - said).sum() / came.sum())
    assert told["bias"] == pytest.approx((said - came).sum() / came.sum())
    assert told["coverage"] == pytest.approx(((lower <= came) & (came <= upper)).mean())
    assert told["coverage"] <= {r[2]: r[3] for r in backtest(shop, more="folds := 1, level := 0.99")}["coverage"]


@pytest.mark.parametrize("horizon", [7, 10])
def test_what_came_changes_no_forecast(shop: Session, horizon: int) -> None:
    more, origin = f"folds := 1, horizon := {horizon}", LAST - timedelta(horizon)
    wanted = details(shop, more=more)
    found = details(shop, after(origin, "qty * 3 + 40"), more)
    assert [r[1:4] for r in found] == [r[1:4] for r in wanted]
    assert [r[5:] for r in found] == [r[5:] for r in wanted]
    assert all(one[4] == 3 * other[4] + 40 for one, other in zip(found, wanted, strict=True))
    before = details(shop, after(origin - timedelta(1), "qty + 40"), more)
    assert [r[5] for r in before] != [r[5] for r in wanted]


@pytest.mark.parametrize("horizon", [7, 10])  # fmt: skip
def test_columns_that_were_not_known_change_no_forecast(shop: Session, horizon: int) -> None:
    more = f"folds := 1, horizon := {horizon}"
    wanted = details(shop, more=more)
    assert details(shop, after(LAST - timedelta(horizon), "warmth + 30"), more) == wanted


def test_columns_that_were_known_do(shop: Session) -> None:
    assert details(shop, after(LAST - timedelta(7), "promo = false")) != details(shop)


def test_days_without_a_row_do_not_give_themselves_away(shop: Session) -> None:
    shop.execute("SELECT setseed(0.5)")
    shop.execute("""CREATE OR REPLACE TABLE sparse AS SELECT 's' || k AS sku, DATE '2026-01-01' + d::INT AS day, random() < 0.5 AS promo,
        5 + (random() * 5)::INT AS qty FROM range(10) r(k), range(120) q(d) WHERE random() < 0.5 OR d = 119""")
    train(shop, "sparse", "sparse", known=["promo"], gaps="zero", epochs=8, width=16)
    found = rows(
        shop,
        "SELECT qty > 0, avg(predicted_qty) FROM ml_backtest('sparse', 'sparse', folds := 1, details := true) WHERE step < 7 GROUP BY ALL ORDER BY ALL",
    )
    (_, nothing), (_, demand) = found
    assert demand == pytest.approx(nothing, abs=1.5)


def test_the_model_itself_judges_what_came_after_its_training(shop: Session) -> None:
    train(shop, "early", f"SELECT sku, day, qty FROM sales WHERE day <= DATE '{LAST - timedelta(7)}'")
    origin = f"SELECT * FROM sales WHERE day <= DATE ''{LAST - timedelta(7)}''"
    said = rows(shop, f"SELECT sku, day, predicted_qty FROM ml_forecast('early', '{origin}') ORDER BY ALL")
    found = details(shop, model="early")
    assert [r[1:3] for r in found] == [r[:2] for r in said]
    assert [r[5] for r in found] == pytest.approx([r[2] for r in said], abs=1e-4)


def test_folds_that_reach_back_too_far(shop: Session) -> None:
    with pytest.raises(DataError, match="15 folds of 7 steps reach back before the first row"):
        backtest(shop, more="folds := 15")
    with pytest.raises(DataError, match="1 folds of 100 steps reach back"):
        backtest(shop, more="folds := 1, horizon := 100")


@pytest.mark.parametrize(("more", "words"), [
    ("folds := 0", "folds is a number from 1 to 100, not 0"), ("folds := 101", "not 101"), ("folds := 1.5", "not 1.5"), ("folds := 'a'", "not 'a'"), ("folds := true", "not True"),
    ("level := 0", "level is a share between 0 and 1"), ("level := 2", "not 2"), ("horizon := 0", "horizon is a number of steps from 1 to 140"),
    ("horizon := 351", "not 351"), ("details := 3", "details is TRUE or FALSE, not 3"),
])  # fmt: skip
def test_what_can_not_be_asked_for(shop: Session, more: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        backtest(shop, more=more)


def test_sources_that_tell_nothing(shop: Session) -> None:
    with pytest.raises(DataError, match="'qty' is known in no row"):
        backtest(shop, "SELECT * REPLACE (NULL::INT AS qty) FROM sales")
    with pytest.raises(DataError, match="The source has no rows"):
        backtest(shop, "SELECT * FROM sales WHERE false")
    with pytest.raises(SourceError, match="no column 'qty'"):
        backtest(shop, "SELECT * EXCLUDE (qty) FROM sales")
    with pytest.raises(MfgsqlError, match="no column 'sku'"):
        backtest(shop, "SELECT * EXCLUDE (sku) FROM sales")


def test_a_column_of_the_model_that_is_missing(shop: Session) -> None:
    with pytest.raises(SourceError, match="no column 'warmth'"):
        backtest(shop, "SELECT * EXCLUDE (warmth) FROM sales")


def test_a_fold_that_no_series_reaches(shop: Session) -> None:
    early = "SELECT * FROM sales WHERE (sku = 's0' AND day < DATE '2026-03-01') OR (sku = 's1' AND day > DATE '2026-04-05') OR (sku = 's2' AND day < DATE '2026-03-01')"
    assert backtest(shop, early, "folds := 1") == []


def test_series_that_begin_late_or_end_early_count_where_they_are(shop: Session) -> None:
    some = "SELECT * FROM sales WHERE sku NOT IN ('s1', 's2') OR (sku = 's1' AND day > DATE '2026-04-05') OR (sku = 's2' AND day < DATE '2026-04-06')"
    found = details(shop, some, "folds := 1")
    assert [(sku, sum(r[1] == sku for r in found)) for sku in ("s0", "s1", "s2")] == [("s0", 7), ("s1", 0), ("s2", 2)]
    metrics = backtest(shop, some, "folds := 1")
    assert metrics[0][5:] == (5, 4 * 7 + 2)


def test_series_whose_days_are_there_twice_are_left_out(shop: Session) -> None:
    train(shop, "twice", "SELECT sku, day, qty FROM sales WHERE day <= DATE '2026-04-03'")
    twice = (
        "FROM sales UNION ALL SELECT * REPLACE (qty + 5 AS qty) FROM sales WHERE sku = 's1' AND day > DATE '2026-04-01'"
    )
    assert {r[1] for r in details(shop, twice, model="twice")} == {"s0", "s2", "s3", "s4", "s5"}


def test_months(shop: Session) -> None:
    train(shop, "monthly", MONTHS)
    origin = rows(shop, f"SELECT max(day) - INTERVAL 7 MONTH FROM ({MONTHS})")[0][0].date()
    assert {r[1] for r in backtest(shop, MONTHS, model="monthly") if r[0] == 1} == {origin}
    found = details(shop, MONTHS, model="monthly")
    actual = {(sku, day): qty for sku, day, qty in rows(shop, f"SELECT sku, day, qty FROM ({MONTHS})")}
    assert len(found) == 42
    assert all(r[4] == actual[r[1], r[2]] for r in found)


def test_all_rows_may_be_one_series(shop: Session) -> None:
    train(shop, "one", ONE, {"order_by": "day"})
    assert backtest(shop, ONE, model="one")[0][5:] == (1, 7)
    described = rows(
        shop, "DESCRIBE FROM ml_backtest('one', 'SELECT day, qty FROM sales', folds := 1, details := true)"
    )
    assert [r[0] for r in described][:3] == ["fold", "day", "step"]


def test_times_with_a_zone_stay_where_they_are(shop: Session) -> None:
    zoned = "SELECT sku, qty, timezone('UTC', day::TIMESTAMP) AS day FROM sales"
    train(shop, "zoned", zoned)
    try:
        shop.execute("SET TimeZone = 'America/New_York'")
        origins = backtest(shop, zoned, model="zoned", what="DISTINCT epoch(origin)")
    finally:
        shop.execute("SET TimeZone = 'UTC'")
    assert {o for (o,) in origins} == {((LAST - timedelta(7)) - date(1970, 1, 1)).days * 86_400, None}


def test_nothing_of_it_is_kept(shop: Session) -> None:
    counts = "SELECT (SELECT count(*) FROM ml.versions), (SELECT count(*) FROM ml.runs)"
    before = rows(shop, counts)
    assert backtest(shop) == backtest(shop)
    assert rows(shop, counts) == before


def test_by_python(shop: Session) -> None:
    assert len(shop.verb("backtest", "f", "sales", folds=1)) == 12
