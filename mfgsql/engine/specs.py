"""From frozen rows and a statement's arguments to what the trainer needs, with warnings in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mfgsql.backbones import MixedConfig, RowsConfig, TabularConfig
from mfgsql.engine.cases import warnings_of_log
from mfgsql.engine.fields import Base, choose_fields, left_out, reads_target
from mfgsql.engine.findings import filling, leaks_of, rare_classes, warnings_of_rows
from mfgsql.engine.grids import settle_grid, warnings_of_grid
from mfgsql.engine.groups import check_grouped, settle_rank, with_groups
from mfgsql.engine.heeding import check_fields, check_heeded, check_loss
from mfgsql.engine.histories import detection_level, settle_history, warnings_of, whole_lives
from mfgsql.engine.labelsets import rare_labels
from mfgsql.engine.planning import Args
from mfgsql.engine.profiling import counted_values
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.settling import settle
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.engine.targets import all_null, costs_of, fit_target
from mfgsql.engine.towers import Towers, build_towers
from mfgsql.errors import DataError
from mfgsql.features import ColumnProfile, FeatureSet, Grid, History, Rejection
from mfgsql.model import Model
from mfgsql.tasks import ANOMALY, DESIGN, EMBEDDING, FORECAST, PROCESS, TOKENS, Target
from mfgsql.training import Recipe, TrainSpec
from mfgsql.training.snapshot import HASH

FEWEST = 20


@dataclass(frozen=True)
class Prepared:
    """A spec, and what the catalog keeps about how it came about.

    Attributes:
        features: for each column its profile, kind (None where left out) and the reason.
        rows: that the spec is for. warnings: in words. censored: the column that says which lives are lower bounds.
    """

    spec: TrainSpec
    features: list[tuple[ColumnProfile | str, str | None, str | None]]
    rows: int
    warnings: list[str]
    censored: str | None = None

    def describe(self) -> str:
        """Canonical JSON of the spec."""
        spec = self.spec
        told: dict[str, Any] = {
            "task": spec.task,
            "objective": spec.objective,
            "target": spec.target.to_dict() if spec.target else None,
            "features": spec.features.to_list(),
            "recipe": spec.recipe.to_dict(),
            "weight": spec.weight,
            "costs": spec.costs,
        }
        if spec.history:
            told |= {"history": spec.history.to_dict(), "level": spec.level, "span": spec.span}
        if self.censored:
            told["censored"] = self.censored
        if spec.cases:
            told["cases"] = spec.cases.to_dict()
        if spec.grid:
            told["grid"] = spec.grid.to_dict()
        if spec.text or spec.image:
            told["towers"] = [tower and asdict(tower) for tower in (spec.text, spec.image)]
        return json.dumps(told, sort_keys=True, ensure_ascii=False)


def prepare_spec(frozen: Frozen, args: Args, base: Base) -> Prepared:
    """Choose the task, fit target and encoders, and look for leaks.

    Raises:
        DataError: too few rows, no usable feature, or a target that can't be learnt.
    """
    _check_rows(frozen, args)
    read = _read(frozen, args, base)
    task, target = fit_target(frozen, args) if reads_target(args) else (None, None)
    recipe = _recipe(frozen, args, base, task, read)
    known = base if isinstance(base, Model) else None
    grid = _grid(frozen, args, recipe, known) if task == FORECAST else None
    history = None if grid else _history(frozen, args, recipe, known)
    if grid is not None and target is not None:
        target = replace(target, horizon=grid.horizon)
    if task == "rul" and target is not None:
        target = replace(target, lives=whole_lives(frozen.con, ROWS, target.name))
    features, rejected = _features(read, recipe, known, history or grid, frozen.lost)
    features = with_groups(frozen, features, args, base)
    check_fields(args, features, base, [*frozen.lost, *(f"{r.name}: {r.reason}." for r in read.left)])
    towers = build_towers(frozen, features, recipe, args, base) if read.fields else Towers(features)
    spec = _spec(towers, recipe, args, history or grid, task, target)
    warnings = [*frozen.lost, *args.pop("warnings", []), *_findings(frozen, spec, rejected, args)]
    warnings += _warnings_of_base(known, args)
    records = records_of(frozen, spec.features, rejected)
    return Prepared(spec, records, frozen.rows, warnings, args.get("censored"))


@dataclass(frozen=True)
class _Read:
    """Columns that may be features.

    Attributes:
        profiles: of them. fields: those that are read as texts or pictures, with the kind of each. left: those that
            are left out, whatever is in them.
    """

    profiles: list[ColumnProfile]
    fields: dict[str, str]
    left: list[Rejection]


def _check_rows(frozen: Frozen, args: Args) -> None:
    if frozen.unlabelled and not frozen.rows:
        raise all_null(frozen, args["target"])
    if frozen.rows >= FEWEST:
        return
    few = f"too few to learn from (at least {FEWEST})"
    if not frozen.unlabelled:
        raise DataError(f"The source has {frozen.rows} rows: {few}.")
    known = f"{frozen.rows} of the source's {frozen.rows + frozen.unlabelled:,} rows"
    raise DataError(
        f"The target {args['target']!r} is known in {known} only, and NULL in the others: {few}.",
        remedy=filling(frozen, args["target"]),
    )


def _read(frozen: Frozen, args: Args, base: Base) -> _Read:
    profiles = [p for n, p in frozen.profiles.items() if n not in (args.get("target"), args.get("adapter_by"))]
    if args.get("objective") == DESIGN:
        profiles = counted_values(frozen.con, ROWS, profiles)
    fields = choose_fields(profiles, args, base)
    if left := left_out(fields, args):
        return _Read([p for p in profiles if p.name not in fields], {}, left)
    return _Read([p for p in profiles if args.get("field") in (None, p.name)], fields, left)


def _recipe(frozen: Frozen, args: Args, base: Base, task: str | None, read: _Read) -> Recipe:
    chosen = args | {"task": task or args.get("task")}
    recipe = settle(
        frozen.rows, chosen, base, units=lambda: _units(frozen, args), fields=read.fields, columns=len(read.profiles)
    )
    check_loss(recipe, task, args["verb"])
    check_grouped(args, recipe.backbone, chosen["task"])
    check_heeded(recipe, chosen)
    return settle_rank(recipe, args, base)


def _features(
    read: _Read, recipe: Recipe, base: Model | None, history: History | Grid | None, lost: Sequence[str]
) -> tuple[FeatureSet, list[Rejection]]:
    """Encoders, and the columns that are left out."""
    features, rejected = FeatureSet.fit(
        read.profiles,
        base.manifest.features if base else None,
        standardised=recipe.backbone not in (TabularConfig.kind, MixedConfig.kind),
        texts=[name for name, kind in read.fields.items() if kind == "text"],
        binned_numbers=recipe.backbone == RowsConfig.kind,
    )
    rejected = [*read.left, *rejected]
    if history is not None:
        features = features.nullable()
        if isinstance(history, History) and not any(e.column.continuous for e in features.encoders):
            raise DataError("Histories need a column of numbers, and no such column is left to learn from.")
    if not features.encoders and not isinstance(history, Grid):  # what is forecast tells of itself
        reasons = "; ".join(f"{r.name}: {r.reason}" for r in rejected) or "no other columns"
        raise DataError(f"No column is left to learn from ({reasons}).", remedy=" ".join(lost) or None)
    return features, rejected


def _spec(
    towers: Towers,
    recipe: Recipe,
    args: Args,
    how: History | Grid | None,
    task: str | None,
    target: Target | None,
) -> TrainSpec:
    history, grid = (how if isinstance(how, History) else None), (how if isinstance(how, Grid) else None)
    objective = None if task else args.get("objective")
    costs = costs_of(args, task, target)
    spec = TrainSpec(towers.features, recipe, task, target, objective, args.get("weight"), costs, history)
    spec = replace(spec, text=towers.text, image=towers.image, grid=grid, cases=args.get("cases"))
    if args.get("task") == EMBEDDING:
        return replace(spec, task=EMBEDDING, pair=args["target"])
    if args.get("task") == ANOMALY and history is None:
        return replace(spec, task=ANOMALY)
    if args.get("task") == ANOMALY and history is not None:
        span = recipe.span or max(2, history.window // 3)
        return replace(spec, task=ANOMALY, objective="residual", level=detection_level(args, history, span), span=span)
    return spec


def _findings(frozen: Frozen, spec: TrainSpec, rejected: list[Rejection], args: Args) -> list[str]:
    """What is told of the rows."""
    told = spec.target if spec.task not in (TOKENS, FORECAST, PROCESS) else None
    leaks = leaks_of(frozen, spec.features, spec.task, told) if spec.task and told else []
    found = [*warnings_of_rows(frozen, rejected, leaks, args), *rare_labels(frozen.con, ROWS, spec.target)]
    found += rare_classes(told) if spec.task == "classification" else []
    if spec.grid is not None:
        found += warnings_of_grid(frozen, spec.grid)
    if spec.history is not None:
        of_histories = warnings_of(frozen.con, ROWS, spec.history, frozen.placeless)
        # Events of a case may share a moment, and cases are as long as they are.
        found += of_histories if spec.cases is None else of_histories[: bool(frozen.placeless)]
    if spec.cases is not None and spec.cases.activity in frozen.types:
        found += warnings_of_log(frozen.con, ROWS, spec.cases, args["order_by"])
    return found


def _warnings_of_base(base: Model | None, args: Args) -> list[str]:
    if base is None:
        return []
    if base.manifest.target and base.target.name != args.get("target"):
        told = base.target.name
        return [f"{args['base']} is no base but a model of {told!r}: all it has learnt goes along."]
    if str(args.get("target")).lower() in _seen_by(base):
        return [
            f"{args['base']} has learnt from {args['target']!r} already: on rows that it saw, figures flatter. "
            f"Judge on others: FROM ml_evaluate({quote_literal(args['model'])}, 'later_rows');"
        ]
    return []


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


def _grid(frozen: Frozen, args: Args, recipe: Recipe, base: Model | None) -> Grid:
    """How series are read; what the split needs of it goes into the arguments."""
    grid = settle_grid(frozen, args, recipe, base.manifest if base else None)
    args["histories"] = {"horizon": grid.horizon}
    return grid


def _seen_by(base: Model) -> set[str]:
    """Columns that a base was trained to tell, in lower case."""
    return {n.lower() for n in ([base.target.name] if base.manifest.target else base.manifest.features.names)}


def _units(frozen: Frozen, args: Args) -> int:
    """What can be parted: rows that differ, or entities where these are the split."""
    entity = args.get("entity") if args.get("split") == "entity" else None
    column = quote_identifier(entity or HASH)
    row = frozen.con.execute(f"SELECT count(DISTINCT {column}) FROM {ROWS}").fetchone()
    return int(row[0]) if row else 0


def records_of(
    frozen: Frozen, features: FeatureSet, rejected: list[Rejection]
) -> list[tuple[ColumnProfile | str, str | None, str | None]]:
    """Of each column its profile, its kind where it is read, and why it is left out."""
    used = {e.column.name: e.kind for e in features.encoders}
    left_out = {r.name: r.reason for r in rejected}
    kept = [(p, used.get(n), left_out.get(n, None if n in used else "the target")) for n, p in frozen.profiles.items()]
    return [*kept, *((name, None, why) for name, why in frozen.ignored.items())]
