"""Pages of what verbs suggest: bottlenecks over time, gains of changes, Pareto fronts."""

from __future__ import annotations

import re

import pytest

from mfgsql import connect
from mfgsql.errors import MfgsqlError
from mfgsql.reporting import choices, render_rows

STATIONS = """(SELECT s AS station, d AS period_start, s = 'mill' AS is_bottleneck, if(s = 'mill', 0.7, 0.1) AS critical,
  s || ' limits <the line>' AS finding FROM (VALUES ('mill'), ('wash')) v(s), range(DATE '2026-01-01', DATE '2026-01-11', INTERVAL 1 DAY) r(d)) AS b"""


@pytest.fixture(scope="module")
def s():
    with connect(":memory:") as session:
        yield session


def page(s, sql):
    return s.execute(sql).fetchone()[0]


def test_stations_over_time(s):
    told = page(s, f"SELECT ml_page(list(b), title := 'Line & more') FROM {STATIONS}")
    assert "<svg" in told
    assert "Line &amp; more" in told
    assert "10 of 10 periods, last 2026-01-10" in told
    assert "0 of 10 periods" in told
    assert "<the line>" not in told
    assert "http" not in told.replace("http-equiv", "")


def test_stations_without_periods_tell_their_findings(s):
    told = page(s, f"SELECT ml_page(list(b)) FROM (SELECT * EXCLUDE (period_start) FROM {STATIONS} WHERE period_start = DATE '2026-01-01') AS b")
    assert "mill limits &lt;the line&gt;" in told
    assert "<svg" not in told


def test_stations_of_states_are_drawn_by_how_long_they_are_the_bottleneck(s):
    of_states = f"(SELECT * REPLACE (NULL AS critical), if(station = 'mill', 0.75, 0.25) AS bottleneck FROM {STATIONS}) AS b"
    told = page(s, f"SELECT ml_page(list(b)) FROM {of_states}")
    assert "75.0" in told and "as the machine that waited least" in told
    assert "critical path" not in told


def test_a_change_is_drawn_measure_by_measure(s):
    rows = """(VALUES ('throughput', 100.0, 110.0, 10.0, 9.0, 11.0, 'mill: -10 %: +10', 'ok', 'played 8 times'),
      ('bottleneck', 0.9, 0.5, NULL, NULL, NULL, 'mill before, saw after', 'ok', 'played 8 times')) b(measure, now, changed, difference, lower, upper, finding, ml_status, ml_reason)"""
    told = page(s, f"SELECT ml_page(list(b)) FROM (FROM {rows}) AS b")
    assert "What the change would bring</h1>" in told and "<svg" in told
    assert told.count("played 8 times") == 1  # said once, not in each row


def test_a_front_is_drawn_by_what_it_was_ranked_by(s):
    """The dearer one's prediction is worse, its cautious end is better."""
    rows = """(VALUES (1, 20.0, 57.0, 10.0, 99.0, 1), (2, 21.0, 24.0, 12.0, 60.0, 1), (3, 21.5, 50.0, 13.0, 99.0, 1), (4, 22.0, 60.0, 9.0, 99.0, 2)) b(suggestion, cost, predicted_strength, lower, upper, pareto_rank)"""
    told = page(s, f"SELECT ml_page(list(b)) FROM (FROM {rows}) AS b")
    assert "Points of cost and lower; 3 of 4 are on the front." in told
    assert "Predictions count by their cautious end, lower." in told
    asked = page(s, f"SELECT ml_page(list(b), y := 'predicted_strength') FROM (FROM {rows}) AS b")
    assert "Points of cost and predicted_strength" in asked and "More than cost and predicted_strength counts there" in asked


def test_what_tells_most_comes_first_and_long_texts_have_room():
    (told,) = choices.table([{"cement": 1.0, "why": "x" * 50, "predicted_strength": 2.0, "suggestion": 1, "changes": []}], "Rows")
    assert told.head == ("suggestion", "why", "predicted_strength", "cement")
    assert told.long == (1,)


def test_a_suggestion_begins_with_whose_it_is(s):
    rows = "(VALUES ('MX-1', 300, 1, 40.0, [{'feature': 'cement'}], 'more'), ('MX-2', 310, 1, 41.0, [{'feature': 'cement'}], 'less')) b(batch, cement, suggestion, predicted_strength, changes, why)"
    told = page(s, f"SELECT ml_page(list(b)) FROM (FROM {rows}) AS b")
    assert "What is recommended</h1>" in told
    head = re.findall(r"<th[^>]*>([^<]*)</th>", told)
    assert head[:3] == ["batch", "suggestion", "why"]


