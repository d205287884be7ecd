"""``ml_supplier_risk``: how long suppliers take; ``ml_countermeasures``: what to do where stock may run out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np

from mfgsql.catalog import resolve
from mfgsql.engine.access import write_job
from mfgsql.engine.engine import Engine, caller
from mfgsql.engine.forecasts import forecasts_of, lists_of
from mfgsql.engine.histories import moment
from mfgsql.engine.kept import alias, check_options, read_second
from mfgsql.engine.ordering import ended
from mfgsql.engine.planning import Action, Args, Rows, actions, at_place, json_rows, planners, read_options
from mfgsql.engine.profiling import describe
from mfgsql.engine.purchases import ROLES, Purchases, read_columns
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.scoring import DEFAULT_LEVEL
from mfgsql.engine.sources import Source, read_source
from mfgsql.engine.verbs.forecasting import check_horizon, forecaster
from mfgsql.engine.verbs.ordering import check_stock
from mfgsql.engine.verbs.predicting import check_level, source_alias
from mfgsql.errors import CancelledError, OptionError, did_you_mean, one_of
from mfgsql.features.grid import DAY, YEAR
from mfgsql.manifest import Manifest
from mfgsql.supply import Measure, Prices, Situation, measures
from mfgsql.supply import describe as describe_supplier

_RISK = {
    "supplier": "VARCHAR", "orders": "BIGINT", "open": "BIGINT", "overdue": "BIGINT", "late_probability": "DOUBLE",
    "lower": "DOUBLE", "upper": "DOUBLE", "days_late": "DOUBLE", "promised_days": "DOUBLE", "lead_days": "DOUBLE",
    "lead_days_90": "DOUBLE", "lead_times": "DOUBLE[]", "ml_status": "VARCHAR", "ml_reason": "VARCHAR",
}  # fmt: skip
_MEASURES = {
    "measure": "VARCHAR", "supplier": "VARCHAR", "quantity": "DOUBLE", "arrives_in": "DOUBLE",
    "stock_out_probability": "DOUBLE", "missing": "DOUBLE", "cost": "DOUBLE", "saving": "DOUBLE", "advice": "VARCHAR",
    "ml_status": "VARCHAR", "ml_reason": "VARCHAR",
}  # fmt: skip
_PATHS, _FEW, _BATCH = 500, 5, 2_048
_RISKY = 0.05  # probability of running out
_OPTIONS = ("expedited_days",)
_COSTS = "{'holding': 0.02, 'shortage': 5, 'order': 30, 'expedite': 80, 'second_source': 0.5}"


@planners.register("supplier_risk")
def plan_supplier_risk(engine: Engine, args: Args) -> str:
    """A row for each supplier, the riskiest first."""
    args["level"] = DEFAULT_LEVEL if args.get("level") is None else check_level(args["level"])
    with engine.cursor() as cursor:
        source = read_source(at_place(cursor, args), args.get("source"))
        columns = read_columns(cursor, source, args, None)
    return _job("supplier_risk", args, _RISK | {"supplier": columns.types[columns.supplier]})


def _job(action: str, args: Args, columns: Mapping[str, str]) -> str:
    session = caller.get()
    job = write_job({"action": action, "args": args | {"session": session.id if session else None}})
    return json_rows(f"_ml_run({quote_literal(job)})", columns)


def run_supplier_risk(engine: Engine, args: Args) -> Rows:
    """The rows."""
    cancellation = engine.cancellation(args.get("session"))
    try:
        with engine.cursor() as cursor, cancellation.calls(cursor.interrupt):
            source = read_source(at_place(cursor, args), args["source"])
            purchases = Purchases(cursor, source, read_columns(cursor, source, args, None), None)
            rows = []
            for name in dict.fromkeys(purchases.suppliers):
                cancellation.check()
                rows.append(_risk_of(purchases, name, args["level"]))
    except duckdb.InterruptException:
        raise CancelledError("Cancelled.") from None
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
    _prices(args.get("costs"))
    options = read_options(args, "{'expedited_days': 2}")
    check_options(options, _OPTIONS)
    _expedited(options)
    with engine.cursor() as cursor:
        at_place(cursor, args)
        types = describe(cursor, source.select)
        item = next((t for n, t in types.items() if n.lower() == str(grid.entity).lower()), "VARCHAR")
        _seconds(cursor, args, manifest)
    told = {k: args.get(k) for k in ("source", "horizon", "costs", "stock", "purchases", "options", "place", *ROLES)}
    return _job("countermeasures", told | {"model": version.name}, {grid.entity: item, **_MEASURES})


def _seconds(con: duckdb.DuckDBPyConnection, args: Args, manifest: Manifest) -> tuple[Source, Source]:
    """Stock and purchases.

    Raises:
        SourceError: one lacks a column.
    """
    assert manifest.grid is not None
    item = str(manifest.grid.entity)
    if item.lower() in _MEASURES:
        raise OptionError(f"The items are told by {item!r}, a name that a column of the result takes.",
                          remedy="Rename the column in a SELECT, and train again.")  # fmt: skip
    stock = read_second(con, args.get("stock"), "stock", "As in: stock := 'stock', with the item and on_hand.")
    purchases = read_second(con, args.get("purchases"), "purchases", "As in: purchases := 'purchases'.")
    check_stock(con, stock, [item, "on_hand"])
    read_columns(con, purchases, args, item)
    return stock, purchases


def _prices(told: Any) -> Prices:
    names = tuple(Prices.__dataclass_fields__)
    if not isinstance(told, Mapping) or not told:
        what = "are missing" if told is None else f"are no struct, but {told!r}"
        raise OptionError(f"The costs {what}.", remedy=f"As in: costs := {_COSTS}.")
    for name, value in told.items():
        number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
        if name not in names or not number:
            told_of = f"costs are {one_of(names)}, numbers from 0 on, not {{{name!r}: {value!r}}}."
            raise OptionError(told_of + ("" if name in names else did_you_mean(str(name), names)))
    if not told.get("shortage"):
        raise OptionError("What a missing piece costs isn't said, and without it waiting is always cheapest.",
                          remedy=f"As in: costs := {_COSTS}.")  # fmt: skip
    return Prices(**{name: float(value) for name, value in told.items()})


def _expedited(options: Mapping[str, Any]) -> float | None:
    told = options.get("expedited_days")
    if told is not None and (isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told < 1e6):
        raise OptionError(f"expedited_days is a number of days, such as 2, not {told!r}.")
    return None if told is None else float(told)


def run_countermeasures(engine: Engine, args: Args) -> Rows:
    """The rows."""
    cancellation = engine.cancellation(args.get("session"))
    try:
        with engine.cursor() as cursor, cancellation.calls(cursor.interrupt):
            return _Countermeasures(engine, args, cursor).rows()
    except duckdb.InterruptException:
        raise CancelledError("Cancelled.") from None


actions.register("countermeasures")(Action({}, run_countermeasures))  # its columns are those of the items


class _Countermeasures:
    """Demand, stock and purchases, item by item."""

    def __init__(self, engine: Engine, args: Args, cursor: duckdb.DuckDBPyConnection) -> None:
        self.engine, self.args, self.cursor = engine, args, cursor
        version = resolve(cursor, args["model"])
        self.version, self.manifest = version, Manifest.from_json(version.manifest)
        grid = self.manifest.grid
        assert grid is not None
        self.grid, self.prices = grid, _prices(args["costs"])
        at_place(cursor, args)
        self.source = read_source(cursor, args["source"])
        stock, orders = _seconds(cursor, args, self.manifest)
        self.item = str(grid.entity)
        self.stock = self._stock(stock)
        columns = read_columns(cursor, orders, args, self.item)
        self.step = (grid.step or grid.months * YEAR / 12) / (DAY if grid.timed else 1.0)  # days, or units
        if columns.timed != grid.timed:
            kinds = ("times", "numbers") if grid.timed else ("numbers", "times")
            raise OptionError(f"Demand is told by {kinds[0]}, and purchases by {kinds[1]}: cast one in a SELECT.")
        self.purchases = Purchases(cursor, orders, columns, self._now(cursor))
        self.hurried = _expedited(args.get("options") or {})

    def _now(self, cursor: duckdb.DuckDBPyConnection) -> float | None:
        """The step behind the latest demand."""
        assert self.manifest.target is not None
        types = {n.lower(): (n, t) for n, t in describe(cursor, self.source.select).items()}
        name, kind = types[self.grid.order_by.lower()]
        value = f"{quote_identifier(self.manifest.target.name)}::DOUBLE"
        row = cursor.execute(
            f"SELECT max({moment(name, kind)}) FILTER (WHERE isfinite({value})) FROM {self.source.sql}"
        ).fetchone()
        return None if row is None or row[0] is None else float(self.grid.moments(np.array([row[0]]), np.array([1]))[0])

    def _stock(self, stock: Source) -> dict[Any, float]:
        name, own = quote_identifier(self.item), alias("stock")
        rows = self.cursor.execute(
            f"SELECT {own}.{name}, sum({own}.on_hand::DOUBLE) FROM {stock.sql} AS {own} GROUP BY ALL"
        ).fetchall()
        return {str(item): held for item, held in rows if held is not None}

    def rows(self) -> Rows:
        """All items, in their order."""
        lists = lists_of(self.manifest, self.source, self.args["horizon"], source_alias(self.version))
        reader = self.cursor.execute(
            f"SELECT __ml_entity, __ml_rows, __ml_latest, __ml_key FROM ({lists}) ORDER BY __ml_entity"
        ).to_arrow_reader(_BATCH)
        told = {"horizon": self.args["horizon"], "session": self.args.get("session")}
        rows: Rows = []
        with self.engine.scorer(self.version.name) as scorer:
            for batch in reader:
                names = batch.column("__ml_entity").to_pylist()
                series, latest, key = (batch.column(n) for n in ("__ml_rows", "__ml_latest", "__ml_key"))
                self.engine.cancellation(self.args.get("session")).check()
                for part in forecasts_of(self.engine, scorer, series, latest, key, told):
                    paths, void = part.found.path(_PATHS), part.found.status.void
                    status, reason = part.found.status.status.to_pylist(), part.found.status.reason.to_pylist()
                    for i in range(len(paths)):
                        gone = ended(part.found.behind[i], self.grid)
                        known = None if gone or (void is not None and void[i]) else paths[i]
                        status[i] = "ended" if gone else status[i]
                        rows += self._of_item(names[part.start + i], known, (status[i], reason[i]))
        return rows

    def _of_item(self, item: Any, demand: Any, told: tuple[str, str | None]) -> Rows:
        """What can be done for an item, or why nothing is said."""
        status, reason = told
        of_item = self.purchases.items == str(item)
        usual, second = self._sources(of_item)
        if demand is None:
            return [self._row(item, {"ml_status": status, "ml_reason": reason})]
        if str(item) not in self.stock:
            return [self._row(item, {"ml_status": "missing", "ml_reason": "the stock tells nothing of it"})]
        if usual is None:
            return [
                self._row(item, {"ml_status": "missing", "ml_reason": "no purchase of it tells how long one takes"})
            ]
        situation = self._situation(item, demand, usual, second)
        found = measures(situation, self.prices)
        waiting = next(m for m in found if m.name == "wait")
        kept = [m for m in found if m.name == "wait" or m.risk < waiting.risk or m.cost < waiting.cost]
        return [self._measure(item, m, kept, waiting, (usual, second), told) for m in kept]

    def _sources(self, of_item: Any) -> tuple[str | None, str | None]:
        """The supplier that most orders of an item went to, and the next one."""
        names, counts = np.unique(self.purchases.suppliers[of_item].astype(str), return_counts=True)
        ranked = [str(n) for n in names[np.argsort(-counts, kind="stable")]]
        ranked = [name for name in ranked if np.isfinite(self._leads(of_item, name)).all()]
        return (ranked[0] if ranked else None), (ranked[1] if len(ranked) > 1 else None)

    def _leads(self, of_item: Any, name: str) -> Any:
        """Days that orders of the item take from a supplier, drawn towards what others take from it."""
        orders, of_supplier = self.purchases.orders, self.purchases.suppliers == name
        return describe_supplier(orders(of_item & of_supplier), orders(of_supplier), 0.9).leads

    def _situation(self, item: Any, demand: Any, usual: str, second: str | None) -> Situation:
        purchases, step = self.purchases, self.step
        of_item, under_way = purchases.items == str(item), []
        for row in np.flatnonzero(of_item & purchases.open):
            quantity = purchases.quantities[row]
            if np.isfinite(quantity) and quantity > 0:
                leads = self._leads(of_item, str(purchases.suppliers[row]))
                under_way.append((float(quantity), purchases.waits(int(row), leads) / step))
        leads = self._leads(of_item, usual)
        hurried = float(np.quantile(leads, 0.05)) if self.hurried is None else self.hurried
        other = None if second is None else self._leads(of_item, second) / step
        return Situation(demand, self.stock[str(item)], under_way, leads / step, other, hurried / step)

    def _measure(
        self,
        item: Any,
        one: Measure,
        found: list[Measure],
        waiting: Measure,
        sources: tuple[str, str | None],
        told: tuple[str, str | None],
    ) -> dict[str, Any]:
        usual, second = sources
        supplier = None if one.name == "wait" else second if one.name == "second_source" else usual
        best = one is found[0]
        waits = "nothing to do" if one.risk < _RISKY else "nothing pays"
        advice = None if not best else waits if one is waiting else "do this"
        return self._row(item, {
            "measure": one.name, "supplier": supplier, "quantity": one.quantity or None, "arrives_in": one.arrives_in,
            "stock_out_probability": one.risk, "missing": one.shortage, "cost": one.cost,
            "saving": waiting.cost - one.cost, "advice": advice, "ml_status": told[0], "ml_reason": told[1],
        })  # fmt: skip

    def _row(self, item: Any, values: dict[str, Any]) -> dict[str, Any]:
        return {self.item: item, **values}
