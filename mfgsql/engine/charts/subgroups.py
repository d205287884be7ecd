"""``xbar_r``: mean and range of rational subgroups; a row for each subgroup.

Subgroups may differ in size: the deviation is then the mean of R / d2, each weighted by what it knows (d2^2 / d3^2),
and each subgroup has limits for its own size. With equal sizes this is R-bar / d2. A subgroup of one has no range.
"""

from __future__ import annotations

from mfgsql.engine.charts import rules
from mfgsql.engine.charts.chart import Chart, chained, in_baseline, points
from mfgsql.engine.charts.constants import D2, D3, LARGEST, by_size
from mfgsql.engine.charts.known import MEAN, judged
from mfgsql.engine.kept import column
from mfgsql.engine.quoting import quote_identifier, quote_literal

MORE = ("subgroup", "points", "range", "center_range", "lower_range", "upper_range")
_LEAST_RANGE = "CASE WHEN __ml_size > 1 THEN greatest(0, __ml_d2 - 3 * __ml_d3) END * __ml_sigma"
_MOST_RANGE = "(__ml_d2 + 3 * __ml_d3) * __ml_sigma"


def sql(chart: Chart) -> str:
    """The chart's SELECT."""
    wanted: list[int | str] = chart.options["rules"]
    windows, holds = rules.conditions([r for r in wanted if isinstance(r, int)])
    if rules.RANGE in wanted:
        holds.append((f"__ml_range > {_MOST_RANGE}", "range: above its limit"))
        holds.append((f"__ml_range < {_LEAST_RANGE}", "range: below its limit"))
    columns = judged(
        "__ml_x0", "__ml_mid", "__ml_mid - 3 * __ml_scale", "__ml_mid + 3 * __ml_scale", "__ml_sigma", holds
    )
    limited = (
        "SELECT *, __ml_sigma / sqrt(__ml_size) AS __ml_scale FROM __ml_chained "
        "LEFT JOIN __ml_limits ON __ml_whose = __ml_entity"
    )
    assert chart.order_by is not None
    entity = f"__ml_entity AS {quote_identifier(chart.entity)}, " if chart.entity else ""
    told = f"{entity}__ml_group AS subgroup, __ml_at AS {quote_identifier(chart.order_by)}, __ml_size AS points"
    ranges = (
        '__ml_range AS "range", __ml_d2 * __ml_sigma AS center_range, '
        f"{_LEAST_RANGE} AS lower_range, {_MOST_RANGE} AS upper_range"
    )
    return (
        f"WITH {grouping(chart)} SELECT {told}, {columns}, {ranges} "
        f"FROM (SELECT *{windows} FROM ({limited}) {rules.CHAIN_WINDOW})"
    )


def grouping(chart: Chart) -> str:
    """CTEs of the subgroups, and of center and deviation of each entity."""
    return f"__ml_chained AS ({_chained(chart)}), __ml_limits AS ({_limits(chart)})"


def _chained(chart: Chart) -> str:
    """Subgroups in the order of their first points, with number and means before; their time is the last point's."""
    told = chart.options["subgroup"]
    if isinstance(told, int):
        numbered, group = chained(chart), f"(__ml_n - 1) // {told} + 1"
    else:
        numbered, group = points(chart, f", {column('source', told)} AS __ml_part"), "__ml_part"
    grouped = (
        f"SELECT __ml_entity, {group} AS __ml_group, true AS __ml_known, min(__ml_at) AS __ml_begin, "
        f"max(__ml_at) AS __ml_at, count(*) AS __ml_size, {MEAN.format(x='__ml_x0')} AS __ml_x0, "
        "CASE WHEN count(*) > 1 THEN max(__ml_x0) - min(__ml_x0) END AS __ml_range "
        f"FROM ({numbered}) WHERE __ml_known AND __ml_group IS NOT NULL GROUP BY __ml_entity, __ml_group"
    )
    large = quote_literal(f" points; ranges are told up to {LARGEST}: take smaller subgroups.")
    sized = (
        f"SELECT *, {by_size(D2, '__ml_size')} AS __ml_d2, {by_size(D3, '__ml_size')} AS __ml_d3 FROM ({grouped}) "
        f"WHERE CASE WHEN __ml_size > {LARGEST} "
        f"THEN error({quote_literal(f'{chart.verb}: a subgroup has ')} || __ml_size || {large}) IS NULL ELSE true END"
    )
    return chained(chart, 2, "__ml_begin, __ml_at, __ml_x0, __ml_group", sized)


def _limits(chart: Chart) -> str:
    center = (
        "CASE WHEN min(__ml_x0) = max(__ml_x0) THEN min(__ml_x0) ELSE fsum(__ml_x0 * __ml_size) / sum(__ml_size) END"
        if chart.center is None
        else repr(chart.center)
    )
    weight = "(__ml_d2 * __ml_d2 / (__ml_d3 * __ml_d3))"
    told = "FILTER (__ml_range IS NOT NULL)"
    sigma = f"fsum({weight} * __ml_range / __ml_d2) {told} / fsum({weight}) {told}"
    if chart.sigma is not None:
        sigma = repr(chart.sigma)
    return (
        f"SELECT __ml_entity AS __ml_whose, CAST({center} AS DOUBLE) AS __ml_mid, "
        f"CAST({sigma} AS DOUBLE) AS __ml_sigma FROM __ml_chained WHERE {in_baseline(chart)} GROUP BY __ml_entity"
    )
