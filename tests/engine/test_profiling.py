"""What is looked at in a table before it is learnt from: the same whatever its width and its length."""

from __future__ import annotations

import math
from dataclasses import replace

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.engine import profiling
from mfgsql.engine.profiling import STEPS, describe, profile_columns, shape_of
from mfgsql.features import ColumnProfile

COLUMNS = (
    "if(i % 7 = 0, NULL, hash(i) % 1000 / 7) AS some, i % 3 AS few, 'x' || i % 50 AS word, i % 2 = 0 AS flag, "
    "TIMESTAMP '2024-01-01' + to_minutes((hash(i) % 10000)::INT) AS moment, if(i % 20 = 0, -9999, hash(i) % 100 / 3) AS marked, "
    "'nan'::DOUBLE AS void, if(i % 9 = 0, 'inf'::DOUBLE, i) AS endless, chr(65 + (i % 5)::INT)::BLOB AS bytes, NULL::INT AS gone"
)


def profiled(rows: int) -> list[ColumnProfile]:
    with duckdb.connect() as con:
        con.execute(f"CREATE TEMP TABLE t AS SELECT *, hash(t) AS h FROM (SELECT {COLUMNS} FROM range({rows}) r(i)) t")
        return profile_columns(con, "t", describe(con, "SELECT * EXCLUDE h FROM t"), order="h")


def test_a_wide_table_is_looked_at_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = profiled(500)
    monkeypatch.setattr(profiling, "_TOGETHER", 3)
    assert repr(profiled(500)) == repr(whole)
    found = {p.name: p for p in whole}
    assert (found["marked"].sentinel, found["marked"].sampled) == (-9999.0, 475)
    assert (found["void"].minimum, found["gone"].nulls, found["endless"].infinities) == (None, 500, 56)
    assert (found["word"].distinct, found["flag"].distinct, found["few"].distinct) == (50, 2, 3)


def test_a_long_table_is_looked_at_by_its_smallest_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {p.name: p for p in profiled(3_000)}
    monkeypatch.setattr(profiling, "SAMPLE", 400)
    some = {p.name: p for p in profiled(3_000)}
    assert repr(list(some.values())) == repr(profiled(3_000))
    for name in ("some", "few", "endless"):
        assert some[name].sampled <= 400 < whole[name].sampled
        ranges = [(p.rows, p.nulls, p.minimum, p.maximum, p.mean, p.deviation) for p in (some[name], whole[name])]
        assert ranges[0] == ranges[1]
        near = np.abs(np.array(some[name].quantiles) - np.array(whole[name].quantiles))
        assert near.mean() < 0.05 * (whole[name].quantiles[-1] - whole[name].quantiles[0])
    assert replace(some["word"], longest=0, sampled=0) == replace(whole["word"], longest=0, sampled=0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-1e12, 1e12) | st.integers(-3, 3).map(float), min_size=1, max_size=60))
def test_numbers_have_the_shape_that_duckdb_tells(values: list[float]) -> None:
    shape = shape_of(np.sort(values))
    steps = [i / STEPS for i in range(STEPS + 1)]
    with duckdb.connect() as con:
        row = con.execute(
            f"SELECT quantile_cont(v, {steps}), count(DISTINCT v), count(v) FROM (SELECT unnest(?::DOUBLE[]) AS v)",
            [values],
        ).fetchone()
    assert row == (list(shape["quantiles"]), shape["distinct"], shape["sampled"])
    assert math.isfinite(sum(shape["quantiles"]))
