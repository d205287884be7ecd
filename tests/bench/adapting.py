"""Days of a line that changes: `ml_adapt` with policy auto beside a frozen model, daily retraining on all rows so far, and
river's adaptive random forest.

A generator makes parts with seven columns and a defect in about one of seven; after 2,500 rows come days of 300. Before the
second day something changes, by seed in turn: the place of two readings (a hot season, where the same rule now meets values
that were rare), a supplier that was never seen, with parts of another hardness for four in ten rows, or the rule itself, whose
threshold of wear falls. Each day is told before its labels are known (prequential), by PR-AUC. Forgetting: PR-AUC on 1,500
rows of the time before, of the model at the beginning less that at the end. Compute: seconds of the processor.

Ten seeds, five days; MFGSQL_BENCH_FULL=1: twelve days.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

import mfgsql
from tests.bench.paired import ahead_on_splits

SEEDS, DAYS = range(10), 12 if os.environ.get("MFGSQL_BENCH_FULL") else 5
HISTORY, ROWS, HELD = 2_500, 300, 1_500
LONG = 10_000  # rows of a longer past
CHANGES = ("place", "supplier", "rule")
COLUMNS = "torque, speed, temperature, wear, vibration, supplier, kind, defect"


def made(dice: np.random.Generator, rows: int, change: str | None) -> pd.DataFrame:
    """Parts, and whether each is defective."""
    torque, speed = dice.normal(40, 10, rows), dice.normal(1500, 150, rows)
    temperature, wear = dice.normal(60, 6, rows), dice.uniform(0, 250, rows)
    vibration = dice.gamma(4, 0.5, rows)
    supplier, kind = dice.choice(["A", "B", "C"], rows), dice.choice(["L", "M", "H"], rows, p=[0.5, 0.3, 0.2])
    if change == "place":
        temperature, torque = temperature + 12, torque + 6
    if change == "supplier":
        supplier = np.where(dice.random(rows) < 0.4, "D", supplier)
    limit = np.select([kind == "L", kind == "M"], [200.0, 215.0], 230.0) - (0 if change != "rule" else np.where(kind == "H", 120, 0))
    risk = 0.06 * (wear - limit) + 0.25 * np.maximum(torque * speed / 9550 - 8.2, 0) ** 2
    risk += 0.35 * np.maximum(temperature - 70, 0) * (vibration > 2) + np.where(supplier == "D", 0.25 * (torque - 34), 0)
    return pd.DataFrame({
        "torque": torque, "speed": speed, "temperature": temperature, "wear": wear, "vibration": vibration,
        "supplier": supplier, "kind": kind, "defect": dice.logistic(risk - 1.5, 0.5) > 0,
    })  # fmt: skip


@dataclass
class Stream:
    """A seed's rows: what was before, what is held out of it, and the days."""

    seed: int
    before: pd.DataFrame
    held: pd.DataFrame
    days: list[pd.DataFrame]

    @classmethod
    def of(cls, seed: int, days: int = DAYS, history: int = HISTORY) -> "Stream":
        dice, change = np.random.default_rng(seed), CHANGES[seed % len(CHANGES)]
        return cls(seed, made(dice, history, None), made(dice, HELD, None), [made(dice, ROWS, change if d else None) for d in range(days)])


@dataclass
class Way:
    """What a way to keep up told of each day, what it cost, and what it knows of the time before."""

    daily: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)  # seconds, by day
    forgetting: float = 0.0
    promoted: int = 0

    @property
    def mean(self) -> float:
        return float(np.mean(self.daily))

    @property
    def seconds(self) -> float:
        return float(np.sum(self.costs))


def score(rows: pd.DataFrame, said: np.ndarray) -> float:
    """PR-AUC."""
    return float(average_precision_score(rows["defect"], said))


def asked(s: mfgsql.Session, rows: pd.DataFrame) -> float:
    """What the champion tells of rows."""
    put(s, "asked", rows)
    said = s.execute("SELECT probability FROM ml_predict('m', 'SELECT * EXCLUDE defect FROM asked') ORDER BY n").fetchall()
    return score(rows, np.array(said)[:, 0])


def put(s: mfgsql.Session, name: str, rows: pd.DataFrame) -> None:
    """A table of rows."""
    s.con.register("given", rows.assign(n=range(len(rows))))
    s.execute(f"CREATE OR REPLACE TABLE {name} AS FROM given")
    s.con.unregister("given")


def kept_up(stream: Stream, each: Callable[[mfgsql.Session, int, pd.DataFrame], None] | None, adapt: dict | None = None) -> Way:
    """A model that is trained on what was before, and after each day by ``each``, or by ml_adapt."""
    way = Way()
    with mfgsql.connect(progress="off", threads=2) as s:
        put(s, "before", stream.before)
        train(s, "before")
        first = asked(s, stream.held)
        for number, day in enumerate(stream.days):
            way.daily.append(asked(s, day))
            put(s, f"day_{number}", day)
            began = time.process_time()
            if adapt is not None:
                row = s.verb("adapt", "m", f"SELECT {COLUMNS} FROM day_{number}", policy="auto", options=adapt)
                way.promoted += row["promoted"]
            elif each is not None:
                each(s, number, day)
            way.costs.append(time.process_time() - began)
        way.forgetting = first - asked(s, stream.held)
    return way


