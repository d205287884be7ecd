"""Between SQL's lists of rows, one an item, and the policy of each: when to order, and how much."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mfgsql.inventory import Outcome, Plan, Terms, normal_plan, plan, simulate

if TYPE_CHECKING:  # plain SQL need not wait for torch
    from mfgsql.engine.engine import Engine
    from mfgsql.features import Grid
    from mfgsql.scoring import Scorer
    from mfgsql.scoring.forecasting import Forecasts, Series
    from mfgsql.tasks.task import Array

Tested = tuple[Outcome, Outcome, bool]  # what came of the policy, of the textbook's, and whether it was learnt from

PATHS = 500  # of demand
_SEEN = "tested on steps that the model has learnt from: train on those before to see what it is worth"
_SEED = 7  # of lead times, that are drawn as paths are
NUMBERS = (
    "reorder_point", "order_up_to", "order_quantity", "lead_time", "lead_demand", "safety_stock", "service",
    "fill_rate", "cost", "lot", "tested_fill_rate", "tested_cost", "normal_fill_rate", "normal_cost",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """What is known of an item besides its demand: lead times in steps, and its terms; or why there is no policy."""

    leads: Array
    terms: Terms
    fault: tuple[str, str] | None


def answer_policies(
    engine: Engine, rows: pa.Array, latest: pa.Array, key: pa.Array, item: pa.Array, told: pa.Array
) -> pa.Array:
    """Structs of the policy's numbers, status and reason, one for each item."""
    from mfgsql.engine.forecasts import forecasts_of

    if not len(rows):
        return pa.nulls(0, pa.struct([(name, pa.float64()) for name in NUMBERS]))
    asked = json.loads(told[0].as_py())
    items = [_item(one, asked) for one in item.to_pylist()]
    answers: list[dict[str, Any]] = []
    with engine.scorer(asked["model"]) as scorer:
        asked["horizon"] = _horizon(scorer, items, asked)
        for part in forecasts_of(engine, scorer, rows, latest, key, asked):
            own = items[part.start : part.start + len(part.series.starts)]
            tested = _tested(engine, scorer, part.series, own, asked) if asked["backtest"] else [None] * len(own)
            grid = scorer.model.manifest.grid
            assert grid is not None
            answers += _policies(part.found, own, tested, grid)
    types = [*((name, pa.float64()) for name in NUMBERS), ("ml_status", pa.string()), ("ml_reason", pa.string())]
    return pa.array(answers, pa.struct(types))


def _item(one: dict[str, Any], asked: dict[str, Any]) -> Item:
    """Of a struct of the SQL; lead times that can't be give no policy."""
    leads = np.array([x for x in one["leads"] or [] if x is not None], np.float64)
    name = asked["lead_time"]
    told = dict(asked["terms"])
    for cost in ("holding", "shortage", "order", "lot"):
        if one.get(cost) is not None:
            told[cost] = float(one[cost])
    terms = Terms(**told)
    if not len(leads):
        return Item(np.zeros(1, np.int64), terms, ("missing", f"{name} is NULL in all rows"))
    if one["least"] < 0:
        return Item(np.zeros(1, np.int64), terms, ("unreadable", f"{name} goes down to {one['least']:g}"))
    lacking = next((n for n in asked["named"] if one.get(n) is None), None)
    if lacking is not None:
        return Item(np.zeros(1, np.int64), terms, ("missing", f"{lacking} is NULL"))
    if not np.isfinite([terms.holding, terms.shortage, terms.order, terms.lot]).all():
        return Item(np.zeros(1, np.int64), terms, ("unreadable", "a cost or the lot is no finite number"))
    if min(terms.holding, terms.shortage, terms.order, terms.lot) < 0:
        return Item(np.zeros(1, np.int64), terms, ("unreadable", "a cost or the lot is negative"))
    if leads.max() + terms.review > asked["most"]:
        far = f"lead time and review take up to {leads.max() + terms.review:g} steps, and the model forecasts "
        far += f"{asked['most']:,} at most"
        return Item(np.zeros(1, np.int64), terms, ("unreadable", far))
    return Item(np.ceil(leads - 1e-9).astype(np.int64), terms, None)


def _horizon(scorer: Scorer, items: list[Item], asked: dict[str, Any]) -> int:
    """Steps that the longest lead and a review take, or that one order has to last."""
    if asked["terms"]["policy"] == "newsvendor":
        return int(asked["horizon"])
    grid = scorer.model.manifest.grid
    assert grid is not None
    longest = max(int(item.leads.max()) for item in items) + int(asked["terms"]["review"])
    return max(longest, grid.horizon)


