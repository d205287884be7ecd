"""Engines of C-MAPSS in their order: `ml_adapt` with policy auto beside a frozen model, retraining on all engines so far, and
river's adaptive random forest.

The champion learns the remaining life from thirty engines of FD001; then come six batches of nine, and from the second on two
sensors that wear moves tell another value, as after a calibration: 1.2 times the deviation from the usual one, and 1.5
deviations higher. Each batch is told before its labels are known (RMSE of the life up to 125 cycles, each tenth cycle), and
learnt from then. Forgetting: by how much the error grows on sixteen engines as they were before the calibration. Compute:
seconds of the processor, of learning alone.

Where the order begins, and which sensors are calibrated, is by seed. Two seeds (MFGSQL_BENCH_FULL=1: five).
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec

import numpy as np
import pandas as pd

import mfgsql
from tests.bench.paired import interval
from tests.bench.turbofan import CAP, DATA, NAMES, load, rmse

SEEDS = range(5 if os.environ.get("MFGSQL_BENCH_FULL") else 2)
FIRST, BATCHES, SIZE, HELD, EVERY = 30, 6, 9, 16, 10
WORN = ("s2", "s3", "s4", "s7", "s11", "s12", "s15", "s17", "s20", "s21")  # sensors that wear moves
GAIN, OFFSET = 1.2, 1.5  # of the deviation of a sensor
SMALL = {"cap": CAP, "window": 16, "patch": 4, "width": 16, "layers": 1, "folds": 2}
ROLES = {"target": "rul", "task": "rul", "entity": "unit", "order_by": "cycle"}
READ = "SELECT * EXCLUDE batch, cycle AS age FROM engines"
DRAWS = 2_000


@dataclass
class Stream:
    """A seed's rows of cycles, each with the number of its batch: 0 of what was before, -1 of what is held out."""

    seed: int
    rows: pd.DataFrame

    @classmethod
    def of(cls, seed: int, name: str = "FD001") -> "Stream":
        with mfgsql.connect(progress="off") as s:
            load(s, name)
            rows = s.execute("FROM train ORDER BY unit, cycle").df()
        dice = np.random.default_rng(seed)
        place = (rows["unit"].to_numpy() - 1 - 33 * seed) % 100
        batch = np.select([place < FIRST, place < FIRST + SIZE * BATCHES], [0, 1 + (place - FIRST) // SIZE], -1)
        for sensor in dice.choice(WORN, 2, replace=False):
            usual = rows.loc[batch == 0, sensor]
            shifted = usual.mean() + GAIN * (rows[sensor] - usual.mean()) + dice.choice([-1, 1]) * OFFSET * usual.std()
            rows[sensor] = np.where(batch > 1, shifted, rows[sensor])
        kept = (batch >= 0) | (place >= 100 - HELD)
        return cls(seed, rows.assign(batch=batch)[kept].reset_index(drop=True))

    def asked(self, batch: int) -> pd.DataFrame:
        """Rows of a batch that are told."""
        return self.rows[(self.rows["batch"] == batch) & (self.rows["cycle"] % EVERY == 0)]


@dataclass
class Way:
    """What a way to keep up told of each batch, what it cost, and how it told the engines of before, at first and at last."""

    daily: list[np.ndarray] = field(default_factory=list)
    seconds: float = 0.0
    before: tuple[float, float] = (np.nan, np.nan)
    promoted: int = 0


Told = Callable[[int], np.ndarray]


def kept_up(stream: Stream, told: Told, learn: Callable[[int], bool]) -> Way:
    """Each batch is told, then learnt from.

    Args:
        told: number of a batch -> lives [rows of `Stream.asked`]. learn: from a batch; whether the champion is another then.
    """
    way, first = Way(), told(-1)
    for number in range(1, BATCHES + 1):
        way.daily.append(told(number))
        began = time.process_time()
        way.promoted += learn(number)
        way.seconds += time.process_time() - began
    way.before = tuple(error(stream, -1, said) for said in (first, told(-1)))
    return way


def error(stream: Stream, batch: int, said: np.ndarray) -> float:
    """RMSE of capped lives."""
    return rmse(said, np.minimum(stream.asked(batch)["rul"], CAP))


def ways(stream: Stream) -> dict[str, Way]:
    """All of them, from the same champion on."""
    with mfgsql.connect(progress="off", threads=2) as s:
        s.con.register("given", stream.rows)
        s.execute("CREATE TABLE engines AS FROM given")
        s.con.unregister("given")
        s.finetune("m", f"{READ} WHERE batch = 0", **ROLES, options=SMALL)
        s.execute("FROM ml_promote('m@1')").fetchall()
        versions = ["m@1"]

        def told(model: str) -> Told:
            return lambda batch: _lives(s, model, batch)

        def adapted(batch: int) -> bool:
            row = s.verb("adapt", "m", f"{READ} WHERE batch = {batch}", policy="auto")
            print(batch, {k: row[k] for k in ("promoted", "reverted", "verdict", "reason")}, flush=True)
            return row["promoted"]

        def retrained(batch: int) -> bool:
            row = s.finetune("anew", f"{READ} WHERE batch BETWEEN 0 AND {batch}", **ROLES, options=SMALL)
            versions.append(f"anew@{row['version']}")
            return True

        found = {
            "frozen": kept_up(stream, told("m@1"), lambda _: False),
            "adapt": kept_up(stream, told("m"), adapted),
            "retrained": kept_up(stream, lambda batch: _lives(s, versions[-1], batch), retrained),
        }
    return found | ({"forest": forest(stream)} if find_spec("river") else {})


def _lives(s: mfgsql.Session, model: str, batch: int) -> np.ndarray:
    """What a model says of a batch."""
    said = s.execute(
        f"SELECT predicted_rul FROM ml_predict('{model}', '{READ} WHERE batch = {batch}') "
        f"WHERE cycle % {EVERY} = 0 ORDER BY unit, cycle"
    ).fetchall()
    return np.array(said, float)[:, 0]


def forest(stream: Stream) -> Way:
    """River's adaptive random forest (Gomes et al., 2018), cycle by cycle."""
    from river.forest import ARFRegressor

    model = ARFRegressor(seed=stream.seed)

    def told(batch: int) -> np.ndarray:
        return np.array([model.predict_one(x) for x in _readings(stream.asked(batch))])

    def learn(batch: int) -> bool:
        rows = stream.rows[stream.rows["batch"] == batch]
        for x, life in zip(_readings(rows), np.minimum(rows["rul"], CAP), strict=True):
            model.learn_one(x, life)
        return True

    learn(0)
    return kept_up(stream, told, learn)


def _readings(rows: pd.DataFrame) -> list[dict]:
    return rows[NAMES[1:]].to_dict("records")


def lower(streams: list[Stream], mine: list[Way], theirs: list[Way]) -> tuple[float, float]:
    """The 95 % interval of by how much our RMSE over all batches is lower, over engines."""
    squares = []  # of each engine: rows, and the sum of squared errors of both
    for stream, *both in zip(streams, mine, theirs, strict=True):
        rows = pd.concat([stream.asked(batch) for batch in range(1, BATCHES + 1)])
        said = [np.concatenate(way.daily) for way in both]
        apart = [(s - np.minimum(rows["rul"], CAP)) ** 2 for s in said]
        squares.append(pd.DataFrame({"rows": 1, "mine": apart[0], "theirs": apart[1]}).groupby(rows["unit"]).sum().to_numpy())
    sums = np.concatenate(squares)
    drawn = sums[np.random.default_rng(0).integers(0, len(sums), (DRAWS, len(sums)))].sum(axis=1)
    return interval(np.sqrt(drawn[:, 2] / drawn[:, 0]) - np.sqrt(drawn[:, 1] / drawn[:, 0]))


def run() -> list[dict]:
    """RMSE over batches, compute, and forgetting of each way."""
    if not DATA.exists():
        return [{"figure": "engines in order", "measured": f"skipped: {DATA} is absent", "goal": ""}]
    streams, found = [Stream.of(seed) for seed in SEEDS], []
    for stream in streams:
        found.append(ways(stream))
        print(stream.seed, {n: ([round(error(stream, i + 1, d), 1) for i, d in enumerate(w.daily)], np.round(w.before, 1).tolist(), round(w.seconds, 1)) for n, w in found[-1].items()}, flush=True)
    return figures(streams, {name: [of[name] for of in found] for name in found[0]})


def figures(streams: list[Stream], ways: dict[str, list[Way]]) -> list[dict]:
    """As rows of the table."""
    errors = {name: np.mean([[error(s, i + 1, d) for i, d in enumerate(w.daily)] for s, w in zip(streams, of, strict=True)]) for name, of in ways.items()}
    seconds = {name: float(np.sum([w.seconds for w in of])) for name, of in ways.items()}
    before = {name: np.mean([w.before for w in of], axis=0) for name, of in ways.items()}
    promoted = sum(w.promoted for w in ways["adapt"])
    forgot = " / ".join(f"{name} {last - first:+.2f} ({last / first - 1:+.1%})" for name, (first, last) in before.items())
    return [
        {"figure": f"C-MAPSS engines in order, {len(streams)} seeds: mean RMSE of a batch, capped", "measured": " / ".join(f"{n} {e:.2f}" for n, e in errors.items()), "goal": ""},
        {"figure": "adapt lower than retraining by (95 % over engines)", "measured": str(lower(streams, ways["adapt"], ways["retrained"])), "goal": "holds 0"},
        {"figure": "adapt lower than frozen by (95 % over engines)", "measured": str(lower(streams, ways["adapt"], ways["frozen"])), "goal": "above 0"},
        {"figure": "compute of adapt over that of retraining", "measured": f"{seconds['adapt'] / seconds['retrained']:.1%} ({seconds['adapt']:.0f} / {seconds['retrained']:.0f} s)", "goal": "<= 10 %"},
        {"figure": "forgetting, cycles of RMSE on engines of before", "measured": forgot, "goal": "<= 2 %"},
        {"figure": "batches by which adapt's champion changed", "measured": f"{promoted} of {len(streams) * BATCHES}", "goal": "shown"},
    ]  # fmt: skip
