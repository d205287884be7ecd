"""ml_capability: indices held against numpy and scipy, and verdicts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import MfgsqlError, OptionError, SourceError


@pytest.fixture(scope="module")
def shop() -> Iterator[Session]:
    with mfgsql.connect(threads=2, progress="off") as session:
        yield session


def capability(s: Session, x: dict[str, np.ndarray], options: str, more: str = ", entity := 'unit', order_by := 'i'") -> dict:
    values = [(unit, i, None if v is None else float(v)) for unit, one in x.items() for i, v in enumerate(one)]
    s.execute("CREATE OR REPLACE TABLE t(unit VARCHAR, i INTEGER, x DOUBLE)")
    if values:
        s.con.executemany("INSERT INTO t VALUES (?, ?, ?)", values)
    found = s.sql(f"FROM ml_capability('t', field := 'x'{more}, options := {{{options}}})").to_pylist()
    return {r.get("unit"): r for r in found}


def test_indices(shop: Session) -> None:
    rng = np.random.default_rng(5)
    x = {"a": rng.normal(10, 1, 200).round(4), "b": rng.normal(12, 2, 80).round(4)}
    found = capability(shop, x, "'lower': 7, 'upper': 14, 'nominal': 10")
    assert list(found) == ["a", "b"]
    for unit, v in x.items():
        row, n = found[unit], len(v)
        within, whole, mean = np.abs(np.diff(v)).mean() / 1.128379, v.std(ddof=1), v.mean()
        ppk = min(mean - 7, 14 - mean) / (3 * whole)
        chance = stats.norm.isf(0.025) * (1 / (9 * n) + ppk**2 / (2 * (n - 1))) ** 0.5
        assert {k: w for k, w in row.items() if k not in ("unit", "verdict")} == pytest.approx({
            "rows": n, "mean": mean, "sigma_within": within, "sigma_overall": whole, "cp": 7 / (6 * within),
            "cpk": min(mean - 7, 14 - mean) / (3 * within), "pp": 7 / (6 * whole), "ppk": ppk,
            "ppk_lower": ppk - chance, "ppk_upper": ppk + chance, "cpm": 7 / (6 * (whole**2 + (mean - 10) ** 2) ** 0.5),
            "expected_ppm": 1e6 * (stats.norm.cdf(7, mean, whole) + stats.norm.sf(14, mean, whole)),
            "observed_ppm": 1e6 * ((v < 7) | (v > 14)).mean(),
        })  # fmt: skip


def test_far_tails_and_means_outside(shop: Session) -> None:
    v = np.array([-1.0, 0, 1] * 20)
    for upper in (-9.0, -1.0, 0.5, 3.0, 6.0, 25.0):
        row = capability(shop, {"a": v}, f"'upper': {upper}")["a"]
        assert row["expected_ppm"] == pytest.approx(1e6 * stats.norm.sf(upper / v.std(ddof=1)), rel=2e-7)
        assert (row["cp"], row["pp"], row["cpm"]) == (None, None, None)


def test_subgroups(shop: Session) -> None:
    v = np.random.default_rng(6).normal(0, 1, 100)
    row = capability(shop, {"a": v}, "'lower': -4, 'subgroup': 5")["a"]
    assert row["sigma_within"] == pytest.approx(np.ptp(v.reshape(20, 5), axis=1).mean() / 2.325929)
    shop.execute("CREATE OR REPLACE TABLE u AS SELECT *, i // 5 AS part FROM t")
    call = "SELECT sigma_within FROM ml_capability('u', field := 'x', options := {'lower': -4, 'subgroup': 'part'})"
    assert shop.execute(call).fetchone()[0] == pytest.approx(np.ptp(v.reshape(20, 5), axis=1).mean() / 2.325929)


@pytest.mark.parametrize(
    ("values", "limits", "words"),
    [
        ([], "'lower': 1", None),
        ([None, None], "'lower': 1", "no values"),
        ([1.0], "'lower': 1", "too few rows"),
        ([0.1] * 30, "'lower': 0", "all values are equal"),
        ([-1, 1] * 50, "'lower': -10, 'upper': 10", "very capable"),
        ([-1, 1] * 50, "'lower': -4.3, 'upper': 4.3", "capable"),
        ([-1, 1] * 50, "'lower': -3.3, 'upper': 3.3", "barely capable"),
        ([-1, 1] * 50, "'lower': -1, 'upper': 9", "not capable; it would be if centered"),
        (list(range(100)), "'lower': -40, 'upper': 140", "barely capable; it would be if it did not drift"),
        ([-1, 1] * 10, "'lower': -10, 'upper': 10", "very capable; few rows, see ppk_lower"),
    ],
)
def test_verdicts(shop: Session, values: list, limits: str, words: str | None) -> None:
    found = capability(shop, {"a": np.array(values, dtype=object)}, limits)
    assert [r["verdict"] for r in found.values()] == ([words] if words else [])


def test_without_order_or_entity(shop: Session) -> None:
    v = np.random.default_rng(7).normal(0, 1, 60)
    (row,) = capability(shop, {"a": v[:30], "b": v[30:]}, "'lower': -3, 'upper': 3", "").values()
    assert (row["rows"], row["sigma_within"], row["cp"], row["cpk"]) == (60, None, None, None)
    assert row["ppk"] == pytest.approx(min(v.mean() + 3, 3 - v.mean()) / (3 * v.std(ddof=1)))
    assert list(row)[0] == "rows"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("field := 'x'", OptionError, "limits are missing"),
        ("options := {'lower': 1}", OptionError, "field := 'diameter'"),
        ("field := 'x', options := {'lower': 2, 'upper': 1}", OptionError, "not below"),
        ("field := 'x', options := {'lower': 2, 'nominal': 1}", OptionError, "outside"),
        ("field := 'x', options := {'lover': 2}", OptionError, "Did you mean 'lower'"),
        ("field := 'x', options := {'lower': 'a'}", OptionError, "lower is a number"),
        ("field := 'x', options := {'lower': 1, 'subgroup': 5}", OptionError, "order_by := 'ts'"),
        ("field := 'y', options := {'lower': 1}", SourceError, "lack 'y'"),
        ("field := 'unit', options := {'lower': 1}", OptionError, "no number"),
    ],
)
def test_what_can_not_be_done_is_refused(shop: Session, call: str, error: type[MfgsqlError], words: str) -> None:
    capability(shop, {"a": np.array([1.0, 2.0])}, "'lower': 0")
    with pytest.raises(error, match=words):
        shop.execute(f"FROM ml_capability('t', {call})").fetchall()
