"""From frozen rows and a statement's arguments to what the trainer needs, with warnings in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import ibis

from mfgsql.backbones import EnsembleConfig, SeriesConfig, TabularConfig
from mfgsql.engine.findings import filling, leaks_of, named_source, warnings_of_rows
from mfgsql.engine.histories import BLOCKS, detection_level, settle_history, warnings_of, whole_lives
from mfgsql.engine.planning import Args
from mfgsql.engine.profiling import value_counts
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.errors import DataError, OptionError, one_of
from mfgsql.features import ColumnProfile, FeatureSet, History, Rejection
from mfgsql.features.profile import INTEGER_TYPES, NUMERIC_TYPES
from mfgsql.model import Model
from mfgsql.tasks import ANOMALY, Target, choose_task, tasks
from mfgsql.training import Recipe, TrainSpec
from mfgsql.training.rows import HASH

FEWEST = 20
_DETECTOR_FOLDS = 3


@dataclass(frozen=True)
class Prepared:
    """A spec, and what the catalog keeps about how it came about.

    Attributes:
        features: for each column its profile, kind (None where left out) and the reason.
        rows: that the spec is for. warnings: in words.
    """

    spec: TrainSpec
    features: list[tuple[ColumnProfile | str, str | None, str | None]]
    rows: int
    warnings: list[str]

    def describe(self) -> str:
        """Canonical JSON of the spec."""
        spec = self.spec
        return json.dumps(
            {
                "task": spec.task,
                "objective": spec.objective,
                "target": spec.target.to_dict() if spec.target else None,
                "features": spec.features.to_list(),
                "recipe": spec.recipe.to_dict(),
                "weight": spec.weight,
                "costs": spec.costs,
                **({"history": spec.history.to_dict(), "level": spec.level, "span": spec.span} if spec.history else {}),
            },
            sort_keys=True,
            ensure_ascii=False,
        )


def prepare_spec(frozen: Frozen, args: Args, base: Model | None) -> Prepared:
    """Choose the task, fit target and encoders, and look for leaks.

    Raises:
        DataError: too few rows, no usable feature, or a target that can't be learnt.
    """
    if frozen.unlabelled and not frozen.rows:
        raise _all_null(frozen, args["target"])
    if frozen.rows < FEWEST:
        few = f"too few to learn from (at least {FEWEST})"
        if not frozen.unlabelled:
            raise DataError(f"The source has {frozen.rows} rows: {few}.")
        known = f"{frozen.rows} of the source's {frozen.rows + frozen.unlabelled:,} rows"
        raise DataError(
            f"The target {args['target']!r} is known in {known} only, and NULL in the others: {few}.",
            remedy=filling(frozen, args["target"]),
        )
    task, target = fit_target(frozen, args) if args.get("target") else (None, None)
    profiles = [p for n, p in frozen.profiles.items() if n != args.get("target")]
    recipe = settle(frozen.rows, args, base, units=lambda: _units(frozen, args))
    _check_loss(recipe, task, args["verb"])
    _check_heeded(recipe, args)
    history = _history(frozen, args, recipe, base)
    if task == "rul" and target is not None:
        target = replace(target, lives=whole_lives(frozen.con, ROWS, target.name))
    features, rejected = FeatureSet.fit(
        profiles, base.manifest.features if base else None, standardised=recipe.backbone != TabularConfig.kind
    )
    if history is not None:
        features = features.nullable()
    if history is not None and not any(e.column.continuous for e in features.encoders):
        raise DataError("Histories need a column of numbers, and no such column is left to learn from.")
    if not features.encoders:
        reasons = "; ".join(f"{r.name}: {r.reason}" for r in rejected) or "no other columns"
        raise DataError(f"No column is left to learn from ({reasons}).")
    leaks = leaks_of(frozen, features, target) if target else []
    costs = _costs(args, target)
    objective = None if task else args.get("objective")
    spec = TrainSpec(features, recipe, task, target, objective, args.get("weight"), costs, history)
    if args.get("task") == ANOMALY and history is not None:
        span = recipe.span or max(2, history.window // 3)
        spec = replace(spec, task=ANOMALY, objective="residual", level=detection_level(args, history, span), span=span)
    warnings = warnings_of_rows(frozen, rejected, leaks, args)
    if history is not None:
        warnings += warnings_of(frozen.con, ROWS, history, frozen.placeless)
    if base is not None and base.manifest.target and base.target.name != args.get("target"):
        warnings.append(f"{args['base']} is no base but a model of {base.target.name!r}: all it has learnt goes along.")
    elif base is not None and str(args.get("target")).lower() in _seen_by(base):
        warnings.append(
            f"{args['base']} has learnt from {args['target']!r} already: on rows that it saw, figures flatter. "
            f"Judge on others: FROM ml_evaluate({quote_literal(args['model'])}, 'later_rows');"
        )
    return Prepared(spec, _records(frozen, features, rejected), frozen.rows, warnings)


def _check_heeded(recipe: Recipe, args: Args) -> None:
    """Refuse options that this statement would not heed."""
    task = args.get("task")
    for name, of in (("cap", "rul"), ("span", ANOMALY), ("false_alarms_per_day", ANOMALY)):
        if (args.get(name) if name == "false_alarms_per_day" else getattr(recipe, name)) and task != of:
            raise OptionError(f"{name} is for task := '{of}': leave it out.")
    if not args.get("histories"):
        for name in ("patch", "fill", "shortest"):
            if getattr(recipe, name):
                raise OptionError(f"{name} is for models that read histories: say options.window, or leave it out.")


def _history(frozen: Frozen, args: Args, recipe: Recipe, base: Model | None) -> History | None:
    """How histories are read, where they are; what the split needs of it goes into the arguments."""
    if not args.get("histories"):
        return None
    known = base.manifest if base else None
    history = settle_history(frozen.con, ROWS, frozen.types, args, recipe, known)
    numbers = [n for n, p in frozen.profiles.items() if not p.nulls]
    history = replace(history, complete=tuple(numbers))
    span = None if history.resample is None else history.length * history.resample
    args["histories"] = {"window": history.length, "span": span}
    return history


def _seen_by(base: Model) -> set[str]:
    """Columns that a base was trained to tell, in lower case."""
    return {n.lower() for n in ([base.target.name] if base.manifest.target else base.manifest.features.names)}


def _check_loss(recipe: Recipe, task: str | None, verb: str) -> None:
    """Refuse what this task would not heed."""
    what = f"{verb} ({task})" if task else verb
    heeded = ("auto", *(tasks[task].losses if task else ()))
    if recipe.loss not in heeded:
        raise OptionError(f"The loss of {what} is {one_of(heeded)}, not '{recipe.loss}'.")
    if recipe.class_weight != "none" and not (task and tasks[task].shape == "class"):
        raise OptionError(f"class_weight is for classes, and this is {what}: leave it out.")


def _costs(args: Args, target: Target | None) -> dict[str, float] | None:
    """What mistakes cost, where there is an alarm that can be raised or not."""
    costs: dict[str, float] | None = args.get("costs")
    if costs is None:
        return None
    if target is None or len(target.classes) != 2:
        what = f"has {len(target.classes)} classes" if target and target.classes else "is a number"
        raise OptionError(f"costs are for a target of two classes, and {args['target']!r} {what}: leave them out.")
    return costs


def _units(frozen: Frozen, args: Args) -> int:
    """What can be parted: rows that differ, or entities where these are the split."""
    entity = args.get("entity") if args.get("split") == "entity" else None
    column = quote_identifier(entity or HASH)
    row = frozen.con.execute(f"SELECT count(DISTINCT {column}) FROM {ROWS}").fetchone()
    return int(row[0]) if row else 0


def settle(rows: int, args: Args, base: Model | None = None, *, units: Callable[[], int] | None = None) -> Recipe:
    """The recipe with backbone and folds chosen.

    Rows judge in turn (cross-fitting, Chernozhukov et al. 2018) where they are few enough to be learnt five times;
    not where a base leads the way, or where the statement says itself which rows judge, or how many.

    Args:
        units: counts what stays whole; there are no more folds. Asked only where there are folds.
    """
    recipe = Recipe.parse(args.get("options") or {})
    kind = recipe.backbone
    if base is not None:
        kind = base.manifest.backbone.kind
        if args.get("histories") and kind != SeriesConfig.kind:
            raise OptionError(
                f"{args['base']} reads rows, and this model histories: it is no base for it.",
                remedy="Leave out window and resample, or pre-train a base with options := {'window': 64}.",
            )
        if kind == EnsembleConfig.kind:
            raise OptionError(
                f"{args['base']} was trained from scratch, as an ensemble: it is no base to start from.",
                remedy="Make one by ml_pretrain, or train again on all rows without a base.",
            )
        if recipe.backbone not in ("auto", kind):
            raise OptionError(f"backbone is {recipe.backbone!r}, but the base is {_article(kind)}: leave it out.")
    elif args.get("histories"):
        if kind not in ("auto", SeriesConfig.kind):
            raise OptionError(f"backbone is '{kind}', which reads rows: histories are read by 'series'.")
        kind = SeriesConfig.kind
    elif kind == SeriesConfig.kind:
        raise OptionError(
            "backbone is 'series', which reads histories, and no window is said.",
            remedy="Say one: options := {'window': 64}, with entity := 'machine_id' and order_by := 'ts'.",
        )
    elif kind == "auto":
        kind = EnsembleConfig.kind if args.get("target") else TabularConfig.kind
    if kind == EnsembleConfig.kind and not args.get("target"):
        raise OptionError("An ensemble learns from labels only: a base is a transformer.")
    usual = recipe.validation == Recipe().validation
    may = kind == EnsembleConfig.kind and args.get("split") in (None, "entity") and usual
    if kind == SeriesConfig.kind:
        learns = bool(args.get("target")) or args.get("task") == ANOMALY
        may = learns and args.get("split") in ("entity", BLOCKS) and usual
    if not may and recipe.folds > 1:
        raise OptionError(
            f"folds = {recipe.folds} is for an ensemble whose rows are split by hash or by entity.",
            remedy="Leave out folds, or the base, split, backbone or validation beside it.",
        )
    usual_folds = _DETECTOR_FOLDS if args.get("task") == ANOMALY else Recipe.usual_folds(rows, kind)
    folds = (recipe.folds or usual_folds) if may else 1
    if folds > 1 and units is not None:
        folds = min(folds, max(units(), 1))
    return recipe.settled(kind, folds)


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def fit_target(frozen: Frozen, args: Args) -> tuple[str, Target]:
    """The task, as told or by the target's kind, and the target."""
    if not frozen.rows:
        raise _all_null(frozen, args["target"])
    profile = frozen.profiles[args["target"]]
    task: str = args.get("task") or choose_task(
        profile.type, profile.distinct, profile.base_type in INTEGER_TYPES or _whole(profile)
    )
    if task == "classification":
        backend = ibis.duckdb.from_connection(frozen.con)
        rows = backend.table(ROWS, database=("temp", "main"))
        profile = ColumnProfile(
            profile.name, profile.type, profile.rows, profile.nulls, top=value_counts(rows, profile.name)
        )
    return task, tasks[task].fit_target(profile, args)


def _all_null(frozen: Frozen, target: str) -> DataError:
    without = f"SELECT * EXCLUDE ({quote_identifier(target)}) FROM {named_source(frozen)}"
    return DataError(
        f"The target {target!r} is NULL in all of the source's {frozen.unlabelled:,} rows.",
        remedy=f"Name another, or train a base: FROM ml_pretrain('my_base', {quote_literal(without)});",
    )


def _whole(profile: ColumnProfile) -> bool:
    return profile.base_type in NUMERIC_TYPES and profile.distinct <= 2


def _records(
    frozen: Frozen, features: FeatureSet, rejected: list[Rejection]
) -> list[tuple[ColumnProfile | str, str | None, str | None]]:
    used = {e.column.name: e.kind for e in features.encoders}
    left_out = {r.name: r.reason for r in rejected}
    kept = [(p, used.get(n), left_out.get(n, None if n in used else "the target")) for n, p in frozen.profiles.items()]
    return [*kept, *((name, None, why) for name, why in frozen.ignored.items())]
