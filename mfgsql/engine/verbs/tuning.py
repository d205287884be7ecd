"""``ml_tune``: the learning verb that tries many options, and keeps the best."""

from __future__ import annotations

from mfgsql.engine.clock import read_span
from mfgsql.engine.engine import Engine
from mfgsql.engine.planning import Action, Args, actions, planners, read_options
from mfgsql.engine.tuning.running import run_tune
from mfgsql.engine.verbs.learning import ABOUT_ROWS, COLUMNS, plan_model
from mfgsql.engine.versions import is_checkpoint
from mfgsql.errors import OptionError
from mfgsql.options import read_whole
from mfgsql.training.spaces import FORM, SHAPE, parted, read_space

TUNED = {"trials": "INTEGER", "pruned": "INTEGER", "best_trial": "INTEGER"}
_TRIALS = 30

actions.register("tune")(Action({**COLUMNS, **TUNED}, run_tune))


@planners.register("tune")
def plan_tune(engine: Engine, args: Args) -> str:
    """A model of a target, of the options that do best on rows held out."""
    fixed, searched = parted(read_options(args, FORM.partition(" := ")[2]), ABOUT_ROWS)
    read_space(searched)
    if args.get("base") and not is_checkpoint(str(args["base"])):
        for name in SHAPE:
            if name in searched:
                raise OptionError(f"{name} can't be searched: it is the base's. Leave it out, or the base.")
    args |= {"options": fixed, "space": searched, "fixed": sorted(n for n, value in fixed.items() if value is not None)}
    trials = read_whole("trials", args.get("trials"), 1, 10_000)
    args["trials"] = _TRIALS if trials is None else trials
    args["budget"] = _seconds(engine, args.get("budget"))
    return plan_model(engine, "tune", args)


def _seconds(engine: Engine, budget: object) -> float | None:
    """Of an interval."""
    if budget is None:
        return None
    try:
        with engine.cursor() as cursor:
            span = read_span(cursor, "budget", budget)
    except OptionError:
        span = None
    if span is None or span.numeric:
        form = "an interval above 0 and without months, such as INTERVAL 20 MINUTE"
        raise OptionError(f"budget is {form}, not {budget!r}.")
    return span.amount / 1e6
