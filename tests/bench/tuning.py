"""What ``ml_tune`` is worth beside defaults: on rows that neither training nor tuning has seen.

AI4I (a rare failure), concrete (a number), FD001 of C-MAPSS (remaining life, 40 engines, windows of 32 cycles): up to 30 trials each
within a budget, beside the defaults that `ml_finetune` has. The outer test rows are AI4I's 30 %, concrete's fixed splits, FD001's
test engines. Intervals are of the paired difference over test rows (bootstrap, 95 %).
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score

import mfgsql
from tests.bench.paired import ahead
from tests.bench.turbofan import CAP, load

DATA = Path(__file__).parents[3] / "shared/data"
AI4I = DATA / "ai4i2020/ai4i2020.csv"
CONCRETE = DATA / "uci_regression/concrete"
FULL = bool(os.environ.get("MFGSQL_BENCH_FULL"))
TRIALS = 30
MINUTES = {"AI4I": 0.7, "concrete": 0.5, "FD001": 0.5}  # of a search
SPLITS = {"AI4I": 5 if FULL else 1, "concrete": 10 if FULL else 1, "FD001": 1}


@dataclass
class Judged:
    """What is said of test rows: by defaults, and tuned."""

    truth: np.ndarray
    usual: np.ndarray
    tuned: np.ndarray
    trials: int
    pruned: int
    best: int
    seconds: tuple[float, float]


def run() -> list[dict]:
    """The panel; ``MFGSQL_BENCH_FULL=1`` takes more splits and ten times the time."""
    rows: list[dict] = []
    for name, what, data, judged, measure, sign in (
        ("AI4I", "PR-AUC", AI4I, _failures, average_precision_score, 1),
        ("concrete", "RMSE", CONCRETE, _strengths, _rmse, -1),
        ("FD001", "RMSE capped", DATA / "cmapss", _lives, _rmse, -1),
    ):
        if not data.exists():
            rows.append({"figure": f"ml_tune, {name}", "measured": f"skipped: {data} is absent", "goal": ""})
            continue
        rows += _compared(name, what, list(judged()), measure, sign)
    return rows


def _compared(name: str, what: str, found: list[Judged], measure: Callable[[np.ndarray, np.ndarray], float], sign: int) -> list[dict]:
    usual, tuned = (float(np.mean([measure(j.truth, said(j)) for j in found])) for said in (lambda j: j.usual, lambda j: j.tuned))
    truth, one, other = (np.concatenate([part(j) for j in found]) for part in (lambda j: j.truth, lambda j: j.tuned, lambda j: j.usual))
    interval = ahead([one], [other], truth, lambda t, s: sign * measure(t, s))
    trials = ", ".join(f"{j.trials} + {j.pruned} pruned, best {j.best}" for j in found)
    seconds = [round(float(np.mean([j.seconds[i] for j in found]))) for i in range(2)]
    return [
        {"figure": f"{name} {what}: tuned / defaults", "measured": f"{tuned:.3f} / {usual:.3f}", "goal": "no worse"},
        {"figure": f"{name}: better by (95 %)", "measured": str(interval), "goal": "not below 0"},
        {"figure": f"{name}: trials; seconds of tuning / of defaults", "measured": f"{trials}; {seconds[0]} / {seconds[1]}", "goal": "shown"},
    ]


def _both(s: mfgsql.Session, name: str, source: str, asked: Callable[[str], str], truth: np.ndarray, **how: object) -> Judged:
    """Defaults, then tuned, on the same rows; ``asked``: SELECT of what a model says of the test rows."""
    started = time.monotonic()
    s.finetune("usual", source, **how)
    between = time.monotonic()
    budget = f"{MINUTES[name] * (10 if FULL else 1)} minutes"
    row = s.tune("tuned", source, trials=TRIALS, budget=budget, **how)
    seconds = (time.monotonic() - between, between - started)
    said = [np.array(s.execute(asked(model)).fetchall(), float)[:, 0] for model in ("usual", "tuned")]
    print(name, {k: row[k] for k in ("metric", "value", "trials", "pruned", "best_trial")}, f"{seconds[0]:.0f} s", flush=True)
    print(s.execute("SELECT trial, state, options, criterion, value FROM ml.trials ORDER BY criterion LIMIT 3").fetchall(), flush=True)
    return Judged(truth, said[0], said[1], row["trials"], row["pruned"], row["best_trial"], seconds)


def _failures() -> Iterator[Judged]:
    for split in range(SPLITS["AI4I"]):
        with mfgsql.connect(progress="off", threads=2) as s:
            s.execute(
                'CREATE TABLE milling AS SELECT * EXCLUDE (UDI, "Product ID", TWF, HDF, PWF, OSF, RNF), UDI AS id, '
                f"hash(UDI, {split}) % 10 < 3 AS judges FROM '{AI4I}'"
            )
            truth = np.array(s.execute('SELECT "Machine failure" FROM milling WHERE judges ORDER BY id').fetchall(), int)[:, 0]
            yield _both(
                s, "AI4I", "SELECT * EXCLUDE (id, judges) FROM milling WHERE NOT judges",
                lambda m: f"SELECT probability FROM ml_predict('{m}', 'SELECT * FROM milling WHERE judges') ORDER BY id",
                truth, target="Machine failure",
            )  # fmt: skip


def _strengths() -> Iterator[Judged]:
    raw = np.loadtxt(CONCRETE / "raw_data.txt")
    for split in range(SPLITS["concrete"]):
        test = np.loadtxt(CONCRETE / f"splits20/index_test_{split}.txt").astype(int)
        with mfgsql.connect(progress="off", threads=2) as s:
            s.con.register("raw", {f"x{i}": raw[:, i] for i in range(8)} | {"y": raw[:, 8], "id": np.arange(len(raw))})
            s.execute(f"CREATE TABLE mixes AS SELECT *, id IN {tuple(test.tolist())} AS judges FROM raw")
            yield _both(
                s, "concrete", "SELECT * EXCLUDE (id, judges) FROM mixes WHERE NOT judges",
                lambda m: f"SELECT predicted_y FROM ml_predict('{m}', 'SELECT * FROM mixes WHERE judges') ORDER BY id",
                raw[np.sort(test), 8], target="y",
            )  # fmt: skip


def _lives() -> Iterator[Judged]:
    with mfgsql.connect(progress="off", threads=2) as s:
        lives = np.minimum(load(s, "FD001"), CAP)
        yield _both(
            s, "FD001", "SELECT *, cycle AS age FROM train WHERE unit <= 40",
            lambda m: f"SELECT predicted_rul FROM ml_predict('{m}', 'SELECT *, cycle AS age FROM test', latest := true) ORDER BY unit",
            lives, target="rul", task="rul", entity="unit", order_by="cycle", options={"cap": CAP, "window": 32, "folds": 2},
        )  # fmt: skip


def _rmse(truth: np.ndarray, said: np.ndarray) -> float:
    return float(np.sqrt(np.mean((said - truth) ** 2)))
