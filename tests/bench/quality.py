"""How good a model is by one statement without a knob: beside gradient-boosted trees, on the same folds, in one run.

AI4I (a rare failure): ranking, probabilities, and what alarms cost. concrete and energy (numbers): errors and intervals.
"Ahead" means that the paired bootstrap interval of the difference, over folds and seeds, excludes zero.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

import mfgsql
from mfgsql.evaluation.calibration import reliability
from tests.bench import peers

DATA = Path(__file__).parents[3] / "shared/data"
AI4I = DATA / "ai4i2020/ai4i2020.csv"
COSTS = {"missed": 2000.0, "false_alarm": 50.0}
LEVELS = (0.8, 0.9, 0.95)
OURS = "mfgsql"
DRAWS = 10_000
Figures = list[dict]


@dataclass
class Fold:
    """One test set, and what each model says of it.

    Attributes:
        truth: [rows]. said: probabilities of a failure, or numbers, by model [rows]. calibrated: probabilities after
        calibration. alarms: by model [rows]. widths, inside: of intervals, by model and level. seconds: of training.
    """

    truth: np.ndarray
    said: dict[str, np.ndarray] = field(default_factory=dict)
    calibrated: dict[str, np.ndarray] = field(default_factory=dict)
    alarms: dict[str, np.ndarray] = field(default_factory=dict)
    inside: dict[tuple[str, float], np.ndarray] = field(default_factory=dict)
    widths: dict[tuple[str, float], float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def run() -> Figures:
    """The panel; ``MFGSQL_BENCH_FULL=1`` (``make bench-full``) draws AI4I's folds by three seeds and takes all splits."""
    full = os.environ.get("MFGSQL_BENCH_FULL") == "1"
    if not AI4I.exists():
        return [{"figure": "quality", "measured": f"skipped: {AI4I} is absent", "goal": ""}]
    with mfgsql.connect(progress="off") as s:
        s.execute(f"CREATE TABLE milling AS SELECT * EXCLUDE (UDI, \"Product ID\", TWF, HDF, PWF, OSF, RNF) FROM '{AI4I}'")
        rows = _of_failures(list(_failures(s, range(3) if full else range(1))))
        for name, goal in (("concrete", 3.8), ("energy", 0.30)):
            rows += _of_numbers(name, goal, list(_numbers(s, name, range(20) if full else range(8))))
    return rows


# -- a failure ------------------------------------------------------------------------------------------------------


def _failures(s: mfgsql.Session, seeds: range) -> Iterator[Fold]:
    milling = s.execute("FROM milling").df()
    truth = milling["Machine failure"].to_numpy().astype(int)
    for seed in seeds:
        for number, (train, test) in enumerate(StratifiedKFold(5, shuffle=True, random_state=seed).split(milling, truth)):
            fold = Fold(truth[test])
            _our_failures(s, fold, milling.iloc[train], milling.iloc[test], seed)
            _their_failures(fold, milling.iloc[train], milling.iloc[test])
            scores = " ".join(f"{name} {average_precision_score(fold.truth, p):.3f}" for name, p in fold.said.items())
            print(f"AI4I seed {seed} fold {number}: PR-AUC {scores}; {fold.seconds[OURS]:.1f} s", flush=True)
            yield fold


