"""Remaining useful life on C-MAPSS, beside gradient-boosted trees on window statistics and an LSTM.

By SQL with defaults, but for the cap that the field uses (125 cycles) and the window (128 cycles, chosen by cross-validation
over training engines). One prediction for each test engine, at its last cycle. Ahead: the paired bootstrap interval over
engines and seeds excludes zero.
"""

import os
import random
import statistics
import time
from pathlib import Path

import lightgbm
import numpy as np
import torch
from torch import nn

import mfgsql

DATA = Path(__file__).parents[3] / "shared/data/cmapss"
NAMES = ["unit", "cycle", *(f"setting{i}" for i in range(1, 4)), *(f"s{i}" for i in range(1, 22))]
CAP, WINDOW = 125, 128
FULL = bool(os.environ.get("MFGSQL_BENCH_FULL"))
SEEDS = range(3)
SETS = ("FD001", "FD003")
ROLES = "entity := 'unit', order_by := 'cycle'"
FEATURES = "SELECT *, cycle AS age FROM"


def run() -> list[dict]:
    """RMSE and NASA's score of each, capped and uncapped; and what a base is worth to ten labelled engines."""
    if not DATA.exists():
        return [{"figure": "turbofan", "measured": f"skipped: {DATA} is absent", "goal": ""}]
    rows: list[dict] = []
    for name in SETS:
        with mfgsql.connect(progress="off", threads=2) as s:
            lives = load(s, name)
            rows += _compare(s, name, lives)
            if name == "FD001":
                rows += _labels(s, lives)
    return rows


def load(s: mfgsql.Session, name: str) -> np.ndarray:
    """Tables train (with rul) and test; true lives of the test engines."""
    if name == "FD001":
        train = np.loadtxt(DATA / f"train_{name}.txt")
    else:
        train = np.loadtxt(DATA / f"train_{name}.csv", delimiter=",", skiprows=1)[:, :26]
    for table, values in (("train", train), ("test", np.loadtxt(DATA / f"test_{name}.txt"))):
        s.con.register("raw", {n: values[:, i] for i, n in enumerate(NAMES)})
        s.execute(
            f"CREATE TABLE {table} AS SELECT * REPLACE (unit::INTEGER AS unit, cycle::INTEGER AS cycle), "
            "max(cycle) OVER (PARTITION BY unit) - cycle AS rul FROM raw"
        )
        s.con.unregister("raw")
    return np.loadtxt(DATA / f"RUL_{name}.txt")


def ours(s: mfgsql.Session, where: str = "", seed: int = 0, base: str | None = None) -> tuple[np.ndarray, float, np.ndarray]:
    """Predicted lives of the test engines, the seconds it took to learn, and the ends of 90 % intervals [2, engines]."""
    began = time.monotonic()
    options = {"cap": CAP, "seed": seed} | ({} if base else {"window": WINDOW})
    made = s.finetune(
        "life", f"{FEATURES} train {where}", target="rul", task="rul", entity="unit", order_by="cycle", options=options,
        force=True, **({"base": base} if base else {}),
    )  # fmt: skip
    took = time.monotonic() - began
    said = s.execute(
        f'SELECT predicted_rul, "lower", "upper" FROM ml_predict(\'life@{made["version"]}\', \'{FEATURES} test\', '
        "latest := true, level := 0.9) ORDER BY unit"
    ).fetchall()
    values = np.array(said, float)
    return values[:, 0], took, values[:, 1:].T


def _arrays(s: mfgsql.Session, table: str, where: str = "") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values = s.execute(f"SELECT {', '.join(NAMES)}, rul FROM {table} {where} ORDER BY unit, cycle").df().to_numpy(float)
    return values[:, 2:-1], values[:, :2], values[:, -1]


def statistics_of(sensors: np.ndarray, units: np.ndarray, size: int = 30) -> np.ndarray:
    """Last, mean, deviation and slope of each sensor over the last thirty cycles, and the age."""
    rows = []
    for unit in np.unique(units[:, 0]):
        own = sensors[units[:, 0] == unit]
        for end in range(1, len(own) + 1):
            window = own[max(0, end - size) : end]
            t = np.arange(len(window)) - (len(window) - 1) / 2
            slope = t @ window / max(t @ t, 1e-9)
            rows.append(np.concatenate([window[-1], window.mean(0), window.std(0), slope, [end]]))
    return np.array(rows)


def trees(s: mfgsql.Session, seed: int) -> np.ndarray:
    """LightGBM on window statistics."""
    sensors, units, lives = _arrays(s, "train")
    model = lightgbm.LGBMRegressor(n_estimators=300, learning_rate=0.05, verbose=-1, n_jobs=2, random_state=seed,
                                   subsample=0.8, subsample_freq=1, colsample_bytree=0.8)  # fmt: skip
    model.fit(statistics_of(sensors, units), np.minimum(lives, CAP))
    sensors, units, _ = _arrays(s, "test")
    ends = np.append(np.flatnonzero(np.diff(units[:, 0])), len(units) - 1)
    return np.clip(model.predict(statistics_of(sensors, units)[ends]), 0, CAP)