def train(s: mfgsql.Session, source: str) -> None:
    """A champion from all of these rows."""
    row = s.finetune("m", f"SELECT {COLUMNS} FROM {source}", target="defect")
    s.execute(f"FROM ml_promote('m@{row['version']}')").fetchall()


def retrained(s: mfgsql.Session, number: int, day: pd.DataFrame) -> None:
    """From the beginning on all rows so far."""
    tables = " UNION ALL ".join(f"SELECT {COLUMNS} FROM {t}" for t in ("before", *(f"day_{d}" for d in range(number + 1))))
    train(s, f"({tables})")


def forest(stream: Stream) -> Way:
    """River's adaptive random forest (Gomes et al., 2017), row by row."""
    from river.forest import ARFClassifier

    model, way = ARFClassifier(seed=stream.seed), Way()

    def told(rows: pd.DataFrame) -> float:
        return score(rows, np.array([model.predict_proba_one(x).get(True, 0.0) for x in records(rows)]))

    learn_from(model, stream.before)
    first = told(stream.held)
    for day in stream.days:
        way.daily.append(told(day))
        began = time.process_time()
        learn_from(model, day)
        way.costs.append(time.process_time() - began)
    way.forgetting = first - told(stream.held)
    return way


def records(rows: pd.DataFrame) -> list[dict]:
    return rows.drop(columns="defect").to_dict("records")


def learn_from(model: object, rows: pd.DataFrame) -> None:
    for x, y in zip(records(rows), rows["defect"], strict=True):
        model.learn_one(x, bool(y))


def run() -> list[dict]:
    """Mean daily PR-AUC, compute, and forgetting of each way."""
    ways: dict[str, list[Way]] = {"adapt": [], "frozen": [], "retrained": []} | ({"forest": []} if find_spec("river") else {})
    for seed in SEEDS:
        stream = Stream.of(seed)
        ways["adapt"].append(kept_up(stream, None, {}))
        ways["frozen"].append(kept_up(stream, None))
        ways["retrained"].append(kept_up(stream, retrained))
        if "forest" in ways:
            ways["forest"].append(forest(stream))
        print(seed, CHANGES[seed % 3], {n: (round(w[-1].mean, 3), round(w[-1].seconds, 1)) for n, w in ways.items()}, flush=True)
    return [*figures(ways), longer()]


def longer() -> dict:
    """Compute of the days where the past is longer, but for the first one, after which both ways are warm."""
    stream = Stream.of(0, days=4, history=LONG)
    adapt, anew = (float(np.sum(way.costs[1:])) for way in (kept_up(stream, None, {}), kept_up(stream, retrained)))
    what = f"compute of adapt over that of daily retraining, one seed, after {LONG:,} rows"
    return {"figure": what, "measured": f"{adapt / anew:.1%} ({adapt:.1f} / {anew:.1f} s)", "goal": "<= 10 %"}


def figures(ways: dict[str, list[Way]]) -> list[dict]:
    """As rows of the table."""
    means = {name: [w.mean for w in of] for name, of in ways.items()}
    seconds = {name: float(np.sum([w.seconds for w in of])) for name, of in ways.items()}
    told = " / ".join(f"{name} {np.mean(m):.3f}" for name, m in means.items())
    rows = [
        {"figure": f"a line that changes, {len(means['adapt'])} seeds: mean daily PR-AUC", "measured": told, "goal": ""},
        {"figure": "adapt less daily retraining (95 % over seeds)", "measured": str(ahead_on_splits(means["adapt"], means["retrained"])), "goal": "holds 0"},
        {"figure": "adapt less frozen (95 % over seeds)", "measured": str(ahead_on_splits(means["adapt"], means["frozen"])), "goal": "above 0"},
        {"figure": "compute of adapt over that of daily retraining", "measured": f"{seconds['adapt'] / seconds['retrained']:.1%}", "goal": "<= 10 %"},
        {"figure": "forgetting, points of PR-AUC: adapt / retrained", "measured": " / ".join(f"{100 * np.mean([w.forgetting for w in ways[n]]):.1f}" for n in ("adapt", "retrained")), "goal": "<= 2"},
    ]  # fmt: skip
    for number, change in enumerate(CHANGES):
        per = {name: np.mean(m[number :: len(CHANGES)]) for name, m in means.items()}
        forgot = 100 * np.mean([w.forgetting for w in ways["adapt"][number :: len(CHANGES)]])
        rows.append({"figure": f"the same where the {change} changes; points forgotten by adapt", "measured": " / ".join(f"{n} {v:.3f}" for n, v in per.items()) + f"; {forgot:.1f}", "goal": "shown"})
    return rows
