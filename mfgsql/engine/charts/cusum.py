"""``cusum``: what adds up beyond an allowance of k deviations, upwards and downwards: lasting shifts.

C = max(0, C + x - center - K) is a recursion, and equal to a cumulative sum minus its lowest place so far (0 among
them). The sums go on after a signal: nothing is set back.
"""

from __future__ import annotations

from mfgsql.engine.charts.chart import CHAIN, Chart
from mfgsql.engine.charts.known import LIMITS, judged, with_limits
from mfgsql.engine.kept import kept

MORE = ("cusum_up", "cusum_down")
_SO_FAR = f"OVER ({CHAIN} ORDER BY __ml_n ROWS UNBOUNDED PRECEDING)"


def sql(chart: Chart) -> str:
    """The chart's SELECT; its center is 0, statistic the larger sum, negative where it is the downward one."""
    slack, most = float(chart.options["k"]), f"{float(chart.options['h'])!r} * __ml_sigma"
    ctes, limited = with_limits(chart, lags=1)
    summed = (
        f"SELECT *, sum(__ml_x0 - __ml_mid - {slack!r} * __ml_sigma) {_SO_FAR} AS __ml_u, "
        f"sum(__ml_mid - __ml_x0 - {slack!r} * __ml_sigma) {_SO_FAR} AS __ml_d FROM ({limited})"
    )
    lowest = (
        f"SELECT *, __ml_u - least(0, min(__ml_u) {_SO_FAR}) AS __ml_up, "
        f"__ml_d - least(0, min(__ml_d) {_SO_FAR}) AS __ml_down FROM ({summed})"
    )
    statistic = "CASE WHEN __ml_up >= __ml_down THEN __ml_up ELSE -__ml_down END"
    holds = [
        (f"__ml_up > {most}", "cusum: above its limit, the mean has risen"),
        (f"__ml_down > {most}", "cusum: below its limit, the mean has fallen"),
    ]
    columns = judged(statistic, "CAST(0 AS DOUBLE)", f"-{most}", most, "__ml_sigma", holds)
    return (
        f"WITH {ctes} SELECT {kept((*LIMITS, *MORE))}, {columns}, __ml_up AS cusum_up, __ml_down AS cusum_down "
        f"FROM ({lowest})"
    )
