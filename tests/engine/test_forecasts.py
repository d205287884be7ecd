"""``ml_forecast``: the steps to come of each series by SQL, and of sums of series."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import DataError, MfgsqlError, OptionError, SourceError
from mfgsql.metrics import LEVELS

SALES = """
CREATE TABLE sales AS SELECT 's' || k AS sku, DATE '2026-01-01' + d::INT AS day, CASE WHEN k < 3 THEN 'north' ELSE 'south' END AS region,
  hash(k, d, 'p') % 10 = 0 AS promo, (hash(k, d, 'w') % 100) / 10.0 AS warmth,
  (10 * (k + 1) + 8 * (d % 7 >= 5)::INT + hash(k, d) % 5 + 12 * (hash(k, d, 'p') % 10 = 0)::INT)::INT AS qty
FROM range(6) r(k), range(120) q(d)
"""
TINY = {"epochs": 1, "members": 1, "width": 8, "heads": 2, "horizon": 7, "window": 28}
PLAIN = "SELECT sku, day, region, qty FROM sales"
ZONED = "SELECT * REPLACE (timezone('UTC', day::TIMESTAMP) AS day) FROM sales"
CYCLES = "SELECT * REPLACE ((day - DATE '2026-01-01')::INTEGER AS day) FROM sales"
MONTHS = "SELECT * REPLACE ((DATE '2016-01-31' + to_months((day - DATE '2026-01-01')::INT))::DATE AS day) FROM sales"
ONE = "SELECT day, promo, qty FROM sales WHERE sku = 's0'"
SPARSE = "SELECT sku, day, qty FROM sales WHERE hash(sku, day, 'gap') % 2 = 0 OR day = DATE '2026-04-30'"
AHEAD = "SELECT 's' || k AS sku, DATE '2026-05-01' + d::INT AS day, NULL AS region, {} AS promo, {} AS warmth, NULL::INT AS qty FROM range(6) r(k), range({}) q(d)"
LAST = date(2026, 4, 30)


def train(
    session: Session,
    model: str,
    source: str,
    *,
    target: str = "qty",
    task: str = "forecast",
    roles: dict[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    named = {"entity": "sku", "order_by": "day"} if roles is None else roles
    return session.verb("finetune", model, source, target=target, task=task, options=TINY | options, **named)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def shop() -> Iterator[Session]:
    with mfgsql.connect(threads=1, progress="off") as session:
        session.execute(SALES)
        train(session, "f", "sales", known=["promo"])
        train(session, "plain", PLAIN)
        kind = {"epochs": 1, "width": 8, "layers": 1, "heads": 2}
        session.verb("finetune", "kind", "SELECT qty, warmth, region FROM sales", target="region", options=kind)
        yield session


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return session.execute(sql).fetchall()


def ask(
    model: str = "plain",
    source: str = PLAIN,
    what: str = "sku, day, step, predicted_qty",
    more: str = "",
    order: str = "ALL",
) -> str:
    return f"SELECT {what} FROM ml_forecast('{model}', '{quoted(source)}'{more}) ORDER BY {order}"


def quoted(source: str) -> str:
    return source.replace("'", "''")


def without(change: str, source: str = "sales") -> str:
    return f"SELECT * REPLACE ({change}) FROM {source}"


def test_the_result_has_these_columns(shop: Session) -> None:
    found = rows(shop, "DESCRIBE FROM ml_forecast('f', 'sales')")
    assert [(r[0], r[1]) for r in found] == [
        ("sku", "VARCHAR"), ("day", "DATE"), ("step", "BIGINT"), ("predicted_qty", "DOUBLE"), ("lower", "DOUBLE"), ("upper", "DOUBLE"),
        ("quantiles", "MAP(DOUBLE, DOUBLE)"), ("ml_status", "VARCHAR"), ("ml_reason", "VARCHAR"),
    ]  # fmt: skip


def test_a_row_for_each_series_and_step(shop: Session) -> None:
    found = rows(shop, ask(what="sku, day, step, ml_status"))
    assert found == [(f"s{k}", LAST + timedelta(n), n, "ok") for k in range(6) for n in range(1, 8)]
    assert len(rows(shop, ask(more=", horizon := 3"))) == 18


def test_quantiles_rise(shop: Session) -> None:
    for more in ("", ", horizon := 17", ", group_by := []"):
        for predicted, lower, upper, quantiles in rows(
            shop, ask(what="predicted_qty, lower, upper, quantiles", more=more)
        ):
            assert tuple(quantiles) == LEVELS
            values = list(quantiles.values())
            assert values == sorted(values)
            assert 0 <= lower <= upper
            assert 0 <= predicted < 1_000


def test_the_level_widens_the_interval(shop: Session) -> None:
    wide = rows(shop, ask(what="sku, step, lower, upper, quantiles", order="1, 2"))
    narrow = rows(shop, ask(what="sku, step, lower, upper, quantiles", more=", level := 0.5", order="1, 2"))
    for (*_, low, high, quantiles), (*_, lower, upper, same) in zip(wide, narrow, strict=True):
        assert low <= lower <= upper <= high
        assert high - low > upper - lower
        assert (low, high) == pytest.approx((quantiles[0.05], quantiles[0.95]))
        assert quantiles == same


def test_steps_beyond_those_that_are_forecast_at_once(shop: Session) -> None:
    near = rows(shop, ask())
    far = rows(shop, ask(more=", horizon := 17"))
    assert [r[:3] for r in far] == [(f"s{k}", LAST + timedelta(n), n) for k in range(6) for n in range(1, 18)]
    assert [r[3] for r in far if r[2] <= 7] == pytest.approx([r[3] for r in near], abs=1e-4)
    for sku, _, _, value in far:
        assert value == pytest.approx(10 * (int(sku[1]) + 1) + 5, abs=15)
    assert far == rows(shop, ask(more=", horizon := 17"))


@pytest.mark.parametrize(("more", "words"), [
    ("horizon := 0", "horizon is a number of steps from 1 to 140, such as 7, not 0"), ("horizon := -3", "not -3"),
    ("horizon := 351", "not 351"), ("horizon := 'week'", "not 'week'"), ("horizon := 7.5", "not 7.5"),
    ("horizon := true", "not True"), ("level := 0", "level is a share between 0 and 1"), ("level := 1", "not 1"),
    ("level := 'all'", "not 'all'"), ("group_by := 3", r"group_by is a list of columns, as \['region'\]"), ("group_by := ['']", "group_by"),
])  # fmt: skip
def test_what_can_not_be_asked_for(shop: Session, more: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        rows(shop, ask(more=f", {more}"))


@pytest.mark.parametrize("horizon", [7, 17])
def test_sums_are_sums_of_the_series(shop: Session, horizon: int) -> None:
    more = f", horizon := {horizon}"
    alone = rows(
        shop, ask(what="day, step, sum(predicted_qty)", more=more + ") GROUP BY ALL --")[: -len(" ORDER BY ALL")]
    )
    total = rows(shop, ask(what="day, step, predicted_qty", more=f"{more}, group_by := []"))
    assert [r[:2] for r in total] == [r[:2] for r in sorted(alone)]
    assert [r[2] for r in total] == pytest.approx([r[2] for r in sorted(alone)])
    regions = rows(shop, ask(what="region, day, step, predicted_qty", more=f"{more}, group_by := ['region']"))
    assert [r[:3] for r in regions] == [
        (g, LAST + timedelta(n), n) for g in ("north", "south") for n in range(1, horizon + 1)
    ]
    for day, step, value in total:
        assert sum(r[3] for r in regions if r[1:3] == (day, step)) == pytest.approx(value)
    each = rows(shop, ask(what="sku, day, step, predicted_qty", more=f"{more}, group_by := ['sku']"))
    assert [r[3] for r in each] == pytest.approx([r[3] for r in rows(shop, ask(more=more))])


def test_an_interval_of_a_sum_is_narrower_than_a_sum_of_intervals(shop: Session) -> None:
    of_sum = rows(shop, ask(what="step, lower, upper, ml_status, ml_reason", more=", group_by := []"))
    alone = {
        n: (low, high)
        for n, low, high in rows(
            shop, "SELECT step, sum(lower), sum(upper) FROM ml_forecast('plain', 'sales') GROUP BY ALL"
        )
    }
    for step, lower, upper, status, reason in of_sum:
        low, high = alone[step]
        assert low < lower < upper < high
        assert (status, reason) == ("ok", None)


def test_a_sum_tells_what_it_lacks(shop: Session) -> None:
    lost = without("CASE WHEN sku <> 's1' THEN qty END AS qty")
    found = rows(shop, ask(source=lost, what="step, predicted_qty, ml_status, ml_reason", more=", group_by := []"))
    wanted = rows(
        shop, ask(source="SELECT * FROM sales WHERE sku <> 's1'", what="step, predicted_qty", more=", group_by := []")
    )
    assert [r[1] for r in found] == pytest.approx([r[1] for r in wanted])
    assert {r[2:] for r in found} == {("missing", "1 of 6 series have ended, or have no forecast")}
    south = rows(shop, ask(source=lost, what="DISTINCT region, ml_status", more=", group_by := ['region']"))
    assert south == [("north", "missing"), ("south", "ok")]


@pytest.mark.parametrize("name", ["zone", "step", "lower", *(
    "value", "i", "v", "q", "known", "series", "there"
)])  # fmt: skip
def test_groups_of_any_name(shop: Session, name: str) -> None:
    source = f'SELECT *, region AS "{name}" FROM sales'
    of = "ml_forecast('plain', '{}', group_by := ['{}'])"
    wanted = rows(
        shop, f"SELECT region, predicted_qty, lower, upper FROM {of.format('sales', 'region')} ORDER BY region, step"
    )
    found = rows(shop, f"SELECT COLUMNS(*) FROM {of.format(quoted(source), name)} ORDER BY 1, 3")
    assert [(r[0], *r[3:6]) for r in found] == wanted


def test_groups_of_no_column(shop: Session) -> None:
    with pytest.raises(SourceError, match="no column 'nope'"):
        rows(shop, ask(what="*", more=", group_by := ['nope']"))


def test_the_same_seed_gives_the_same_numbers(shop: Session) -> None:
    with mfgsql.connect(threads=1, progress="off") as other:
        other.execute(SALES)
        train(other, "plain", PLAIN)
        train(other, "plain", PLAIN, roles={"entity": "sku", "order_by": "day", "force": True})
        wanted = rows(shop, ask(what="sku, step, predicted_qty, lower, upper", more=", horizon := 10"))
        assert rows(other, ask(what="sku, step, predicted_qty, lower, upper", more=", horizon := 10")) == wanted
        assert (
            rows(other, ask("plain@2", what="sku, step, predicted_qty, lower, upper", more=", horizon := 10")) == wanted
        )
        train(other, "seeded", PLAIN, seed=5)
        assert rows(other, ask("seeded")) != rows(other, ask())


@settings(max_examples=10)
@given(st.sets(st.integers(0, 5), min_size=1), st.integers(0, 10_000), st.sampled_from([5, 17]))
def test_neither_other_series_nor_the_order_of_rows_matter(
    shop: Session, asked: set[int], seed: int, horizon: int
) -> None:
    names = ", ".join(f"'s{k}'" for k in asked)
    shop.execute(
        f"CREATE OR REPLACE TABLE part AS SELECT * FROM sales WHERE sku IN ({names}) ORDER BY hash(sku, day, {seed})"
    )
    what, more = "sku, step, predicted_qty, lower, upper", f", horizon := {horizon}"
    wanted = [r for r in rows(shop, ask(what=what, more=more)) if int(r[0][1]) in asked]
    found = rows(shop, ask(source="part", what=what, more=more))
    assert [r[:2] for r in found] == [r[:2] for r in wanted]
    assert [v for r in found for v in r[2:]] == pytest.approx([v for r in wanted for v in r[2:]], abs=1e-3)


def test_no_more_of_the_past_is_read_than_the_window(shop: Session) -> None:
    recent = rows(shop, ask(source="SELECT * FROM sales WHERE day > DATE '2026-04-02'"))
    assert [r[3] for r in recent] == pytest.approx([r[3] for r in rows(shop, ask())], abs=1e-4)


def test_days_that_are_there_twice_are_not_learnt_from(shop: Session) -> None:
    twice = f"{PLAIN} UNION ALL {without('qty + 50 AS qty', f'({PLAIN})')} WHERE day > DATE '2026-03-01'"
    with pytest.raises(DataError, match="share a step"):
        train(shop, "twice", twice)


def test_days_that_are_there_twice_give_no_forecast(shop: Session) -> None:
    twice = "FROM sales UNION ALL FROM sales WHERE sku = 's1' AND day = DATE '2026-04-20'"
    found = rows(
        shop, ask(source=twice, what="sku, step, predicted_qty, lower, upper, ml_status, ml_reason", order="1, 2")
    )
    assert all(
        r[2:] == (None, None, None, "unreadable", "two rows share a step of day: sum them up first")
        for r in found
        if r[0] == "s1"
    )
    assert [r[2] for r in found if r[0] != "s1"] == pytest.approx(
        [r[3] for r in rows(shop, ask()) if r[0] != "s1"], abs=1e-4
    )


def test_one_day_is_too_short(shop: Session) -> None:
    found = rows(
        shop,
        ask(
            source="SELECT * FROM sales WHERE sku <> 's1' OR day = DATE '2026-04-30'",
            what="sku, day, predicted_qty, upper, ml_status, ml_reason",
            more=", horizon := 1",
        ),
    )
    assert found[1] == ("s1", date(2026, 5, 1), None, None, "too_short", "1 known steps, 2 are needed")
    assert [r[4] for r in found] == ["ok", "too_short", "ok", "ok", "ok", "ok"]


LOST = without("CASE WHEN sku <> 's1' THEN qty END AS qty")


def test_a_series_without_a_value(shop: Session) -> None:
    found = rows(shop, ask(source=LOST, what="sku, step, predicted_qty, lower, upper, ml_status, ml_reason"))
    assert [r[1:] for r in found if r[0] == "s1"] == [
        (n, None, None, None, "unreadable", "no row has a value") for n in range(1, 8)
    ]
    assert {r[5] for r in found if r[0] != "s1"} == {"ok"}


LISTS = "forecasts._lists masks the offset of a NULL list, and Arrow gives its values to the list before"


def test_series_with_and_without_a_forecast_stand_side_by_side(shop: Session) -> None:
    found = rows(shop, ask(source=LOST, what="sku, step, len(map_keys(quantiles))", order="1, 2"))
    assert found == [(f"s{k}", n, None if k == 1 else len(LEVELS)) for k in range(6) for n in range(1, 8)]


def test_a_series_without_a_forecast_changes_no_interval_of_a_sum(shop: Session) -> None:
    there = "SELECT * FROM sales WHERE sku <> 's1'"
    one, other = (rows(shop, ask(source=s, what="step, lower, upper", more=", group_by := []")) for s in (LOST, there))
    assert [v for r in one for v in r] == pytest.approx([v for r in other for v in r], abs=1e-3)


def test_a_series_without_a_value_has_no_days(shop: Session) -> None:
    assert {day for sku, day in rows(shop, ask(source=LOST, what="sku, day")) if sku == "s1"} == {None}


def test_a_series_that_ends_early(shop: Session) -> None:
    found = rows(
        shop,
        ask(
            source="SELECT * FROM sales WHERE sku <> 's1' OR day < DATE '2026-04-27'",
            what="sku, day, predicted_qty > 0, ml_status, ml_reason",
            more=", horizon := 1",
        ),
    )
    assert found[1] == ("s1", date(2026, 4, 27), True, "ended", "ends 4 steps before the latest series")
    assert {r[1:4] for r in found if r[0] != "s1"} == {(date(2026, 5, 1), True, "ok")}


def test_no_demand_is_no_fault(shop: Session) -> None:
    found = rows(shop, ask(source=without("0 AS qty"), what="predicted_qty, lower, upper, ml_status"))
    assert all(0 <= predicted < 2 and 0 == lower <= upper < 20 for predicted, lower, upper, _ in found)
    assert {r[3] for r in found} == {"ok"}


def test_no_demand_stays_none(shop: Session) -> None:
    assert {r for r in rows(shop, ask(source=without("0 AS qty"), what="predicted_qty, upper"))} == {(0, 0)}


def planned(promo: str = "false", warmth: str = "NULL", steps: int = 7) -> str:
    return f"SELECT * FROM sales UNION ALL {AHEAD.format(promo, warmth, steps)}"


def test_what_is_planned_changes_the_forecast_of_its_day(shop: Session) -> None:
    what = "sku, step, predicted_qty, ml_status, ml_reason"
    none, all_, third = (rows(shop, ask("f", planned(p), what)) for p in ("false", "true", "d = 2"))
    assert {r[3:] for r in none + all_ + third} == {("ok", None)}
    assert all(one[2] != other[2] for one, other in zip(none, all_, strict=True))
    for plain, one, every in zip(none, third, all_, strict=True):
        assert one[2] == pytest.approx(every[2] if one[1] == 3 else plain[2], abs=1e-4)
        assert (one[2] != plain[2]) == (one[1] == 3)


def test_plans_that_end_too_early_are_told(shop: Session) -> None:
    found = rows(shop, ask("f", planned(steps=3), "DISTINCT ml_status, ml_reason"))
    assert found == [("missing", "promo known of 3 of 7 steps")]
    assert rows(shop, ask("f", "sales", "DISTINCT ml_status, ml_reason")) == [
        ("missing", "promo known of 0 of 7 steps")
    ]
    assert rows(shop, ask("f", planned(steps=3), "DISTINCT ml_status", ", horizon := 3")) == [("ok",)]


def test_what_is_not_known_of_steps_to_come_is_not_read(shop: Session) -> None:
    one, other = (rows(shop, ask("f", planned(warmth=w), "sku, step, predicted_qty, upper")) for w in ("NULL", "99"))
    assert one == other
    past = rows(
        shop, ask("f", f"SELECT * REPLACE (warmth + 5 AS warmth) FROM ({planned()})", "sku, step, predicted_qty, upper")
    )
    assert past != one


def test_what_is_planned_for_later_matters_not(shop: Session) -> None:
    assert rows(shop, ask("f", planned(steps=30))) == rows(shop, ask("f", planned()))


def test_a_value_that_is_no_number(shop: Session) -> None:
    text = "SELECT * REPLACE (CASE WHEN sku = 's2' AND day = DATE '2026-04-30' THEN 'hot' ELSE warmth::VARCHAR END AS warmth) FROM sales"
    found = rows(
        shop,
        ask(
            "f",
            text,
            "DISTINCT sku, predicted_qty IS NULL, split_part(ml_reason, ';', 1)",
            ", horizon := 1) WHERE ml_status = 'unreadable' --",
        )[: -len(" ORDER BY ALL")],
    )
    assert found == [("s2", True, "warmth = 'hot' is not a number")]


@pytest.mark.parametrize("name", ["promo", "region", "warmth", "day", "sku", "qty"])
def test_a_column_that_is_missing(shop: Session, name: str) -> None:
    with pytest.raises(SourceError, match=f"no column '{name}'"):
        rows(shop, ask("f", f"SELECT * EXCLUDE ({name}) FROM sales", "*"))


def test_times_that_are_none(shop: Session) -> None:
    with pytest.raises(SourceError, match="orders rows by times"):
        rows(shop, ask(source=without("5 AS day"), what="*"))


def test_times_that_are_text(shop: Session) -> None:
    with pytest.raises(MfgsqlError, match="can't be ordered by"):
        rows(shop, ask(source=without("day::VARCHAR AS day"), what="*"))


def test_rows_without_a_place_are_left_out(shop: Session) -> None:
    more = f"{PLAIN} UNION ALL SELECT NULL, day, region, 1000 FROM sales UNION ALL SELECT sku, NULL, region, 1000 FROM sales UNION ALL SELECT sku, 'infinity'::DATE, region, 1000 FROM sales"
    assert rows(shop, ask(source=more)) == rows(shop, ask())
    assert rows(shop, ask(source="SELECT * FROM sales WHERE false")) == []


@pytest.mark.parametrize(
    "verb",
    [
        "ml_predict('f', 'sales')",
        "ml_evaluate('f', 'sales')",
        "ml_calibration('f', 'sales')",
        "ml_feature_importance('f')",
        "ml_thresholds('f', 'sales')",
    ],
)
def test_what_is_for_models_of_rows(shop: Session, verb: str) -> None:
    with pytest.raises(
        MfgsqlError, match=r"'f' forecasts series; this is for models of rows.*ml_forecast\('f', 'my_table'\)"
    ):
        rows(shop, f"FROM {verb}")


def test_a_row_is_no_series(shop: Session) -> None:
    with pytest.raises(MfgsqlError, match="series"):
        rows(shop, "SELECT ml_predict('f', t) FROM sales t")


@pytest.mark.parametrize(
    "verb",
    [
        "ml_forecast('kind', 'sales')",
        "ml_backtest('kind', 'sales')",
        "ml_order_policy('kind', 'sales', lead_time := 2, service_level := 0.9)",
    ],
)
def test_what_is_for_forecasters(shop: Session, verb: str) -> None:
    with pytest.raises(OptionError, match="'kind' is a model of task 'classification', and forecasts nothing"):
        rows(shop, f"FROM {verb}")


@pytest.mark.parametrize("task", ["classification", "regression", "rul", "anomaly"])
@pytest.mark.parametrize(
    "option",
    [{"horizon": 7}, {"season": 7}, {"gaps": "zero"}, {"known": ["promo"]}, {"holidays": "DE"}, {"refit": "no"}],
)
def test_options_of_forecasts_are_for_forecasts(shop: Session, task: str, option: dict[str, Any]) -> None:
    named = {} if task == "anomaly" else {"target": "qty"}
    with pytest.raises(OptionError, match=f"{next(iter(option))} is for task := 'forecast': leave it out"):
        shop.verb("finetune", "x", "sales", task=task, entity="sku", order_by="day", options=option, **named)


@pytest.mark.parametrize(("source", "options", "roles", "error", "words"), [
    ("sales", {"known": ["prom"]}, {}, SourceError, "known names 'prom', which is no column to learn from.*promo"),
    ("sales", {"known": ["qty"]}, {}, SourceError, "known names 'qty'"),
    ("sales", {"known": 3}, {}, OptionError, "known is a list of columns"),
    ("sales", {"holidays": "XX"}, {}, OptionError, "No calendar of holidays is known for 'XX'"),
    ("sales", {"holidays": 3}, {}, OptionError, "holidays is a country"),
    (CYCLES, {"holidays": "DE"}, {}, OptionError, "for series in time"),
    ("sales", {"gaps": "none"}, {}, OptionError, "gaps is missing or zero, not 'none'"),
    ("sales", {"memory": 1}, {}, OptionError, "memory is for models that read histories of sensors, not for forecasts"),
    ("sales", {"patch": 5}, {}, OptionError, "patch = 5 doesn't part window = 28"),
    ("sales", {}, {"order_by": None}, OptionError, "A forecast needs the column of time"),
    ("sales", {}, {"split": "entity"}, OptionError, "not by split := 'entity'"),
    (without("5 AS qty"), {}, {}, DataError, "'qty' is 5 in every row"),
    (without("region AS qty"), {}, {}, DataError, "'qty' is VARCHAR, not a number"),
    (without("NULL::INT AS qty"), {}, {}, DataError, "is NULL in all of the source's 720 rows"),
    (without("DATE '2026-01-01' AS day"), {}, {}, DataError, "No series has two rows at different times"),
])  # fmt: skip
def test_what_can_not_be_learnt(
    shop: Session, source: str, options: dict[str, Any], roles: dict[str, Any], error: type[MfgsqlError], words: str
) -> None:
    with pytest.raises(error, match=words):
        train(shop, "x", source, roles={"entity": "sku", "order_by": "day"} | roles, **options)


def test_months_end_on_their_last_days(shop: Session) -> None:
    assert not train(shop, "monthly", MONTHS)["warnings"]
    found = rows(
        shop,
        ask("monthly", MONTHS, "day, predicted_qty > 0", ", horizon := 4) WHERE sku = 's3' --")[
            : -len(" ORDER BY ALL")
        ],
    )
    assert sorted(found) == [(date(2026, m, d), True) for m, d in ((1, 31), (2, 28), (3, 31), (4, 30))]


def test_a_series_of_last_days_stays_so_behind_a_short_month(shop: Session) -> None:
    train(shop, "ends", MONTHS)
    until = f"SELECT * FROM ({MONTHS}) WHERE day <= DATE '2025-02-28'"
    found = rows(shop, ask("ends", until, "DISTINCT day", ", horizon := 3"))
    assert [d for (d,) in found] == [date(2025, 3, 31), date(2025, 4, 30), date(2025, 5, 31)]


def test_times_with_a_zone_stay_so(shop: Session) -> None:
    train(shop, "zoned", ZONED)
    try:
        shop.execute("SET TimeZone = 'America/New_York'")
        found = rows(shop, ask("zoned", ZONED, "DISTINCT step, typeof(day), epoch(day) / 86400, ml_status"))
    finally:
        shop.execute("SET TimeZone = 'UTC'")
    first = (LAST - date(1970, 1, 1)).days
    assert found == [(n, "TIMESTAMP WITH TIME ZONE", first + n, "ok") for n in range(1, 8)]


def test_numbers_may_stand_for_times(shop: Session) -> None:
    train(shop, "cycles", CYCLES)
    found = rows(shop, ask("cycles", CYCLES, "DISTINCT step, day, typeof(day), ml_status"))
    assert found == [(n, 119 + n, "INTEGER", "ok") for n in range(1, 8)]


def test_all_rows_may_be_one_series(shop: Session) -> None:
    train(shop, "one", ONE, roles={"order_by": "day"})
    described = rows(shop, f"DESCRIBE {ask('one', ONE, '*')}")
    assert [r[0] for r in described][:3] == ["day", "step", "predicted_qty"]
    found = rows(shop, ask("one", ONE, "day, predicted_qty"))
    assert [r[0] for r in found] == [LAST + timedelta(n) for n in range(1, 8)]
    assert rows(shop, ask("one", ONE, "day, predicted_qty", ", group_by := []")) == found


def test_what_can_be_a_source(shop: Session, tmp_path: Any) -> None:
    wanted = [r for r in rows(shop, ask()) if r[0] == "s1"]
    shop.execute("CREATE OR REPLACE VIEW coming AS FROM ml_forecast('plain', 'sales')")
    shop.execute("CREATE OR REPLACE TEMP TABLE own AS FROM sales WHERE sku = 's1'")
    shop.execute(f"COPY (FROM sales WHERE sku = 's1') TO '{tmp_path / 'own.parquet'}'")
    columns = "sku, day, step, predicted_qty"
    for sql in (
        f"SELECT {columns} FROM coming WHERE sku = 's1' ORDER BY ALL",
        f"WITH mine AS (FROM sales WHERE sku = 's1') SELECT {columns} FROM ml_forecast('plain', 'mine') ORDER BY ALL",
        ask(source="own"), ask(source=str(tmp_path / "own.parquet")), ask(source="SELECT * FROM sales WHERE sku = 's1'"),
    ):  # fmt: skip
        found = rows(shop, sql)
        assert [r[:3] for r in found] == [r[:3] for r in wanted]
        assert [r[3] for r in found] == pytest.approx([r[3] for r in wanted], abs=1e-4)


def test_by_python(shop: Session) -> None:
    assert shop.forecast("plain", "sales", horizon=2).count().execute() == 12


def test_a_forecaster_may_be_a_base(shop: Session) -> None:
    made = train(shop, "based", PLAIN, roles={"entity": "sku", "order_by": "day", "base": "plain"})
    assert any("has learnt from 'qty' already" in warning for warning in made["warnings"])
    assert len(rows(shop, ask("based"))) == 42
    shop.verb(
        "finetune",
        "shaped",
        PLAIN,
        target="qty",
        task="forecast",
        entity="sku",
        order_by="day",
        base="plain",
        options={"epochs": 1},
    )
    assert len(rows(shop, ask("shaped"))) == 42
    with pytest.raises(OptionError, match="horizon = 14, but the base has 7"):
        train(shop, "longer", PLAIN, roles={"entity": "sku", "order_by": "day", "base": "plain"}, horizon=14)
    with pytest.raises(MfgsqlError, match="it is no base"):
        train(shop, "wrong", PLAIN, roles={"entity": "sku", "order_by": "day", "base": "kind"})


def test_days_without_a_row_are_unknown_or_zero(shop: Session) -> None:
    made = train(shop, "unknown", SPARSE)
    assert any("have no row: they count as unknown" in warning for warning in made["warnings"])
    assert not any("no row" in w for w in train(shop, "zero", SPARSE, gaps="zero")["warnings"])
    unknown = rows(shop, ask("unknown", SPARSE, "avg(predicted_qty), any_value(ml_status), any_value(ml_reason)"))[0]
    zero = rows(shop, ask("zero", SPARSE, "avg(predicted_qty), any_value(ml_status)"))[0]
    assert zero[0] < 0.8 * unknown[0]
    assert (unknown[1], zero[1]) == ("missing", "ok")
    assert "of the window is missing" in unknown[2]


def test_the_run_is_kept_like_any_other(shop: Session) -> None:
    made = train(shop, "kept", PLAIN, seed=3)
    assert (made["metric"], made["status"], made["rows"]) == ("mase", "finished", 720)
    metrics = {m for (m,) in rows(shop, f"SELECT DISTINCT metric FROM ml.metrics WHERE run_id = '{made['run_id']}'")}
    assert {"mase", "rmsse", "pinball"} <= metrics
    assert "<html" in rows(shop, "SELECT ml_report('kept')")[0][0]


def test_a_base_of_other_series_forecasts_new_ones_at_once_and_starts_a_model(shop: Session) -> None:
    tiny = "options := {'epochs': 1, 'members': 1, 'width': 8, 'heads': 2, 'horizon': 7, 'window': 28}"
    first, others = (f"SELECT sku, day, qty FROM sales WHERE sku {how} (''s0'', ''s1'')" for how in ("NOT IN", "IN"))
    roles = "entity := 'sku', order_by := 'day'"
    made = shop.execute(
        f"FROM ml_pretrain('all_series', '{first}', objective := 'forecast', {roles}, {tiny})"
    ).fetchone()
    assert made[3] in ("finished", "reused")
    found = shop.execute(
        f"SELECT DISTINCT sku, ml_status FROM ml_forecast('all_series', '{others}') ORDER BY 1"
    ).fetchall()
    assert found == [("s0", "ok"), ("s1", "ok")]
    tuned = f"target := 'qty', task := 'forecast', base := 'all_series', {roles}, options := {{'epochs': 1}}"
    assert shop.execute(f"FROM ml_finetune('tuned', '{others}', {tuned})").fetchone()[3] in ("finished", "reused")
    with pytest.raises(OptionError, match="has no column of numbers besides"):
        shop.execute(f"FROM ml_pretrain('all', 'SELECT sku, day FROM sales', objective := 'forecast', {roles})")
    with pytest.raises(OptionError, match="needs the column of time"):
        shop.execute("FROM ml_pretrain('all', 'sales', objective := 'forecast')")
