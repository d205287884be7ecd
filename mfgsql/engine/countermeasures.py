"""Countermeasures, executed: demand, stock and purchases of each item, and what can be done before it runs out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np

from mfgsql.cancellation import Cancellation
from mfgsql.catalog import resolve
from mfgsql.engine.engine import Engine
from mfgsql.engine.forecasts import forecasts_of, lists_of
from mfgsql.engine.histories import moment
from mfgsql.engine.kept import alias, check_columns, read_second
from mfgsql.engine.ordering import ended
from mfgsql.engine.planning import Args, Rows, at_place, stoppable
from mfgsql.engine.profiling import visible_types
from mfgsql.engine.purchases import Columns, Purchases, read_columns
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.sources import Source, read_source
from mfgsql.errors import OptionError
from mfgsql.features.temporal import DAY
from mfgsql.manifest import Manifest
from mfgsql.supply import Measure, Prices, Situation, measures

MEASURES = {
    "measure": "VARCHAR", "supplier": "VARCHAR", "quantity": "DOUBLE", "arrives_in": "DOUBLE",
    "stock_out_probability": "DOUBLE", "missing": "DOUBLE", "cost": "DOUBLE", "saving": "DOUBLE", "advice": "VARCHAR",
    "ml_status": "VARCHAR", "ml_reason": "VARCHAR",
}  # fmt: skip
_PATHS, _BATCH = 500, 2_048
_RISKY = 0.05  # probability of running out


def run_countermeasures(engine: Engine, args: Args) -> Rows:
    """The rows."""
    with stoppable(engine, args) as (cursor, cancellation):
        return _Countermeasures(engine, args, cursor, cancellation).rows()


def read_seconds(con: duckdb.DuckDBPyConnection, args: Args, manifest: Manifest) -> tuple[Source, Source, Columns]:
    """Stock, purchases, and the columns of these.

    Raises:
        SourceError: one lacks a column.
    """
    assert manifest.grid is not None
    item = str(manifest.grid.entity)
    if item.lower() in MEASURES:
        raise OptionError(
            f"The items are told by {item!r}, a name that a column of the result takes.",
            remedy="Rename the column in a SELECT, and train again.",
        )
    stock = read_second(con, args.get("stock"), "stock", "As in: stock := 'stock', with the item and on_hand.")
    purchases = read_second(con, args.get("purchases"), "purchases", "As in: purchases := 'purchases'.")
    check_columns(con, stock, "stock", [item, "on_hand"])
    return stock, purchases, read_columns(con, purchases, args, item)


def read_expedited(options: Mapping[str, Any]) -> float | None:
    """How many days an expedited order takes; None: as many as the fastest.

    Raises:
        OptionError: no number of days.
    """
    told = options.get("expedited_days")
    if told is not None and (isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told < 1e6):
        raise OptionError(f"expedited_days is a number of days, such as 2, not {told!r}.")
    return None if told is None else float(told)


class _Countermeasures:
    """Demand, stock and purchases, item by item."""

    def __init__(
        self, engine: Engine, args: Args, cursor: duckdb.DuckDBPyConnection, cancellation: Cancellation
    ) -> None:
        self.engine, self.args, self.cursor, self.cancellation = engine, args, cursor, cancellation
        version = resolve(cursor, args["model"])
        self.version, self.manifest = version, Manifest.from_json(version.manifest)
        grid = self.manifest.grid
        assert grid is not None
        self.grid, self.prices = grid, Prices.parse(args["costs"])
        at_place(cursor, args)
        self.source = read_source(cursor, args["source"])
        stock, orders, columns = read_seconds(cursor, args, self.manifest)
        self.item = str(grid.entity)
        self.stock = self._stock(stock)
        self.step = grid.usual_step / (DAY if grid.timed else 1.0)  # days, or units
        if columns.timed != grid.timed:
            kinds = ("times", "numbers") if grid.timed else ("numbers", "times")
            raise OptionError(f"Demand is told by {kinds[0]}, and purchases by {kinds[1]}: cast one in a SELECT.")
        self.purchases = Purchases(cursor, orders, columns, self._now(cursor))
        self.hurried = read_expedited(args.get("options") or {})

    def _now(self, cursor: duckdb.DuckDBPyConnection) -> float | None:
        """The step behind the latest demand."""
        assert self.manifest.target is not None
        name, value = self.grid.order_by, f"{quote_identifier(self.manifest.target.name)}::DOUBLE"
        at = moment(name, visible_types(cursor, self.source.select)[name.lower()])
        row = cursor.execute(f"SELECT max({at}) FILTER (WHERE isfinite({value})) FROM {self.source.sql}").fetchone()
        return None if row is None or row[0] is None else float(self.grid.moments(np.array([row[0]]), np.array([1]))[0])

    def _stock(self, stock: Source) -> dict[Any, float]:
        name, own = quote_identifier(self.item), alias("stock")
        rows = self.cursor.execute(
            f"SELECT {own}.{name}, sum({own}.on_hand::DOUBLE) FROM {stock.sql} AS {own} GROUP BY ALL"
        ).fetchall()
        return {str(item): held for item, held in rows if held is not None}

    def rows(self) -> Rows:
        """All items, in their order."""
        lists = lists_of(self.manifest, self.source, self.args["horizon"], self.args["alias"])
        reader = self.cursor.execute(
            f"SELECT __ml_entity, __ml_rows, __ml_latest, __ml_key FROM ({lists}) ORDER BY __ml_entity"
        ).to_arrow_reader(_BATCH)
        told = {"horizon": self.args["horizon"], "session": self.args.get("session")}
        rows: Rows = []
        with self.engine.scorer(self.version.name) as scorer:
            for batch in reader:
                names = batch.column("__ml_entity").to_pylist()
                series, latest, key = (batch.column(n) for n in ("__ml_rows", "__ml_latest", "__ml_key"))
                self.cancellation.check()
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
        name = str(item)
        usual, second = self._sources(name)
        status, reason = told
        if demand is not None and name not in self.stock:
            status, reason = "missing", "the stock tells nothing of it"
        elif demand is not None and usual is None:
            status, reason = "missing", "no purchase of it tells how long one takes"
        row = {self.item: item, "ml_status": status, "ml_reason": reason}
        if demand is None or usual is None or name not in self.stock:
            return [row]
        found = measures(self._situation(name, demand, usual, second), self.prices)
        waiting = next(m for m in found if m.name == "wait")
        kept = [m for m in found if m.name == "wait" or m.risk < waiting.risk or m.cost < waiting.cost]
        suppliers = {"wait": None, "second_source": second}
        rows = [row | _told(m, waiting) | {"supplier": suppliers.get(m.name, usual)} for m in kept]
        rows[0]["advice"] = "do this" if kept[0] is not waiting else _waiting(waiting)
        return rows

    def _sources(self, item: str) -> tuple[str | None, str | None]:
        """The supplier that most orders of an item went to, and the next one."""
        own = self.purchases.suppliers[self.purchases.items == item].astype(str)
        names, counts = np.unique(own, return_counts=True)
        ranked = [str(n) for n in names[np.argsort(-counts, kind="stable")]]
        ranked = [name for name in ranked if np.isfinite(self.purchases.leads(item, name)).all()]
        return (ranked[0] if ranked else None), (ranked[1] if len(ranked) > 1 else None)

    def _situation(self, item: str, demand: Any, usual: str, second: str | None) -> Situation:
        purchases, step, quantities = self.purchases, self.step, self.purchases.quantities
        under_way = [
            (float(quantities[row]), purchases.waits(int(row)) / step)
            for row in np.flatnonzero((purchases.items == item) & purchases.open)
            if np.isfinite(quantities[row]) and quantities[row] > 0
        ]
        leads = purchases.leads(item, usual)
        hurried = float(np.quantile(leads, 0.05)) if self.hurried is None else self.hurried
        other = None if second is None else purchases.leads(item, second) / step
        return Situation(demand, self.stock[item], under_way, leads / step, other, hurried / step)


def _told(one: Measure, waiting: Measure) -> dict[str, Any]:
    return {
        "measure": one.name, "quantity": one.quantity or None, "arrives_in": one.arrives_in,
        "stock_out_probability": one.risk, "missing": one.shortage, "cost": one.cost,
        "saving": waiting.cost - one.cost,
    }  # fmt: skip


def _waiting(one: Measure) -> str:
    return "nothing to do" if one.risk < _RISKY else "nothing pays"
