"""Orders under way by SQL: a machining shop's log (225 orders, 24 steps), beside a Markov chain and LightGBM.

The first orders by their start are learnt from, the rest are told: after each event the next step, or that there is none, and
how many days the order still takes. The chain says the most frequent follower of the last step; LightGBM (100 trees, learning
rate .05) reads the last three steps and resources, counts of steps, position, times since the start and since the event
before, hour, weekday; with the date, too, beside ours with 'trend'. The log ends on one day and holds what was finished by
then, so that late orders are short: who always says "no time at all" is good at them, and is shown. Ahead: the paired
bootstrap interval over orders excludes zero.

Without MFGSQL_BENCH_FULL=1 there is one split, .8, for three.
"""

import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

import mfgsql
from tests.bench.corpora import DATA
from tests.bench.paired import DRAWS, interval

SHARES = (0.64, 0.7, 0.8) if os.environ.get("MFGSQL_BENCH_FULL") else (0.8,)
FILE = DATA / "production_log" / "Production.csv"
END = "(end)"
Array = np.ndarray
Said = dict[str, Array]

EVENTS = f"""
CREATE TABLE log AS SELECT row_number() OVER () AS id, case_id, activity, resource, start_timestamp, "timestamp" FROM read_csv('{FILE}');
CREATE TABLE begun AS SELECT case_id, row_number() OVER (ORDER BY min(start_timestamp), case_id) - 1 AS place FROM log GROUP BY case_id;
CREATE TABLE truth AS SELECT log.*, place, row_number() OVER w AS position, coalesce(lead(activity) OVER w, '{END}') AS follows,
  epoch(max("timestamp") OVER c - "timestamp") / 86400 AS remaining, epoch("timestamp" - min(start_timestamp) OVER c) / 86400 AS elapsed,
  epoch("timestamp" - coalesce(lag("timestamp") OVER w, start_timestamp)) / 3600 AS since, epoch("timestamp" - start_timestamp) / 3600 AS lasted,
  hour("timestamp") AS hour, dayofweek("timestamp") AS weekday, epoch("timestamp") / 86400 AS date
FROM log JOIN begun USING (case_id) WINDOW c AS (PARTITION BY case_id), w AS (PARTITION BY case_id ORDER BY "timestamp", start_timestamp, activity, resource, id)
"""
NUMBERS = ["position", "elapsed", "since", "lasted", "hour", "weekday"]
ROLES = "task := 'process', target := 'activity', entity := 'case_id', order_by := 'timestamp'"


def run() -> list[dict]:
    """The next step and the remaining time, at each split."""
    if not FILE.exists():
        return [{"figure": "orders under way", "measured": f"skipped: {FILE} is absent", "goal": ""}]
    return [figure for share in SHARES for figure in _split(share)]


def _split(share: float) -> list[dict]:
    with mfgsql.connect(":memory:", progress="off") as s:
        s.execute(EVENTS)
        events = s.execute("FROM truth ORDER BY place, position").df()
        cut = int(share * (events.place.max() + 1))
        learnt, told = events[events.place < cut], events[events.place >= cut]
        ours = {name: _ours(s, cut, options) for name, options in (("mfgsql", ""), ("mfgsql with the date", ", 'trend': true"))}
    said = ours | _simple(learnt, told) | (_trees(events, cut) if find_spec("lightgbm") else {})
    return [*_steps(share, told, said), *_times(share, told, said)]


def _ours(s: mfgsql.Session, cut: int, options: str) -> Said:
    """What is told of the events of later orders, in their order; one statement learns it, without a knob."""
    columns = 'case_id, activity, resource, start_timestamp, "timestamp"'
    began = time.monotonic()
    s.execute(
        f"FROM ml_finetune('flow', 'SELECT {columns} FROM truth WHERE place < {cut}', {ROLES}, "
        f"options := {{'started': 'start_timestamp'{options}}})"
    ).fetchall()
    print(f"{options or 'default'}: {time.monotonic() - began:.0f} s", flush=True)
    version = s.execute("SELECT max(version) FROM ml.versions WHERE model = 'flow'").fetchone()
    rows = s.execute(
        f"SELECT * FROM ml_predict('flow@{version[0] if version else 1}', 'SELECT id, {columns}, place, position, follows FROM truth WHERE place >= {cut}') "
        "ORDER BY place, position"
    ).df()
    shares = np.array([dict(p).get(f, 0.0) for p, f in zip(rows.probabilities, rows.follows, strict=True)])
    return {
        "next": rows.predicted_next_activity.to_numpy(), "share": shares, "time": rows.predicted_remaining.to_numpy(),
        "lower": rows.lower.to_numpy(), "upper": rows.upper.to_numpy(),
    }  # fmt: skip


