"""Which columns a target depends on, each taken alone; false discoveries among many are held to 5 %
(Benjamini and Hochberg, JRSS B 1995).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mfgsql.evaluation.effects import Effect, cramers_v, eta_squared, rank_biserial, spearmans_rho
from mfgsql.evaluation.findings import by_group, by_share, by_trend
from mfgsql.evaluation.variables import Variable

FEWEST = 20  # rows
_RATE = 0.05  # of false discoveries


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
        effect = spearmans_rho(feature.values, target.values)
        return effect, by_trend(target, feature, effect.value > 0)
    numbers, groups = (feature, target) if target.groups else (target, feature)
    if len(groups.groups) == 2:
        return rank_biserial(numbers.values, groups.values == 1), by_group(numbers, groups)
    return eta_squared(numbers.values, groups.values), by_group(numbers, groups)


def ranked(drivers: Iterable[Driver]) -> list[Driver]:
    """With q-values, the strongest effect first; columns that can't be judged last."""
    from scipy.stats import false_discovery_control

    found = list(drivers)
    judged = [(d, d.effect) for d in found if d.effect is not None]
    q_values = false_discovery_control([effect.p_value for _, effect in judged]) if judged else []
    ordered = [(replace(d, q_value=float(q)), effect) for (d, effect), q in zip(judged, q_values, strict=True)]
    ordered.sort(key=lambda pair: (-pair[1].strength, pair[1].p_value, pair[0].feature))
    return [d for d, _ in ordered] + [d for d in found if d.effect is None]
