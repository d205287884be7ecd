"""``hotelling``: how far a point of several columns is from their center, by their covariance: T2.

The covariance of the baseline is taken apart (Cholesky) column by column; by its parts a point becomes uncorrelated
numbers of deviation 1, whose squares add up to T2. A column that is constant in an entity's baseline, or follows from
those before it, has no part of its own: it is left out, told in ``left_out``, and the limit is for those that remain.
"""

from __future__ import annotations

from mfgsql.engine.charts import quantiles
from mfgsql.engine.charts.chart import Chart, chained, in_baseline, points
from mfgsql.engine.charts.known import LIMITS, judged
from mfgsql.engine.kept import kept
from mfgsql.engine.quoting import quote_literal

MORE = ("left_out",)
_NOTHING = 1e-10  # of a column's variance: what remains beside the columns before it


def sql(chart: Chart) -> str:
    """The chart's SELECT."""
    size = len(chart.fields)
    rows = chained(chart, 0, "__ml_at, __ml_tie") if isinstance(chart.baseline, int) else points(chart)
    read = ", ".join(f"favg(__ml_x{j}) AS __ml_mean{j}" for j in range(size))
    means = f"SELECT __ml_entity AS __ml_whose, {read} FROM __ml_points WHERE {in_baseline(chart)} GROUP BY __ml_entity"
    ctes = f"__ml_points AS ({rows}), __ml_means AS ({means}), __ml_shape AS ({_shape(chart)})"
    parts = "SELECT * FROM __ml_points LEFT JOIN __ml_shape ON __ml_whose = __ml_entity"
    for j in range(size):
        known = "".join(f" - __ml_l{j}_{k} * __ml_p{k}" for k in range(j))
        part = f"CASE WHEN __ml_ok{j} THEN (__ml_x{j} - __ml_mean{j}{known}) / __ml_d{j} ELSE 0 END"
        parts = f"SELECT *, {part} AS __ml_p{j} FROM ({parts})"
    squares = " + ".join(f"__ml_p{j} * __ml_p{j}" for j in range(size))
    inner = (
        f"SELECT *, CASE WHEN __ml_known AND __ml_rank > 0 THEN {squares} END AS __ml_t2, "
        f"{_limit(chart)} AS __ml_most FROM ({parts})"
    )
    expected = "__ml_rank * (__ml_m - 1) / __ml_m"
    holds = [("__ml_t2 > __ml_most", "T2: above its limit")]
    columns = judged("__ml_t2", expected, "CAST(0 AS DOUBLE)", "__ml_most", "__ml_most", holds)
    out = ", ".join(f"CASE WHEN NOT __ml_ok{j} THEN {quote_literal(name)} END" for j, name in enumerate(chart.fields))
    left_out = f"CASE WHEN __ml_known THEN list_filter([{out}], lambda c: c IS NOT NULL) END AS left_out"
    return f"WITH {ctes} SELECT {kept((*LIMITS, *MORE))}, {columns}, {left_out} FROM ({inner})"


def _limit(chart: Chart) -> str:
    """By the number of columns that remain; beta in the baseline, F after it."""
    size, alpha = len(chart.fields), float(chart.options["alpha"])
    ranks = range(1, size + 1)

    def by_rank(one: str) -> str:
        maker = {"within": quantiles.within, "beyond": quantiles.beyond, "large": quantiles.large}[one]
        return f"CASE __ml_rank {' '.join(f'WHEN {q} THEN {maker(q, alpha)}' for q in ranks)} END"

    if chart.options["limit"] == "chi2":
        return by_rank("large")
    if chart.baseline is None:
        return by_rank("within")
    return f"CASE WHEN {in_baseline(chart)} THEN {by_rank('within')} ELSE {by_rank('beyond')} END"


def _shape(chart: Chart) -> str:
    """For each entity means, and the factor of its covariance: diagonal ``__ml_d<j>``, below it ``__ml_l<i>_<j>``."""
    size = len(chart.fields)
    means = [f"any_value(__ml_mean{j}) AS __ml_mean{j}" for j in range(size)]
    off = [f"(__ml_x{j} - __ml_mean{j})" for j in range(size)]  # a level far from 0 would cost digits
    shares = [f"covar_samp({off[i]}, {off[j]}) AS __ml_c{i}_{j}" for i in range(size) for j in range(i + 1)]
    shape = (
        f"SELECT __ml_whose, count(*) AS __ml_m, {', '.join(means + shares)} FROM __ml_points "
        f"JOIN __ml_means ON __ml_whose = __ml_entity WHERE {in_baseline(chart)} GROUP BY __ml_whose"
    )
    for j in range(size):  # one level each: an alias used in its own SELECT would be written out again and again
        own = "".join(f" - __ml_l{j}_{k} * __ml_l{j}_{k}" for k in range(j))
        shape = f"SELECT *, __ml_c{j}_{j}{own} AS __ml_v{j} FROM ({shape})"
        some = f"__ml_v{j} > {_NOTHING} * __ml_c{j}_{j} AND __ml_c{j}_{j} > 1e-24 * __ml_mean{j} * __ml_mean{j}"
        shape = (
            f"SELECT *, coalesce({some}, false) AS __ml_ok{j}, sqrt(greatest(__ml_v{j}, 0)) AS __ml_d{j} FROM ({shape})"
        )
        below = [_below(i, j) for i in range(j + 1, size)]
        shape = f"SELECT *, {', '.join(below)} FROM ({shape})" if below else shape
    rank = " + ".join(f"CAST(__ml_ok{j} AS INTEGER)" for j in range(size))
    return f"SELECT *, {rank} AS __ml_rank FROM ({shape})"


def _below(i: int, j: int) -> str:
    known = "".join(f" - __ml_l{i}_{k} * __ml_l{j}_{k}" for k in range(j))
    return f"CASE WHEN __ml_ok{j} THEN (__ml_c{i}_{j}{known}) / __ml_d{j} ELSE 0 END AS __ml_l{i}_{j}"