def _our_failures(s: mfgsql.Session, fold: Fold, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> None:
    _tables(s, train, test)
    started = time.perf_counter()
    s.finetune("m", "learn", target="Machine failure", costs=COSTS, options={"seed": seed})
    fold.seconds[OURS] = time.perf_counter() - started
    asked = "SELECT probability, predicted_machine_failure = 1 AS alarm FROM ml_predict('m', 'judge') ORDER BY id"
    said = s.execute(asked).df()
    fold.said[OURS] = fold.calibrated[OURS] = said["probability"].to_numpy()
    fold.alarms[OURS] = said["alarm"].to_numpy()
    s.execute("FROM ml_drop('m')").fetchall()


def _their_failures(fold: Fold, train: pd.DataFrame, test: pd.DataFrame) -> None:
    target = train["Machine failure"].to_numpy().astype(int)
    rows, judged = (_plain(f.drop(columns="Machine failure")) for f in (train, test))
    for name, make in peers.CLASSIFIERS.items():
        fold.said[name], fold.seconds[name] = peers.probabilities(make, rows, target, judged)
        fold.calibrated[name] = peers.calibrated(make, rows, target, judged)
        fold.alarms[name] = fold.calibrated[name] >= COSTS["false_alarm"] / sum(COSTS.values())


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    """Names that XGBoost takes, words as categories."""
    names = {n: "".join(c for c in n if c not in "[]<") for n in rows}
    rows = rows.rename(columns=names)
    return rows.astype({n: "category" for n in rows if not pd.api.types.is_numeric_dtype(rows[n])})


def _of_failures(folds: list[Fold]) -> Figures:
    measures: dict[str, tuple[Callable[[Fold, str], float], int, str, str]] = {
        "PR-AUC": (lambda f, m: average_precision_score(f.truth, f.said[m]), 1, ".3f", ">= .86, ahead"),
        "ROC-AUC": (lambda f, m: roc_auc_score(f.truth, f.said[m]), 1, ".3f", "shown"),
        "F1 at .5": (lambda f, m: f1_score(f.truth, f.said[m] >= 0.5), 1, ".3f", "shown"),
        "Brier score x 1000 (theirs isotonic)": (
            lambda f, m: 1000 * float(((f.calibrated[m] - f.truth) ** 2).mean()), -1, ".2f", "shown",
        ),
        "calibration error x 1000 (theirs isotonic)": (
            lambda f, m: 1000 * _calibration_error(f.truth, f.calibrated[m]), -1, ".2f", "shown",
        ),
        "cost of a row at 2000 / 50 (theirs isotonic)": (
            lambda f, m: float((2000 * (f.truth * ~f.alarms[m]) + 50 * ((1 - f.truth) * f.alarms[m])).mean()),
            -1, ".2f", "shown",
        ),
    }  # fmt: skip
    rows = [_compared(f"AI4I {what}", folds, measure, *more) for what, (measure, *more) in measures.items()]
    return [*rows, _times("AI4I", folds, "<= 3x CatBoost")]


def _calibration_error(truth: np.ndarray, scores: np.ndarray) -> float:
    bins = reliability(truth == 1, scores)
    return sum(b["rows"] * abs(b["observed_share"] - b["mean_probability"]) for b in bins) / len(truth)


# -- a number -------------------------------------------------------------------------------------------------------


def _numbers(s: mfgsql.Session, name: str, splits: range) -> Iterator[Fold]:
    folder = DATA / "uci_regression" / name
    raw = np.loadtxt(folder / "raw_data.txt")
    columns = [int(float(n)) for n in (folder / "index_features.txt").read_text().split()]
    target = int(float((folder / "index_target.txt").read_text().split()[0]))
    table = pd.DataFrame({**{f"x{c}": raw[:, c] for c in columns}, "y": raw[:, target]})
    for split in splits:
        test = np.loadtxt(folder / f"splits20/index_test_{split}.txt").astype(int)
        train = np.setdiff1d(np.arange(len(raw)), test)
        fold = Fold(raw[test, target])
        _our_numbers(s, fold, table.iloc[train], table.iloc[test])
        _their_numbers(fold, table.iloc[train], table.iloc[test])
        errors = " ".join(f"{m} {_rmse(fold, m):.3f}" for m in fold.said)
        print(f"{name} split {split}: RMSE {errors}; {fold.seconds[OURS]:.1f} s", flush=True)
        yield fold


def _our_numbers(s: mfgsql.Session, fold: Fold, train: pd.DataFrame, test: pd.DataFrame) -> None:
    _tables(s, train, test)
    started = time.perf_counter()
    s.finetune("m", "learn", target="y")
    fold.seconds[OURS] = time.perf_counter() - started
    for level in LEVELS:
        said = s.execute(
            f"SELECT predicted_y, \"lower\", \"upper\" FROM ml_predict('m', 'judge', level := {level}) ORDER BY id"
        ).df()
        fold.said[OURS] = said["predicted_y"].to_numpy()
        fold.inside[OURS, level] = said["lower"].le(fold.truth).to_numpy() & said["upper"].ge(fold.truth).to_numpy()
        fold.widths[OURS, level] = float((said["upper"] - said["lower"]).mean())
    s.execute("FROM ml_drop('m')").fetchall()


def _their_numbers(fold: Fold, train: pd.DataFrame, test: pd.DataFrame) -> None:
    target, rows, judged = train["y"].to_numpy(), train.drop(columns="y"), test.drop(columns="y")
    for name, make in peers.REGRESSORS.items():
        fold.said[name], fold.seconds[name] = peers.values(make, rows, target, judged)
        errors = np.sort(peers.absolute_errors(make, rows, target))
        for level in LEVELS:
            half = errors[min(int(np.ceil((len(errors) + 1) * level)), len(errors)) - 1]
            fold.inside[name, level] = np.abs(fold.said[name] - fold.truth) <= half
            fold.widths[name, level] = float(2 * half)


def _rmse(fold: Fold, model: str) -> float:
    return float(np.sqrt(((fold.said[model] - fold.truth) ** 2).mean()))


def _of_numbers(name: str, goal: float, folds: list[Fold]) -> Figures:
    rows = [_compared(f"{name} RMSE", folds, _rmse, -1, ".3f", f"<= {goal}")]
    for level in LEVELS:
        told = (
            f"{m} {np.mean([f.inside[m, level].mean() for f in folds]):.3f} ({np.mean([f.widths[m, level] for f in folds]):.3g} wide)"
            for m in folds[0].said
        )
        rows.append({"figure": f"{name} coverage at {level:.0%}", "measured": " | ".join(told), "goal": f"{level:.0%}"})
    return [*rows, _times(name, folds, "shown")]


# -- all ------------------------------------------------------------------------------------------------------------


def _tables(s: mfgsql.Session, train: pd.DataFrame, test: pd.DataFrame) -> None:
    for name, rows in (("learn", train), ("judge", test.assign(id=np.arange(len(test))))):
        s.con.register("frame", pa.Table.from_pandas(rows, preserve_index=False))
        s.execute(f"CREATE OR REPLACE TABLE {name} AS FROM frame").fetchall()
        s.con.unregister("frame")


def _compared(
    what: str, folds: list[Fold], measure: Callable[[Fold, str], float], sign: int, form: str, goal: str
) -> dict:
    """Means over folds, and whether we are ahead of, behind or level with each of the others."""
    whole = {m: np.array([measure(f, m) for f in folds]) for m in folds[0].said}
    told = [f"{OURS} {whole[OURS].mean():{form}}"]
    drawn = np.random.default_rng(0).integers(0, len(folds), (DRAWS, len(folds)))
    for other in (m for m in whole if m != OURS):
        low, high = np.quantile((sign * (whole[OURS] - whole[other]))[drawn].mean(axis=1), [0.025, 0.975])
        standing = "ahead" if low > 0 else "behind" if high < 0 else "level"
        told.append(f"{other} {whole[other].mean():{form}} ({standing})")
    return {"figure": f"{what}, mean of {len(folds)} folds", "measured": " | ".join(told), "goal": goal}


def _times(what: str, folds: list[Fold], goal: str) -> dict:
    mean = {m: float(np.mean([f.seconds[m] for f in folds])) for m in folds[0].seconds}
    told = " | ".join(f"{m} {value:.2f}" for m, value in mean.items())
    ratio = mean[OURS] / mean["CatBoost"]
    return {"figure": f"{what} seconds to train, 2 threads", "measured": f"{told} ({ratio:.1f}x CatBoost)", "goal": goal}
