"""Control charts as SQL: one file a kind; each makes a SELECT of a `Chart`."""

from collections.abc import Callable

from mfgsql.engine.charts import cusum, ewma, hotelling, individuals, subgroups
from mfgsql.engine.charts.chart import Chart
from mfgsql.engine.charts.known import LIMITS

__all__ = ["KINDS", "OPTIONS", "OUTPUTS", "Chart"]

KINDS: dict[str, Callable[[Chart], str]] = {
    "i_mr": individuals.sql,
    "xbar_r": subgroups.sql,
    "ewma": ewma.sql,
    "cusum": cusum.sql,
    "hotelling": hotelling.sql,
}
OPTIONS: dict[str, tuple[str, ...]] = {
    "i_mr": ("baseline", "center", "sigma", "rules"),
    "xbar_r": ("baseline", "center", "sigma", "rules", "subgroup"),
    "ewma": ("baseline", "center", "sigma", "lambda", "width"),
    "cusum": ("baseline", "center", "sigma", "k", "h"),
    "hotelling": ("baseline", "alpha", "limit"),
}
OUTPUTS: dict[str, tuple[str, ...]] = {
    "i_mr": (*LIMITS, *individuals.MORE),
    "xbar_r": (*LIMITS, *subgroups.MORE),
    "ewma": LIMITS,
    "cusum": (*LIMITS, *cusum.MORE),
    "hotelling": (*LIMITS, *hotelling.MORE),
}
