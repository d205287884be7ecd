"""Conditions on a row's values: what can't be said is refused, what is said is judged by SQL and by how far it is off."""

from __future__ import annotations

import math

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.engine.conditions import Judge, Range, parse_conditions, ranges
from mfgsql.engine.quoting import quote_identifier
from mfgsql.errors import DataError, OptionError

TYPES = {"water": "DOUBLE", "cement": "DOUBLE", "bags": "INTEGER", "line": "VARCHAR", 'odd "name': "DOUBLE", "wet": "BOOLEAN"}


def judge(*texts):
    return Judge(duckdb.connect(), parse_conditions(list(texts), TYPES), TYPES)


def held(told, values):
    """What plain SQL says of the conditions, [rows, conditions]."""
    asked = ", ".join(f"coalesce({c.sql}, false)" for c in told.conditions)
    names = list(values)
    columns = ", ".join(f"CAST(unnest(?) AS {TYPES[n]}) AS {quote_identifier(n)}" for n in names)
    rows = told.con.execute(f"SELECT {asked} FROM (SELECT {columns})", [values[n] for n in names]).fetchall()
    return np.array(rows, bool)


@pytest.mark.parametrize(("text", "holds"), [
    ("water between 140 and 190", [True, False]), ("water + cement <= 360", [True, False]),
    ("line in ('A', 'B')", [True, False]), ("line = 'A' OR water > 199", [True, True]), ("NOT wet", [True, False]),
    ("water / cement < 0.8", [True, False]), ('"odd ""name" = 3', [True, False]), ("bags / 2 = 1.5", [True, False]),
    ("CASE WHEN line = 'A' THEN water <= 150 ELSE water <= 180 END AND water > 0", [True, False]),
    ("line like 'A%'", [True, False]), ("Water <= 150 and CEMENT >= 200", [True, False]),
])  # fmt: skip
def test_sql_judges_and_tells_how_far(text, holds):
    rows = {"water": [150.0, 200.0], "cement": [200.0, 210.0], "bags": [3, 4], "line": ["A", "C"], 'odd "name': [3.0, 4.0], "wet": [False, True]}
    told = judge(text)
    assert held(told, rows)[:, 0].tolist() == holds
    assert (told.excess(rows)[:, 0] == 0).tolist() == holds


def test_a_row_that_is_farther_off_has_more_of_an_excess():
    told = judge("water <= 100", "water >= 100 AND cement >= 100")
    off = told.excess({"water": [100.0, 110.0, 200.0], "cement": [100.0, 50.0, 10.0]})
    assert off[0].tolist() == [0, 0]
    assert 0 < off[1, 0] < off[2, 0] <= 1
    assert 0 < off[1, 1] < off[2, 1] <= 2


def test_what_is_null_does_not_hold():
    told = judge("water <= 100")
    assert not held(told, {"water": [None]}).any()
    assert told.excess({"water": [None, math.nan]}).min() > 0


@pytest.mark.parametrize(("text", "said"), [
    ("watr <= 3", "Did you mean"), ("water", "no condition"), ("3 <= 4", "names no column"), ("water + 3", "no condition"),
    ("water <= 3; DROP TABLE x", "can't be parsed"), ("water <= (SELECT 3)", "can't stand there"), ("sum(water) <= 3", "can't stand there"),
    ("read_text('x') = 'a'", "can't stand there"), ("t.water <= 3", "which there is not"), ("water <=", "can't be parsed"), ("", "can't be parsed"),
    ("line in (SELECT 1)", "can't stand there"), ("water <= 3 -- comment \n; select", "can't be parsed"),
])  # fmt: skip
def test_what_is_no_condition_is_refused(text, said):
    with pytest.raises(OptionError, match=said):
        parse_conditions([text], TYPES)


def test_only_texts_are_conditions():
    with pytest.raises(OptionError, match="list of texts"):
        parse_conditions({"water": 3}, TYPES)
    assert parse_conditions(None, TYPES) == []
    assert [c.text for c in parse_conditions("water <= 3", TYPES)] == ["water <= 3"]


def test_what_can_not_be_compared_says_so():
    with pytest.raises(DataError, match="wet <= 'x'"):
        judge("wet <= 'x'").excess({"wet": [True]})


def test_ranges_of_columns_alone():
    told = parse_conditions(["water between 140 and 190", "150 <= water", "line in ('A', 'B')", "line = 'B'", "water + cement <= 3", "bags = -2", "wet = true",
                             "cement >= 1 OR water >= 1000"], TYPES)  # fmt: skip
    assert ranges(told) == {"water": Range(150, 190), "line": Range(among=("B",)), "bags": Range(-2, -2), "wet": Range(among=(True,))}


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=20), st.sampled_from(["<=", "<", ">=", ">", "="]),
       st.floats(-1e6, 1e6))  # fmt: skip
def test_excess_is_zero_just_where_a_condition_holds(rows, op, bound):
    told = judge(f"water - cement {op} {bound!r}", f"water {op} {bound!r} OR cement {op} {bound!r}")
    values = {"water": [a for a, _ in rows], "cement": [b for _, b in rows]}
    excess = told.excess(values)
    assert np.isfinite(excess).all()
    assert ((excess == 0) == held(told, values)).all()


_WHOLE = {"TINYINT": (-(2**7), 2**7 - 1), "UTINYINT": (0, 2**8 - 1), "USMALLINT": (0, 2**16 - 1), "INTEGER": (-(2**31), 2**31 - 1),
          "UINTEGER": (0, 2**32 - 1), "BIGINT": (-(2**63), 2**63 - 1), "UBIGINT": (0, 2**63 - 1), "HUGEINT": (-(2**63), 2**63 - 1)}  # fmt: skip


@given(st.data(), st.sampled_from(sorted(_WHOLE)), st.sampled_from(sorted(_WHOLE)), st.sampled_from(["+", "-", "*"]), st.sampled_from(["=", "<=", ">"]))
def test_whole_numbers_of_any_type_can_be_reckoned_with(data, one, other, sign, compared):
    """Of unsigned ones neither a difference nor a sum is out of range."""
    a, b = (data.draw(st.sampled_from(_WHOLE[kind]) | st.integers(0, 100)) for kind in (one, other))
    total = data.draw(st.integers(-500, 500))
    types = {"a": one, "b": other}
    told = Judge(duckdb.connect(), parse_conditions([f"a {sign} b {compared} {total}"], types), types)
    ((excess,),) = told.excess({"a": [a], "b": [b]})
    exact = {"+": a + b, "-": a - b, "*": a * b}[sign]
    assert (excess == 0) == {"=": exact == total, "<=": exact <= total, ">": exact > total}[compared]
    assert 0 <= excess <= 2


def test_what_is_out_of_range_names_the_conditions():
    with pytest.raises(DataError, match=r"sqrt\(water - 150\)"):
        judge("sqrt(water - 150) > 1").excess({"water": [100.0]})
