"""When to raise an alarm: what each threshold would do, and which one costs least (Elkan, "The Foundations of
Cost-Sensitive Learning", 2001; by counting, so that it holds for scores that are no true probabilities, too).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.errors import DataError, OptionError, did_you_mean, one_of

Array = npt.NDArray[Any]
_NAMES = ("missed", "false_alarm")
_EXAMPLE = "Write it as: costs := {'missed': 2000, 'false_alarm': 50}."
_MOST = 1e100  # so that a sum over rows stays finite


@dataclass(frozen=True)
class Costs:
    """What a mistake costs, in any currency: a positive without alarm, an alarm without positive."""

    missed: float
    false_alarm: float

    @classmethod
    def parse(cls, value: Any) -> Costs:
        """Costs as a user writes them, a mapping of both names.

        Raises:
            OptionError: anything else, a negative or infinite number, or two zeros.
        """
        if not isinstance(value, Mapping):
            raise OptionError(f"costs is a struct of {one_of(_NAMES)}, not {value!r}.", remedy=_EXAMPLE)
        unknown = next((n for n in value if n not in _NAMES), None)
        if unknown is not None:
            hint = did_you_mean(str(unknown), _NAMES)
            raise OptionError(f"costs has no '{unknown}': it is of missed and false_alarm.{hint}", remedy=_EXAMPLE)
        missed, false_alarm = (cls._number(name, value) for name in _NAMES)
        if missed == false_alarm == 0:
            raise OptionError("costs are both 0, and then every threshold is as good.", remedy=_EXAMPLE)
        return cls(missed, false_alarm)

    @staticmethod
    def _number(name: str, value: Mapping[str, Any]) -> float:
        number = value.get(name)
        if number is None:
            raise OptionError(f"costs lacks '{name}'.", remedy=_EXAMPLE)
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= _MOST:
            raise OptionError(f"costs: '{name}' is a number from 0, not {number!r}.", remedy=_EXAMPLE)
        return float(number)

    @property
    def threshold(self) -> float:
        """The cheapest for true probabilities: from it on an alarm costs less than none on average."""
        return self.false_alarm / (self.false_alarm + self.missed)

    def of(self, outcomes: Outcomes) -> Array:
        """Cost over all rows, [thresholds]."""
        return self.missed * outcomes.missed + self.false_alarm * outcomes.false_alarms

    def without_model(self, positives: int, rows: int) -> tuple[str, float]:
        """The cheaper of never and always an alarm, in words, and what it costs over all rows."""
        never, always = self.missed * positives, self.false_alarm * (rows - positives)
        return ("no alarms", never) if never <= always else ("an alarm for each row", always)


@dataclass(frozen=True)
class Outcomes:
    """What thresholds do to rows; an alarm is raised where ``score >= threshold``.

    Attributes:
        thresholds: [thresholds]. alarms, caught: rows with an alarm, and positives among them, [thresholds].
        positives, rows: of all.
    """

    thresholds: Array
    alarms: Array
    caught: Array
    positives: int
    rows: int

    @classmethod
    def at(cls, truth: Array, scores: Array, thresholds: Array) -> Outcomes:
        """Outcomes of ``thresholds`` for rows of ``truth`` (1 for a positive) and ``scores``."""
        hits = np.sort(scores[truth == 1])
        alarms = len(scores) - np.searchsorted(np.sort(scores), thresholds)
        return cls(thresholds, alarms, len(hits) - np.searchsorted(hits, thresholds), len(hits), len(scores))

    @property
    def missed(self) -> Array:
        """Positives without an alarm, [thresholds]."""
        return self.positives - self.caught

    @property
    def false_alarms(self) -> Array:
        """Alarms without a positive, [thresholds]."""
        return self.alarms - self.caught

    @property
    def f1(self) -> Array:
        """Harmonic mean of precision and recall, [thresholds]; 0 where nothing is caught."""
        score: Array = 2 * self.caught / np.maximum(self.alarms + self.positives, 1)
        return score


@dataclass(frozen=True)
class Threshold:
    """A threshold, and what it does to the rows that it was chosen on: an alarm where ``score >= threshold``."""

    threshold: float
    cost: float
    alarms: int
    missed: int
    false_alarms: int
    rows: int


def fair_cost(truth: Array, scores: Array, costs: Costs) -> float:
    """Cost over all rows, each half of which has the threshold that the other half chose.

    Args:
        truth: 1 for a positive, 0 otherwise, [rows]. scores: [rows], two rows at least, in random order.
    """
    even = np.arange(len(truth)) % 2 == 0
    return sum(
        float(costs.of(Outcomes.at(truth[mine], scores[mine], np.array([chosen.threshold])))[0])
        for mine in (even, ~even)
        for chosen in [cheapest_threshold(truth[~mine], scores[~mine], costs)]
    )


def possible_thresholds(scores: Array) -> Array:
    """One for each set of alarms that can be had, falling: first the one above all scores and above 1."""
    if len(scores) == 0:
        raise DataError("There are no rows to choose a threshold by.")
    distinct = np.unique(scores)[::-1]
    return np.concatenate([[np.nextafter(max(float(distinct[0]), 1.0), math.inf)], distinct])


def cheapest_threshold(truth: Array, scores: Array, costs: Costs) -> Threshold:
    """The threshold whose mistakes on these rows cost least; of equally cheap ones the highest.

    Args:
        truth: 1 for a positive, 0 otherwise, [rows]. scores: finite, higher for positives, [rows].

    Raises:
        DataError: there are no rows.
    """
    outcomes = Outcomes.at(truth, scores, possible_thresholds(scores))
    cost = costs.of(outcomes)
    best = int(np.argmin(cost))
    return Threshold(
        float(outcomes.thresholds[best]),
        float(cost[best]),
        int(outcomes.alarms[best]),
        int(outcomes.missed[best]),
        int(outcomes.false_alarms[best]),
        outcomes.rows,
    )
