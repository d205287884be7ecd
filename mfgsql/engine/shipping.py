"""What is there, what is needed, and lanes between: three tables, and which of their columns play which role.

Columns are told by their names: what supply and lanes share names the place goods come from, what demand and lanes
share the place they go to, and what supply and demand share the goods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mfgsql.engine.kept import check_options
from mfgsql.engine.quoting import quote_identifier
from mfgsql.errors import OptionError, SourceError, did_you_mean
from mfgsql.features.profile import NUMERIC_TYPES, base_type

OPTIONS = ("available", "needed", "price", "fixed", "unmet", "whole")
EXAMPLE = "{'available': 'qty', 'needed': 'qty', 'price': 'eur'}"
_AMOUNTS = ("quantity", "qty", "amount", "units", "pieces")
_USUAL = {
    "available": (*_AMOUNTS, "available", "on_hand", "stock", "supply", "capacity"),
    "needed": (*_AMOUNTS, "needed", "demand", "required", "needs"),
    "price": ("cost", "price", "cost_per_unit", "unit_cost", "rate"),
}
_WHAT = {"available": "supply", "needed": "demand", "price": "cost"}
OUTPUTS = ("quantity", "total_cost", "status")


@dataclass(frozen=True)
class Roles:
    """Names of columns, as each table spells them.

    Attributes:
        origin: of lanes. destination: of lanes. goods: of supply; none: all goods are alike.
        available, needed, price: numbers of supply, demand and lanes. fixed: of lanes, or None.
        lanes: all columns of lanes, with types. kinds: types of goods.
    """

    origin: tuple[str, ...]
    destination: tuple[str, ...]
    goods: tuple[str, ...]
    available: str
    needed: str
    price: str
    fixed: str | None
    lanes: dict[str, str]
    kinds: dict[str, str]

    @property
    def columns(self) -> dict[str, str]:
        """Of a plan's rows, with types."""
        taken = {name.lower() for name in self.lanes}
        kept = {name: kind for name, kind in self.lanes.items() if name.lower() not in OUTPUTS}
        goods = {name: self.kinds[name] for name in self.goods if name.lower() not in taken}
        return kept | goods | {"quantity": "DOUBLE", "total_cost": "DOUBLE", "status": "VARCHAR"}


def read_roles(
    supply: Mapping[str, str], demand: Mapping[str, str], lanes: Mapping[str, str], options: Mapping[str, Any]
) -> Roles:
    """Tell the roles of columns.

    Args:
        supply, demand, lanes: columns with types. options: what is said of them.

    Raises:
        OptionError, SourceError: a role can't be told; the message says how to say it.
    """
    check_options(options, OPTIONS)
    tables = {"available": supply, "needed": demand, "price": lanes}
    known = {role: _named(table, role, options) for role, table in tables.items()}
    of_supply, of_demand = ({n.lower() for n in table} for table in (supply, demand))
    of_supply -= {str(known["available"]).lower()}
    of_demand -= {str(known["needed"]).lower()}
    in_lanes = {n.lower() for n in lanes}
    goods = of_supply & of_demand
    ends = {"supply": (of_supply & in_lanes) - of_demand, "demand": (of_demand & in_lanes) - of_supply}
    for what, end in ends.items():
        if not end:
            raise SourceError(
                f"The lanes and the {what} share no column that names a place.",
                remedy="Name them alike in a SELECT: cost := 'SELECT plant, depot, eur AS cost FROM lanes'.",
            )
    shared = {
        "available": of_supply & in_lanes,
        "needed": of_demand & in_lanes,
        "price": ends["supply"] | ends["demand"] | goods,
    }
    found = {role: known[role] or _guessed(table, role, shared[role]) for role, table in tables.items()}
    goods -= {found["available"].lower(), found["needed"].lower()}
    fixed = _named(lanes, "fixed", options)
    origin, destination = (tuple(n for n in lanes if n.lower() in end) for end in ends.values())
    named = tuple(n for n in supply if n.lower() in goods)
    return Roles(origin, destination, named, found["available"], found["needed"], found["price"], fixed, dict(lanes),
                 {n: supply[n] for n in named})  # fmt: skip


def _named(table: Mapping[str, str], role: str, options: Mapping[str, Any]) -> str | None:
    """As an option says."""
    told = options.get(role)
    if told is None:
        return None
    name = next((n for n in table if n.lower() == str(told).lower()), None)
    if name is None:
        hint = did_you_mean(str(told), table)
        raise OptionError(f"options.{role} names {told!r}, and {_WHAT.get(role, 'cost')} has no such column.{hint}")
    if not _is_number(table[name]):
        raise OptionError(f"options.{role} names {told!r}, which holds {table[name]}, no numbers.")
    return name


def _guessed(table: Mapping[str, str], role: str, keys: set[str]) -> str:
    """The only column of numbers, or the one that is usually called so."""
    numbers = [n for n, kind in table.items() if _is_number(kind) and n.lower() not in keys]
    usual = [n for word in _USUAL[role] for n in numbers if n.lower() == word]
    if len(numbers) == 1 or usual:
        return usual[0] if usual else numbers[0]
    listed = f"of {', '.join(numbers)}" if numbers else "and no other column holds numbers"
    example = f"{{'{role}': '{numbers[0] if numbers else 'qty'}'}}"
    raise OptionError(f"Which column of {_WHAT[role]} is the {role} one, {listed}?", remedy=f"options := {example}")


def _is_number(kind: str) -> bool:
    return base_type(kind) in NUMERIC_TYPES


def equal(left: str, right: str, names: Sequence[str]) -> str:
    """SQL that columns of two tables, of these names, are equal."""
    each = (f"{left}.{quote_identifier(n)} = {right}.{quote_identifier(n)}" for n in names)
    return " AND ".join(each) or "true"
