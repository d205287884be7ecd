"""Drivers: the true ones are found, with their sign and in words; of the others no more than chance allows."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

from mfgsql.evaluation.drivers import Driver, driver, ranked
from mfgsql.evaluation.variables import MOST_GROUPS, OTHER, Variable


def numbers(name, values, kind="numeric"):
    return Variable(name, kind, np.asarray(values, dtype=float))


def groups(name, values, order=()):
    return Variable.of_texts(name, "categorical", pa.array(values, pa.string()), order)


def plant(seed, rows=400, nulls=40):
    """Defects by torque (up), temperature (down) and shift C; and columns that do nothing."""
    rng = np.random.default_rng(seed)
    torque, temperature = rng.normal(40, 10, rows), rng.normal(300, 2, rows)
    shift = rng.choice(list("ABC"), rows)
    logit = -1.5 + 0.1 * (torque - 40) - 0.6 * (temperature - 300) + 1.5 * (shift == "C")
    failed = np.where(rng.random(rows) < 1 / (1 + np.exp(-logit)), "true", "false")
    columns = [numbers("torque", torque), numbers("temperature", temperature), groups("shift", shift)]
    for i in range(nulls):
        columns.append(numbers(f"n{i}", rng.poisson(3, rows)) if i % 2 else groups(f"g{i}", rng.choice(list("abcd"), rows)))
    return groups("failed", failed, ("false", "true")), columns


def test_true_drivers_are_found_and_false_ones_are_held_down():
    false, found = [], []
    for seed in range(25):
        target, columns = plant(seed)
        significant = [d.feature for d in ranked(driver(target, c) for c in columns) if d.significant]
        wrong = [f for f in significant if f[0] in "ng"]
        false.append(len(wrong) / max(len(significant), 1))
        found.append(len(set(significant) & {"torque", "temperature", "shift"}))
    assert np.mean(found) > 2.9
    assert np.mean(false) < 0.10


@pytest.mark.parametrize("kind", ["two", "three", "number"])
def test_without_any_driver_few_tables_have_one(kind):
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        truths = {
            "two": groups("y", rng.choice(["no", "yes"], 150, p=[0.9, 0.1])),
            "three": groups("y", rng.choice(list("abc"), 150)),
            "number": numbers("y", rng.normal(size=150)),
        }
        columns = [numbers("x", rng.normal(size=150)), numbers("i", rng.integers(0, 3, 150)),
                   groups("g", rng.choice(list("abcdefgh"), 150)), groups("b", rng.choice(list("ab"), 150))]  # fmt: skip
        alarms += any(d.significant for d in ranked(driver(truths[kind], c) for c in columns))
    assert alarms <= 9  # of 60; 5 % are 3


def test_effects_have_their_sign_and_findings_their_words():
    target, columns = plant(0, rows=2000, nulls=1)
    found = {d.feature: d for d in ranked(driver(target, c) for c in columns)}
    assert found["torque"].effect.lower > 0 > found["temperature"].effect.upper
    assert found["torque"].finding.startswith("torque is higher where failed = true: median 4")
    assert found["temperature"].finding.startswith("temperature is lower where failed = true: median 29")
    assert found["shift"].finding.startswith("failed = true in ")
    assert "% of the rows where shift = C, in " in found["shift"].finding
    assert found["g0"].to_row()["finding"] == "nothing beyond chance"
    assert next(iter(found)) in ("torque", "temperature", "shift")


def test_findings_name_figures_that_can_be_checked():
    x = np.arange(100.0)
    trend = driver(numbers("wear", -2 * x), numbers("torque", x))
    assert trend.finding == "wear falls with torque: median -24 in its lowest quarter, -174 in its highest"
    target = groups("grade", np.repeat(["a", "b", "c"], [30, 40, 30]))
    assert driver(target, numbers("torque", x)).finding == (
        "torque is highest where grade = c (median 84.5), lowest where grade = a (14.5)"
    )
    moments = numbers("ts", x * 86400, "temporal")
    two = groups("failed", np.where(x < 50, "false", "true"))
    assert driver(two, moments).finding == (
        "ts is higher where failed = true: median 1970-03-16 12:00:00 against 1970-01-25 12:00:00"
    )
    share = driver(two, groups("line", np.where(x < 75, "1", "2")))
    assert share.finding == "failed = true in 100.0% of the rows where line = 2, in 33.3% of the others"
    swapped = driver(numbers("wear", x), two)
    assert swapped.finding == "wear is higher where failed = true: median 74.5 against 24.5"


def test_equal_medians_are_told_by_means():
    values = np.concatenate([np.zeros(60), np.ones(40), np.zeros(90), np.ones(10)])
    found = driver(groups("failed", np.repeat(["true", "false"], 100)), numbers("n", values))
    assert found.finding == "n is higher where failed = true: mean 0.4 against 0.1"


def test_missing_values_leave_a_column_its_other_rows():
    x = np.arange(100.0)
    some = np.where(x % 4 == 0, np.nan, x)
    assert driver(numbers("y", x), numbers("x", some)).rows == 75
    texts = [None if i % 5 == 0 else "ab"[i % 2] for i in range(100)]
    assert driver(numbers("y", x), groups("x", texts)).rows == 80


@pytest.mark.parametrize(
    ("values", "words"),
    [(np.full(100, np.nan), "in 0 rows only"), (np.where(np.arange(100) < 19, 1.0, np.nan), "in 19 rows"), (np.ones(100), "x has one value")],
)
def test_what_can_not_be_judged_says_why(values, words):
    found = driver(numbers("y", np.arange(100.0)), numbers("x", values))
    row = found.to_row()
    assert words in row["finding"]
    assert (row["effect"], row["q_value"], row["significant"]) == (None, None, None)


def test_the_order_is_by_strength_and_the_left_out_come_last():
    target, columns = plant(3)
    out = Driver("id", None, None, "left out: an id")
    found = ranked([out, *(driver(target, c) for c in columns)])
    strengths = [d.effect.strength for d in found[:-1]]
    assert strengths == sorted(strengths, reverse=True)
    assert found[-1] == out
    assert ranked([out]) == [out]


def test_rare_groups_count_as_one():
    values = [f"v{i % 500}" if i >= 1000 else f"v{i % MOST_GROUPS}" for i in range(2000)]
    found = Variable.of_texts("x", "categorical", pa.array([*values, None]))
    assert len(found.groups) == MOST_GROUPS + 1
    assert found.groups[-1] == OTHER
    assert (found.values == MOST_GROUPS).sum() == 2000 - sum(values.count(f"v{i}") for i in range(MOST_GROUPS))
    assert np.isnan(found.values[-1])


def test_a_group_for_each_row_tells_nothing():
    row = driver(numbers("y", np.arange(30.0)), groups("x", np.array([f"v{i}" for i in range(30)]))).to_row()
    assert row["significant"] is not True


def test_a_finding_never_contradicts_its_numbers():
    values = np.concatenate([np.full(60, 1.0), np.full(40, 3.0), np.full(59, 1.0), np.full(39, 1.5), [2.9, 400.0]])
    found = driver(groups("failed", np.repeat(["no", "yes"], 100)), numbers("x", values)).to_row()["finding"]
    how, first, second = re.search("is (higher|lower) where failed = yes: [a-z ]+ ([0-9.]+) against ([0-9.]+)", found).groups()
    assert (how == "higher") == (float(first) > float(second)), found


@pytest.mark.parametrize("seed", range(3))
def test_too_much_may_be_as_bad_as_too_little(seed: int) -> None:
    dice = np.random.default_rng(seed)
    power, noise = dice.normal(size=(2, 1_500))
    bad = dice.random(1_500) < np.where(np.abs(power) > 1.5, 0.4, 0.04)
    both = [driver(groups("bad", np.where(bad, "yes", "no")), numbers(n, v)) for n, v in (("power", power), ("noise", noise))]
    found = ranked(both)
    assert [(d.feature, d.significant) for d in found] == [("power", True), ("noise", False)]
    row = found[0].to_row()
    assert row["effect"] == "rank-biserial correlation of the distance from the median" and row["lower"] > 0.2
    told = re.fullmatch(
        r"bad = yes in ([0-9.]+)% of the rows in the outer quarters of power \(below (\S+) or above (\S+)\), in ([0-9.]+)% of those between",
        row["finding"],
    )
    assert told is not None
    outer, low, high, inner = (float(figure) for figure in told.groups())
    inside = (power >= low - 0.01) & (power <= high + 0.01)
    assert abs(outer / 100 - bad[~inside].mean()) < 0.02 and abs(inner / 100 - bad[inside].mean()) < 0.02


def test_a_number_may_be_higher_at_both_ends() -> None:
    dice = np.random.default_rng(0)
    speed = dice.uniform(0, 100, 400)
    scrap = np.abs(speed - 50) + dice.normal(0, 10, 400)
    row = ranked([driver(numbers("scrap", scrap), numbers("speed", speed))])[0].to_row()
    assert row["effect"] == "Spearman's rho of the distance from the median" and row["significant"]
    assert re.match(r"scrap is higher in the outer quarters of speed \(below 2\d.* or above 7\d", row["finding"])
