"""What is there, what is needed, and lanes between: three tables, and which of their columns play which role.

Columns are told by their names: what supply and lanes share names the place goods come from, what demand and lanes
share the place they go to, and what supply and demand share the goods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from mfgsql.engine.quoting import quote_identifier
from mfgsql.errors import OptionError, SourceError, did_you_mean, one_of
from mfgsql.features.profile import NUMERIC_TYPES, TEXT_TYPES, base_type
from mfgsql.options import check_options

OPTIONS = ("available", "needed", "price", "fixed", "unmet", "whole")
EXAMPLE = "{'available': 'qty', 'needed': 'qty', 'price': 'eur'}"
_AMOUNTS = ("quantity", "qty", "amount", "units", "pieces")
_USUAL = {
    "available": (*_AMOUNTS, "available", "on_hand", "stock", "supply", "capacity"),
    "needed": (*_AMOUNTS, "needed", "demand", "required", "needs"),
    "price": ("cost", "price", "rate", "freight"),  # or a name that holds one of these
}
_NO_PRICE = "fixed"  # in the name of a cost that is none of a unit
_WHAT = {"available": "supply", "needed": "demand", "price": "cost"}
_ROLE = {what: role for role, what in _WHAT.items()}
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
        """Of a plan's rows, with types. Rows come as JSON, which holds no bytes."""
        taken = {name.lower() for name in self.lanes}
        kept = {n: kind for n, kind in self.lanes.items() if n.lower() not in OUTPUTS and "BLOB" not in kind}
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
    fixed = _named(lanes, "fixed", options)
    of_supply, of_demand, in_lanes = ({n.lower() for n in table} for table in (supply, demand, lanes))
    of_supply -= {str(known["available"]).lower()}
    of_demand -= {str(known["needed"]).lower()}
    in_lanes -= {str(name).lower() for name in (known["price"] or _price(lanes, set()), fixed)}
    goods = of_supply & of_demand
    ends = {"supply": (of_supply & in_lanes) - of_demand, "demand": (of_demand & in_lanes) - of_supply}
    for what, end in ends.items():
        if not end:
            raise SourceError(
                f"The lanes and the {what} share no column that names a place.",
                remedy=f"The lanes have {', '.join(lanes)}; {what} has {', '.join(tables[_ROLE[what]])}. Name them "
                "alike in a SELECT: cost := 'SELECT plant, depot, eur AS cost FROM lanes'.",
            )
    places = ends["supply"] | ends["demand"] | goods
    found = {
        "available": known["available"] or _amount(supply, "available", of_supply & in_lanes, goods),
        "needed": known["needed"] or _amount(demand, "needed", of_demand & in_lanes, goods),
        "price": known["price"] or _price(lanes, places) or _ask(lanes, "price", places),
    }
    goods -= {found["available"].lower(), found["needed"].lower()}
    origin, destination = (tuple(n for n in lanes if n.lower() in end) for end in ends.values())
    spelt = {n.lower(): n for n in (*supply, *lanes)}
    kinds = {spelt[n.lower()]: kind for n, kind in supply.items() if n.lower() in goods}
    for name in (*origin, *destination, *kinds):
        if name.lower() in OUTPUTS:
            raise OptionError(f"{name!r} names places or goods, and is a column of the result.",
                              remedy="Rename it in a SELECT.")  # fmt: skip
    return Roles(origin, destination, tuple(kinds), found["available"], found["needed"], found["price"], fixed,
                 dict(lanes), kinds)  # fmt: skip


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


def _amount(table: Mapping[str, str], role: str, keys: set[str], goods: set[str]) -> str:
    """The only column of numbers that is none that others have, too; or the one that is usually called so."""
    numbers = [n for n, kind in table.items() if _is_number(kind) and n.lower() not in keys]
    own = [n for n in numbers if n.lower() not in goods]
    usual = [n for word in _USUAL[role] for n in numbers if n.lower() == word]
    if len(own) == 1 or len(numbers) == 1:
        return (own if len(own) == 1 else numbers)[0]
    return usual[0] if usual else _ask(table, role, keys)


def _price(table: Mapping[str, str], keys: set[str]) -> str | None:
    """The only column of numbers whose name says so; any other number may be a capacity, or a distance."""
    numbers = [n for n, kind in table.items() if _is_number(kind) and n.lower() not in keys]
    told = [n for n in numbers if any(w in n.lower() for w in _USUAL["price"]) and _NO_PRICE not in n.lower()]
    return told[0] if len(told) == 1 else None


def _ask(table: Mapping[str, str], role: str, keys: set[str]) -> NoReturn:
    what = _WHAT[role]
    numbers = [n for n, kind in table.items() if _is_number(kind) and n.lower() not in keys]
    if numbers:
        which = "is what a unit costs" if role == "price" else f"tells how much is {role}"
        raise OptionError(f"Which column of {what} {which}: {one_of(numbers)}?",
                          remedy=f"options := {{'{role}': '{numbers[0]}'}}")  # fmt: skip
    texts = [n for n, kind in table.items() if n.lower() not in keys and base_type(kind) in TEXT_TYPES]
    cast = None
    if texts:
        name = quote_identifier(texts[0])
        cast = f"If it is {one_of(texts)}, which is text: SELECT * REPLACE ({name}::DOUBLE AS {name}) FROM .."
    raise OptionError(f"No column of {what} holds numbers that tell what is {role}.", remedy=cast)


def _is_number(kind: str) -> bool:
    return base_type(kind) in NUMERIC_TYPES


def equal(left: str, right: str, names: Sequence[str]) -> str:
    """SQL that columns of two tables, of these names, are equal."""
    each = (f"{left}.{quote_identifier(n)} = {right}.{quote_identifier(n)}" for n in names)
    return " AND ".join(each) or "true"
