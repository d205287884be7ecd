"""Center and deviation of a process, told or estimated, and the columns that every chart ends with."""

from __future__ import annotations

from collections.abc import Sequence

from mfgsql.engine.charts.chart import Chart, chained, in_baseline
from mfgsql.engine.charts.constants import D2

LIMITS = ("statistic", "center", "lower", "upper", "signal", "rules")
# A mean of equal numbers may differ from them in the last bit, which would be out of limits of width 0.
MEAN = "CASE WHEN min({x}) = max({x}) THEN min({x}) ELSE favg({x}) END"


def with_limits(chart: Chart, *, lags: int) -> tuple[str, str]:
    """CTEs, and a SELECT of the points with ``__ml_mid`` and ``__ml_sigma`` of their entity.

    The deviation is estimated from moving ranges of two, which a drift hardly widens.
    """
    ranges = "favg(abs(__ml_x0 - __ml_1)) FILTER (__ml_n > 1)"
    center = MEAN.format(x="__ml_x0") if chart.center is None else _double(chart.center)
    sigma = f"{ranges} / {D2[0]!r}" if chart.sigma is None else _double(chart.sigma)
    ctes = (
        f"__ml_points AS ({chained(chart, max(lags, 1))}), "
        f"__ml_limits AS (SELECT __ml_entity AS __ml_whose, {center} AS __ml_mid, {sigma} AS __ml_sigma "
        f"FROM __ml_points WHERE {in_baseline(chart)} GROUP BY __ml_entity)"
    )
    if chart.center is not None and chart.sigma is not None:
        known = f"{center} AS __ml_mid, {sigma} AS __ml_sigma"
        return f"__ml_points AS ({chained(chart, lags)})", f"SELECT *, {known} FROM __ml_points"
    return ctes, "SELECT * FROM __ml_points LEFT JOIN __ml_limits ON __ml_whose = __ml_entity"


def judged(statistic: str, center: str, lower: str, upper: str, sigma: str, rules: Sequence[tuple[str, str]]) -> str:
    """The columns of `LIMITS`. ``rules``: conditions with their words; those that hold are listed.

    A signal is NULL where there is no statistic, or no limit to hold it against.
    """
    holds = " OR ".join(f"coalesce({condition}, false)" for condition, _ in rules) or "false"
    words = ", ".join(f"CASE WHEN {condition} THEN '{words}' END" for condition, words in rules) or "NULL"
    listed = f"CASE WHEN __ml_holds THEN list_filter([{words}], lambda r: r IS NOT NULL) ELSE CAST([] AS VARCHAR[]) END"
    columns = {
        "statistic": statistic,
        "center": center,
        "lower": lower,
        "upper": upper,
        "signal": f"CASE WHEN {holds} THEN true WHEN {sigma} IS NOT NULL THEN false END",
        "rules": listed.replace("__ml_holds", holds),
    }
    return ", ".join(f'CASE WHEN __ml_known THEN {sql} END AS "{name}"' for name, sql in columns.items())


def _double(value: float) -> str:
    return f"CAST({value!r} AS DOUBLE)"
