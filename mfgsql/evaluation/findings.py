"""What an effect says, in words that a process engineer can check against the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.evaluation.variables import Variable

Array = npt.NDArray[Any]
_FEW = 5  # rows of a group that is worth naming


def by_group(numbers: Variable, groups: Variable) -> str:
    """Where a number is high, and where low: ``torque is higher where failed = true: median 52.1 against 39.9``."""
    from scipy.stats import rankdata

    codes = groups.values
    ranks = np.bincount(codes, rankdata(numbers.values)) / np.bincount(codes)
    worth = np.flatnonzero(np.bincount(codes) >= _FEW)
    named = worth if len(worth) > 1 else np.arange(len(ranks))
    high, low = (int(named[f(ranks[named])]) for f in (np.argmax, np.argmin))
    by_ranks = ("mean rank", f"{ranks[high]:,.0f}", f"{ranks[low]:,.0f}")
    word, a, b = _typical(numbers, codes == high, codes == low) or by_ranks
    if len(groups.groups) == 2:
        how, first, second = ("higher", a, b) if high == 1 else ("lower", b, a)
        return f"{numbers.name} is {how} where {groups.name} = {groups.groups[1]}: {word} {first} against {second}"
    return (
        f"{numbers.name} is highest where {groups.name} = {groups.groups[high]} ({word} {a}), "
        f"lowest where {groups.name} = {groups.groups[low]} ({b})"
    )


def _typical(numbers: Variable, high: Array, low: Array) -> tuple[str, str, str] | None:
    """Medians, or where they don't tell groups apart whose ranks differ, means; None where neither does."""
    a, b = numbers.values[high], numbers.values[low]
    for word, of in (("median", np.median), ("mean", np.mean)):
        if of(a) > of(b):
            return word, numbers.show(float(of(a))), numbers.show(float(of(b)))
    return None


def by_share(target: Variable, feature: Variable, table: Array) -> str:
    """Where a class is most above what one would expect: ``failed = true in 12.1 % of the rows where shift = C, ...``.

    Args:
        table: counts, [groups of feature, groups of target]. Of two groups of the target the second is spoken of.
    """
    of_group, of_class, rows = table.sum(1), table.sum(0), table.sum()
    expected = np.outer(of_group, of_class) / rows
    residuals = (table - expected) / np.sqrt(expected * np.outer(1 - of_group / rows, 1 - of_class / rows))
    if len(target.groups) == 2:
        residuals[:, 0] = -np.inf
    group, kind = (int(i) for i in np.unravel_index(np.argmax(residuals), residuals.shape))
    inside = table[group, kind] / of_group[group]
    outside = (of_class[kind] - table[group, kind]) / (rows - of_group[group])
    return (
        f"{target.name} = {target.groups[kind]} in {inside:.1%} of the rows where "
        f"{feature.name} = {feature.groups[group]}, in {outside:.1%} of the others"
    )


def by_trend(target: Variable, feature: Variable, rising: bool) -> str:
    """Whether one rises with the other, and how far: ``wear rises with torque: median 1.2 in its lowest quarter``."""
    low, high = np.quantile(feature.values, [0.25, 0.75])
    first, last = (np.median(target.values[part]) for part in (feature.values <= low, feature.values >= high))
    return (
        f"{target.name} {'rises' if rising else 'falls'} with {feature.name}: "
        f"median {target.show(float(first))} in its lowest quarter, {target.show(float(last))} in its highest"
    )


def by_ends(target: Variable, feature: Variable, outer: Array) -> str:
    """What differs between a number's outer quarters and its middle half: ``failed = true in 21.0 % of the rows in the
    outer quarters of power (below 2.1 or above 7.9), in 4.0 % of those between``.

    Args:
        outer: which rows lie in the feature's outer quarters.
    """
    inner = feature.values[~outer]
    where = f"in the outer quarters of {feature.name} (below {feature.show(float(inner.min()))} or above " \
            f"{feature.show(float(inner.max()))})"  # fmt: skip
    if target.groups:
        told = target.values == 1
        return f"{target.name} = {target.groups[1]} in {told[outer].mean():.1%} of the rows {where}, " \
               f"in {told[~outer].mean():.1%} of those between"  # fmt: skip
    a, b = (float(np.median(target.values[rows])) for rows in (outer, ~outer))
    how = "higher" if a > b else "lower" if a < b else "other"
    return f"{target.name} is {how} {where}: median {target.show(a)} against {target.show(b)} between"