class Lstm(nn.Module):
    """Two layers, as Zheng et al., "Long Short-Term Memory Network for Remaining Useful Life Estimation" (ICPHM 2017)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = nn.LSTM(width, 64, batch_first=True), nn.LSTM(64, 64, batch_first=True)
        self.out = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return self.out(self.two(self.one(windows)[0])[0][:, -1])[:, 0]


def lstm(s: mfgsql.Session, seed: int, size: int = 30) -> np.ndarray:
    """On standardised sensors, thirty cycles, ten epochs."""
    torch.manual_seed(seed)
    torch.set_num_threads(2)
    sensors, units, lives = _arrays(s, "train")
    mean, deviation = sensors.mean(0), sensors.std(0)
    kept = deviation > 1e-6
    windows = _windows((sensors[:, kept] - mean[kept]) / deviation[kept], units, size)
    truth = torch.tensor(np.minimum(lives, CAP) / CAP, dtype=torch.float32)
    network = Lstm(windows.shape[2])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(10):
        for batch in torch.randperm(len(windows)).split(128):
            loss = nn.functional.mse_loss(network(windows[batch]), truth[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    sensors, units, _ = _arrays(s, "test")
    ends = np.append(np.flatnonzero(np.diff(units[:, 0])), len(units) - 1)
    with torch.inference_mode():
        said = network(_windows((sensors[:, kept] - mean[kept]) / deviation[kept], units, size)[ends])
    return np.clip(said.numpy() * CAP, 0, CAP)


def _windows(sensors: np.ndarray, units: np.ndarray, size: int) -> torch.Tensor:
    rows = []
    for unit in np.unique(units[:, 0]):
        own = sensors[units[:, 0] == unit]
        padded = np.concatenate([np.repeat(own[:1], size - 1, axis=0), own])
        rows.append(np.lib.stride_tricks.sliding_window_view(padded, size, axis=0).transpose(0, 2, 1))
    return torch.tensor(np.concatenate(rows), dtype=torch.float32)


def rmse(said: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((said - truth) ** 2)))


def score(said: np.ndarray, truth: np.ndarray) -> float:
    """NASA's, the sum over engines."""
    late = said - truth
    return float(np.where(late < 0, np.expm1(-late / 13), np.expm1(late / 10)).sum())


def ahead(mine: list[np.ndarray], theirs: list[np.ndarray], truth: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of by how much our RMSE is lower, over engines and seeds."""
    dice, found = np.random.default_rng(0), []
    for _ in range(2000):
        rows = dice.integers(0, len(truth), len(truth))
        seeds = dice.integers(0, len(mine), len(mine))
        found.append(np.mean([rmse(theirs[i][rows], truth[rows]) - rmse(mine[i][rows], truth[rows]) for i in seeds]))
    low, high = np.quantile(found, [0.025, 0.975])
    return round(float(low), 2), round(float(high), 2)


def _compare(s: mfgsql.Session, name: str, lives: np.ndarray) -> list[dict]:
    said: dict[str, list[np.ndarray]] = {"mfgsql": [], "LightGBM": [], "LSTM": []}
    seconds, covered = [], []
    for seed in SEEDS if FULL or name == "FD001" else range(1):
        found, took, (low, high) = ours(s, seed=seed)
        covered.append(np.mean((np.minimum(lives, CAP) >= low) & (np.minimum(lives, CAP) <= high)))
        seconds.append(took)
        said["mfgsql"].append(found)
        said["LightGBM"].append(trees(s, seed))
        said["LSTM"].append(lstm(s, seed))
        capped = np.minimum(lives, CAP)
        print(name, seed, {k: round(rmse(v[-1], capped), 2) for k, v in said.items()}, f"{took:.0f} s", flush=True)
    rows = []
    for label, truth in (("capped", np.minimum(lives, CAP)), ("uncapped", lives)):
        shown = " / ".join(f"{statistics.mean(rmse(p, truth) for p in said[k]):.2f}" for k in said)
        scores = " / ".join(f"{statistics.mean(score(p, truth) for p in said[k]):.0f}" for k in said)
        intervals = {k: ahead(said["mfgsql"], said[k], truth) for k in said if k != "mfgsql"}
        rows += [
            {"figure": f"{name} RMSE {label}: mfgsql / LightGBM / LSTM", "measured": shown,
             "goal": "<= 11.0, ahead of both" if label == "capped" else "ahead of both", "ahead_by": intervals,
             "said": {k: [np.round(p, 2).tolist() for p in v] for k, v in said.items()}, "lives": lives.tolist()},
            {"figure": f"{name} NASA score {label}", "measured": scores, "goal": "ahead of both"},
            {"figure": f"{name} {label}: ahead by (95 %)", "measured": str(intervals), "goal": "above 0"},
        ]  # fmt: skip
    return [
        *rows,
        {"figure": f"{name}: lives inside 90 % intervals", "measured": f"{statistics.mean(covered):.2f}", "goal": ".90"},
        {"figure": f"{name}: seconds to learn", "measured": f"{statistics.mean(seconds):.0f}", "goal": ""},
    ]


def _labels(s: mfgsql.Session, lives: np.ndarray) -> list[dict]:
    """A base from all engines without labels, and ten of them labelled, beside ten from scratch."""
    made = s.pretrain("base", f"{FEATURES} (SELECT * EXCLUDE (rul) FROM train)", entity="unit", order_by="cycle",
                      options={"window": WINDOW})  # fmt: skip
    truth, scores = np.minimum(lives, CAP), []
    for seed in SEEDS if FULL else range(1):
        units = ", ".join(map(str, random.Random(seed).sample(range(1, 101), 10)))
        pair = [ours(s, f"WHERE unit IN ({units})", seed, base)[0] for base in (made["model"], None)]
        scores.append([rmse(p, truth) for p in pair])
        print("ten engines, seed", seed, [round(v, 2) for v in scores[-1]], flush=True)
    columns = list(zip(*scores, strict=True))
    return [{
        "figure": "FD001 RMSE capped, 10 labelled engines: pre-trained / from scratch",
        "measured": " / ".join(f"{statistics.mean(c):.2f}" for c in columns), "goal": "", "by_seed": scores,
    }]  # fmt: skip
