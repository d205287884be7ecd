"""Limits of Hotelling's T2 as SQL of the number of baseline points m, which only the rows know.

DuckDB has no quantile of the beta or F distribution. For the number of columns a limit is a smooth function of 1/m, so
that a plan holds its values for small m, and beyond them a polynomial that is exact to nine digits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev
from scipy import stats

_HELD = 40  # values of m one by one
_DEGREE = 9


def within(columns: int, alpha: float) -> str:
    """For points of the baseline itself: a beta distribution."""

    def limit(m: float) -> float:
        quantile = stats.beta.isf(alpha, columns / 2, (m - columns - 1) / 2)
        return float((m - 1) ** 2 / m * quantile)

    return _of_m(limit, columns + 2)


def beyond(columns: int, alpha: float) -> str:
    """For points after the baseline: an F distribution."""

    def limit(m: float) -> float:
        quantile = stats.f.isf(alpha, columns, m - columns)
        return float(columns * (m + 1) * (m - 1) / (m * (m - columns)) * quantile)

    return _of_m(limit, columns + 1)


def large(columns: int, alpha: float) -> str:
    """Where the baseline counts as the truth: a chi-square distribution."""
    return f"CAST({float(stats.chi2.isf(alpha, columns))!r} AS DOUBLE)"


def _of_m(limit: Callable[[float], float], least: int) -> str:
    """NULL below the least m."""
    listed = ", ".join(repr(limit(m)) for m in range(least, least + _HELD))
    last = least + _HELD - 1
    nodes = (np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1)) + 1) / 2  # of last / m, in (0, 1)
    fitted = chebyshev.Chebyshev.fit(nodes, [limit(last / t) for t in nodes], _DEGREE, domain=[0, 1])
    terms = fitted.convert(kind=np.polynomial.Polynomial).coef.tolist()
    horner = repr(terms[-1])
    for term in reversed(terms[:-1]):
        horner = f"({term!r} + ({last}.0 / __ml_m) * {horner})"
    return (
        f"CASE WHEN __ml_m < {least} THEN NULL WHEN __ml_m <= {last} "
        f"THEN CAST([{listed}] AS DOUBLE[])[__ml_m - {least - 1}] ELSE CAST({horner} AS DOUBLE) END"
    )
