"""How well a process keeps within its limits: a row for each entity."""

from __future__ import annotations

from dataclasses import dataclass

from mfgsql.engine.charts.chart import Chart, chained
from mfgsql.engine.charts.constants import D2
from mfgsql.engine.charts.known import MEAN
from mfgsql.engine.charts.subgroups import grouping
from mfgsql.engine.quoting import quote_identifier

OUTPUTS = ("rows", "mean", "sigma_within", "sigma_overall", "cp", "cpk", "pp", "ppk", "ppk_lower", "ppk_upper", "cpm",
           "expected_ppm", "observed_ppm", "verdict")  # fmt: skip
# erfc by a Chebyshev fit (Press et al., Numerical Recipes, 6.2): right to 1.2e-7 of itself, far out as well.
_ERFC = (0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
         -1.26551223)  # fmt: skip
_FEW = 50


@dataclass(frozen=True)
class Tolerance:
    """Limits of a specification, one of them or both, and the value that is aimed at."""

    lower: float | None
    upper: float | None
    nominal: float | None

    @property
    def distances(self) -> list[str]:
        """From the mean to each limit, positive inside."""
        found = [f"(__ml_mean - {self.lower!r})"] if self.lower is not None else []
        return found + ([f"({self.upper!r} - __ml_mean)"] if self.upper is not None else [])

    @property
    def outside(self) -> str:
        """Whether a value is outside."""
        found = [f"__ml_x0 < {self.lower!r}"] if self.lower is not None else []
        return " OR ".join(found + ([f"__ml_x0 > {self.upper!r}"] if self.upper is not None else []))


def sql(chart: Chart, limits: Tolerance) -> str:
    """Rows, deviations, indices, shares outside and a verdict in words."""
    entity = f"__ml_entity AS {quote_identifier(chart.entity)}, " if chart.entity else ""
    ctes, measured = _measured(chart, limits)
    told = (
        f'{entity}__ml_rows AS "rows", __ml_mean AS mean, __ml_within AS sigma_within, __ml_all AS sigma_overall, '
        "__ml_cp AS cp, __ml_cpk AS cpk, __ml_pp AS pp, __ml_ppk AS ppk, __ml_ppk - __ml_chance AS ppk_lower, "
        "__ml_ppk + __ml_chance AS ppk_upper, __ml_cpm AS cpm"
    )
    # Normal approximation (Bissell), at 95 %.
    chance = "1.959964 * sqrt(1 / (9 * __ml_rows) + __ml_ppk * __ml_ppk / (2 * (__ml_rows - 1))) AS __ml_chance"
    expected = " + ".join(_tail(f"({distance} / nullif(__ml_all, 0))") for distance in limits.distances)
    return (
        f"WITH {ctes} SELECT {told}, 1e6 * ({expected}) AS expected_ppm, 1e6 * __ml_out / nullif(__ml_rows, 0) "
        f"AS observed_ppm, {_verdict()} AS verdict FROM (SELECT *, {chance} FROM "
        f"(SELECT *, {_indices(limits)} FROM ({measured}))) ORDER BY __ml_entity"
    )


def _measured(chart: Chart, limits: Tolerance) -> tuple[str, str]:
    """CTEs, and a SELECT of count, mean, both deviations and the values outside.

    The deviation within is estimated from neighbours, or from subgroups, so that it knows nothing of a drift.
    """
    within, joined = "favg(abs(__ml_x0 - __ml_1)) FILTER (__ml_known AND __ml_n > 1)", ""
    within = f"{within} / {D2[0]!r}" if chart.order_by else "CAST(NULL AS DOUBLE)"
    ctes = f"__ml_points AS ({chained(chart, 1)})"
    if chart.options.get("subgroup") is not None:
        ctes += f", {grouping(chart)}"
        within, joined = "any_value(__ml_sigma)", " LEFT JOIN __ml_limits ON __ml_whose = __ml_entity"
    whole = "CASE WHEN min(__ml_x0) = max(__ml_x0) AND count(__ml_x0) > 1 THEN 0 ELSE stddev_samp(__ml_x0) END"
    return ctes, (
        f"SELECT __ml_entity, count(__ml_x0) AS __ml_rows, {MEAN.format(x='__ml_x0')} AS __ml_mean, "
        f"{within} AS __ml_within, CAST({whole} AS DOUBLE) AS __ml_all, count(*) FILTER ({limits.outside}) AS __ml_out "
        f"FROM __ml_points{joined} WHERE __ml_entity IS NOT NULL GROUP BY __ml_entity"
    )


def _indices(limits: Tolerance) -> str:
    """Distances to the limits over three deviations; one limit has no width."""
    nearest = f"least({', '.join(limits.distances)})"
    low, high, nominal = limits.lower, limits.upper, limits.nominal
    width = None if low is None or high is None else high - low
    columns = {}
    for short, sigma in (("c", "__ml_within"), ("p", "__ml_all")):
        columns[f"{short}p"] = "NULL" if width is None else f"{width!r} / (6 * nullif({sigma}, 0))"
        columns[f"{short}pk"] = f"{nearest} / (3 * nullif({sigma}, 0))"
    columns["cpm"] = "NULL"
    if low is not None and high is not None:
        aim = (low + high) / 2 if nominal is None else nominal
        off = f"(__ml_mean - {aim!r})"
        columns["cpm"] = f"{width!r} / (6 * nullif(sqrt(__ml_all * __ml_all + {off} * {off}), 0))"
    return ", ".join(f"CAST({sql} AS DOUBLE) AS __ml_{name}" for name, sql in columns.items())


def _tail(z: str) -> str:
    """The share of a normal distribution beyond z; DuckDB has no erfc."""
    x = f"(abs({z}) / sqrt(2))"
    t = f"(1 / (1 + 0.5 * {x}))"
    fit = repr(_ERFC[0])
    for term in _ERFC[1:]:
        fit = f"({term!r} + {t} * {fit})"
    half = f"0.5 * {t} * exp(-{x} * {x} + {fit})"
    return f"CASE WHEN {z} >= 0 THEN {half} ELSE 1 - {half} END"


def _verdict() -> str:
    """What the figures say, the usual bounds of Ppk first."""
    return (
        "CASE WHEN __ml_rows = 0 THEN 'no values' WHEN __ml_rows < 2 THEN 'too few rows' "
        "WHEN __ml_all = 0 THEN 'all values are equal' ELSE CASE WHEN __ml_ppk >= 1.67 THEN 'very capable' "
        "WHEN __ml_ppk >= 1.33 THEN 'capable' WHEN __ml_ppk >= 1 THEN 'barely capable' ELSE 'not capable' END "
        "|| CASE WHEN __ml_ppk < 1.33 AND __ml_pp >= 1.33 THEN '; it would be if centered' ELSE '' END "
        "|| CASE WHEN __ml_ppk < 1.33 AND __ml_cpk >= 1.33 THEN '; it would be if it did not drift' ELSE '' END "
        f"|| CASE WHEN __ml_rows < {_FEW} THEN '; few rows, see ppk_lower' ELSE '' END END"
    )
