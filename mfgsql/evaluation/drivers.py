"""Which columns a target depends on, each taken alone; false discoveries among many are held to 5 %
(Benjamini and Hochberg, JRSS B 1995).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.evaluation.effects import Effect, cramers_v, eta_squared, rank_biserial, spearmans_rho
from mfgsql.evaluation.findings import by_ends, by_group, by_share, by_trend
from mfgsql.evaluation.variables import Variable

FEWEST = 20  # rows
_RATE = 0.05  # of false discoveries
_AT_ENDS = 0.05  # share of a column's chance to err that is left to a test for both of its ends
_END = 0.15  # share of the rows at each end, at least
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Driver:
    """A column's effect on the target.

    Attributes:
        effect: None where the column can't be judged. q_value: p-value adjusted for the number of columns.
        finding: in words; why not, where it can't be judged. rows: in which both are known.
    """

    feature: str
    kind: str | None
    effect: Effect | None
    finding: str
    rows: int | None = None
    q_value: float | None = None

    @property
    def significant(self) -> bool | None:
        """None where it can't be judged."""
        return None if self.q_value is None else self.q_value < _RATE

    def to_row(self) -> dict[str, Any]:
        """As a row of the result."""
        effect, told = self.effect, self.significant is not False
        return {
            "feature": self.feature,
            "kind": self.kind,
            "effect": effect and effect.name,
            "value": effect and effect.value,
            "lower": effect and effect.lower,
            "upper": effect and effect.upper,
            "p_value": effect and effect.p_value,
            "q_value": self.q_value,
            "significant": self.significant,
            "finding": self.finding if told else "nothing beyond chance",
            "rows": self.rows,
        }


def driver(target: Variable, feature: Variable) -> Driver:
    """One column's effect, not yet adjusted for the others."""
    known = ~np.isnan(target.values) & ~np.isnan(feature.values)
    target, feature = target.at(known), feature.at(known)
    rows = int(known.sum())
    if rows < FEWEST:
        few = f"left out: known beside the target in {rows} rows only, at least {FEWEST} are needed"
        return Driver(feature.name, feature.kind, None, few, rows)
    if not (feature.varies and target.varies):
        constant = target.name if feature.varies else feature.name
        same = f"left out: {constant} has one value where both are known"
        return Driver(feature.name, feature.kind, None, same, rows)
    effect, finding = _measure(target, feature)
    return Driver(feature.name, feature.kind, effect, finding, rows)


def _measure(target: Variable, feature: Variable) -> tuple[Effect, str]:
    if target.groups and feature.groups:
        table = np.zeros((len(feature.groups), len(target.groups)))
        np.add.at(table, (feature.values, target.values), 1)
        return cramers_v(table), by_share(target, feature, table)
    if not target.groups and not feature.groups:
        return _along_or_at_ends(
            lambda values: spearmans_rho(values, target.values),
            lambda effect: by_trend(target, feature, effect.value > 0), target, feature,
        )  # fmt: skip
    numbers, groups = (feature, target) if target.groups else (target, feature)
    if len(groups.groups) > 2:
        return eta_squared(numbers.values, groups.values), by_group(numbers, groups)
    if not target.groups:
        return rank_biserial(numbers.values, groups.values == 1), by_group(numbers, groups)
    return _along_or_at_ends(
        lambda values: rank_biserial(values, target.values == 1), lambda _: by_group(feature, target), target, feature
    )


def _along_or_at_ends(
    measure: Callable[[Array], Effect], words: Callable[[Effect], str], target: Variable, feature: Variable
) -> tuple[Effect, str]:
    """The effect of a number as it rises, or where that tells more beyond chance, of its distance from the median: too
    much may be as bad as too little. The second test gets a twentieth of the chance to err, the first the rest.
    """
    from scipy.stats import rankdata

    along = measure(feature.values)
    apart = np.abs(rankdata(feature.values) - (len(feature.values) + 1) / 2)
    by_rise = replace(along, p_value=min(1.0, along.p_value / (1 - _AT_ENDS)))
    outer = apart > np.median(apart)
    inner = feature.values[~outer]
    ends = (feature.values < inner.min()).mean(), (feature.values > inner.max()).mean()
    if min(ends) < _END:  # of few values, or where one is most rows', there are no two ends
        return by_rise, words(along)
    at_ends = measure(apart)
    p_value = min(1.0, at_ends.p_value / _AT_ENDS)
    if p_value >= by_rise.p_value or at_ends.strength <= along.strength:
        return by_rise, words(along)
    effect = replace(at_ends, name=f"{at_ends.name} of the distance from the median", p_value=p_value)
    return effect, by_ends(target, feature, outer)


def ranked(drivers: Iterable[Driver]) -> list[Driver]:
    """With q-values, the strongest effect first; columns that can't be judged last."""
    from scipy.stats import false_discovery_control

    found = list(drivers)
    judged = [(d, d.effect) for d in found if d.effect is not None]
    q_values = false_discovery_control([effect.p_value for _, effect in judged]) if judged else []
    ordered = [(replace(d, q_value=float(q)), effect) for (d, effect), q in zip(judged, q_values, strict=True)]
    ordered.sort(key=lambda pair: (-pair[1].strength, pair[1].p_value, pair[0].feature))
    return [d for d, _ in ordered] + [d for d in found if d.effect is None]
