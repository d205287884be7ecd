"""``ml_capability``: does a process keep within its limits, and how surely?"""

from __future__ import annotations

import math
from typing import Any

from mfgsql.engine.charts import Chart
from mfgsql.engine.charts.capability import OUTPUTS, Tolerance, sql
from mfgsql.engine.engine import Engine
from mfgsql.engine.kept import read_name
from mfgsql.engine.planning import Args, at_place, planners, read_options
from mfgsql.engine.sources import read_source
from mfgsql.engine.verbs.charting import read_number, read_subgroup
from mfgsql.errors import OptionError
from mfgsql.options import check_options

_EXAMPLE = "{'lower': 47.9, 'upper': 48.1}"
_OPTIONS = ("lower", "upper", "nominal", "subgroup")


@planners.register("capability")
def plan_capability(engine: Engine, args: Args) -> str:
    """A row for each entity."""
    options = read_options(args, _EXAMPLE)
    check_options(options, _OPTIONS)
    limits = _tolerance(options)
    with engine.cursor() as cursor:
        source = read_source(at_place(cursor, args), args.get("source"))
    field = read_name(args, "field", "diameter")
    entity = None if args.get("entity") is None else read_name(args, "entity", "machine_id", outputs=OUTPUTS)
    order_by = None if args.get("order_by") is None else read_name(args, "order_by", "ts")
    subgroup = None if options.get("subgroup") is None else read_subgroup(options["subgroup"])
    if isinstance(subgroup, int) and order_by is None:
        raise OptionError("Subgroups of consecutive points need an order.", remedy="Name it: order_by := 'ts'.")
    chart = Chart("ml_capability", source, (field,), entity, order_by, options={"subgroup": subgroup})
    return sql(chart, limits)


def _tolerance(options: dict[str, Any]) -> Tolerance:
    found = {
        name: None if options.get(name) is None else read_number(options, name, 0.0, least=-math.inf)
        for name in ("lower", "upper", "nominal")
    }
    limits = Tolerance(**found)
    if limits.lower is None and limits.upper is None:
        raise OptionError("The limits are missing.", remedy=f"Give one or both: options := {_EXAMPLE}.")
    if limits.lower is not None and limits.upper is not None and limits.lower >= limits.upper:
        raise OptionError(f"lower ({limits.lower:g}) lies not below upper ({limits.upper:g}).")
    low, high = limits.lower, limits.upper
    if limits.nominal is not None and not (
        (-math.inf if low is None else low) <= limits.nominal <= (math.inf if high is None else high)
    ):
        raise OptionError(f"nominal ({limits.nominal:g}) lies outside of the limits.")
    return limits
