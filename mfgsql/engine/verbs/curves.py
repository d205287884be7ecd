"""``ml_roc_curve``, ``ml_pr_curve``, ``ml_calibration``, ``ml_thresholds``: what scores are worth, and where to cut."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from mfgsql.catalog import Version
from mfgsql.decision import Costs
from mfgsql.engine.engine import Engine
from mfgsql.engine.planning import Args, json_rows, planners
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.sources import Source
from mfgsql.engine.verbs.judging import class_target, true_value, truth_of
from mfgsql.engine.verbs.predicting import model_and_source, scored, source_alias
from mfgsql.engine.versions import task_of
from mfgsql.errors import OptionError
from mfgsql.evaluation.calibration import LEVELS
from mfgsql.manifest import Manifest

_ROC = {"class": "VARCHAR", "threshold": "DOUBLE", "false_positive_rate": "DOUBLE", "true_positive_rate": "DOUBLE"}
_PR = {"class": "VARCHAR", "threshold": "DOUBLE", "precision": "DOUBLE", "recall": "DOUBLE"}
_RELIABILITY = {
    "class": "VARCHAR", "bin_lower": "DOUBLE", "bin_upper": "DOUBLE", "rows": "BIGINT", "mean_probability": "DOUBLE",
    "observed_share": "DOUBLE", "lower": "DOUBLE", "upper": "DOUBLE",
}  # fmt: skip
_COVERAGE = {"level": "DOUBLE", "coverage": "DOUBLE", "lower": "DOUBLE", "upper": "DOUBLE", "mean_width": "DOUBLE",
             "rows": "BIGINT"}  # fmt: skip
_THRESHOLDS = {
    "threshold": "DOUBLE", "alarms": "BIGINT", "alarms_per_day": "DOUBLE", "caught": "DOUBLE", "precision": "DOUBLE",
    "f1": "DOUBLE", "missed": "BIGINT", "false_alarms": "BIGINT", "cost": "DOUBLE", "cost_per_row": "DOUBLE",
    "best": "BOOLEAN",
}  # fmt: skip


@planners.register("roc_curve")
def plan_roc_curve(engine: Engine, args: Args) -> str:
    """Both rates by threshold."""
    version, manifest, source = model_and_source(engine, args)
    return _of_classes("roc_curve", _ROC, version, manifest, source)


@planners.register("pr_curve")
def plan_pr_curve(engine: Engine, args: Args) -> str:
    """Precision and recall by threshold."""
    version, manifest, source = model_and_source(engine, args)
    return _of_classes("pr_curve", _PR, version, manifest, source)


@planners.register("calibration")
def plan_calibration(engine: Engine, args: Args) -> str:
    """Of classes, observed shares by predicted probability; of numbers, coverage by level."""
    version, manifest, source = model_and_source(engine, args)
    if task_of(version, manifest).shape != "value":  # labels and spans are refused there
        return _of_classes("reliability", _RELIABILITY, version, manifest, source)
    truth = true_value(engine, version, manifest, source, args)
    by_level = " UNION ALL ".join(_interval_counts(version, manifest, source, truth, level) for level in LEVELS)
    lists = ", ".join(f"list({c} ORDER BY level) AS {c}" for c in ("level", "inside", "width", "judged", "truths"))
    call = f"_ml_judge('coverage', {quote_literal(version.name)}, level, inside, width, judged, truths)"
    return json_rows(call, _COVERAGE, f"(SELECT {lists} FROM ({by_level}))")


@planners.register("thresholds")
def plan_thresholds(engine: Engine, args: Args) -> str:
    """What each threshold would raise, catch, miss and cost."""
    version, manifest, source = model_and_source(engine, args)
    _check_two_classes(version, manifest)
    costs = "NULL"
    told = args.get("costs") if args.get("costs") is not None else manifest.calibration.get("costs")
    if told is not None:
        costs = quote_literal(json.dumps(asdict(Costs.parse(told))))
    span, also = "[NULL::TIMESTAMP]", ""
    if args.get("order_by") is not None:
        span = "[min(__ts), max(__ts)]"
        also = f", {source_alias(version)}.{quote_identifier(_name(args['order_by']))} AS __ts"
    rows = _scores(version, manifest, source, also=also, more=f", {span} AS span")
    call = f"_ml_judge('thresholds', {quote_literal(version.name)}, t, s, {costs}, span)"
    return json_rows(call, _THRESHOLDS, rows)


def _of_classes(kind: str, columns: dict[str, str], version: Version, manifest: Manifest, source: Source) -> str:
    class_target(version, manifest)
    call = f"_ml_judge({quote_literal(kind)}, {quote_literal(version.name)}, t, s)"
    return json_rows(call, columns, _scores(version, manifest, source))


def _scores(version: Version, manifest: Manifest, source: Source, *, also: str = "", more: str = "") -> str:
    """Lists of truths ``t`` and probabilities ``s`` over all rows that have both."""
    target = class_target(version, manifest)
    truth = f"{truth_of(version, manifest, target)} AS __truth"
    chance = "__ml.probability" if len(target.classes) == 2 else "__ml.scores"
    return (
        f"(SELECT list(__truth) AS t, list({chance}) AS s{more} "
        f"FROM ({scored(version, manifest, source, {}, also=truth + also)}) "
        "WHERE __truth IS NOT NULL AND __ml.label IS NOT NULL)"
    )


def _interval_counts(version: Version, manifest: Manifest, source: Source, truth: str, level: float) -> str:
    """A row: how many truths lie inside the intervals at a level, their mean width, and rows that have both."""
    assert manifest.target is not None
    truth = f"CAST({truth} AS DOUBLE)"
    if manifest.target.cap is not None:
        truth = f"least({truth}, {manifest.target.cap!r})"
    truth += " AS __truth"
    return (
        f"SELECT CAST({level} AS DOUBLE) AS level, "
        "count(*) FILTER (__truth BETWEEN __ml.lower AND __ml.upper) AS inside, "
        "avg(__ml.upper - __ml.lower) AS width, count(__ml.lower) AS judged, count(*) AS truths "
        f"FROM ({scored(version, manifest, source, {'level': level}, also=truth)}) "
        "WHERE isfinite(__truth) AND __ml.value IS NOT NULL"
    )


def _check_two_classes(version: Version, manifest: Manifest) -> None:
    classes = class_target(version, manifest).classes
    if len(classes) != 2:
        raise OptionError(
            f"'{version.model}' tells {len(classes)} classes apart, and a threshold is for two.",
            remedy=f"FROM ml_roc_curve('{version.model}', ...) takes each class against the rest.",
        )


def _name(column: Any) -> str:
    if not isinstance(column, str) or not column:
        raise OptionError(f"order_by is the name of a column of time, not {column!r}.")
    return column
