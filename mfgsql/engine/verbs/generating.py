"""``ml_generate``: new designs, from what past ones are like, that hold what is asked of them."""

from __future__ import annotations

from mfgsql.engine.designing.brief import read_brief
from mfgsql.engine.designing.running import run_generate
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.planning import Action, Args, acting_plan, actions, planners
from mfgsql.engine.verbs.predicting import check_level

_KEPT = ("subject_to", "guide", "given", "score", "maximize", "minimize", "derive", "options", "n", "place")


@planners.register("generate")
def plan_generate(engine: Engine, args: Args) -> str:
    """A row for each design."""
    level = check_level(args.get("level"))
    with engine.cursor() as cursor:
        brief = read_brief(cursor, args)
    pinned = {"model": brief.version.name, "score": [s.version.name for s in brief.scores]}
    told = {name: args.get(name) for name in _KEPT} | pinned
    return acting_plan("generate", told | {"level": level, "session": caller_id()}, brief.columns)


actions.register("generate")(Action({}, run_generate))  # its columns are those of the designs
