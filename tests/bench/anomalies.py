"""Anomalies in a pump loop (SKAB) and in a machine's temperature (NAB), beside an isolation forest and PCA's T2 and Q.

SKAB: of each file the first 400 rows train, the others test; F1, false alarm rate and missed alarm rate point by point, over
all files. More than half of the test rows are anomalous: who always alarms has an F1 of .70. NAB: the first 15 % train;
hours from the beginning of each labelled window to the first alarm in it, and alarms outside of them, a week.
"""

import json
import os
import statistics
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler

import mfgsql

DATA = Path(__file__).parents[3] / "shared/data"
FULL = bool(os.environ.get("MFGSQL_BENCH_FULL"))
SEEDS = range(3 if FULL else 1)
TRAIN, WINDOW = 400, 60


def run() -> list[dict]:
    """Both data sets, where they are there."""
    if not (DATA / "skab").exists():
        return [{"figure": "anomalies", "measured": f"skipped: {DATA / 'skab'} is absent", "goal": ""}]
    return [*_skab(), *_nab()]


def forest(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """Flags by an isolation forest with scikit-learn's defaults."""
    return IsolationForest(random_state=seed, n_jobs=2).fit(train).predict(test) < 0


def t2_and_q(train: np.ndarray, test: np.ndarray, _: int) -> np.ndarray:
    """Flags by Hotelling's T2 on the components of nine tenths of the variance, or the squared rest; limits of 99 %."""
    scaler = StandardScaler().fit(train)
    pca = PCA(0.9, svd_solver="full").fit(scaler.transform(train))

    def both(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        standard = scaler.transform(rows)
        scores = pca.transform(standard)
        rest = standard - pca.inverse_transform(scores)
        return (scores**2 / pca.explained_variance_).sum(1), (rest**2).sum(1)

    limits = [np.quantile(value, 0.99) for value in both(train)]
    t2, q = both(test)
    return (t2 > limits[0]) | (q > limits[1])


def ours(rows: pd.DataFrame, sensors: list[str], train: int, seed: int, **options: object) -> np.ndarray:
    """Flags of all rows by SQL."""
    with mfgsql.connect(progress="off", threads=2) as s:
        s.con.register("raw", rows)
        s.execute("CREATE TABLE loop AS FROM raw")
        first = f"SELECT * FROM loop WHERE n < {train}"
        exclude = [c for c in rows.columns if c not in (*sensors, "ts")]
        s.finetune("d", first, task="anomaly", order_by="ts", options={"window": WINDOW, "seed": seed, "exclude": exclude, **options})
        found = s.execute("SELECT is_anomaly FROM ml_detect_anomalies('d', 'loop') ORDER BY n").fetchall()
    return np.array([bool(flag) for (flag,) in found])


def _skab() -> list[dict]:
    files = [f for folder in ("valve1", "valve2", "other") for f in sorted((DATA / "skab" / folder).glob("*.csv"))]
    found: dict[str, list[tuple[float, float, float]]] = {"mfgsql": [], "isolation forest": [], "T2 + Q": []}
    by_file: dict[str, list[list[tuple[np.ndarray, np.ndarray]]]] = {k: [] for k in found}
    for seed in SEEDS:
        flags: dict[str, list[np.ndarray]] = {k: [] for k in found}
        truth = []
        for file in files:
            rows = pd.read_csv(file, sep=";").rename(columns={"datetime": "ts"}).assign(n=lambda r: np.arange(len(r)))
            rows["ts"] = pd.to_datetime(rows["ts"])
            sensors = [c for c in rows if c not in ("ts", "n", "anomaly", "changepoint")]
            values = rows[sensors].to_numpy()
            truth.append(rows["anomaly"].to_numpy()[TRAIN:] > 0)
            flags["mfgsql"].append(ours(rows, sensors, TRAIN, seed)[TRAIN:])
            flags["isolation forest"].append(forest(values[:TRAIN], values[TRAIN:], seed))
            flags["T2 + Q"].append(t2_and_q(values[:TRAIN], values[TRAIN:], seed))
        for name, said in flags.items():
            found[name].append(_scores(np.concatenate(truth), np.concatenate(said)))
            by_file[name].append(list(zip(truth, said, strict=True)))
        print("SKAB, seed", seed, {k: [round(x, 3) for x in v[-1]] for k, v in found.items()}, flush=True)
    shown = {name: " / ".join(f"{statistics.mean(column):.3f}" for column in zip(*rows, strict=True)) for name, rows in found.items()}
    intervals = {name: _ahead(by_file["mfgsql"], by_file[name]) for name in found if name != "mfgsql"}
    goal = {"mfgsql": "F1 >= .80"}
    return [
        *({"figure": f"SKAB F1 / FAR / MAR: {name}", "measured": text, "goal": goal.get(name, "")} for name, text in shown.items()),
        {"figure": "SKAB F1: ahead by (95 %, over files and seeds)", "measured": str(intervals), "goal": "above 0"},
    ]


def _scores(truth: np.ndarray, said: np.ndarray) -> tuple[float, float, float]:
    hits, false, missed = (truth & said).sum(), (~truth & said).sum(), (truth & ~said).sum()
    return 2 * hits / (2 * hits + false + missed), false / (~truth).sum(), missed / truth.sum()


def _ahead(mine: list, theirs: list) -> tuple[float, float]:
    dice, found = np.random.default_rng(0), []
    for _ in range(1000):
        files = dice.integers(0, len(mine[0]), len(mine[0]))
        seeds = dice.integers(0, len(mine), len(mine))
        pair = [
            np.mean([_scores(*(np.concatenate([runs[seed][i][k] for i in files]) for k in (0, 1)))[0] for seed in seeds])
            for runs in (mine, theirs)
        ]
        found.append(pair[0] - pair[1])
    low, high = np.quantile(found, [0.025, 0.975])
    return round(float(low), 3), round(float(high), 3)


def _nab() -> list[dict]:
    name = "realKnownCause/machine_temperature_system_failure.csv"
    rows = pd.read_csv(DATA / "nab" / name).rename(columns={"timestamp": "ts"}).assign(n=lambda r: np.arange(len(r)))
    rows["ts"] = pd.to_datetime(rows["ts"])
    windows = [tuple(map(pd.Timestamp, w)) for w in json.loads((DATA / "nab/labels/combined_windows.json").read_text())[name]]
    train = int(0.15 * len(rows))
    rows = rows.drop_duplicates("ts").reset_index(drop=True)
    values = rows[["value"]].to_numpy()
    flags = {
        "mfgsql": ours(rows, ["value"], train, 0, false_alarms_per_day=0.5),
        "isolation forest": forest(values[:train], values, 0),
        "T2 + Q": t2_and_q(values[:train], values, 0),
    }
    return [{"figure": f"NAB machine temperature, delays in hours; false alarms a week: {k}",
             "measured": _delays(rows["ts"], v, windows, train), "goal": ""} for k, v in flags.items()]  # fmt: skip


def _delays(times: pd.Series, flags: np.ndarray, windows: list, train: int) -> str:
    """A window in the training rows is left out; alarms of one hour are one."""
    start = times[train]
    inside, delays = np.zeros(len(times), bool), []
    for low, high in windows:
        own = ((times >= low) & (times <= high)).to_numpy()
        inside |= own
        if low > start:
            hits = times[own & flags]
            delays.append(f"{(hits.iloc[0] - low).total_seconds() / 3600:.1f}" if len(hits) else "missed")
    false = times[flags & ~inside & (times > start).to_numpy()]
    alarms = int((false.diff() > pd.Timedelta("1h")).sum()) + bool(len(false))
    weeks = (times.iloc[-1] - start).total_seconds() / 604800
    return f"{', '.join(delays)}; {alarms / weeks:.2f}"