def test_one_objective_has_no_front_and_what_it_is_about_stands_before_what_a_design_is_made_of(s):
    rows = "(SELECT i AS design, 300 + i % 3 AS cement, 20.0 + i AS cost, 9.0 + i % 4 AS predicted_strength, 8.0 + i % 5 AS lower, 1 + i AS pareto_rank FROM range(8) r(i)) AS b"
    told = page(s, f"SELECT ml_page(list(b)) FROM {rows}")
    assert "<svg" not in told
    assert re.findall(r"<th[^>]*>([^<]*)</th>", told)[:3] == ["design", "cost", "predicted_strength"]


def test_gains(s):
    rows = "(VALUES (1, 'mill: -10 %', 3.1, 2.2, 4.0, 'faster'), (2, 'wash: -10 %', 0.1, -0.2, NULL, 'no use')) AS b(rank, change, gain, lower, upper, suggestion)"
    told = page(s, f"SELECT ml_page(list(b)) FROM (FROM {rows}) AS b")
    assert "What changes would bring" in told
    assert "mill: -10 %" in told
    assert "<svg" in told


def test_a_front_by_the_columns_that_are_told(s):
    rows = "(SELECT i AS design, i * 2.0 AS cost, 9.0 - i AS predicted_strength, 1 + i % 2 AS pareto_rank, 'ok' AS ml_status FROM range(8) r(i)) AS b"
    told = page(s, f"SELECT ml_page(list(b)) FROM {rows}")
    assert "Points of cost and predicted_strength; 4 of 8 are on the front." in told
    assert "Points of design and cost" in page(s, f"SELECT ml_page(list(b), x := 'design', y := 'cost') FROM {rows}")


def test_a_front_with_nothing_on_it_is_a_table():
    assert choices.front([{"pareto_rank": None, "cost": None, "why": "none"}], None, None) is not None
    assert "<svg" not in render_rows([{"pareto_rank": None, "cost": None, "why": "none"}])


def test_other_rows_are_a_table(s):
    assert "1 row" in page(s, "SELECT ml_page(list(b)) FROM (SELECT 1 AS a, [1] AS l, NULL AS n) AS b")


@pytest.mark.parametrize(("call", "said"), [
    ("ml_page([])", "no rows to show: the statement"), ("ml_page(NULL)", "no rows"), ("ml_page(3)", "list of rows"), ("ml_page([3])", "list of rows"),
    ("ml_page([{'a': 1}], x := 'b')", "no column 'b'.*They have a"),
])  # fmt: skip
def test_what_is_no_page_says_so(s, call, said):
    with pytest.raises(MfgsqlError, match=said):
        s.execute(f"SELECT {call}").fetchall()


def test_recommendations_name_the_row_that_they_are_for_first(s):
    rows = """(SELECT 1.5 AS cement, 'B-' || i AS batch, 7 AS age, 1 AS suggestion, 50.0 AS predicted_strength, [{'feature': 'cement', 'from': '1', 'to': '1.5'}] AS changes,
      0.1 AS change_cost, 'more cement' AS why, 'ok' AS ml_status FROM range(2) r(i)) AS b"""
    told = page(s, f"SELECT ml_page(list(b)) FROM {rows}")
    assert "What is recommended</h1>" in told
    assert told.index(">batch<") < told.index(">suggestion<") < told.index(">cement<")


def test_one_design_that_is_best_in_all_is_no_drawing_and_what_counts_is_near(s):
    rows = "(SELECT i AS design, 1.0 AS a, i * 2.0 AS cost, 1 + i AS pareto_rank, 'ok' AS ml_status FROM range(3) r(i)) AS b"
    told = page(s, f"SELECT ml_page(list(b)) FROM {rows}")
    assert "there is no trade-off to draw" in told and "<svg" not in told
    many = "(SELECT i AS design, 1.0 AS a, i * 2.0 AS cost, 9.0 - i AS predicted_strength, 1 AS pareto_rank FROM range(3) r(i)) AS b"
    assert (told := page(s, f"SELECT ml_page(list(b)) FROM {many}")).index(">cost<") < told.index(">a<") and "<svg" in told