def _policies(found: Forecasts, items: list[Item], tested: Sequence[Tested | None], grid: Grid) -> list[dict[str, Any]]:
    paths, void = found.path(PATHS), found.status.void
    status, reason = found.status.status.to_pylist(), found.status.reason.to_pylist()
    rows = []
    for i, item in enumerate(items):
        row: dict[str, Any] = {"ml_status": status[i], "ml_reason": reason[i]}
        gone = ended(int(found.behind[i]), grid)
        if gone:
            row["ml_status"] = "ended"
        elif item.fault is not None:
            row |= {"ml_status": item.fault[0], "ml_reason": "; ".join(filter(None, (item.fault[1], reason[i])))}
        elif void is None or not void[i]:
            row |= _numbers(plan(paths[i], _drawn(item.leads, PATHS), item.terms)) | {"lot": item.terms.lot}
            if (both := tested[i]) is not None:
                mine, normal, seen = both
                row["ml_reason"] = "; ".join(filter(None, (reason[i], _SEEN if seen else None))) or None
                row |= {"tested_fill_rate": mine.fill_rate, "tested_cost": mine.cost,
                        "normal_fill_rate": normal.fill_rate, "normal_cost": normal.cost}  # fmt: skip
        rows.append(row)
    return rows


def ended(behind: int, grid: Grid) -> bool:
    """Whether a series ended so long ago that nothing is to be ordered of it."""
    return behind >= grid.horizon


def _numbers(made: Plan) -> dict[str, float | None]:
    return {
        "reorder_point": made.reorder_point if np.isfinite(made.reorder_point) else None,
        "order_up_to": made.order_up_to, "order_quantity": made.order_quantity, "lead_time": made.lead,
        "lead_demand": made.lead_demand, "safety_stock": made.safety_stock, "service": made.service,
        "fill_rate": made.fill_rate, "cost": made.cost,
    }  # fmt: skip


def _drawn(leads: Array, count: int) -> Array:
    """As many lead times, each as often as it is among those known."""
    from mfgsql.supply import drawn  # scipy's statistics with it

    return drawn(leads, count, _SEED)


def _tested(
    engine: Engine, scorer: Scorer, series: Series, items: list[Item], asked: dict[str, Any]
) -> list[Tested | None]:
    """Each item's policy, made anew at each of the last steps from what was known then, played against what came; and
    the textbook's beside it.
    """
    from mfgsql.scoring.forecasting import known_panel, paths_from

    check, steps, grid = engine.cancellation(asked["session"]).check, asked["backtest"], scorer.model.manifest.grid
    assert grid is not None
    panel, _ = known_panel(scorer, series, asked["horizon"], back=grid.window + steps)
    long = panel.end - panel.begin >= steps + grid.shortest
    which = np.flatnonzero(long & np.array([item.fault is None for item in items]))
    mine, normal = (np.zeros((2, len(items), steps)) for _ in range(2))
    for t in range(steps if len(which) else 0):
        ends = panel.end[which] - steps + t
        paths = paths_from(scorer, panel, ends, series.keys[which], asked["horizon"], PATHS, check)
        for row, i in enumerate(which):
            past = panel.values[panel.begin[i] : ends[row] + 1]
            made = _both(paths[row], past[np.isfinite(past)], items[i])
            for into, one in zip((mine, normal), made, strict=True):
                into[:, i, t] = one.reorder_point, one.order_up_to
    begins = panel.moments(np.arange(len(items)), panel.end - steps)
    outcomes: list[Tested | None] = [None] * len(items)
    for i in which:
        came = np.nan_to_num(panel.values[panel.end[i] - steps + 1 : panel.end[i] + 1])
        leads, terms = _drawn(items[i].leads, steps), items[i].terms
        play = [simulate(made[0, i], made[1, i], came, leads, terms) for made in (mine, normal)]
        outcomes[i] = play[0], play[1], grid.until is not None and bool(begins[i] < grid.until)
    return outcomes


def _both(paths: Array, past: Array, item: Item) -> tuple[Plan, Plan]:
    """The policy by paths, and the textbook's by the past."""
    leads = _drawn(item.leads, PATHS)
    return plan(paths, leads, item.terms), normal_plan(past if len(past) else np.zeros(1), leads, item.terms)
