"""How strongly two columns hang together: an effect size with a 95 % interval, and the test of none, by scipy.

| columns | effect | test | interval |
|---|---|---|---|
| number, two groups | rank-biserial correlation (Cliff's delta) | Mann-Whitney U | Feng and Cliff, 2004 |
| number, more groups | eta-squared of ranks (Tomczak and Tomczak, 2014) | Kruskal-Wallis | delta method |
| groups, groups | Cramer's V without its bias (Bergsma, 2013) | chi-square, Fisher's or resampling | delta method |
| number, number | Spearman's rho | t | Bonett and Wright, 2000 |

The delta method's variance is put to use as in Wilson's interval, see `_interval`.
All go by ranks or counts, so neither outliers nor units matter. Rows count as independent of each other. Of a number's
distance from its median the same effects are taken, see `mfgsql.evaluation.drivers`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
RANK_BISERIAL, ETA_SQUARED = "rank-biserial correlation", "eta-squared of ranks"
CRAMERS_V, SPEARMANS_RHO = "Cramer's V", "Spearman's rho"
_Z = 1.959964  # of a 95 % interval
_EXACT = 1000  # rows; of more the exact test takes minutes, and the normal distribution is as good
_CELLS = 4_000_000  # of resampled tables: a second or so


@dataclass(frozen=True)
class Effect:
    """An effect size, its 95 % interval (None where there are too few rows for one), and the p-value of none."""

    name: str
    value: float
    lower: float | None
    upper: float | None
    p_value: float

    @property
    def strength(self) -> float:
        """From 0 to 1, comparable between effects: a squared one by its root."""
        return math.sqrt(self.value) if self.name == ETA_SQUARED else abs(self.value)


def rank_biserial(values: Array, second: Array) -> Effect:
    """How much more often a value of the second group is above one of the first than below, from -1 to 1.

    Args:
        values: [rows] of float64. second: [rows] of bool, with rows of both groups.
    """
    from scipy.stats import mannwhitneyu

    x, y = np.sort(values[second]), np.sort(values[~second])
    above, below = _dominance(x, y), _dominance(y, x)
    delta = float(above.mean())
    lower, upper = _cliffs_interval(delta, above, below)
    method = "auto" if len(values) <= _EXACT else "asymptotic"
    return Effect(RANK_BISERIAL, delta, lower, upper, float(mannwhitneyu(x, y, method=method).pvalue))


def _dominance(values: Array, others: Array) -> Array:
    """For each value the share of others below it, less the share above it; both sorted."""
    places = np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")
    shares: Array = places / len(others) - 1
    return shares


def _cliffs_interval(delta: float, above: Array, below: Array) -> tuple[float | None, float | None]:
    """The asymmetric interval of Feng and Cliff (JMASM 2004), and theirs for groups that don't overlap."""
    fewer = min(len(above), len(below))
    if fewer < 2:
        return None, None
    if abs(delta) == 1:
        inner = (fewer - _Z**2) / (fewer + _Z**2)
        return (inner, 1.0) if delta > 0 else (-1.0, -inner)
    variance = float(np.var(above, ddof=1) / len(above) + np.var(below, ddof=1) / len(below))
    half = _Z * math.sqrt(variance * ((1 - delta**2) ** 2 + _Z**2 * variance))
    centre, scale = delta - delta**3, 1 - delta**2 + _Z**2 * variance
    return max((centre - half) / scale, -1.0), min((centre + half) / scale, 1.0)


def eta_squared(values: Array, groups: Array) -> Effect:
    """The share of the ranks' variance between groups, less what chance puts there, from 0 to 1.

    Args:
        values: [rows] of float64, not all equal. groups: [rows] of codes from 0 on, each of which occurs.
    """
    from scipy.stats import kruskal

    rows, count = len(values), int(groups.max()) + 1
    statistic, p_value = kruskal(*(values[groups == g] for g in range(count)))
    value = max(float(statistic - count + 1) / max(rows - count, 1), 0.0)  # a group for each row tells nothing
    variance = float(np.var(_influence_on_eta(values, groups))) / rows
    ends = _interval(value, float(statistic) / (rows - 1), variance, 2 * (count - 1) / rows**2)
    # Where groups have the same ranks rounding leaves a statistic below 0, and scipy no p-value.
    return Effect(ETA_SQUARED, min(value, 1.0), *ends, float(p_value) if statistic > 0 else 1.0)


