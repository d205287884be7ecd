"""Forecasts by SQL: M4's hourly series, the ETTh1 transformers, and demand for car parts, beside statsforecast.

M4: 48 steps of 414 series; OWA is against Naive2 of the competition (sMAPE 18.383, MASE 2.395), medians are judged. ETTh1:
seven sensors, 12, 4 and 4 months, standardised by the first 12, from which alone is learnt; windows of the last 4 months,
mean for MSE, median for MAE. Car parts: the last 12 of 51 months, of the parts whose months are all known; errors are over
the mean change from month to month in the months before (RMSSE: root mean square), pinball is the mean of .1 to .9, doubled;
of who tells one number it is each quantile. "Own past" is the distribution of a part's own months before: its quantiles,
median and mean. Rare demand has mostly a median of 0, to which means lose by absolute errors, and which loses to means by
squared ones. Ahead: the paired bootstrap interval over series and seeds excludes zero.

Without MFGSQL_BENCH_FULL=1 there is one seed for three, M4 is compared on each fourth series, ETTh1 has the horizon 96 alone
and each fourth window.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from joblib import Parallel, delayed

import mfgsql
from tests.bench.corpora import DATA
from tests.bench.paired import ahead

FULL = bool(os.environ.get("MFGSQL_BENCH_FULL"))
SEEDS = range(3 if FULL else 1)
LEVELS = [round(0.1 * i, 1) for i in range(1, 10)]
Array = np.ndarray
Options = dict[str, Any]

DAY, HOURS = 24, 48
SMAPE, MASE = 18.383, 2.395  # of Naive2
EACH = 1 if FULL else 4  # of M4's series AutoETS is fitted to one in so many

ETT: Options = {"window": 336, "width": 32, "dropout": 0.3, "learning_rate": 0.001, "epochs": 2}
HORIZONS, STRIDE = ((96, 192, 336, 720), 1) if FULL else ((96,), 4)
MONTH = 720  # hours
LEARNT, BEGIN, END = 12 * MONTH, 16 * MONTH, 20 * MONTH
TOGETHER = 200  # windows of each sensor that are forecast by one statement

YEAR = 12


def run() -> list[dict]:
    """The three, where data and statsforecast are there."""
    if not (DATA / "m4").exists():
        return [{"figure": "forecasts", "measured": f"skipped: {DATA} is absent", "goal": ""}]
    if find_spec("statsforecast") is None:
        return [{"figure": "forecasts", "measured": "skipped: the package statsforecast is absent", "goal": ""}]
    return [*_hourly(), *_transformers(), *_parts()]


def put(s: mfgsql.Session, name: str, columns: Mapping[str, Any]) -> None:
    """A table of these columns and no other: what is no series, time or target is read as a feature."""
    s.con.register("raw", pa.table(dict(columns)))
    s.execute(f"CREATE OR REPLACE TABLE {name} AS FROM raw").fetchall()
    s.con.unregister("raw")


def long(series: list[Array]) -> dict[str, Array]:
    """Series one behind the other, with their numbers."""
    sizes = [len(one) for one in series]
    steps = np.concatenate([np.arange(size) for size in sizes])
    return {"id": np.repeat(np.arange(len(series)), sizes), "t": steps, "y": np.concatenate(series)}


def theirs(models: Mapping[str, Callable[[], Any]], series: list[Array], horizon: int, levels: tuple[int, ...] = ()) -> dict[str, dict[str, Array]]:
    """What statsforecast's models say of each series, in two processes: mean, and ends of intervals where asked for."""
    asked = {"level": list(levels)} if levels else {}
    found = {}
    for name, make in models.items():
        began = time.monotonic()
        said = Parallel(n_jobs=2)(delayed(_said)(make, part, horizon, asked) for part in _slices(series, 32))
        rows = [row for part in said for row in part]
        found[name] = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return found


def _said(make: Callable[[], Any], series: list[Array], horizon: int, asked: Options) -> list[dict[str, Array]]:
    return [make().forecast(y=one.astype(float), h=horizon, **asked) for one in series]


def _slices(series: list[Array], size: int) -> list[list[Array]]:
    return [series[start : start + size] for start in range(0, len(series), size)]


