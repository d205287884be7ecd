"""Drift by SQL: how often a clean day is taken for another one, and after how many rows a change is found.

Days are drawn from a process with six columns (four numbers of different shapes, a category of six values, a truth value)
and a label that three of them and a noise tell. Models learn with defaults from 5,000 rows each; there are four, since all
days of one share what is odd about its rows. A clean day is rows of the same process: one statement a day, with default
settings; an alarm is any row that ``drifted``, streams told apart. Delay: rows come fifty at a time, and a statement asks about all that came since the change; the rows after which the changed
column is ``drifted`` first. A concept shift turns one label in ten, or three; the detectors
see each row, after 2,000 clean ones.
"""

import os
import time
from typing import Any

import numpy as np
import pyarrow as pa

import mfgsql

FULL = bool(os.environ.get("MFGSQL_BENCH_FULL"))
LABELLED = 40 * (5 if FULL else 1)  # days of 1,000 rows whose labels came
DAYS = {100: 200, 1_000: 200, 10_000: 30} if not FULL else {100: 2_000, 1_000: 2_000, 10_000: 300}
LEARNT, BATCH, MOST, REPEATS = 5_000, 50, 3_000, 6
MODELS = 4
STEPS = [*range(BATCH, 501, BATCH), *range(600, 1_001, 100), *range(1_250, MOST + 1, 250)]


def rows(rng: np.random.Generator, count: int, *, shift: float = 0.0, mix: float = 0.0, turned: float = 0.0) -> pa.Table:
    """Rows of the process.

    Args:
        shift: of the mean of torque, in deviations. mix: share of rows whose tool is another one. turned: share of labels.
    """
    torque = rng.normal(40 + 10 * shift, 10, count)
    speed, wear = rng.gamma(9, 160, count), rng.exponential(50, count)
    level = rng.integers(0, 5, count)
    tool = np.array(list("ABCDEF"))[rng.choice(6, count, p=[0.4, 0.25, 0.15, 0.1, 0.06, 0.04])]
    tool = np.where(rng.random(count) < mix, "F", tool)
    hot = rng.random(count) < 0.3
    score = (torque - 40) / 10 + (wear - 50) / 50 + 0.7 * hot + rng.normal(0, 0.7, count)
    label = (score > 1.5) ^ (rng.random(count) < turned)
    return pa.table({"n": np.arange(count), "torque": torque, "speed": speed, "wear": wear, "level": level, "tool": tool, "hot": hot, "failed": label})


def run() -> list[dict]:
    rng = np.random.default_rng(0)
    with mfgsql.connect(":memory:", progress="off") as s:
        for number in range(MODELS):
            _put(s, "learnt", rows(rng, LEARNT))
            s.execute(f"FROM ml_finetune('m{number}', 'SELECT * EXCLUDE n FROM learnt', target := 'failed')").fetchall()
        return [*_clean(s, rng), *_delays(s, rng), *_streams(s, rng)]


def _put(s: mfgsql.Session, name: str, table: pa.Table) -> None:
    s.con.register("arrived", table)
    s.execute(f"CREATE OR REPLACE TABLE {name} AS FROM arrived")
    s.con.unregister("arrived")


def _ask(s: mfgsql.Session, turn: int, more: str = "") -> list[dict[str, Any]]:
    return s.sql(f"FROM ml_drift('m{turn % MODELS}', 'today'{more})").to_pylist()


def _clean(s: mfgsql.Session, rng: np.random.Generator) -> list[dict]:
    found = []
    for size, days, labelled in [*((size, days, False) for size, days in DAYS.items()), (1_000, LABELLED, True)]:
        alarms, streams, kinds, began = 0, 0, dict[str, int](), time.monotonic()
        for day in range(days):
            _put(s, "today", rows(rng, size) if labelled else rows(rng, size).drop(["failed"]))
            told = [r for r in _ask(s, day, ", order_by := 'n'") if r["drifted"] and r["kind"] != "summary"]
            alarms += any(r["kind"] != "stream" for r in told)
            streams += any(r["kind"] == "stream" for r in told)
            for kind in {r["kind"] for r in told}:
                kinds[kind] = kinds.get(kind, 0) + 1
        each = (time.monotonic() - began) / days
        print(f"{size} rows a day, labels {labelled}: {alarms}, streams {streams} of {days} days, {kinds}, {each:.2f} s a day", flush=True)
        what = f"clean days of {size:,} rows{', labelled' if labelled else ''} ({days} days, {each:.2f} s each): false alarms per 1,000 days"
        per = 1_000 / days
        found.append({"figure": what, "measured": f"{alarms * per:.1f} by tests, {streams * per:.1f} by streams", "goal": "10 by tests (alpha .01)"})
    return found


def _delays(s: mfgsql.Session, rng: np.random.Generator) -> list[dict]:
    changes: dict[str, tuple[dict[str, float], str]] = {f"mean + {d} deviations": ({"shift": d}, "torque") for d in (0.5, 1.0, 2.0)}
    changes |= {f"{share:.0%} of a category to another value": ({"mix": share}, "tool") for share in (0.1, 0.25, 0.5)}
    found = []
    for name, (change, feature) in changes.items():
        delays = [_delay(s, turn, rows(rng, MOST, **change), feature) for turn in range(REPEATS)]
        found.append({"figure": f"delay in rows, {name}", "measured": _line(delays), "goal": "shown"})
        print(found[-1], flush=True)
    return found


def _delay(s: mfgsql.Session, turn: int, table: pa.Table, feature: str) -> float:
    for count in STEPS:
        _put(s, "today", table.slice(0, count).drop(["failed"]))
        if any(r["drifted"] and r["feature"] == feature for r in _ask(s, turn)):
            return count
    return np.inf


def _streams(s: mfgsql.Session, rng: np.random.Generator) -> list[dict]:
    found = []
    for turned in (0.1, 0.3):
        for detector in ("adwin", "page_hinkley"):
            noticed = []
            for turn in range(REPEATS):
                _put(s, "today", pa.concat_tables([rows(rng, 2_000), rows(rng, MOST, turned=turned)]))
                s.execute("UPDATE today SET n = rowid")
                told = [r for r in _ask(s, turn, f", order_by := 'n', options := {{'detector': '{detector}'}}") if r["kind"] == "stream"]
                error = next(r for r in told if r["feature"] == "error")
                at = int(error["ml_reason"].split("noticed at ")[1].split(",")[0]) if error["drifted"] else np.inf
                noticed.append(at - 2_000)
            what = f"delay in rows, {turned:.0%} of labels turned, {detector} over the error"
            found.append({"figure": what, "measured": _line(noticed), "goal": "shown"})
            print(found[-1], flush=True)
    return found


def _line(delays: list[float]) -> str:
    there = [d for d in delays if np.isfinite(d)]
    early = sum(d < 0 for d in there)
    words = f"median {np.median(delays):,.0f}, largest {max(delays):,.0f}"
    words += f", never in {MOST:,} rows {len(delays) - len(there)} of {len(delays)} times" if len(there) < len(delays) else ""
    return words + (f", before the change {early} times" if early else "")
