"""``ml_control_chart``: is a process as it was, or has something changed?"""

from __future__ import annotations

import math
from typing import Any

from mfgsql.engine.charts import KINDS, OPTIONS, OUTPUTS, Chart
from mfgsql.engine.charts.constants import LARGEST
from mfgsql.engine.charts.rules import RANGE, WORDS
from mfgsql.engine.engine import Engine
from mfgsql.engine.kept import read_name
from mfgsql.engine.planning import Args, at_place, planners, read_options
from mfgsql.engine.sources import read_source
from mfgsql.errors import OptionError, did_you_mean, one_of
from mfgsql.options import check_options

_MOST_FIELDS = 20


@planners.register("control_chart")
def plan_control_chart(engine: Engine, args: Args) -> str:
    """The points with statistic, limits and signals."""
    kind = args.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise OptionError(f"kind is {one_of(KINDS)}, not {kind!r}.{did_you_mean(str(kind), KINDS)}")
    options = read_options(args, "{'baseline': 100}")
    check_options(options, OPTIONS[kind])
    with engine.cursor() as cursor:
        source = read_source(at_place(cursor, args), args.get("source"))
    outputs = OUTPUTS[kind]
    entity = None if args.get("entity") is None else read_name(args, "entity", "machine_id", outputs=outputs)
    order_by = read_name(args, "order_by", "ts", outputs=outputs)
    center = None if options.get("center") is None else read_number(options, "center", 0.0, least=-math.inf)
    sigma = None if options.get("sigma") is None else read_number(options, "sigma", 0.0)
    return KINDS[kind](
        Chart("ml_control_chart", source, _fields(args, kind), entity, order_by, _baseline(options), center, sigma,
              _of_kind(kind, options))
    )  # fmt: skip


def _fields(args: Args, kind: str) -> tuple[str, ...]:
    """One column, or for hotelling a list of them."""
    told = args.get("field")
    if kind != "hotelling":
        if isinstance(told, list):
            raise OptionError(f"kind '{kind}' charts one column.", remedy="Take kind := 'hotelling' for several.")
        return (read_name(args, "field", "vibration"),)
    names = [told] if isinstance(told, str) else told
    if not isinstance(names, list) or not names or not all(isinstance(n, str) and n for n in names):
        raise OptionError(f"field is a list of columns, as ['temperature', 'pressure'], not {told!r}.")
    if len({n.lower() for n in names}) < len(names):
        raise OptionError("field names a column twice.")
    if len(names) > _MOST_FIELDS:
        raise OptionError(f"field has {len(names)} columns; at most {_MOST_FIELDS} are charted together.")
    return tuple(names)


def _baseline(options: dict[str, Any]) -> int | str | None:
    told = options.get("baseline")
    if told is None or (isinstance(told, str) and told.strip()):
        return told
    if isinstance(told, bool) or not isinstance(told, int) or told < 1:
        raise OptionError(
            f"baseline is a number of first points, or the time up to which they count, not {told!r}.",
            remedy="As in options := {'baseline': 100} or {'baseline': '2026-02-01'}.",
        )
    return told


def _of_kind(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    if kind == "ewma":
        return {
            "lambda": read_number(options, "lambda", 0.2, most=1.0),
            "width": read_number(options, "width", 3.0),
        }
    if kind == "cusum":
        return {"k": read_number(options, "k", 0.5, zero=True), "h": read_number(options, "h", 5.0)}
    if kind == "hotelling":
        limit = options.get("limit", "exact")
        if limit not in ("exact", "chi2"):
            raise OptionError(f"limit is 'exact' (beta in the baseline, F after it) or 'chi2', not {limit!r}.")
        return {"alpha": read_number(options, "alpha", 0.0027, most=0.5), "limit": limit}
    wanted = {"rules": _rules(options.get("rules"))}
    return wanted | ({"subgroup": read_subgroup(options.get("subgroup"))} if kind == "xbar_r" else {})


def read_number(
    options: dict[str, Any], name: str, usual: float, *, least: float = 0.0, most: float = math.inf, zero: bool = False
) -> float:
    """A finite number above the least (or at it, with ``zero``), and at most the most.

    Raises:
        OptionError: it is none.
    """
    told = options.get(name)
    told = usual if told is None else told
    good = isinstance(told, int | float) and not isinstance(told, bool) and math.isfinite(told)
    if not good or not (least < told <= most or (zero and told == least)):
        words = f" above {least:g}" if math.isfinite(least) and not zero else f" from {least:g} on" if zero else ""
        words += f" and at most {most:g}" if math.isfinite(most) else ""
        raise OptionError(f"{name} is a number{words}, not {told!r}.")
    return float(told)


def read_subgroup(told: Any) -> int | str:
    """How many points in a row are one, or the column that names them.

    Raises:
        OptionError: it is neither.
    """
    if isinstance(told, str) and told:
        return told
    if isinstance(told, bool) or not isinstance(told, int) or not 2 <= told <= LARGEST:
        raise OptionError(
            f"subgroup is how many points in a row are one, 2 to {LARGEST}, or a column that names them, not {told!r}.",
            remedy="As in options := {'subgroup': 5} or {'subgroup': 'batch'}.",
        )
    return told


def _rules(told: Any) -> list[int | str]:
    if told is None:
        return [*WORDS, RANGE]
    listed = told if isinstance(told, list) else [told]
    found: list[int | str] = []
    for one in listed:
        rule = int(one) if isinstance(one, str) and one.isdecimal() else one
        if rule != RANGE and (isinstance(rule, bool) or not isinstance(rule, int) or rule not in WORDS):
            raise OptionError(f"rules is a list of numbers from 1 to 8, and 'range', not {one!r}.")
        found.append(rule)
    return list(dict.fromkeys(found))