def _compared(what: str, errors: Mapping[str, list[Array]], goal: str) -> list[dict]:
    """The first of these beside the others, and by how much its mean error is lower; errors by seed, of each series."""
    mine = next(iter(errors))
    told = {name: statistics.mean(float(e.mean()) for e in runs) for name, runs in errors.items()}
    truth = np.zeros(len(errors[mine][0]))
    apart = {name: ahead(errors[mine], runs, truth, _less) for name, runs in errors.items() if name != mine}
    print(what, {k: round(v, 4) for k, v in told.items()}, apart, flush=True)
    shown = " / ".join(f"{v:.3f}" for v in told.values())
    return [
        {"figure": f"{what}: {' / '.join(told)}", "measured": shown, "goal": goal, "by_seed": [float(e.mean()) for e in errors[mine]]},
        {"figure": f"{what}: ahead by (95 %)", "measured": str(apart), "goal": "above 0" if goal.startswith("ahead") else "shown"},
    ]


def _less(_: Array, errors: Array) -> float:
    return -float(errors.mean())


def _coverage(truth: Array, low: Array, high: Array) -> float:
    return float(((truth >= low) & (truth <= high)).mean())


# -- M4, hourly -----------------------------------------------------------------------------------------------------


def hourly() -> tuple[list[Array], Array]:
    """414 series of 700 or 960 hours, and the 48 that came: [series, 48]."""
    train, test = (pd.read_csv(DATA / f"m4/Hourly-{part}.csv").iloc[:, 1:].to_numpy(float) for part in ("train", "test"))
    return [row[np.isfinite(row)] for row in train], test[:, :HOURS]


