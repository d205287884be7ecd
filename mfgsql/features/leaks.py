"""Columns that give the target away: written after the fact, or the target under another name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_ALONE = 0.995  # a one-column tree this good on unseen rows is no coincidence
_FEW = 30  # values; more, and pure ones appear by chance
_MISSING = -1.0e300  # in place of NaN, which equals nothing
_ROWS = 15  # rows that a pure value must have


@dataclass(frozen=True)
class Leak:
    """A suspicious column, and what makes it so, in words."""

    column: str
    words: str


def find_leaks(
    columns: Mapping[str, npt.NDArray[np.float64]], target: npt.NDArray[np.float64], *, classes: int
) -> list[Leak]:
    """Columns that alone tell the target.

    Args:
        columns: sampled values as numbers, codes for categories; NaN where missing.
        target: class numbers, or values when ``classes`` is 0.
        classes: number of classes.
    """
    columns, target = _distinct(columns, target)
    found = []
    for name, values in columns.items():
        words = _pure_value(values, target) if classes == 2 else None
        words = words or _gives_all(values, target, classes)
        if words:
            found.append(Leak(name, words))
    return found


def _distinct(
    columns: Mapping[str, npt.NDArray[np.float64]], target: npt.NDArray[np.float64]
) -> tuple[dict[str, npt.NDArray[np.float64]], npt.NDArray[np.float64]]:
    """Rows without repetitions, which would teach a tree the rows it is asked, in an order that is by chance."""
    if not columns:
        return {}, target
    filled = [np.nan_to_num(v, nan=_MISSING) for v in columns.values()]
    rows = np.unique(np.column_stack([*filled, target]), axis=0)
    rows[rows == _MISSING] = np.nan
    rows = rows[np.random.default_rng(0).permutation(len(rows))]
    return dict(zip(columns, rows.T[:-1], strict=True)), rows[:, -1]


def _gives_all(values: npt.NDArray[np.float64], target: npt.NDArray[np.float64], classes: int) -> str | None:
    """Whether a small tree on this column alone is right about nearly every row it has not seen."""
    from sklearn.metrics import balanced_accuracy_score, r2_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    x = np.clip(np.nan_to_num(values, nan=-1e30), -1e30, 1e30)[:, None]  # trees read float32, without infinities
    half = len(x) // 2
    if half < 20:
        return None
    if classes:
        tree = DecisionTreeClassifier(max_leaf_nodes=max(16, 2 * classes), min_samples_leaf=2, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes that one half lacks
            guess = tree.fit(x[:half], target[:half]).predict(x[half:])
            score = balanced_accuracy_score(target[half:], guess)
    else:
        tree = DecisionTreeRegressor(max_leaf_nodes=256, min_samples_leaf=2, random_state=0)
        score = r2_score(target[half:], tree.fit(x[:half], target[:half]).predict(x[half:]))
    return "alone tells the target for nearly every row" if score >= _ALONE else None


def _pure_value(values: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> str | None:
    """A value of a column with few values that always comes with the rarer class."""
    rare = 1.0 if np.mean(target == 1.0) < 0.5 else 0.0
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) > _FEW or np.mean(target == rare) > 0.4:
        return None
    for value in distinct:
        rows = values == value
        if rows.sum() >= _ROWS and np.mean(target[rows] == rare) >= 0.99:
            return f"has a value that always comes with the rarer class ({int(rows.sum())} of the sampled rows)"
    return None
