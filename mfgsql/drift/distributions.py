"""Two samples of one thing compared: by a test of no change, and by how large the change is.

Both sides are samples, so tests take both sizes. Of very many rows every test finds something: what counts as drift has
to be large as well, by the population stability index, ``sum((p - q) ln(p / q))`` over cells. By the usage of credit
scoring it is small below .1 and large from .25 on (Siddiqi, "Credit Risk Scorecards", 2006); of equal distributions it
is about ``(cells - 1)(1/n + 1/m)`` (Yurdakul, "Statistical Properties of Population Stability Index", 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_BINS = 10
_CLOSE = 1e-9  # of the range
_FEWEST = 5  # rows expected in a cell of a chi-square test (Cochran, 1954)


@dataclass(frozen=True)
class Comparison:
    """What two samples tell.

    Attributes:
        statistic: ks, chi2 or share. value: of it; of shares the later one. reference: of shares the earlier one.
        p_value: of no change. psi: how large it is.
    """

    statistic: str
    value: float
    p_value: float
    psi: float
    reference: float | None = None


class Quantiles:
    """A distribution of numbers, as its quantiles tell it.

    Args:
        quantiles: at equal steps of probability, ends included.
        rows: that they were taken from.
    """

    def __init__(self, quantiles: Sequence[float], rows: float) -> None:
        self.rows = rows
        steps = max(len(quantiles) - 1, 1)
        values = np.maximum.accumulate(np.asarray(quantiles, np.float64))
        # Interpolated quantiles of one value may differ in its last digits.
        close = max((values[-1] - values[0]) * _CLOSE, abs(values[0]) * 1e-12, 1e-300)
        last = np.append(np.diff(values) > close, True)
        ends = np.flatnonzero(last)
        tied = np.diff(np.append(-1, ends)) > 1
        # Of a value that fills several steps the share is known to half a step.
        at = np.minimum((ends + np.where(tied, 0.5, 0.0)) / steps, 1.0)
        at[-1] = 1.0
        self.cuts = np.append(values[0] - close, values[last] + close)
        self.at = np.append(0.0, at)
        self._values, self._levels = values, np.linspace(0.0, 1.0, len(values))

    def counts(self, values: Array) -> Array:
        """Finite values counted in cells that end at the cuts, the last one open; [cuts + 1]."""
        places = np.searchsorted(self.cuts, values, side="left")
        return np.asarray(np.bincount(places, minlength=len(self.cuts) + 1), np.float64)

    def draws(self, count: int, rng: np.random.Generator) -> Array:
        """Values drawn from it."""
        return np.asarray(np.interp(rng.random(count), self._levels, self._values))

    def ranks(self, values: Array) -> Array:
        """Of each value the share that is below it, from 0 to 1."""
        return np.asarray(np.interp(values, self.cuts, self.at))

    def value_at(self, level: float) -> float:
        """The value that this share of values stays below."""
        return float(np.interp(level, self._levels, self._values))

    @property
    def median(self) -> float:
        """The middle value."""
        return self.value_at(0.5)

    def median_of(self, counts: Array) -> float:
        """About the middle of values that were counted in its cells."""
        below = np.cumsum(counts[:-1]) / max(counts.sum(), 1.0)
        return float(np.interp(0.5, below, self.cuts))

    def compare(self, counts: Array, size: float | None = None) -> Comparison:
        """Kolmogorov and Smirnov's test of two samples (Hodges, 1958), and the index over tenths of the reference.

        Args:
            counts: of later values, as `counts` tells them. size: of how many independent rows they tell; None: of all.
        """
        from scipy.stats import kstwo

        total = float(counts.sum())
        now = size or total
        below = np.cumsum(counts[:-1]) / total
        distance = float(np.max(np.abs(below - self.at)))
        effective = max(round(now * self.rows / (now + self.rows)), 1)
        cells = self._cells()
        # What lies outside of all that was seen has cells of its own.
        ours = np.diff(np.append(np.append(0.0, below[cells]), 1.0))
        theirs = np.diff(np.append(np.append(0.0, self.at[cells]), 1.0))
        return Comparison("ks", distance, float(kstwo.sf(distance, effective)), psi(ours * now, theirs * self.rows))

    def _cells(self) -> npt.NDArray[np.int64]:
        """Numbers of the cuts between cells: below all, about each tenth, above all."""
        inner = np.searchsorted(self.at, np.arange(1, _BINS) / _BINS - 1e-9)
        return np.unique(np.concatenate([[0], inner, [len(self.at) - 1]]))


def quantiles_of(values: Array, steps: int = 256) -> tuple[float, ...]:
    """Quantiles at equal steps of probability, ends included."""
    return tuple(np.quantile(values, np.linspace(0.0, 1.0, steps + 1)).tolist())


def psi(ours: Array, theirs: Array) -> float:
    """The population stability index of two rows of counts.

    A share is told no finer than half a row of the smaller sample: so no cell is empty, and one that the smaller sample
    can't be expected to fill tells nothing.
    """
    n, m = float(ours.sum()), float(theirs.sum())
    least = 0.5 / max(min(n, m), 1.0)
    p, q = np.maximum(ours / n, least), np.maximum(theirs / m, least)
    return float(((p - q) * np.log(p / q)).sum())


def compare_counts(ours: Array, theirs: Array) -> Comparison:
    """Pearson's chi-square test of two samples by classes; classes that few rows are expected in are taken together."""
    from scipy.stats import chi2_contingency

    n, m = float(ours.sum()), float(theirs.sum())
    table = np.stack([ours, theirs])
    expected = table.sum(axis=0) * min(n, m) / (n + m)
    rare = expected < _FEWEST
    pooled = table[:, ~rare]
    if table[:, rare].sum() > 0:
        pooled = np.column_stack([pooled, table[:, rare].sum(axis=1)])
    index = psi(ours, theirs)
    if pooled.shape[1] < 2:
        return Comparison("chi2", 0.0, 1.0, index)
    found = chi2_contingency(pooled, correction=False)
    return Comparison("chi2", float(found.statistic), float(found.pvalue), index)


def compare_shares(hits: float, of: float, before: float, of_before: float) -> Comparison:
    """Two shares: Fisher's exact test where few rows are expected, else the chi-square test."""
    from scipy.stats import chi2_contingency, fisher_exact

    table = np.array([[hits, of - hits], [before, of_before - before]])
    share = table[:, 0].sum() / table.sum()
    if share in (0.0, 1.0):
        p_value = 1.0
    elif min(of, of_before) * min(share, 1 - share) < _FEWEST:
        p_value = float(fisher_exact(np.rint(table).astype(np.int64)).pvalue)
    else:
        p_value = float(chi2_contingency(table, correction=False).pvalue)
    return Comparison("share", hits / of, p_value, psi(table[0], table[1]), before / of_before)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """p-values that hold the share of false discoveries among all of them (Benjamini and Hochberg, JRSS B 1995)."""
    from scipy.stats import false_discovery_control

    return list(false_discovery_control(np.asarray(p_values)).tolist()) if p_values else []