def _hourly() -> list[dict]:
    from statsforecast.models import AutoETS, Theta

    series, truth = hourly()
    some = np.arange(0, len(series), EACH)
    scale = np.array([np.abs(one[DAY:] - one[:-DAY]).mean() for one in series])
    models = {"AutoETS": lambda: AutoETS(season_length=DAY), "Theta": lambda: Theta(season_length=DAY)}
    others = theirs(models, [series[i] for i in some], HOURS, (80, 90))
    medians, covered, seconds = [], [], []
    with mfgsql.connect(progress="off", threads=2) as s:
        put(s, "hourly", long(series))
        for seed in SEEDS:
            began = time.monotonic()
            made = s.finetune("m4", "hourly", target="y", task="forecast", entity="id", order_by="t",
                              options={"horizon": HOURS, "seed": seed}, force=True)  # fmt: skip
            seconds.append(time.monotonic() - began)
            rows = s.execute(
                "SELECT quantiles[0.5], quantiles[0.1], quantiles[0.9], lower, upper "
                f"FROM ml_forecast('m4@{made['version']}', 'hourly', horizon := {HOURS}, level := 0.9) ORDER BY id, step"
            ).df()
            median, *ends = rows.to_numpy(float).T.reshape(5, len(series), HOURS)
            medians.append(median)
            covered.append([_coverage(truth, *ends[:2]), _coverage(truth, *ends[2:])])
            print(f"M4 hourly, seed {seed}: {seconds[-1]:.0f} s, inside of 80 and 90 % intervals {covered[-1]}", flush=True)
    smape, mase, owa = _errors(medians, truth, scale)
    what = f"M4 hourly, {len(series)} series, {len(SEEDS)} seeds"
    figures = [
        {"figure": f"{what}: OWA; sMAPE; MASE", "measured": "; ".join(f"{np.mean(e):.{d}f}" for e, d in ((owa, 4), (smape, 3), (mase, 3))),
         "goal": "OWA <= .45", "by_seed": [float(e.mean()) for e in owa]},
        {"figure": f"{what}: inside of 80, 90 % intervals", "measured": "{:.3f}, {:.3f}".format(*np.mean(covered, axis=0)), "goal": ".80, .90"},
        {"figure": f"{what}: seconds to learn", "measured": f"{statistics.mean(seconds):.0f}", "goal": ""},
    ]  # fmt: skip
    said = {"mfgsql": [p[some] for p in medians], "seasonal naive": [np.stack([np.tile(series[i][-DAY:], HOURS // DAY) for i in some])]}
    said |= {name: [found["mean"]] for name, found in others.items()}
    what, truth = f"M4 hourly, {len(some)} series, {len(SEEDS)} seeds", truth[some]
    errors = {name: _errors(runs, truth, scale[some]) for name, runs in said.items()}
    for number, name in enumerate(("sMAPE", "MASE", "OWA")):
        figures += _compared(f"{what}, {name}", {k: v[number] for k, v in errors.items()}, "ahead of all")
    inside = {k: ", ".join(f"{_coverage(truth, f[f'lo-{p}'], f[f'hi-{p}']):.3f}" for p in (80, 90)) for k, f in others.items()}
    return [*figures, {"figure": f"{what}: inside of 80, 90 % intervals: {' / '.join(inside)}", "measured": " / ".join(inside.values()), "goal": "shown"}]


def _errors(said: list[Array], truth: Array, scale: Array) -> tuple[list[Array], list[Array], list[Array]]:
    """sMAPE, MASE and OWA of each series, by seed."""
    smape = [200 * (np.abs(truth - p) / (np.abs(truth) + np.abs(p))).mean(1) for p in said]
    mase = [np.abs(truth - p).mean(1) / scale for p in said]
    return smape, mase, [(a / SMAPE + b / MASE) / 2 for a, b in zip(smape, mase, strict=True)]


# -- ETTh1 ----------------------------------------------------------------------------------------------------------


def transformers() -> tuple[Array, Array]:
    """Hours as datetime64, and values [hours, 7], standardised by the first 12 months."""
    rows = pd.read_csv(DATA / "ett/ETTh1.csv")
    values = rows.iloc[:, 1:].to_numpy(float)
    return pd.to_datetime(rows.iloc[:, 0]).to_numpy("datetime64[us]"), (values - values[:LEARNT].mean(0)) / values[:LEARNT].std(0)


def _transformers() -> list[dict]:
    times, values = transformers()
    sensors = values.shape[1]
    figures = []
    with mfgsql.connect(progress="off", threads=2) as s:
        hours = np.tile(np.arange(len(values)), sensors)
        put(s, "ett", {"sensor": np.repeat(np.arange(sensors), len(values)), "ts": np.tile(times, sensors), "hour": hours, "y": values.T.ravel()})
        for horizon in HORIZONS:
            starts = np.arange(BEGIN, END - horizon + 1, STRIDE)
            truth = np.stack([values[at : at + horizon].T for at in starts])
            naive = np.stack([np.tile(values[at - DAY : at].T, horizon // DAY) for at in starts])
            scores, covered, seconds = [], [], []
            for seed in SEEDS:
                began = time.monotonic()
                made = s.finetune("ett", f"SELECT sensor, ts, y FROM ett WHERE hour < {LEARNT}", target="y", task="forecast", entity="sensor",
                                  order_by="ts", options={"horizon": horizon, "seed": seed, **ETT}, force=True)  # fmt: skip
                seconds.append(time.monotonic() - began)
                mean, median, *ends = _windows(s, f"ett@{made['version']}", starts, horizon, sensors)
                scores.append([float(((mean - truth) ** 2).mean()), float(np.abs(median - truth).mean())])
                covered.append(_coverage(truth, *ends))
                print(f"ETTh1, {horizon} hours, seed {seed}: MSE, MAE {scores[-1]}, inside {covered[-1]:.3f}, {seconds[-1]:.0f} s", flush=True)
            told, base = np.mean(scores, axis=0), (((naive - truth) ** 2).mean(), np.abs(naive - truth).mean())
            what = f"ETTh1, {horizon} hours, {len(starts)} windows, {len(SEEDS)} seeds"
            figures += [
                {"figure": f"{what}, MSE; MAE: mfgsql / the day before", "measured": f"{told[0]:.4f}; {told[1]:.4f} / {base[0]:.4f}; {base[1]:.4f}",
                 "goal": "MSE <= .375" if horizon == 96 else "shown", "by_seed": scores},
                {"figure": f"{what}: inside of 90 % intervals; seconds to learn",
                 "measured": f"{statistics.mean(covered):.3f}; {statistics.mean(seconds):.0f}", "goal": ".90"},
            ]  # fmt: skip
    return figures


def _windows(s: mfgsql.Session, model: str, starts: Array, horizon: int, sensors: int) -> Array:
    """Mean, median, lower and upper [4, windows, sensors, horizon]; each window of each sensor is a series of its own."""
    parts = []
    for first in range(0, len(starts), TOGETHER):
        own = starts[first : first + TOGETHER]
        source = (
            f"SELECT w * {sensors} + sensor AS sensor, ts, y FROM ett JOIN "
            f"(SELECT unnest(range({own[0]}, {own[-1] + 1}, {STRIDE})) AS w) ON hour >= w - {ETT['window']} AND hour < w"
        )
        rows = s.execute(
            "SELECT predicted_y, quantiles[0.5], lower, upper "
            f"FROM ml_forecast('{model}', '{source}', horizon := {horizon}, level := 0.9) ORDER BY sensor, step"
        ).df()
        parts.append(rows.to_numpy(float).T.reshape(4, len(own), sensors, horizon))
    return np.concatenate(parts, axis=1)


# -- car parts ------------------------------------------------------------------------------------------------------


def car_parts(s: mfgsql.Session) -> Array:
    """Table ``parts`` (id, month, demand), and demand [parts, 51 months]: the parts whose months are all known."""
    rows = pd.read_csv(DATA / "carparts/carparts_long.csv.gz").pivot(index="part_id", columns="month", values="demand").dropna()
    months = pd.to_datetime(rows.columns).to_numpy("datetime64[D]")
    demand = rows.to_numpy().astype(np.int64)
    put(s, "parts", {"id": np.repeat(np.arange(len(demand)), demand.shape[1]), "month": np.tile(months, len(demand)), "demand": demand.ravel()})
    s.execute(f"CREATE OR REPLACE TABLE past AS FROM parts WHERE month < DATE '{months[-YEAR]}'").fetchall()
    return demand


def learn_parts(s: mfgsql.Session, seed: int) -> tuple[str, float]:
    """A version of ``demand`` that has seen all months but the last 12, and the seconds it takes to learn."""
    began = time.monotonic()
    made = s.finetune("demand", "past", target="demand", task="forecast", entity="id", order_by="month",
                      options={"horizon": YEAR, "seed": seed}, force=True)  # fmt: skip
    return f"demand@{made['version']}", time.monotonic() - began


def pinball(truth: Array, quantiles: Array) -> Array:
    """Of each series, over steps and `LEVELS`, doubled: at the median it is the absolute error."""
    rest = truth[..., None] - quantiles
    return 2 * np.maximum(np.array(LEVELS) * rest, (np.array(LEVELS) - 1) * rest).mean(axis=(1, 2))


def _parts() -> list[dict]:
    from statsforecast.models import TSB, CrostonOptimized, CrostonSBA

    with mfgsql.connect(progress="off", threads=2) as s:
        demand = car_parts(s).astype(float)
        past, truth = demand[:, :-YEAR], demand[:, -YEAR:]
        changes = np.diff(past, axis=1)
        moved = np.abs(changes).max(axis=1) > 0
        models = {"Croston": CrostonOptimized, "SBA": CrostonSBA, "TSB": lambda: TSB(alpha_d=0.2, alpha_p=0.2)}
        others = {name: found["mean"] for name, found in theirs(models, list(past), YEAR).items()}
        others["year before"] = past[:, -YEAR:]
        mine, seconds, covered = [], [], []
        names = ", ".join(f"quantiles[{level}]" for level in LEVELS)
        for seed in SEEDS:
            model, took = learn_parts(s, seed)
            seconds.append(took)
            rows = s.execute(
                f"SELECT predicted_demand, {names}, lower, upper FROM ml_forecast('{model}', 'past', horizon := {YEAR}, level := 0.9) ORDER BY id, step"
            ).df()
            mean, *quantiles = rows.to_numpy(float).T.reshape(-1, *truth.shape)
            covered.append(_coverage(truth, *quantiles[-2:]))
            mine.append((mean, np.stack(quantiles[:-2], axis=-1)))
            print(f"car parts, seed {seed}: {seconds[-1]:.0f} s, inside of 90 % intervals {covered[-1]:.3f}", flush=True)
    step, square = (np.abs(changes).mean(1)[moved], np.sqrt((changes**2).mean(1))[moved])
    own = np.quantile(past, LEVELS, axis=1, method="inverted_cdf").T[:, None, :].repeat(YEAR, 1)
    points = {"always 0": np.zeros_like(truth), **others}
    absolute = {"mfgsql (median)": [q[..., 4] for _, q in mine], "own past": [own[..., 4]], **{k: [v] for k, v in points.items()}}
    means = {"mfgsql (mean)": [m for m, _ in mine], "own past": [past.mean(1, keepdims=True).repeat(YEAR, 1)], **{k: [v] for k, v in points.items()}}
    told = {"mfgsql": [q for _, q in mine], "own past": [own], **{k: [v[..., None].repeat(len(LEVELS), 2)] for k, v in points.items()}}
    what = f"car parts, {int(moved.sum()):,} parts, last {YEAR} months, {len(SEEDS)} seeds"
    return [
        *_compared(f"{what}, pinball", {k: [pinball(truth, q)[moved] / step for q in v] for k, v in told.items()}, "ahead of all"),
        *_compared(f"{what}, MASE", {k: [np.abs(truth - p).mean(1)[moved] / step for p in v] for k, v in absolute.items()}, "ahead of Croston, SBA, TSB"),
        *_compared(f"{what}, RMSSE", {k: [np.sqrt(((truth - p) ** 2).mean(1))[moved] / square for p in v] for k, v in means.items()}, "shown"),
        {"figure": f"{what}: inside of 90 % intervals; seconds to learn",
         "measured": f"{statistics.mean(covered):.3f}; {statistics.mean(seconds):.0f}", "goal": ">= .90"},
    ]  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
