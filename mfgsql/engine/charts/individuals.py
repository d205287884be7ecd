"""``i_mr``: each point, and how far it is from the one before."""

from __future__ import annotations

from mfgsql.engine.charts import rules
from mfgsql.engine.charts.chart import Chart
from mfgsql.engine.charts.constants import D2, D3
from mfgsql.engine.charts.known import LIMITS, judged, with_limits
from mfgsql.engine.kept import kept

MORE = ("moving_range", "upper_range")
_MOST = D2[0] + 3 * D3[0]  # D4 * d2: a range of two, in deviations


def sql(chart: Chart) -> str:
    """The chart's SELECT."""
    wanted: list[int | str] = chart.options["rules"]
    ctes, limited = with_limits(chart, lags=2)
    windows, holds = rules.conditions([r for r in wanted if isinstance(r, int)])
    if rules.RANGE in wanted:
        holds.append((f"abs(__ml_x0 - __ml_1) > {_MOST!r} * __ml_sigma", "range: the step is above its limit"))
    columns = judged(
        "__ml_x0", "__ml_mid", "__ml_mid - 3 * __ml_sigma", "__ml_mid + 3 * __ml_sigma", "__ml_sigma", holds
    )
    return (
        f"WITH {ctes} SELECT {kept((*LIMITS, *MORE))}, {columns}, abs(__ml_x0 - __ml_1) AS moving_range, "
        f"CASE WHEN __ml_known THEN {_MOST!r} * __ml_sigma END AS upper_range "
        f"FROM (SELECT *{windows} FROM (SELECT *, __ml_sigma AS __ml_scale FROM ({limited})) {rules.CHAIN_WINDOW})"
    )
