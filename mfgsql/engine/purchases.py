"""Purchase orders in DuckDB as what `mfgsql.supply` reads: how long each took, which are late, what is under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from mfgsql.engine.histories import check_order, moment
from mfgsql.engine.profiling import describe as describe_types
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.sources import Source
from mfgsql.errors import DataError, OptionError, SourceError, did_you_mean
from mfgsql.features.profile import TIME_TYPES, base_type
from mfgsql.features.temporal import DAY
from mfgsql.supply import SHARES, Orders, Supplier, describe, still_to_come

Array = npt.NDArray[Any]

ROLES = {
    "supplier": "supplier", "ordered": "ordered_on", "promised": "promised_on", "received": "received_on",
    "quantity": "quantity",
}  # fmt: skip
_TABLE = "__ml_purchases"
_LEVEL = 0.9  # of an interval that nobody sees here
_FEW = 5  # orders of a supplier: below, those of all tell how late one is


@dataclass(frozen=True)
class Columns:
    """Which column plays which role, as the source spells them; times, or numbers of one unit.

    Attributes:
        item: of the goods, or None.
    """

    supplier: str
    ordered: str
    promised: str
    received: str
    quantity: str | None
    item: str | None
    types: dict[str, str]

    @property
    def timed(self) -> bool:
        """Whether moments are times."""
        return base_type(self.types[self.ordered]) in TIME_TYPES

    @property
    def unit(self) -> float:
        """Of a day, in what moments are told in: seconds, or numbers as they are."""
        return DAY if self.timed else 1.0


def read_columns(con: duckdb.DuckDBPyConnection, source: Source, args: Mapping[str, Any], item: str | None) -> Columns:
    """The columns by their roles.

    Raises:
        OptionError: a role is no name, or times stand beside numbers. SourceError: there is no such column.
    """
    types = describe_types(con, source.select)
    by_lower = {n.lower(): n for n in types}
    found: dict[str, str | None] = {}
    for role, usual in ROLES.items():
        name = args.get(role)
        if name is not None and (not isinstance(name, str) or not name):
            raise OptionError(f"{role} is the name of a column, not {name!r}.")
        found[role] = by_lower.get((name or usual).lower())
        if found[role] is None and (name is not None or role != "quantity"):
            raise SourceError(
                f"The purchases have no column {name or usual!r} ({role}).{did_you_mean(name or usual, types)}",
                remedy=f"Name it: {role} := '...'.",
            )
    if item is not None and item.lower() not in by_lower:
        raise SourceError(f"The purchases have no column {item!r}, which the demand is told by.")
    for role in ("ordered", "promised", "received"):
        check_order(str(found[role]), types[str(found[role])])
    kinds = {base_type(types[str(found[role])]) in TIME_TYPES for role in ("ordered", "promised", "received")}
    if len(kinds) > 1:
        raise OptionError("Of ordered, promised and received some are times and some are not: cast them in a SELECT.")
    named = {role: name for role, name in found.items() if role != "quantity"}
    return Columns(**named, quantity=found["quantity"], item=by_lower[item.lower()] if item else None, types=types)  # type: ignore[arg-type]  # none of these is None


class Purchases:
    """The orders of a source, read once.

    Attributes:
        now: the moment that is taken for the present: as told, or the latest that any order tells.
        suppliers, items: of each order, as texts. names: of suppliers, as the source has them.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, source: Source, columns: Columns, now: float | None) -> None:
        self.columns = columns
        ordered, promised, received = (moment(n, columns.types[n]) for n in
                                       (columns.ordered, columns.promised, columns.received))  # fmt: skip
        quantity = f"{quote_identifier(columns.quantity)}::DOUBLE" if columns.quantity else "NULL::DOUBLE"
        item = f"{quote_identifier(columns.item)}::VARCHAR" if columns.item else "NULL"
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_TABLE} AS SELECT {quote_identifier(columns.supplier)} AS supplier, "
            f"{item} AS item, {quantity} AS quantity, {ordered} AS ordered, {promised} AS promised, "
            f"{received} AS received FROM {source.sql}"
        )
        row = con.execute(
            f"SELECT count(*), max(greatest(ordered, coalesce(received, ordered))) FROM {_TABLE} "
            "WHERE supplier IS NOT NULL"
        ).fetchone()
        if row is None or not row[0]:
            raise DataError("The purchases have no row with a supplier: there is nothing to tell of.")
        if row[1] is None:
            raise DataError(f"No purchase has a time in {columns.ordered!r}: how long one takes can't be told.")
        self.now = float(row[1]) if now is None else now
        self._table = con.execute(
            f"SELECT * FROM {_TABLE} WHERE supplier IS NOT NULL "
            "ORDER BY supplier, ordered, promised, received, quantity"
        ).to_arrow_table()
        self.suppliers = np.array([str(s) for s in self._table["supplier"].to_pylist()], object)
        self.names = {str(s): s for s in self._table["supplier"].to_pylist()}
        self.items = np.array(self._table["item"].to_pylist(), object)
        self._leads: dict[tuple[str, str], Array] = {}

    def _numbers(self, name: str) -> Array:
        return np.asarray(self._table[name].to_numpy(), np.float64)

    @cached_property
    def _times(self) -> tuple[Array, Array, Array]:
        """Ordered, promised and received, in days, NaN where unknown; what lies after now has not happened."""
        ordered, promised, received = (
            self._numbers(n) / self.columns.unit for n in ("ordered", "promised", "received")
        )
        return ordered, promised, np.where(received > self.now / self.columns.unit, np.nan, received)

    @cached_property
    def sound(self) -> Array:
        """Orders that can be: made at a known time that has come, and not received before."""
        ordered, _, received = self._times
        with np.errstate(invalid="ignore"):
            backwards = received < ordered
        return np.asarray(np.isfinite(ordered) & (ordered <= self.now / self.columns.unit) & ~backwards)

    @cached_property
    def open(self) -> Array:
        """Orders that are under way."""
        return np.asarray(self.sound & ~np.isfinite(self._times[2]))

    @property
    def quantities(self) -> Array:
        """Pieces of each order, NaN where unknown."""
        return self._numbers("quantity")

    def orders(self, which: Array) -> Orders:
        """Those of these numbers, as far as they can be."""
        which = which & self.sound
        ordered, promised, received = (t[which] for t in self._times)
        now = self.now / self.columns.unit
        arrived = np.isfinite(received)
        known = np.isfinite(promised) & (arrived | (promised < now))
        beyond = np.where(arrived, received, now) - promised
        late = np.where(known, (beyond > 0).astype(np.float64), np.nan)
        days = np.where(arrived, received, now) - ordered
        return Orders(days, arrived, late, np.where(known & (beyond > 0), beyond, np.nan))

    def waits(self, row: int) -> Array:
        """Days until an order under way may arrive: by what was promised and how late the supplier's orders are, or
        where nothing was, by how long its orders take.
        """
        ordered, promised, received = self._times
        now = self.now / self.columns.unit
        if not np.isfinite(promised[row]):
            leads = self.leads(self.items[row], self.suppliers[row])
            return still_to_come(leads[np.isfinite(leads)], float(now - ordered[row]))
        arrived = self.sound & np.isfinite(received) & np.isfinite(promised)
        own = arrived & (self.suppliers == self.suppliers[row])
        late = (received - promised)[own if own.sum() >= _FEW else arrived]
        spread = np.quantile(late, SHARES) if len(late) else np.zeros(1)
        left = promised[row] + spread - now
        if (left > 0).any():
            return np.asarray(left[left > 0])
        # Later than any before it: as long again as others that were late took.
        return np.asarray(spread[spread > 0]) if (spread > 0).any() else np.ones(1)

    def promised_days(self, which: Array) -> float | None:
        """Mean days that were promised."""
        which = which & self.sound
        ordered, promised, _ = (t[which] for t in self._times)
        told = (promised - ordered)[np.isfinite(promised)]
        return float(told.mean()) if len(told) else None

    @cached_property
    def _everyone(self) -> Orders:
        return self.orders(np.ones(len(self.suppliers), bool))

    def supplier(self, name: str, level: float) -> Supplier:
        """What the orders of a supplier tell."""
        return describe(self.orders(self.suppliers == name), self._everyone, level)

    def leads(self, item: str, supplier: str) -> Array:
        """Days that orders of an item take from a supplier, drawn towards what all of its orders take; NaN where none
        has arrived.
        """
        if (item, supplier) not in self._leads:
            of_supplier = self.suppliers == supplier
            own, others = self.orders(of_supplier & (self.items == item)), self.orders(of_supplier)
            self._leads[item, supplier] = describe(own, others, _LEVEL).leads
        return self._leads[item, supplier]
