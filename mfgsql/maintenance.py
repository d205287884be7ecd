"""When to intervene: what a failure costs against what a replacement before its time throws away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.errors import OptionError, did_you_mean, one_of

Array = npt.NDArray[Any]
SHARES = tuple((i + 0.5) / 100 for i in range(100))  # of a life's distribution


@dataclass(frozen=True)
class UpkeepCosts:
    """Costs of a failure, all that comes of it included, and of a planned replacement; any one currency."""

    failure: float
    replacement: float

    @classmethod
    def parse(cls, told: Any) -> UpkeepCosts:
        """Costs as SQL gives them.

        Raises:
            OptionError: not both, no numbers above 0, or a failure that costs no more than a replacement.
        """
        form = "{'failure': 20000, 'replacement': 3000}"
        if not isinstance(told, Mapping):
            what = "are missing" if told is None else f"are no struct, but {told!r}"
            raise OptionError(f"The costs {what}.", remedy=f"As in: costs := {form}.")
        names = ("failure", "replacement")
        for name in told:
            if name not in names:
                raise OptionError(f"Unknown cost '{name}'; there is {one_of(names)}.{did_you_mean(str(name), names)}")
        values: list[Any] = [told.get(name) for name in names]
        if not all(isinstance(v, int | float) and not isinstance(v, bool) and 0 < v < float("inf") for v in values):
            raise OptionError(f"costs needs numbers above 0 for both, as {form}, not {dict(told)!r}.")
        if values[0] <= values[1]:
            raise OptionError(
                f"A failure costs {values[0]:g} and a replacement {values[1]:g}: replacing before a failure never pays."
            )
        return cls(float(values[0]), float(values[1]))


@dataclass(frozen=True)
class Upkeep:
    """For each unit when to intervene, and what is to be expected; [units] each.

    Attributes:
        wait: time until the intervention; infinite where running on to the failure costs no more.
        risk: probability that the unit fails before. cost: expected, of what is left of the unit's life, the worth of
            the time in use taken off. to_failure: the same without an intervention.
    """

    wait: Array
    risk: Array
    cost: Array
    to_failure: Array


def cost_rate(lives: Array, costs: UpkeepCosts) -> float:
    """What an hour in use costs in the long run, by the best age at which units are replaced without looking at them.

    That is age replacement (Barlow and Hunter, "Optimum Preventive Maintenance Policies", Operations Research 1960);
    where lives end at any age alike, it is to run to failure.

    Args:
        lives: whole lives of units, [n], rising, above 0.
    """
    failed = np.arange(len(lives)) / len(lives)
    used = np.cumsum(lives) / len(lives) + (1 - np.arange(1, len(lives) + 1) / len(lives)) * lives
    by_age = (costs.replacement + (costs.failure - costs.replacement) * failed) / used
    return float(min(by_age.min(), costs.failure / lives.mean()))


def plan(lives: Array, costs: UpkeepCosts, worth: float, lead: float = 0.0) -> Upkeep:
    """The cheapest moment for each unit.

    Replacing at t costs a replacement, or a failure where the unit fails before; each hour until then is worth what an
    hour in use costs in the long run, since the next unit's hours begin so much later (Berg, "A Marginal Cost Analysis
    for Preventive Replacement Policies", EJOR 1980).

    Args:
        lives: equally likely remaining lives of each unit, [units, n], rising. worth: as `cost_rate` tells.
        lead: time that an intervention takes to prepare; sooner than that means now.
    """
    units, n = lives.shape
    # Just before each life's end, and at once; the last moment is to run on.
    waits = np.concatenate([np.zeros((units, 1)), lives], axis=1)
    failed = np.arange(n + 1) / n
    used = np.concatenate([np.zeros((units, 1)), np.cumsum(lives, axis=1) / n], axis=1) + (1 - failed) * waits
    # At the end of a life that many shorter ones have failed; the unit itself is replaced just in time.
    risk = np.concatenate([np.zeros((units, 1)), np.tile(np.arange(n) / n, (units, 1))], axis=1)
    expected = costs.replacement + (costs.failure - costs.replacement) * risk - worth * used
    to_failure = costs.failure - worth * lives.mean(axis=1)
    best = expected.argmin(axis=1)
    rows = np.arange(units)
    best = np.where(waits[rows, best] < lead, 0, best)  # what can't be prepared by then is done now
    wait, cost, chance = waits[rows, best], expected[rows, best], risk[rows, best]
    run_on = to_failure <= cost
    return Upkeep(
        np.where(run_on, np.inf, wait), np.where(run_on, 1.0, chance), np.minimum(cost, to_failure), to_failure
    )
