"""Orders of car parts by forecasts, played against what came, beside the textbook's; and the cheapest flows of 100 x 100 lanes.

The model has seen all months but the last 12, in which each policy is made anew every month, and played: lead time 3 months.
The textbook's demand is normal, with mean and deviation of the past. Cost of a part and month; fill rate: pieces served from
stock of those asked for. Ahead: the paired bootstrap interval over parts excludes zero. Flows: SciPy's linprog on the same.
"""

import json
import os
import time

import numpy as np
import scipy.sparse
from scipy.optimize import linprog

import mfgsql
from tests.bench.corpora import DATA
from tests.bench.forecasts import YEAR, car_parts, learn_parts, put
from tests.bench.paired import ahead

FULL = bool(os.environ.get("MFGSQL_BENCH_FULL"))
SEEDS = range(3 if FULL else 1)
LEAD = 3
COSTS = {"holding": 0.02, "shortage": 5, "order": 2}
NO_ORDER = {"holding": 0.02, "shortage": 5}
TRIED: tuple[tuple[float | None, dict[str, float]], ...] = ((0.9, COSTS), (0.95, COSTS), (0.95, NO_ORDER), (None, NO_ORDER))
PLACES = 100


def run() -> list[dict]:
    """Policies, where the data are there, and flows."""
    if not (DATA / "carparts").exists():
        return [{"figure": "ordering", "measured": f"skipped: {DATA / 'carparts'} is absent", "goal": ""}, *_flows()]
    return [*_policies(), *_flows()]


def _policies() -> list[dict]:
    with mfgsql.connect(progress="off", threads=2) as s:
        asked = car_parts(s)[:, -YEAR:].sum(1).astype(float)
        played: dict[int, list[np.ndarray]] = {number: [] for number in range(len(TRIED))}
        seconds = []
        for seed in SEEDS:
            model, _ = learn_parts(s, seed)
            for number, (level, costs) in enumerate(TRIED):
                began = time.monotonic()
                played[number].append(play(s, model, level, costs))
                seconds.append(time.monotonic() - began)
    rows = []
    for number, (level, costs) in enumerate(TRIED):
        what = f"car parts, {len(asked):,} parts, {'what costs ask for' if level is None else f'service {level}'}, {costs}, {len(SEEDS)} seeds"
        runs = played[number]
        for name, mine, better, digits in (("cost", 1, _cheaper, 3), ("fill rate", 0, _served, 3)):
            pair = [[np.stack([run[:, mine + k], asked], axis=1) for run in runs] for k in (0, 2)]
            shown = " / ".join(f"{abs(np.mean([better(asked, run) for run in side])):.{digits}f}" for side in pair)
            apart = ahead(*pair, asked, better)
            print(what, name, shown, apart, flush=True)
            rows += [
                {"figure": f"{what}, {name}: mfgsql / normal", "measured": shown, "goal": "ahead" if name == "cost" else "shown"},
                {"figure": f"{what}, {name}: ahead by (95 %)", "measured": str(apart), "goal": "above 0" if name == "cost" else "shown"},
            ]
    return [*rows, {"figure": f"a year of policies made anew, {len(asked):,} parts: seconds", "measured": f"{np.mean(seconds):.0f}", "goal": ""}]


def play(s: mfgsql.Session, model: str, level: float | None, costs: dict[str, float]) -> np.ndarray:
    """Of each part fill rate and cost of ours, and of the textbook's: [parts, 4]."""
    service = "" if level is None else f"service_level := {level}, "
    rows = s.execute(
        "SELECT tested_fill_rate, tested_cost, normal_fill_rate, normal_cost "
        f"FROM ml_order_policy('{model}', 'parts', lead_time := {LEAD}, costs := {costs}, {service}backtest := {YEAR}, options := {{'review': 1}}) ORDER BY id"
    ).fetchall()
    return np.array(rows, float)


def _cheaper(_: np.ndarray, rows: np.ndarray) -> float:
    return -float(rows[:, 0].mean())


def _served(_: np.ndarray, rows: np.ndarray) -> float:
    """Share of all pieces: that of each part counts as often as its pieces are asked for."""
    return float((rows[:, 0] * rows[:, 1]).sum() / rows[:, 1].sum())


# -- flows ----------------------------------------------------------------------------------------------------------


def _flows() -> list[dict]:
    """The best of three, beside linprog's optimum."""
    dice = np.random.default_rng(0)
    asked = dice.integers(50, 150, PLACES)
    there = dice.multinomial(int(1.1 * asked.sum()), np.full(PLACES, 1 / PLACES))
    price = dice.uniform(1, 9, (PLACES, PLACES))
    plants, depots = (side.ravel() for side in np.divmod(np.arange(PLACES**2), PLACES))
    taken = []
    with mfgsql.connect(progress="off", threads=2) as s:
        put(s, "stock", {"plant": np.arange(PLACES), "qty": there})
        put(s, "needs", {"depot": np.arange(PLACES), "qty": asked})
        put(s, "lanes", {"plant": plants, "depot": depots, "cost": price.ravel()})
        for _ in range(3):
            began = time.perf_counter()
            rows = s.execute("SELECT total_cost, status FROM ml_allocate(supply := 'stock', demand := 'needs', cost := 'lanes')").fetchall()
            taken.append(time.perf_counter() - began)
    used, got = (scipy.sparse.coo_array((np.ones(PLACES**2), (side, np.arange(PLACES**2)))) for side in (plants, depots))
    began = time.perf_counter()
    best = linprog(price.ravel(), A_ub=used, b_ub=there, A_eq=got, b_eq=asked, method="highs")
    bare = time.perf_counter() - began
    cost = sum(row[0] for row in rows)
    what = f"flows, {PLACES} x {PLACES} lanes"
    return [
        {"figure": f"{what}: seconds by SQL / linprog", "measured": f"{min(taken):.2f} / {bare:.2f}", "goal": ""},
        {"figure": f"{what}: cost by SQL / linprog ({', '.join(sorted({row[1] for row in rows}))})", "measured": f"{cost:.6f} / {best.fun:.6f}",
         "goal": "equal", "apart": abs(cost - best.fun) / best.fun},
    ]  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
