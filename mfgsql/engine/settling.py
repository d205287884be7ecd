"""How a statement is learnt from: its options with what they leave open chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mfgsql.backbones import EnsembleConfig, MixedConfig, RowsConfig, SeriesConfig, TabularConfig
from mfgsql.backbones.checkpoints import Checkpoint
from mfgsql.engine.fields import Base
from mfgsql.engine.histories import BLOCKS
from mfgsql.engine.planning import Args
from mfgsql.errors import OptionError
from mfgsql.model import Model
from mfgsql.tasks import ANOMALY, DESIGN, FORECAST, tasks
from mfgsql.training import Recipe

_DETECTOR_FOLDS = 3


def settle(
    rows: int,
    args: Args,
    base: Base = None,
    *,
    units: Callable[[], int] | None = None,
    fields: Mapping[str, str] | None = None,
    columns: int = 0,
) -> Recipe:
    """The recipe with backbone and folds chosen.

    Rows judge in turn (cross-fitting, Chernozhukov et al. 2018) where they are few enough to be learnt five times;
    not where a base leads the way, or where the statement says itself which rows judge, or how many.

    Args:
        units: counts what stays whole; there are no more folds. Asked only where there are folds.
        fields: columns that are texts or pictures, with the kind of each. columns: how many there are.
    """
    recipe = Recipe.parse(args.get("options") or {})
    if fields:
        return _settle_fields(recipe, args, base, fields)
    kind = _kind(recipe, args, base)
    if kind == EnsembleConfig.kind and not args.get("target"):
        raise OptionError("An ensemble learns from labels only: a base is a transformer.")
    may = _may_take_turns(recipe, args, kind)
    if not may and recipe.folds > 1:
        raise OptionError(
            f"folds = {recipe.folds} is for an ensemble whose rows are split by hash or by entity.",
            remedy="Leave out folds, or the base, split, backbone, validation or adapter_by beside it.",
        )
    usual = _DETECTOR_FOLDS if args.get("task") == ANOMALY else Recipe.usual_folds(rows, kind, columns)
    folds = (recipe.folds or usual) if may else 1
    if folds > 1 and units is not None:
        folds = min(folds, max(units(), 1))
    return recipe.settled(kind, folds, forecasts=args.get("task") == FORECAST)


def _kind(recipe: Recipe, args: Args, base: Base) -> str:
    """Of the backbone."""
    kind = recipe.backbone
    if args.get("objective") == DESIGN:
        return RowsConfig.kind
    if isinstance(base, Checkpoint) or kind == MixedConfig.kind:
        raise OptionError(
            f"{args.get('base') or kind!r} reads texts or pictures, and the source has no such column.",
            remedy="Say which column is one: field := 'note'.",
        )
    if base is not None:
        return _kind_of(base, recipe, args)
    if args.get("histories"):
        if kind not in ("auto", SeriesConfig.kind):
            raise OptionError(f"backbone is '{kind}', which reads rows: histories are read by 'series'.")
        return SeriesConfig.kind
    if kind == SeriesConfig.kind:
        raise OptionError(
            "backbone is 'series', which reads histories, and no window is said.",
            remedy="Say one: options := {'window': 64}, with entity := 'machine_id' and order_by := 'ts'.",
        )
    if kind != "auto":
        return kind
    looks = bool(args.get("target") and args.get("task")) and tasks[args["task"]].looks
    return EnsembleConfig.kind if args.get("target") and not looks else TabularConfig.kind


def _kind_of(base: Model, recipe: Recipe, args: Args) -> str:
    kind = base.manifest.backbone.kind
    if kind == RowsConfig.kind:
        raise OptionError(
            f"{args['base']} says new designs, and is no base for a model that predicts.",
            remedy=f"Generate some: FROM ml_generate('{args['base']}'); or leave the base out.",
        )
    if args.get("histories") and kind != SeriesConfig.kind:
        raise OptionError(
            f"{args['base']} reads rows, and this model histories: it is no base for it.",
            remedy="A base of forecasts is a model of other series, made with task := 'forecast'."
            if args.get("task") == FORECAST
            else "Leave out window and resample, or pre-train a base with options := {'window': 64}.",
        )
    if kind == EnsembleConfig.kind:
        raise OptionError(
            f"{args['base']} was trained from scratch, as an ensemble: it is no base to start from.",
            remedy="Make one by ml_pretrain, or train again on all rows without a base.",
        )
    if kind == MixedConfig.kind:
        raise OptionError(
            f"{args['base']} reads texts or pictures, and the source has no such column.",
            remedy="Say which column is one: field := 'note'.",
        )
    if recipe.backbone not in ("auto", kind):
        raise OptionError(f"backbone is {recipe.backbone!r}, but the base is {_article(kind)}: leave it out.")
    return kind


def _may_take_turns(recipe: Recipe, args: Args, kind: str) -> bool:
    """Whether rows may judge in turn."""
    if recipe.validation != Recipe().validation or args.get("adapter_by"):
        return False
    if kind == SeriesConfig.kind:
        learns = (bool(args.get("target")) and args.get("task") != FORECAST) or args.get("task") == ANOMALY
        return learns and args.get("split") in ("entity", BLOCKS)
    return kind == EnsembleConfig.kind and args.get("split") in (None, "entity")


def _settle_fields(recipe: Recipe, args: Args, base: Base, fields: Mapping[str, str]) -> Recipe:
    """The recipe of a model that reads texts or pictures: one network, judged on rows held out."""
    kind = MixedConfig.kind
    if args.get("histories"):
        raise OptionError(
            f"Histories are of numbers and categories, and {next(iter(fields))!r} is {fields[next(iter(fields))]}.",
            remedy=f"Leave it out: options := {{'exclude': ['{next(iter(fields))}']}}.",
        )
    if recipe.backbone not in ("auto", kind):
        raise OptionError(
            f"backbone is '{recipe.backbone}', which reads no {next(iter(fields.values()))} ({next(iter(fields))}).",
            remedy="Leave backbone out, or the column: options := {'exclude': [...]}.",
        )
    if isinstance(base, Model) and base.manifest.backbone.kind not in (kind, TabularConfig.kind):
        raise OptionError(f"{args['base']} is no base for texts or pictures: {_article(base.manifest.backbone.kind)}.")
    if recipe.folds > 1:
        raise OptionError("folds are for an ensemble, and this model reads texts or pictures: leave them out.")
    alone = "image" in fields.values() and args["verb"] == "pretrain"
    return recipe.settled(kind, 1, mask_ratio=0.75 if alone else 0.3)


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
