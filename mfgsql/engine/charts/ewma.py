"""``ewma``: an exponentially weighted moving average, which sees small shifts, with limits that widen with time.

z = lambda * x + (1 - lambda) * z is a recursion. Unrolled, it is a cumulative sum of x / w^i with w = 1 - lambda,
which overflows on long series. So the chain is cut into blocks in which w^i stays above e^-600: within one the sum is
exact to rounding, for its terms grow and the last ones decide; what comes from blocks before the previous one has a
weight below e^-600, and is nothing.
"""

from __future__ import annotations

import math

from mfgsql.engine.charts.chart import CHAIN, Chart
from mfgsql.engine.charts.known import LIMITS, judged, with_limits
from mfgsql.engine.kept import kept

_LEAST = -600.0  # the logarithm of the smallest weight


def sql(chart: Chart) -> str:
    """The chart's SELECT."""
    share, width = float(chart.options["lambda"]), float(chart.options["width"])
    ctes, limited = with_limits(chart, lags=1)
    forgotten = f"1 - pow(CAST({1 - share!r} AS DOUBLE), 2 * __ml_n)"  # nearly 1 once the start has no weight
    spread = f"{width!r} * __ml_sigma * sqrt({share / (2 - share)!r} * ({forgotten}))"
    above, below = f"__ml_z > {spread}", f"__ml_z < -{spread}"
    holds = [(above, "ewma: above its limit"), (below, "ewma: below its limit")]
    columns = judged(
        "__ml_mid + __ml_z", "__ml_mid", f"__ml_mid - {spread}", f"__ml_mid + {spread}", "__ml_sigma", holds
    )
    more, source = _averaged(limited, share)
    return f"WITH {ctes}{more} SELECT {kept(LIMITS)}, {columns} FROM ({source})"


def _averaged(limited: str, share: float) -> tuple[str, str]:
    """CTEs, and a SELECT with ``__ml_z``, the average of what is off the center."""
    if share == 1:
        return "", f"SELECT *, __ml_x0 - __ml_mid AS __ml_z FROM ({limited})"
    block = max(2, math.floor(_LEAST / math.log1p(-share)))
    weight = f"CAST({1 - share!r} AS DOUBLE)"
    placed = f"SELECT *, (__ml_n - 1) // {block} AS __ml_block, (__ml_n - 1) % {block} AS __ml_i FROM ({limited})"
    summed = (
        f"SELECT *, {share!r} * pow({weight}, __ml_i) * sum((__ml_x0 - __ml_mid) * pow({weight}, -__ml_i)) OVER "
        f"({CHAIN}, __ml_block ORDER BY __ml_n ROWS UNBOUNDED PRECEDING) AS __ml_e FROM ({placed})"
    )
    ends = (
        "SELECT __ml_entity AS __ml_before, __ml_block + 1 AS __ml_next, __ml_e AS __ml_carry FROM __ml_summed "
        f"WHERE __ml_known AND __ml_i = {block - 1}"
    )
    carried = f"__ml_e + coalesce(__ml_carry * pow({weight}, __ml_i + 1), 0)"
    return f", __ml_summed AS ({summed})", (
        f"SELECT *, {carried} AS __ml_z FROM __ml_summed LEFT JOIN ({ends}) "
        "ON __ml_before = __ml_entity AND __ml_next = __ml_block AND __ml_known"
    )
