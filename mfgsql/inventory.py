"""How much to hold and when to order, from paths of demand over a random lead time. It knows no database.

At the beginning of each step what was ordered arrives, then one may order, then demand comes; what is missing is
delivered later. An order at step t with a lead of L arrives at t + L, and the next chance to order comes ``review``
steps later: what was there before has to last for L + ``review`` steps (Silver, Pyke and Thomas, "Inventory and
Production Management in Supply Chains", 4th ed., chapters 4 to 7).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.errors import OptionError, did_you_mean

Array = npt.NDArray[Any]

_COSTS = ("holding", "shortage", "order")
POLICIES = ("reorder_point", "periodic", "newsvendor")
_LEAST, _MOST = 0.5, 0.999  # probabilities of lasting that costs may ask for


@dataclass(frozen=True)
class Terms:
    """What stock costs, and how it may be ordered.

    Attributes:
        holding: of a piece and step. shortage: of a piece that is missing when it is asked for. order: of each order.
        service: probability that stock lasts until the next order can be there; None: what the costs ask for.
        policy: one of `POLICIES`. review: steps from one chance to order to the next. lot: pieces that orders are
            multiples of; 0: any number. whole: whether pieces are whole.
    """

    holding: float = 0.0
    shortage: float = 0.0
    order: float = 0.0
    service: float | None = None
    policy: str = "reorder_point"
    review: int = 1
    lot: float = 0.0
    whole: bool = True


@dataclass(frozen=True)
class Plan:
    """When to order, and up to what: where stock and what is on order come to ``reorder_point`` or less.

    Attributes:
        reorder_point: infinite where one orders at every review. order_up_to: pieces. order_quantity: usual size of
            an order. lead: mean steps until an order arrives. lead_demand: mean demand over lead and review.
        safety_stock: what is held beyond that. service: probability of lasting. fill_rate: share of demand that is met
            from stock. cost: of a step, by the terms.
    """

    reorder_point: float
    order_up_to: float
    order_quantity: float
    lead: float
    lead_demand: float
    safety_stock: float
    service: float
    fill_rate: float
    cost: float


@dataclass(frozen=True)
class Outcome:
    """What came of a policy: share of demand met from stock, share of steps without a shortage, cost of a step."""

    fill_rate: float
    service: float
    cost: float
    orders: int
    stock: float


def read_costs(told: Mapping[str, Any] | None) -> dict[str, Any]:
    """Costs by name: numbers, or names of columns.

    Raises:
        OptionError: unknown, negative, or neither.
    """
    form = (
        "costs is a struct, as {'holding': 0.02, 'shortage': 5, 'order': 30}: of a piece and step, of a piece that is "
    )
    form += "missing, of an order"
    if told is None:
        return {}
    if not isinstance(told, Mapping):
        raise OptionError(f"{form}, not {told!r}.")
    for name, value in told.items():
        number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
        if name not in _COSTS or not (number or isinstance(value, str)):
            meant = "" if name in _COSTS else did_you_mean(str(name), _COSTS)
            raise OptionError(f"{form}; numbers from 0 on, or names of columns, not {{{name!r}: {value!r}}}.{meant}")
    return dict(told)


def plan(demand: Array, lead: Array, terms: Terms) -> Plan:
    """The policy for one item.

    Args:
        demand: float64 [paths, steps], as many steps at least as the longest lead and a review. lead: int64 [paths].
    """
    rate = max(float(demand.mean()), 0.0)  # more may come back than goes out
    if terms.policy == "newsvendor":
        return _once(demand, lead, terms, rate)
    needed = _sums(demand, lead + terms.review)
    return _again(needed, lead, rate, terms, lambda share: float(np.quantile(needed, share)) if rate > 0 else 0.0)


def _again(needed: Array, lead: Array, rate: float, terms: Terms, quantile: Callable[[float], float]) -> Plan:
    """The policy of who orders again and again.

    Args:
        needed: samples of the demand over lead and review. quantile: of that demand, for a share.
    """
    every = terms.policy == "periodic"
    quantity = rate * terms.review if every else _economic_quantity(rate, terms)
    service = terms.service if terms.service is not None else _service_for(rate, quantity, terms)
    point = max(quantile(service), 0.0)
    point = math.ceil(point - 1e-9) if terms.whole else point
    target = point if every else point + _in_lots(quantity, terms)
    return _told(needed, lead, math.inf if every else point, point, target, rate, terms)


def _told(needed: Array, lead: Array, reorder: float, point: float, target: float, rate: float, terms: Terms) -> Plan:
    """What the policy comes to, by the paths."""
    size = max(target - point, rate * terms.review)
    short = float(np.maximum(needed - point, 0.0).mean())
    fill = 1.0 - min(short / size, 1.0) if size > 0 else 1.0
    cycles = rate / size if size > 0 else 0.0
    held = float(np.maximum(point - needed, 0.0).mean()) + size / 2
    cost = terms.order * cycles + terms.holding * held + terms.shortage * short * cycles
    mean = float(needed.mean())
    service = float((needed <= point).mean())
    return Plan(reorder, target, size, float(lead.mean()), mean, point - mean, service, fill, cost)


def _once(demand: Array, lead: Array, terms: Terms, rate: float) -> Plan:
    """One order for all steps that the paths hold (the newsvendor's problem)."""
    steps = demand.shape[1]
    total = demand.sum(axis=1)
    share = terms.service
    if share is None:
        over = terms.holding * steps
        share = terms.shortage / (terms.shortage + over) if terms.shortage + over > 0 else _MOST
    target = max(float(np.quantile(total, share)), 0.0)
    target = math.ceil(target - 1e-9) if terms.whole else target
    target = _in_lots(target, terms) if target > 0 else 0.0
    short = float(np.maximum(total - target, 0.0).mean())
    left = float(np.maximum(target - total, 0.0).mean())
    fill = 1.0 - short / float(total.mean()) if total.mean() > 0 else 1.0
    cost = (terms.order * (target > 0) + terms.shortage * short) / steps + terms.holding * left
    mean = float(total.mean())
    service = float((total <= target).mean())
    return Plan(math.nan, target, target, float(lead.mean()), mean, target - mean, service, fill, cost)


def _sums(demand: Array, steps: Array) -> Array:
    """Demand of each path over its own number of steps."""
    summed = np.concatenate([np.zeros((len(demand), 1)), demand.cumsum(axis=1)], axis=1)
    return np.asarray(summed[np.arange(len(demand)), np.minimum(steps, demand.shape[1])])


def _economic_quantity(rate: float, terms: Terms) -> float:
    """What costs least to order and to hold (Harris, "How many parts to make at once", 1913)."""
    least = rate * terms.review
    if not terms.order or not terms.holding:
        return least
    return max(math.sqrt(2 * terms.order * rate / terms.holding), least)


def _in_lots(quantity: float, terms: Terms) -> float:
    unit = terms.lot or (1.0 if terms.whole else 0.0)
    return quantity if not unit else math.ceil(quantity / unit - 1e-9) * unit


def _service_for(rate: float, quantity: float, terms: Terms) -> float:
    """The probability of lasting at which one more piece held costs what it saves (Hadley and Whitin, 1963)."""
    if not terms.shortage:
        return _MOST
    if rate <= 0:
        return _LEAST
    return float(np.clip(1 - terms.holding * quantity / (terms.shortage * rate), _LEAST, _MOST))


def normal_plan(past: Array, lead: Array, terms: Terms) -> Plan:
    """The textbook's policy: demand normal and independent, with the past's mean and deviation."""
    from scipy.special import ndtri  # a tenth of a second, which who opens a database need not wait for

    rate, deviation = max(float(past.mean()), 0.0), float(past.std(ddof=1)) if len(past) > 1 else 0.0
    steps, varied = float(lead.mean()) + terms.review, float(lead.var())
    mean, spread = rate * steps, math.sqrt(steps * deviation**2 + varied * rate**2)
    needed = mean + spread * np.asarray(ndtri((np.arange(999) + 1) / 1000))
    return _again(needed, lead, rate, terms, lambda share: mean + spread * float(ndtri(share)))


def simulate(points: Array, targets: Array, demand: Array, lead: Array, terms: Terms) -> Outcome:
    """Play a policy against what was asked for; it begins with full stock.

    Args:
        points, targets: of each step, [steps]. demand: [steps]. lead: int64 [steps], of an order made at each.
    """
    steps = len(demand)
    arriving = np.zeros(steps + int(lead.max(initial=0)) + 1)
    stock, ordered, cost, met, fine, orders, held = float(targets[0]), 0.0, 0.0, 0.0, 0, 0, 0.0
    for t in range(steps):
        stock, ordered = stock + arriving[t], ordered - arriving[t]
        if t % terms.review == 0 and stock + ordered <= points[t] and targets[t] > stock + ordered:
            size = _in_lots(float(targets[t]) - stock - ordered, terms)
            if lead[t] == 0:
                stock += size
            else:
                arriving[t + int(lead[t])] += size
                ordered += size
            cost, orders = cost + terms.order, orders + 1
        served = min(max(stock, 0.0), float(demand[t]))
        missing = float(demand[t]) - served
        stock -= float(demand[t])
        met, fine = met + served, fine + (missing <= 0)
        cost += terms.shortage * missing + terms.holding * max(stock, 0.0)
        held += max(stock, 0.0)
    asked, count = float(demand.sum()), max(steps, 1)
    return Outcome(met / asked if asked else 1.0, fine / count, cost / count, orders, held / count)