def _simple(learnt: pd.DataFrame, told: pd.DataFrame) -> dict[str, Said]:
    """The most frequent follower of the last step; the median time of orders learnt from, and no time at all."""
    counts = learnt.groupby(["activity", "follows"]).size().unstack(fill_value=0)
    chances = (counts + 1 / counts.shape[1]).div(counts.sum(axis=1) + 1, axis=0)
    known = chances.reindex(told.activity).fillna(1 / counts.shape[1])
    share = np.array([row.get(f, 1e-3) for (_, row), f in zip(known.iterrows(), told.follows, strict=True)])
    return {
        "Markov chain": {"next": known.idxmax(axis=1).to_numpy(), "share": share},
        "median": {"time": np.full(len(told), learnt.remaining.median())},
        "no time": {"time": np.zeros(len(told))},
    }


def _trees(events: pd.DataFrame, cut: int) -> dict[str, Said]:
    from lightgbm import LGBMClassifier, LGBMRegressor

    lately = [events.groupby("case_id")[c].shift(k).astype("category").cat.codes for c in ("activity", "resource") for k in range(3)]
    counts = pd.get_dummies(events.activity).groupby(events.case_id).cumsum()
    plain = np.column_stack([*lately, counts, events[NUMBERS]]).astype(float)
    learnt, later = (events.place < cut).to_numpy(), (events.place >= cut).to_numpy()
    shape: dict[str, Any] = {"n_estimators": 100, "learning_rate": 0.05, "verbose": -1, "n_jobs": 2, "random_state": 0}
    found: dict[str, Said] = {}
    for name, read in (("LightGBM", plain), ("LightGBM with the date", np.column_stack([plain, events.date]))):
        steps = LGBMClassifier(**shape).fit(read[learnt], events.follows[learnt])
        times = LGBMRegressor(objective="l1", **shape).fit(read[learnt], events.remaining[learnt])
        shares, classes = np.asarray(steps.predict_proba(read[later])), list(steps.classes_)
        of_truth = [row[classes.index(f)] if f in classes else 0.0 for row, f in zip(shares, events.follows[later], strict=True)]
        found[name] = {"next": steps.classes_[shares.argmax(axis=1)], "share": np.array(of_truth), "time": times.predict(read[later])}
    return found


def _steps(share: float, told: pd.DataFrame, said: dict[str, Said]) -> list[dict]:
    truth, of = told.follows.to_numpy(), {name: s for name, s in said.items() if "next" in s}
    right = {name: (s["next"] == truth).astype(float) for name, s in of.items()}
    inside = truth != END
    lost = {name: -np.log(np.clip(s["share"], 1e-6, 1)) for name, s in of.items()}
    what = f"next step, {share:.0%} of orders learnt from"
    return [
        *_compared(f"{what}: accuracy", right, told, "0.55", "{:.4f}", higher=True),
        {"figure": f"{what}: accuracy without the end", "measured": _line({n: r[inside].mean() for n, r in right.items()}, "{:.4f}"), "goal": "shown"},
        {"figure": f"{what}: log loss", "measured": _line({n: v.mean() for n, v in lost.items()}, "{:.3f}"), "goal": "shown"},
    ]  # fmt: skip


def _times(share: float, told: pd.DataFrame, said: dict[str, Said]) -> list[dict]:
    truth = told.remaining.to_numpy()
    errors = {name: np.abs(s["time"] - truth) for name, s in said.items() if "time" in s}
    held = {n: float(((s["lower"] <= truth) & (truth <= s["upper"])).mean()) for n, s in said.items() if "lower" in s}
    dated = {name: errors[name] for name in sorted(errors, key=lambda name: name != "mfgsql with the date")}
    what = f"remaining time, {share:.0%} of orders learnt from"
    return [
        *_compared(f"{what}: mean error (days)", dated, told, "4.5", "{:.2f}", higher=False),
        {"figure": f"{what}: inside 90 % intervals", "measured": _line(held, "{:.3f}"), "goal": "shown"},
    ]  # fmt: skip


def _line(values: dict[str, float], form: str) -> str:
    return ", ".join(f"{name} {form.format(value)}" for name, value in values.items())


def _compared(what: str, of: dict[str, Array], told: pd.DataFrame, goal: str, form: str, *, higher: bool) -> list[dict]:
    """The first of these beside the others, and by how much it is better, over draws of orders."""
    (mine, first), *others = of.items()
    better: Callable[[Array], Array] = lambda v: v if higher else -v  # noqa: E731
    apart = {name: _apart(better(first - theirs), told.place.to_numpy()) for name, theirs in others}
    line = _line({name: float(v.mean()) for name, v in of.items()}, form)
    print(f"{what}: {line}; {mine} is ahead by {apart}", flush=True)
    return [
        {"figure": what, "measured": line, "goal": goal},
        {"figure": f"{what}, by which {mine} is ahead (95 %)", "measured": str(apart), "goal": "shown"},
    ]


def _apart(difference: Array, orders: Array) -> tuple[float, float]:
    """The interval of its mean, over orders drawn with all their events."""
    numbers, place = np.unique(orders, return_inverse=True)
    sums, sizes = np.bincount(place, difference), np.bincount(place)
    drawn = np.random.default_rng(0).integers(0, len(numbers), (DRAWS, len(numbers)))
    return interval(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
