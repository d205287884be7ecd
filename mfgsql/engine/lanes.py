"""Supply, demand and lanes in DuckDB, and what they say as arrays: flows are lanes, for each of the goods."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mfgsql.allocation import SMALL, Allocation, Costs, Limits
from mfgsql.engine.constraints import Constraint, parse_constraints
from mfgsql.engine.expressions import sql_of
from mfgsql.engine.limiting import Said
from mfgsql.engine.planning import Rows
from mfgsql.engine.profiling import describe
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.shipping import OUTPUTS, Roles, equal
from mfgsql.engine.sources import Source
from mfgsql.errors import DataError, OptionError, ResourceError
from mfgsql.features.profile import TEXT_TYPES, base_type

DECIDED = ("quantity", "lane_capacity")  # of a lane and goods, and of a lane
_MOST = 2_000_000  # flows
_DEAREST = 1e12  # of a unit
Floats = npt.NDArray[np.float64]


def read_limits(told: Any, roles: Roles) -> list[Constraint]:
    """What a statement is subject to.

    Raises:
        OptionError: a text can't be parsed, or means by a name what the lanes have a column of.
    """
    columns = [n for n in (*roles.lanes, *roles.goods) if n.lower() not in DECIDED]
    limits = parse_constraints(told, DECIDED, columns)
    for name in DECIDED:
        own = next((n for n in roles.lanes if n.lower() == name), None)
        if own and any(name in limit.sum.factors for limit in limits):
            raise OptionError(
                f"The lanes have a column {own!r}, and in a limit {name} is what a lane carries.",
                remedy=f"Rename the column: cost := 'SELECT * RENAME ({own} AS most) FROM lanes'.",
            )
    return limits


class Lanes:
    """The three tables.

    Attributes:
        flows: how many there are.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, roles: Roles, sources: Sequence[Source]) -> None:
        self.con, self.roles = con, roles
        supply, demand, lanes = sources
        shared = [n for n in roles.goods if n in roles.lanes]
        self._sum("supply", supply, [*roles.origin, *roles.goods], roles.available)
        self._sum("demand", demand, [*roles.destination, *roles.goods], roles.needed)
        numbered = f"SELECT *, row_number() OVER () - 1 AS __ml_lane FROM {lanes.sql}"
        con.execute(f"CREATE OR REPLACE TEMP TABLE __ml_lanes AS {numbered}")
        self._check("cost", "__ml_lanes", [*roles.origin, *roles.destination], roles.price, least=None)
        if roles.fixed is not None:
            self._check("cost", "__ml_lanes", [], roles.fixed, least=0)
        goods = "".join(f", s.{quote_identifier(n)}" for n in roles.goods if n not in shared)
        joined = (
            "SELECT row_number() OVER (ORDER BY l.__ml_lane, s.__ml_no, d.__ml_no) - 1 AS __ml_no, "
            f"l.*{goods}, s.__ml_no AS __ml_supply, d.__ml_no AS __ml_demand, "
            "s.__ml_sum AS __ml_there, d.__ml_sum AS __ml_asked "
            f"FROM __ml_lanes l JOIN __ml_supply s ON {equal('l', 's', [*roles.origin, *shared])} "
            f"JOIN __ml_demand d ON {equal('l', 'd', roles.destination)} AND {equal('s', 'd', roles.goods)}"
        )
        try:
            self.flows = self._count(f"({joined})")
            if self.flows > _MOST:
                raise ResourceError(f"{self.flows:,} lanes and goods are more than the {_MOST:,} planned at once.")
            con.execute(f"CREATE OR REPLACE TEMP TABLE __ml_flows AS {joined}")
        except duckdb.ConversionException as error:
            words = str(error).splitlines()[0].removeprefix("Conversion Error: ")
            raise DataError(f"Places or goods of different types can't be compared: {words}",
                            remedy="Cast them alike in a SELECT: plant::VARCHAR AS plant.") from None  # fmt: skip

    def _sum(self, what: str, source: Source, keys: Sequence[str], amount: str) -> None:
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE __ml_read AS FROM {source.sql}")
        self._check(what, "__ml_read", keys, amount, least=0)
        listed = ", ".join(map(quote_identifier, keys))
        self._check_goods(what, keys, listed)
        added = f"SELECT {listed}, sum({quote_identifier(amount)})::DOUBLE AS __ml_sum FROM __ml_read GROUP BY {listed}"
        numbered = f"SELECT *, row_number() OVER (ORDER BY {listed}) - 1 AS __ml_no FROM ({added})"
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE __ml_{what} AS {numbered}")

    def _check_goods(self, what: str, keys: Sequence[str], listed: str) -> None:
        """Refuse several rows of a place that a text tells apart: goods that only one of the two tables names."""
        texts = [n for n, kind in describe(self.con, "__ml_read").items() if base_type(kind) in TEXT_TYPES]
        others = [n for n in texts if n not in keys]
        groups = self._count(f"(SELECT DISTINCT {listed} FROM __ml_read)")
        if not others or self._count("__ml_read") == groups:
            return
        other = {"supply": "demand", "demand": "supply"}[what]
        name = others[0]
        raise DataError(
            f"{what} has several rows of one {' and '.join(keys)}, told apart by {name!r}, which {other} has not.",
            remedy=f"If these are goods, name them in both; if all are alike, add them up: {what} := "
            f"'SELECT {listed}, sum(..) FROM .. GROUP BY ALL'.",
        )

    def _check(self, what: str, table: str, keys: Sequence[str], amount: str, *, least: float | None) -> None:
        """Refuse rows that say nothing."""
        number = f"{quote_identifier(amount)}::DOUBLE"
        wrong = {f"{n} is NULL": f"{quote_identifier(n)} IS NULL" for n in keys}
        wrong |= {f"{amount} is NULL or no number": f"NOT coalesce(isfinite({number}), false)"}
        wrong |= {f"{amount} is below 0": f"{number} < {least}"} if least is not None else {}
        for words, condition in wrong.items():
            if rows := self._count(f"{table} WHERE {condition}"):
                some = f"SELECT * FROM .. WHERE NOT coalesce({condition}, false)".replace("'", "''")
                raise DataError(f"{words} in {rows:,} {'row' if rows == 1 else 'rows'} of {what}.",
                                remedy=f"Without them: {what} := '{some}'.")  # fmt: skip

    def _count(self, of: str) -> int:
        row = self.con.execute(f"SELECT count(*) FROM {of}").fetchone()
        return int(row[0]) if row else 0

    def _numbers(self, *columns: str, table: str = "__ml_flows") -> list[Floats]:
        """Expressions over the flows, or another table, by their number; NaN for NULL."""
        cast = ", ".join(f"coalesce(({sql})::DOUBLE, 'nan'::DOUBLE) AS c{i}" for i, sql in enumerate(columns))
        number = "__ml_lane" if table == "__ml_lanes" else "__ml_no"
        found = self.con.execute(f"SELECT {cast} FROM {table} ORDER BY {number}").to_arrow_table()
        return [np.asarray(column.combine_chunks(), np.float64) for column in found.columns]

    def costs(self, options: Mapping[str, Any]) -> Costs:
        """Of flows; each is at most what is there and what is asked for."""
        whole, unmet = options.get("whole") or False, options.get("unmet")
        if not isinstance(whole, bool):
            raise OptionError(f"options.whole is true or false, not {whole!r}.")
        number = isinstance(unmet, int | float) and not isinstance(unmet, bool)
        if unmet is not None and not (number and 0 < unmet < _DEAREST):
            raise OptionError(f"options.unmet is a number above 0, what a unit not delivered costs, not {unmet!r}.")
        asked = "ceil(__ml_asked)" if whole else "__ml_asked"
        each = quote_identifier(self.roles.price)
        price, most, lane = self._numbers(each, f"least(__ml_there, {asked})", "__ml_lane")
        fixed = None
        if self.roles.fixed is not None:
            (fixed,) = self._numbers(quote_identifier(self.roles.fixed), table="__ml_lanes")
        return Costs(price, most, lane.astype(np.int64), fixed, whole, None if unmet is None else float(unmet))

    def balances(self, options: Mapping[str, Any]) -> Iterator[Limits]:
        """No place gives more than it has, each gets what it asks for."""
        ends = (("supply", "the supply of", self.roles.origin), ("demand", "", self.roles.destination))
        for what, name, keys in ends:
            (sums,) = self._numbers(f"__ml_{what}")
            (total,) = self._numbers("__ml_sum", table=f"__ml_{what}")
            asked = what == "demand"
            most = np.ceil(total) if options.get("whole") else total
            lower, upper = (total, most) if asked else (np.full(len(total), -np.inf), total)
            label = partial(self._label, f"__ml_{what}", [*keys, *self.roles.goods])
            flows = np.arange(self.flows)
            own = (sums.astype(np.int64), flows, np.ones(self.flows))
            yield Limits(name, label, len(total), *own, lower, upper, asked)

    def _label(self, table: str, names: Sequence[str], number: int) -> str:
        """What tells a row from others, as ``plant A, sku 7``."""
        if not names:
            return ""
        texts = (f"{quote_literal(n + ' ')} || {quote_identifier(n)}::VARCHAR" for n in names)
        told = f"SELECT concat_ws(', ', {', '.join(texts)}) FROM {table} WHERE __ml_no = {number}"
        row = self.con.execute(told).fetchone()
        return str(row[0]) if row else ""

    def limit(self, of: Constraint) -> Limits:
        """What a constraint says of flows."""
        groups = [quote_identifier(n) for n in of.groups]
        names, total = list(of.groups), of.total
        if "lane_capacity" in of.sum.factors:
            if total or len(of.sum.factors) > 1:
                raise OptionError(f"The constraint '{of.text}' adds lane_capacity up: it is the sum of a lane already.")
            groups, total, names = ["__ml_lane"], True, [*self.roles.origin, *self.roles.destination]
        elif not total:
            groups, names = ["__ml_no"], [*self.roles.origin, *self.roles.destination, *self.roles.goods]
        factor = f"({' + '.join(f'({sql_of(f)})' for f in of.sum.factors.values())})"
        number = f"dense_rank() OVER (ORDER BY {', '.join(groups)}) - 1" if groups else "0"
        where = f"coalesce({sql_of(of.where)}, false)" if of.where is not None else "true"
        factors, constants, bounds, sums, there = self._numbers(
            factor, sql_of(of.sum.constant), sql_of(of.bound), number, f"({where})::INTEGER"
        )
        said = Said(of, factors, constants, bounds, sums.astype(np.int64), there > 0, total)
        return said.limits(lambda number: self._label("__ml_flows", names, int(said.first[number])))

    def rows(self, found: Allocation, costs: Costs) -> Rows:
        """Lanes that are used, with what they carry; and what stays unmet, which comes from nowhere."""
        used = np.flatnonzero(found.flows)
        total = found.flows * costs.each
        if costs.fixed is not None and len(used):
            lanes, first = np.unique(costs.lanes[used], return_index=True)
            total[used[first]] += costs.fixed[lanes]
        names = [n for n in self.roles.columns if n.lower() not in OUTPUTS]
        self.con.register("__ml_used", pa.table({"__ml_no": pa.array(used, pa.int64())}))
        rows = self._dicts(names, "__ml_flows JOIN __ml_used USING (__ml_no)")
        self.con.unregister("__ml_used")
        status = "optimal" if found.best else "good, not proved to be the best"
        each = zip(rows, found.flows[used].tolist(), total[used].tolist(), strict=True)
        shipped = [row | {"quantity": flow, "total_cost": cost, "status": status} for row, flow, cost in each]
        return [*shipped, *self._unmet(found, costs)]

    def _dicts(self, names: Sequence[str], table: str) -> Rows:
        """Rows as JSON can hold them and DuckDB reads them again."""
        pairs = ", ".join(f"{quote_literal(n)}: {quote_identifier(n)}" for n in names)
        told = self.con.execute(f"SELECT to_json({{{pairs}}})::VARCHAR FROM {table} ORDER BY __ml_no").fetchall()
        return [json.loads(text) for (text,) in told]

    def _unmet(self, found: Allocation, costs: Costs) -> Iterator[dict[str, Any]]:
        lacks = np.flatnonzero(found.unmet > SMALL).tolist()
        asked = self._dicts([*self.roles.destination, *self.roles.goods], "__ml_demand") if lacks else []
        for number in lacks:
            lacking = float(found.unmet[number])
            cost = lacking * (costs.unmet or 0.0)
            yield asked[number] | {"quantity": lacking, "total_cost": cost, "status": "not delivered"}