def _influence_on_eta(values: Array, groups: Array) -> Array:
    """What each row adds to eta-squared: by its own rank, and by moving the ranks of those above it. [rows]"""
    from scipy.stats import rankdata

    _, levels = np.unique(values, return_inverse=True)
    ranks = (rankdata(values) - 0.5) / len(values) - 0.5
    means = (np.bincount(groups, ranks) / np.bincount(groups))[groups]
    between = 2 * means * ranks - means**2 + 2 * _above(means, levels)
    total = ranks**2 + 2 * _above(ranks, levels)
    influence: Array = (between - np.mean(means**2) / np.mean(ranks**2) * total) / np.mean(ranks**2)
    return influence


def _above(amounts: Array, levels: Array) -> Array:
    """For each row the mean over all rows of the amounts on higher levels, and half of those on its own."""
    by_level = np.bincount(levels, amounts) / len(levels)
    higher: Array = by_level.sum() - np.cumsum(by_level) + by_level / 2
    return higher[levels]


def cramers_v(table: Array, *, seed: int = 0) -> Effect:
    """Association of two groupings, from 0 to 1; ``table`` has counts [groups, groups], and no empty row or column."""
    from scipy.stats import chi2_contingency

    rows = float(table.sum())
    shares = table / rows
    expected = np.outer(shares.sum(1), shares.sum(0))
    phi2 = float((shares**2 / expected).sum() - 1)
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    corrected = max(phi2 - freedom / (rows - 1), 0.0)
    sizes = [k - (k - 1) ** 2 / (rows - 1) for k in table.shape]
    most = max(min(sizes) - 1, 1 / rows)
    variance = _variance_of_phi2(shares, expected) / rows
    ends = _interval(corrected, phi2, variance, 2 * freedom / rows**2, most)
    value, lower, upper = (min(math.sqrt(v / most), 1.0) for v in (corrected, *ends))
    if _sparse(expected * rows):
        return Effect(CRAMERS_V, value, None, None, _resampled_p(table, seed))
    return Effect(CRAMERS_V, value, lower, upper, float(chi2_contingency(table, correction=False).pvalue))


def _variance_of_phi2(shares: Array, expected: Array) -> float:
    """Of one row's share in it (Bishop, Fienberg and Holland, 1975)."""
    part = shares**2 / expected
    by_row, by_column = part.sum(1) / shares.sum(1), part.sum(0) / shares.sum(0)
    gradient = 2 * shares / expected - by_row[:, None] - by_column[None, :]
    return float((shares * gradient**2).sum() - (shares * gradient).sum() ** 2)


def _sparse(expected: Array) -> bool:
    """Whether too few rows are expected in cells for what holds in large samples (Cochran, 1954)."""
    return bool(expected.min() < 1 or np.mean(expected < 5) > 0.2)


def _resampled_p(table: Array, seed: int) -> float:
    """p-value without large-sample theory: exact for two by two, else over tables with the same margins."""
    from scipy.stats import MonteCarloMethod, chi2_contingency, fisher_exact

    if table.shape == (2, 2):
        return float(fisher_exact(table).pvalue)
    resamples = int(np.clip(_CELLS // table.size, 999, 9999))
    method = MonteCarloMethod(n_resamples=resamples, rng=np.random.default_rng(seed))
    return float(chi2_contingency(table, correction=False, method=method).pvalue)


def spearmans_rho(x: Array, y: Array) -> Effect:
    """Correlation of ranks, from -1 to 1; neither column is constant."""
    from scipy.stats import spearmanr

    found = spearmanr(x, y)
    rho = float(found.statistic)
    z = math.atanh(min(max(rho, -1 + 1e-15), 1 - 1e-15))
    half = _Z * math.sqrt((1 + rho**2 / 2) / (len(x) - 3))
    lower, upper = min(math.tanh(z - half), rho), max(math.tanh(z + half), rho)
    return Effect(SPEARMANS_RHO, rho, lower, upper, float(found.pvalue))


def _interval(value: float, raw: float, variance: float, chance: float, most: float = 1.0) -> tuple[float, float]:
    """The true values from which this one is no further off than chance takes it, between 0 and ``most``.

    As Wilson's for a share: the variance is taken where the true value would be, in proportion to it. ``variance`` was
    found at ``raw``, with the bias; ``chance`` is what remains of it at 0.
    """
    slope = variance / raw if raw > 0 else 0.0
    half = _Z * math.sqrt(slope * value + chance + (_Z * slope / 2) ** 2)
    centre = value + _Z**2 * slope / 2
    return max(centre - half, 0.0), min(centre + half, most)
