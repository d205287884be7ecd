"""``ml_maintenance_plan``: when to intervene at each unit, from the distribution of its remaining life and costs."""

from __future__ import annotations

import json
from typing import Any

from mfgsql.catalog import Version
from mfgsql.engine.clock import UNITS
from mfgsql.engine.engine import Engine
from mfgsql.engine.planning import Args, planners, read_options
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.verbs.predicting import check_level, model_and_source, scored, source_alias, status_of_history
from mfgsql.errors import OptionError, one_of
from mfgsql.maintenance import UpkeepCosts
from mfgsql.manifest import Manifest
from mfgsql.options import check_options

_OPTIONS = ("life", "lead", "unit")
_UNITS = ("second", "minute", "hour", "day")


@planners.register("maintenance_plan")
def plan_maintenance(engine: Engine, args: Args) -> str:
    """A row for each unit, as it is now."""
    version, manifest, source = model_and_source(engine, args)
    if manifest.task != "rul" or manifest.target is None or manifest.history is None:
        raise OptionError(
            f"'{version.model}' tells no remaining life, and a plan is made of one.",
            remedy="Train one: FROM ml_finetune('life', 'labelled', task := 'rul', target := 'rul', "
            "entity := 'unit', order_by := 'ts');",
        )
    if not manifest.calibration:
        raise OptionError(
            f"'{version.name}' was judged on no unit that had failed, so nothing is known of how far it is off.",
            remedy="Train it with other rows to judge by: split := 'entity', or a column.",
        )
    told = _told(version, manifest, args)
    level = check_level(args.get("level"))
    alias, kept = source_alias(version), "COLUMNS(lambda c: lower(c) <> '__ml')"
    time = f"{alias}.{quote_identifier(manifest.history.order_by)}"
    inner = scored(
        version, manifest, source, args | {"level": level, "latest": True}, also=f"{kept}, {time} AS __ml_now"
    )
    call = f"_ml_maintenance(__ml.value, {quote_literal(json.dumps(told))})"
    wait = "CASE WHEN isfinite(__ml_plan.wait) THEN __ml_plan.wait END"
    at = f"__ml_now + {wait}"
    if manifest.history.timed:
        at = f"__ml_now + to_microseconds(CAST({wait} * {UNITS[told['unit']]} AS BIGINT))"
    outputs = [
        (f"predicted_{manifest.target.column}", "__ml.value"), ("lower", "__ml.lower"), ("upper", "__ml.upper"),
        ("intervene_in", wait), ("intervene_at", at), ("failure_probability", "__ml_plan.risk"),
        ("expected_cost", "__ml_plan.cost"), ("cost_to_failure", "__ml_plan.to_failure"),
        ("advice", _advice(manifest)), *status_of_history(manifest),
    ]  # fmt: skip
    taken = ", ".join(quote_literal(n.lower()) for n in (*(n for n, _ in outputs), "__ml", "__ml_now", "__ml_plan"))
    selected = ", ".join(f"{sql} AS {quote_identifier(name)}" for name, sql in outputs)
    return (
        f"SELECT COLUMNS(lambda c: lower(c) NOT IN ({taken})), {selected} "
        f"FROM (SELECT *, {call} AS __ml_plan FROM ({inner}))"
    )


def _advice(manifest: Manifest) -> str:
    assert manifest.target is not None
    # Beyond the cap nothing is known: it is time to look again before.
    beyond = f"WHEN __ml_plan.wait >= {manifest.target.cap!r} THEN 'look again later' " if manifest.target.cap else ""
    return (
        "CASE WHEN __ml.value IS NULL THEN NULL WHEN __ml_plan.wait = 0 THEN 'intervene now' "
        f"WHEN NOT isfinite(__ml_plan.wait) THEN 'run to failure' {beyond}ELSE 'plan it' END"
    )


def _told(version: Version, manifest: Manifest, args: Args) -> dict[str, Any]:
    """What the function needs to know, as JSON can hold it."""
    costs = UpkeepCosts.parse(args.get("costs"))
    options = read_options(args, "{'lead': 24}")
    check_options(options, _OPTIONS)
    assert manifest.target is not None
    unit = options.get("unit") or "hour"
    if unit not in _UNITS:
        raise OptionError(f"unit is {one_of(_UNITS)}, not {unit!r}: that of the target.")
    lives, life = list(manifest.target.lives), options.get("life")
    for name, value in (("life", life or 0), ("lead", options.get("lead") or 0)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise OptionError(f"{name} is a time in the unit of the target, such as 200, not {value!r}.")
    if life:  # the spread of lives stays
        lives = [one * float(life) / (sum(lives) / len(lives)) for one in lives] or [float(life)]
    if not lives:
        raise OptionError("The usual life of a unit isn't known.", remedy="Say it: options := {'life': 2000}.")
    return {
        "model": version.name, "failure": costs.failure, "replacement": costs.replacement, "lives": lives,
        "lead": float(options.get("lead") or 0), "unit": unit,
    }  # fmt: skip
