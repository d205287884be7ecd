"""``ml_pretrain`` and ``ml_finetune``: what is checked while the statement is bound, and the run itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from mfgsql.backbones.checkpoints import find
from mfgsql.catalog import resolve
from mfgsql.catalog.models import model_name
from mfgsql.decision import Costs
from mfgsql.engine.access import asker, resolve_file
from mfgsql.engine.access.roles import refuse
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.grids import check_forecast
from mfgsql.engine.histories import reads_histories
from mfgsql.engine.learning import run_learning
from mfgsql.engine.planning import (
    Action,
    Args,
    acting_plan,
    actions,
    at_place,
    planners,
    read_exclude,
    read_options,
)
from mfgsql.engine.profiling import describe
from mfgsql.engine.runs import check_writable, load_libraries
from mfgsql.engine.sources import read_source
from mfgsql.engine.splitting import check_split
from mfgsql.engine.versions import is_checkpoint
from mfgsql.errors import NotFoundError, OptionError, did_you_mean, one_of
from mfgsql.features import is_numeric_type
from mfgsql.manifest import Manifest
from mfgsql.options import check_options
from mfgsql.tasks import ANOMALY, DESIGN, EMBEDDING, FORECAST, objectives, tasks
from mfgsql.training import Recipe

COLUMNS = {
    "model": "VARCHAR", "version": "INTEGER", "run_id": "VARCHAR", "status": "VARCHAR", "verdict": "VARCHAR",
    "metric": "VARCHAR", "value": "DOUBLE", "baseline": "DOUBLE", "champion": "BOOLEAN", "rows": "BIGINT",
    "seconds": "DOUBLE", "device": "VARCHAR", "warnings": "VARCHAR[]",
}  # fmt: skip
# Options that say which rows and columns, not how to train.
ABOUT_ROWS = ("exclude", "gap", "positive", "resample", "censored", "false_alarms_per_day", "separator", "known",
               "holidays", "started", "due", "trend")  # fmt: skip

_NOT_OF_DESIGNS = ("backbone", "base_rate", "folds", "mask_ratio", "members", "probe", "resample", "window")

for _verb in ("pretrain", "finetune"):
    actions.register(_verb)(Action(COLUMNS, run_learning))


@planners.register("pretrain")
def plan_pretrain(engine: Engine, args: Args) -> str:
    """A base from rows without labels."""
    if args.get("objective") == FORECAST:
        return _plan_forecaster(engine, args)
    if args.get("objective") == DESIGN:
        _check_design(args)
    if args.get("objective") is not None or not args.get("field"):
        args["objective"] = args.get("objective") or "masked"
        objectives[args["objective"]]  # an unknown one is refused here
    return _plan(engine, "pretrain", args)


@planners.register("finetune")
def plan_finetune(engine: Engine, args: Args) -> str:
    """A model of a target, from a base or from scratch."""
    return plan_model(engine, "finetune", args)


def plan_model(engine: Engine, verb: str, args: Args) -> str:
    """What a verb does that makes a model: a detector, or one of a target."""
    if args.get("task") == ANOMALY:
        return _plan_detector(engine, verb, args)
    if not args.get("target"):
        remedy = "Name it: target := 'failed'; only a detector of anomalies has none: task := 'anomaly'."
        raise OptionError("The target is missing.", remedy=remedy)
    if args.get("task"):
        _check_task(args["task"])
    if args.get("task") == FORECAST:
        check_forecast(args)
    if args.get("costs") is not None:
        args["costs"] = asdict(Costs.parse(args["costs"]))
    return _plan(engine, verb, args)


def _check_task(name: object) -> None:
    known = [*tasks, EMBEDDING, ANOMALY]
    if name not in known:
        raise OptionError(f"No task is called {name!r}; there is {one_of(known)}.{did_you_mean(str(name), known)}")


def _plan_forecaster(engine: Engine, args: Args) -> str:
    """A base of forecasts is a model that forecasts: of the number that field names, or of the only one there is."""
    check_forecast(args)
    target = args.get("field")
    if target is None:
        with engine.cursor() as cursor:
            types = describe(cursor, read_source(at_place(cursor, args), args.get("source")).select)
        roles = {str(args.get(role)).lower() for role in ("entity", "order_by")}
        numbers = [n for n, kind in types.items() if is_numeric_type(kind) and n.lower() not in roles]
        if len(numbers) != 1:
            told = f"has {len(numbers)} columns of numbers" if numbers else "has no column of numbers"
            raise OptionError(
                f"Which number is to be forecast isn't said: the source {told} besides entity and order_by.",
                remedy="Name it: field := 'quantity', or SELECT it alone.",
            )
        target = numbers[0]
    return _plan(engine, "pretrain", args | {"task": FORECAST, "target": target, "objective": None, "field": None})


def _check_design(args: Args) -> None:
    """Refuse what a model of designs would not heed."""
    for name, why in (("base", "it learns from scratch"), ("field", "it says whole rows")):
        if args.get(name) is not None:
            raise OptionError(f"objective := 'design' takes no {name}: {why}. Leave it out.")
    for name, value in read_options(args, "{'epochs': 20}").items():
        if name in _NOT_OF_DESIGNS and value is not None:
            raise OptionError(f"{name} is for other bases than models of designs: leave it out.")


def _plan_detector(engine: Engine, verb: str, args: Args) -> str:
    """A detector of anomalies, from normal rows without labels."""
    of_histories = [("base", "it learns from scratch")] if args.get("order_by") or args.get("entity") else []
    for name, why in (("target", "it learns from normal rows alone"), ("costs", "it knows no costs"),
                      ("weight", "its rows weigh the same"), *of_histories):  # fmt: skip
        if args.get(name) is not None:
            raise OptionError(f"task := 'anomaly' takes no {name}: {why}. Leave it out.")
    return _plan(engine, verb, args)


def _plan(engine: Engine, verb: str, args: Args) -> str:
    load_libraries()
    check_writable(engine)
    args["model"] = model_name(args.get("model"))
    check_split(args.get("split"))
    if args.get("promote") not in (None, "auto"):
        raise OptionError(f"promote is 'auto' or left out, not {args['promote']!r}.")
    with engine.cursor() as cursor:
        base = None
        if args.get("base") and is_checkpoint(str(args["base"])):
            args["base"] = str(_checkpoint(engine, args["base"]))
        elif args.get("base"):
            version = resolve(cursor, args["base"])
            args["base"], base = version.name, Manifest.from_json(version.manifest)  # what the caller saw
        read_source(at_place(cursor, args), args.get("source"))
    part_options(args)
    args["histories"] = reads_histories(args, base)
    return acting_plan(verb, {"verb": verb, **args, "session": caller_id()})


def _checkpoint(engine: Engine, base: str) -> Path:
    """The folder of a checkpoint. Whether there is one is not looked at before who asks may read it.

    Raises:
        AccessError: they may not.
    """
    if not base.startswith("hf:"):
        path = str(resolve_file(engine, asker(), base))
        try:
            return find(path)
        except NotFoundError as error:  # in the words of who asks, to whom the server's folders are none
            raise NotFoundError(error.message.replace(path, base), remedy=error.remedy) from None
    if asker() is not None:
        raise refuse("Naming a base of a hub", "Put its folder below the folder for files, and name that.")
    return find(base, online=engine.settings.hub == "online")


def part_options(args: Args) -> None:
    """Split the options into those about rows, which become arguments, and the recipe."""
    options = read_options(args, "{'epochs': 20}")
    for name in ABOUT_ROWS:
        args[name] = options.pop(name, None)
    args["exclude"] = read_exclude(args["exclude"])
    check_options(options, [*Recipe().to_dict(), *ABOUT_ROWS])
    args["options"] = Recipe.parse(options).to_dict()
