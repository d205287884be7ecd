"""Constraints are parsed: what can't be said is refused, what is said becomes SQL of quoted names."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.engine.constraints import parse_constraints
from mfgsql.engine.expressions import sql_of
from mfgsql.errors import MfgsqlError, OptionError

COLUMNS = ["plant", "depot", "kg", "most", 'odd "name']


def parsed(text, **more):
    return parse_constraints([text], ["quantity", "lane_capacity"], COLUMNS, **more)


@pytest.mark.parametrize(("text", "op", "factor", "bound"), [
    ("lane_capacity <= 400", "<=", 1, 400),
    ("400 >= quantity", ">=", -1, -400),
    ("2 * (quantity - 3) >= quantity / 4 - kg", ">=", 1.75, 6 - 2.5),
    ("-quantity = -kg", "=", -1, -2.5),
    ("QUANTITY * Kg <= abs(-7) + least(most, 3)", "<=", 2.5, 10),
])  # fmt: skip
def test_a_comparison_is_taken_apart(text, op, factor, bound):
    (found,) = parsed(text)
    (one,) = found.sum.factors.values()
    row = duckdb.sql(f"SELECT {sql_of(one)}, {sql_of(found.bound)} FROM (SELECT 2.5 AS kg, 9 AS most)").fetchone()
    assert found.op == op
    assert [float(v) for v in row] == pytest.approx([factor, bound])


def test_sums_over_groups_of_some_rows():
    (found,) = parsed("sum(quantity * kg) FILTER (WHERE depot IN ('x', 'it''s') AND kg BETWEEN 1 AND 3) OVER (PARTITION BY Plant) <= most")
    assert found.total
    assert found.groups == ("plant",)
    assert sql_of(found.where) == "\"depot\" IN ('x', 'it''s') AND \"kg\" BETWEEN 1 AND 3"
    assert sql_of(found.bound) == '"most"'


def test_between_is_two():
    assert [c.op for c in parsed("quantity BETWEEN 10 AND 20")] == [">=", "<="]


@pytest.mark.parametrize(("text", "told"), [
    ("quantity", "is not a comparison"),
    ("quantity >= 1 AND kg <= 4", "is two: write them as two texts"),
    ("quantity BETWEEN SYMMETRIC 4 AND 1", "can't be parsed|not a comparison"),
    ("sum(quantity) OVER w <= 4", "a window that is more than groups"),
    ("(" * 3000 + "quantity" + ")" * 3000 + " <= 1", "can't be parsed"),
    ("quantity < 4", "is strict: write <= or >="),
    ("quantity * quantity <= 4", "is not linear"),
    ("1 / quantity <= 4", "is not linear"),
    ("sqrt(quantity) <= 4", "is not linear"),
    ("kg <= 4", "says nothing of quantity"),
    ("sum(kg) <= 4", "says nothing of quantity"),
    ("quantity <= nothing", "names 'nothing', which there is not"),
    ("quantity <= mst", "Did you mean 'most'"),
    ("quantity <= t.most", "names 't.most'"),
    ("quantity <= 4; DROP TABLE x", "can't be parsed"),
    ("quantity <= 4 FROM x", "can't be parsed"),
    ("quantity <= (SELECT 4)", "can't stand there"),
    ("quantity <= read_text('f')", "can't stand there"),
    ("quantity <= getenv('HOME')", "can't stand there"),
    ("count(*) <= 4", "adds up in a way that is not known"),
    ("sum(DISTINCT quantity) <= 4", "adds up in a way that is not known"),
    ("sum(quantity) OVER (ORDER BY plant) <= 4", "a window that is more than groups"),
    ("sum(quantity) FILTER (WHERE quantity > 1) <= 4", "chooses rows by what is decided about"),
    ("sum(quantity) <= sum(kg)", "on both sides of a sum"),
    ("", "can't be parsed"),
    ("((", "can't be parsed"),
])  # fmt: skip
def test_what_can_not_be_said(text, told):
    with pytest.raises(OptionError, match=".*".join(map(str, [told.replace("(", r"\(")]))):
        parsed(text)


@pytest.mark.parametrize("told", [3, [3], {"a": 1}])
def test_constraints_are_texts(told):
    with pytest.raises(OptionError, match="subject_to is a list of texts"):
        parse_constraints(told, ["quantity"], COLUMNS)


@given(st.text(max_size=60) | st.lists(st.sampled_from(["quantity", "kg", "<=", "(", ")", "sum", "4", "'", ";", "--", "/*", "OVER", "SELECT"])).map(" ".join))
def test_any_text_is_a_constraint_or_an_error_of_ours(text):
    try:
        found = parsed(text)
    except MfgsqlError:
        return
    for one in found:
        for node in (*one.sum.factors.values(), one.bound):
            duckdb.sql(f"SELECT {sql_of(node)} FROM (SELECT 1 AS plant, 1 AS depot, 2.5 AS kg, 9 AS most, 1 AS \"odd \"\"name\") WHERE false")
