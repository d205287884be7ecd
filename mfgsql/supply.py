"""How long suppliers take, from orders of which some are still under way, and what one can do about it. It knows no
database.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from mfgsql.errors import OptionError, did_you_mean, one_of

Array = npt.NDArray[Any]

SHARES = np.array([(i + 0.5) / 100 for i in range(100)])  # of a distribution of lead times
_EXAMPLE = "{'holding': 0.02, 'shortage': 5, 'order': 30, 'expedite': 80, 'second_source': 0.5}"
_WEIGHT = 5.0  # orders of all suppliers that count beside a supplier's own
_LASTS, _LASTS_WELL = 0.95, 0.995  # probabilities that what is ordered lasts, and that a raised stock does


@dataclass(frozen=True)
class Orders:
    """Orders of one supplier, or of all.

    Attributes:
        days: float64 [orders], from the order to its arrival, or to now where it is under way. arrived: bool [orders].
        late: float64 [orders], 1 late, 0 not, NaN where that isn't known yet; beyond: days late of those that are.
    """

    days: Array
    arrived: Array
    late: Array
    beyond: Array


@dataclass(frozen=True)
class Supplier:
    """What orders tell of a supplier.

    Attributes:
        leads: quantiles of the lead time at `SHARES`, those of all suppliers counting as a few orders more.
        late, lower, upper: probability that an order is late, and its interval. days_late: of orders that were.
    """

    leads: Array
    late: float
    lower: float
    upper: float
    days_late: float | None


def describe(own: Orders, everyone: Orders, level: float) -> Supplier:
    """What the orders of a supplier tell, drawn towards what those of all tell, the more the fewer there are."""
    known, all_known = own.late[np.isfinite(own.late)], everyone.late[np.isfinite(everyone.late)]
    usual = (all_known.sum() + 0.5) / (len(all_known) + 1)
    late, timely = known.sum() + _WEIGHT * usual, (1 - known).sum() + _WEIGHT * (1 - usual)
    lower, upper = beta.ppf([(1 - level) / 2, (1 + level) / 2], late, timely)
    was = own.beyond[np.isfinite(own.beyond)]
    days = float(was.mean()) if len(was) else None
    leads = _mixed(own, everyone)
    return Supplier(leads, float(late / (late + timely)), float(lower), float(upper), days)


def _mixed(own: Orders, everyone: Orders) -> Array:
    """Quantiles of the lead time: the mean of both distributions, weighed by numbers of orders."""
    times = np.unique(np.concatenate([own.days[own.arrived], everyone.days[everyone.arrived]]))
    if not len(times):
        return np.full(len(SHARES), np.nan)
    share = len(own.days) / (len(own.days) + _WEIGHT)
    below = share * arrived_by(own, times) + (1 - share) * arrived_by(everyone, times)
    # What has not arrived by the longest time that was seen is taken to arrive then.
    return np.asarray(times[np.minimum(np.searchsorted(below, SHARES), len(times) - 1)])


def arrived_by(orders: Orders, times: Array) -> Array:
    """The share of orders that has arrived after so many days, with those under way counted for as long as they are
    (Kaplan and Meier, "Nonparametric estimation from incomplete observations", JASA 1958).
    """
    moments = np.unique(orders.days[orders.arrived])
    if not len(moments):
        return np.zeros(len(times))
    at_risk = len(orders.days) - np.searchsorted(np.sort(orders.days), moments)
    arrives = np.unique(orders.days[orders.arrived], return_counts=True)[1]
    under_way = np.append(1.0, np.cumprod(1 - arrives / at_risk))
    return np.asarray(1 - under_way[np.searchsorted(moments, times, side="right")])


def still_to_come(leads: Array, elapsed: float) -> Array:
    """Days until an order arrives that is under way for so long, as many as there are lead times."""
    left = leads[leads > elapsed] - elapsed
    return left if len(left) else np.ones(1)  # it is later than any before it: it may come any day


@dataclass(frozen=True)
class Prices:
    """What it costs: holding a piece for a step, a missing piece, an order, one that is hurried, and a piece more from
    another supplier."""

    holding: float = 0.0
    shortage: float = 0.0
    order: float = 0.0
    expedite: float = 0.0
    second_source: float = 0.0

    @classmethod
    def parse(cls, told: Any) -> Prices:
        """Prices as SQL gives them.

        Raises:
            OptionError: unknown, negative, no numbers, or without that of a missing piece.
        """
        example = f"As in: costs := {_EXAMPLE}."
        names = tuple(cls.__dataclass_fields__)
        if not isinstance(told, Mapping) or not told:
            what = "are missing" if told is None else f"are no struct, but {told!r}"
            raise OptionError(f"The costs {what}.", remedy=example)
        for name, value in told.items():
            number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
            if name not in names or not number:
                meant = "" if name in names else did_you_mean(str(name), names)
                form = f"costs are {one_of(names)}, numbers from 0 on"
                raise OptionError(f"{form}, not {{{name!r}: {value!r}}}.{meant}")
        if not told.get("shortage"):
            what = "What a missing piece costs isn't said, and without it waiting is always cheapest."
            raise OptionError(what, remedy=example)
        return cls(**{name: float(value) for name, value in told.items()})


@dataclass(frozen=True)
class Situation:
    """An item as it is.

    Attributes:
        demand: float64 [paths, steps]. stock: pieces. open: quantities under way, each with the steps until it may
            arrive. usual, second: steps that an order made now may take, by supplier; None: there is no second one.
        hurried: steps that a hurried order takes.
    """

    demand: Array
    stock: float
    open: list[tuple[float, Array]]
    usual: Array
    second: Array | None
    hurried: float


@dataclass(frozen=True)
class Measure:
    """What can be done, and what comes of it over the steps that are looked at.

    Attributes:
        quantity: ordered now. arrives_in: mean steps until it, or what is hurried, is there. risk: probability that
            stock runs out. shortage: pieces missing. cost: all of it.
    """

    name: str
    quantity: float
    arrives_in: float | None
    risk: float
    shortage: float
    cost: float


def measures(item: Situation, prices: Prices) -> list[Measure]:
    """Waiting, and each countermeasure that there is."""
    paths, steps = item.demand.shape
    coming = sum(quantity * float((waits < steps).mean()) for quantity, waits in item.open)
    needed = item.demand.sum(axis=1)
    wanted, more = (
        max(float(np.ceil(np.quantile(needed, share) - item.stock - coming)), 0.0) for share in (_LASTS, _LASTS_WELL)
    )
    under_way = [(quantity, _drawn(waits, paths)) for quantity, waits in item.open]
    hurry = np.full(paths, np.ceil(item.hurried))
    found = [_played("wait", item, prices, under_way, 0.0, None, 0.0)]
    for name, quantity, waits, extra in (
        ("order", wanted, item.usual, 0.0),
        ("raise_stock", more, item.usual, 0.0),
        ("second_source", wanted, item.second, prices.second_source * wanted),
    ):
        if quantity > 0 and waits is not None:
            arrives = _drawn(waits, paths)
            made = [*under_way, (quantity, arrives)]
            found.append(_played(name, item, prices, made, quantity, arrives, prices.order + extra))
    if under_way:
        sooner = [(quantity, np.minimum(waits, hurry)) for quantity, waits in under_way]
        cost = prices.expedite * len(under_way)
        found.append(_played("expedite", item, prices, sooner, 0.0, sooner[0][1], cost))
    elif wanted > 0:
        cost = prices.order + prices.expedite
        found.append(_played("expedite", item, prices, [(wanted, hurry)], wanted, hurry, cost))
    return sorted(found, key=lambda m: (m.cost, m.name))


def _drawn(waits: Array, paths: int) -> Array:
    """A wait in whole steps for each path, from 1 on."""
    return drawn(np.maximum(np.ceil(waits), 1), paths, 11)


def drawn(values: Array, count: int, seed: int) -> Array:
    """So many of these values, each as often as others, in a random order."""
    spread = values[np.arange(count) * len(values) // count]
    return np.asarray(np.random.default_rng(seed).permutation(spread))


def _played(
    name: str,
    item: Situation,
    prices: Prices,
    arrivals: list[tuple[float, Array]],
    quantity: float,
    arrives: Array | None,
    extra: float,
) -> Measure:
    """What comes of it on each path."""
    paths, steps = item.demand.shape
    coming = np.zeros((paths, steps))
    for size, waits in arrivals:
        within = waits < steps
        coming[np.flatnonzero(within), waits[within].astype(int)] += size
    before = item.stock + coming.cumsum(axis=1) - item.demand.cumsum(axis=1) + item.demand
    missing = np.clip(item.demand - np.maximum(before, 0.0), 0.0, None)
    held = np.maximum(before - item.demand, 0.0)
    short = missing.sum(axis=1)
    cost = prices.shortage * short.mean() + prices.holding * held.sum(axis=1).mean() + extra
    waits_for = None if arrives is None else float(arrives.mean())
    return Measure(name, quantity, waits_for, float((short > 1e-9).mean()), float(short.mean()), float(cost))
