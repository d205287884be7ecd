"""``ml_supplier_risk``: how long suppliers take; ``ml_countermeasures``: what to do where stock may run out."""

from __future__ import annotations

from typing import Any

import numpy as np

from mfgsql.engine.countermeasures import MEASURES, read_expedited, read_seconds, run_countermeasures
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.planning import (
    Action,
    Args,
    Rows,
    acting_plan,
    actions,
    at_place,
    planners,
    read_options,
    stoppable,
)
from mfgsql.engine.profiling import visible_types
from mfgsql.engine.purchases import ROLES, Purchases, read_columns
from mfgsql.engine.sources import read_source
from mfgsql.engine.verbs.forecasting import check_horizon, forecaster
from mfgsql.engine.verbs.predicting import check_level, source_alias
from mfgsql.errors import OptionError
from mfgsql.options import check_options
from mfgsql.supply import Prices

_RISK = {
    "supplier": "VARCHAR", "orders": "BIGINT", "open": "BIGINT", "overdue": "BIGINT", "late_probability": "DOUBLE",
    "lower": "DOUBLE", "upper": "DOUBLE", "days_late": "DOUBLE", "promised_days": "DOUBLE", "lead_days": "DOUBLE",
    "lead_days_90": "DOUBLE", "lead_times": "DOUBLE[]", "ml_status": "VARCHAR", "ml_reason": "VARCHAR",
}  # fmt: skip
_FEW = 5  # orders that tell of a supplier alone
_OPTIONS = ("expedited_days",)


@planners.register("supplier_risk")
def plan_supplier_risk(engine: Engine, args: Args) -> str:
    """A row for each supplier, the riskiest first."""
    args["level"] = check_level(args.get("level"))
    with engine.cursor() as cursor:
        source = read_source(at_place(cursor, args), args.get("source"))
        columns = read_columns(cursor, source, args, None)
    told = args | {"session": caller_id()}
    return acting_plan("supplier_risk", told, _RISK | {"supplier": columns.types[columns.supplier]})


def run_supplier_risk(engine: Engine, args: Args) -> Rows:
    """The rows."""
    with stoppable(engine, args) as (cursor, cancellation):
        source = read_source(at_place(cursor, args), args["source"])
        purchases = Purchases(cursor, source, read_columns(cursor, source, args, None), None)
        rows = []
        for name in dict.fromkeys(purchases.suppliers):
            cancellation.check()
            rows.append(_risk_of(purchases, name, args["level"]))
    return sorted(rows, key=lambda r: (-(r["late_probability"] or 0.0), str(r["supplier"])))


def _risk_of(purchases: Purchases, name: str, level: float) -> dict[str, Any]:
    which = purchases.suppliers == name
    found, orders = purchases.supplier(name, level), purchases.orders(which)
    unsound = int((which & ~purchases.sound).sum())
    count = len(orders.days)
    reasons = [f"{count} orders: drawn towards what all suppliers do"] if count < _FEW else []
    reasons += [f"{unsound} orders left out: no time, one to come, or received before it was made"] if unsound else []
    leads = found.leads if np.isfinite(found.leads).all() else None
    return {
        "supplier": purchases.names[name], "orders": count, "open": int((which & purchases.open).sum()),
        "overdue": int((orders.late[~orders.arrived] == 1).sum()), "late_probability": found.late,
        "lower": found.lower, "upper": found.upper, "days_late": found.days_late,
        "promised_days": purchases.promised_days(which),
        "lead_days": None if leads is None else float(np.median(leads)),
        "lead_days_90": None if leads is None else float(leads[89]),
        "lead_times": None if leads is None else leads.tolist(),
        "ml_status": "too_short" if count < _FEW else "ok", "ml_reason": "; ".join(reasons) or None,
    }  # fmt: skip


actions.register("supplier_risk")(Action(_RISK, run_supplier_risk))


@planners.register("countermeasures")
def plan_countermeasures(engine: Engine, args: Args) -> str:
    """A row for each item that may run out and each thing that can be done, the cheapest first."""
    version, manifest, source = forecaster(engine, args)
    grid = manifest.grid
    assert grid is not None
    if grid.entity is None:
        raise OptionError(f"'{version.model}' forecasts one series, and countermeasures are for items by name.")
    args["horizon"] = check_horizon(args.get("horizon"), manifest)
    Prices.parse(args.get("costs"))
    options = read_options(args, "{'expedited_days': 2}")
    check_options(options, _OPTIONS)
    read_expedited(options)
    with engine.cursor() as cursor:
        item = visible_types(at_place(cursor, args), source.select).get(grid.entity.lower(), "VARCHAR")
        read_seconds(cursor, args, manifest)
    told = {k: args.get(k) for k in ("source", "horizon", "costs", "stock", "purchases", "options", "place", *ROLES)}
    told |= {"model": version.name, "alias": source_alias(version), "session": caller_id()}
    return acting_plan("countermeasures", told, {grid.entity: item, **MEASURES})


actions.register("countermeasures")(Action({}, run_countermeasures))  # its columns are those of the items
