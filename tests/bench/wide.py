"""As many columns as a semiconductor's line has (SECOM: 590 sensors of 1,567 wafers): how long each verb takes, and whether the
right ones of them are named.

Ten sensors make the yield, one by one and in a pair; the others are noise. Contributions in fewer orders, as so many columns are
explained, beside those in 32 orders: how far they are apart, of a row's largest one, and how many of the three largest agree.
"""

import time
from typing import Any

import numpy as np

import mfgsql
from mfgsql.scoring import explaining

COLUMNS, ROWS, EXPLAINED = 590, 1_567, 10
TRUTH = "3 * c0 - 2 * c1 + 4 * c2 * c3 + 2 * (c4 > 0.7)::INT * c5 + c6 - c7 + 0.5 * c8 + 2 * sin(6 * c9) + 0.2 * c10"
MADE = ", ".join(f"hash(i * 1000 + {k}) % 1000000 / 1e6 AS c{k}" for k in range(COLUMNS))


def run() -> list[dict]:
    """Seconds of each statement, and how near few orders come to many."""
    seconds: dict[str, float] = {}
    with mfgsql.connect(progress="off", threads=2) as s:
        s.execute(f"CREATE TABLE wafers AS SELECT *, {TRUTH} AS y FROM (SELECT {MADE} FROM range({ROWS}) r(i))")

        def timed(name: str, sql: str) -> list[Any]:
            began = time.perf_counter()
            rows = s.execute(sql).fetchall()
            seconds[name] = time.perf_counter() - began
            print(name, round(seconds[name], 1), flush=True)
            return rows

        s.execute("FROM ml_finetune('warm', 'SELECT c0, c1, y FROM wafers', target := 'y', options := {'epochs': 1})").fetchall()
        timed("ml_check", "FROM ml_check('wafers', target := 'y')")
        timed("ml_finetune, one epoch", "FROM ml_finetune('once', 'wafers', target := 'y', options := {'epochs': 1})")
        timed("ml_finetune", "FROM ml_finetune('m', 'wafers', target := 'y')")
        timed("ml_predict", "SELECT count(predicted_y) FROM ml_predict('m', 'wafers')")
        drivers = timed("ml_drivers", "SELECT feature FROM ml_drivers('wafers', target := 'y') LIMIT 8")
        timed("ml_drift", "FROM ml_drift('m', 'wafers')")
        few = timed(f"explain := 3 of {EXPLAINED} rows", _explained(3))
        some = _contributions(s.execute(_explained(COLUMNS)).fetchall())
        kept, explaining._FEWEST_ORDERS = explaining._FEWEST_ORDERS, 32
        many = _contributions(timed("the same in 32 orders", _explained(COLUMNS)))
        explaining._FEWEST_ORDERS = kept
    right = sum(int(name[1:]) < 11 for (name,) in drivers)
    apart = np.abs(some - many).max(axis=1) / np.abs(many).max(axis=1)
    largest = [np.argsort(-np.abs(of), axis=1)[:, :3] for of in (some, many)]
    agree = np.mean([len({*a} & {*b}) / 3 for a, b in zip(*largest, strict=True)])
    named = np.mean([int(reason["feature"][1:]) < 11 for (why,) in few for reason in why])
    what = f"{COLUMNS} columns, {ROWS:,} rows"
    return [
        {"figure": f"{what}: seconds", "measured": ", ".join(f"{n} {v:.1f}" for n, v in seconds.items()), "goal": "shown"},
        {"figure": f"{what}: of the eight first drivers, and of reasons, that act", "measured": f"{right}, {named:.2f}", "goal": "shown"},
        {"figure": f"{what}: 8 orders beside 32: apart, of a row's largest contribution; the same three", "measured": f"{apart.mean():.3f}, {agree:.2f}", "goal": "shown"},
    ]  # fmt: skip


def _explained(most: int) -> str:
    return f"SELECT why FROM ml_predict('m', 'FROM wafers LIMIT {EXPLAINED}', explain := {most})"


def _contributions(rows: list[Any]) -> np.ndarray:
    found = np.zeros((len(rows), COLUMNS))
    for row, (why,) in enumerate(rows):
        for reason in why:
            found[row, int(reason["feature"][1:])] = reason["contribution"]
    return found
