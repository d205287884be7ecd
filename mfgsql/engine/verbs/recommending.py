"""``ml_recommend``: how inputs are to be set so that a goal is reached."""

from __future__ import annotations

from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.planning import Action, Args, acting_plan, actions, planners
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.recommending.asked import read_asked
from mfgsql.engine.recommending.running import run_recommend
from mfgsql.engine.verbs.predicting import check_level

_ARGUMENTS = (
    "source", "maximize", "minimize", "goal", "adjust", "subject_to", "derive", "costs", "k", "level", "options",
    "place",
)  # fmt: skip


@planners.register("recommend")
def plan_recommend(engine: Engine, args: Args) -> str:
    """The source's rows with adjusted values, ``k`` for each. Of columns that stay only texts go through JSON."""
    level = check_level(args.get("level"))
    with engine.cursor() as cursor:
        asked = read_asked(cursor, args, level)
    told = {name: args.get(name) for name in _ARGUMENTS} | {"level": level, "session": caller_id()}
    told["model"] = [version.name for version in asked.versions]
    columns = dict.fromkeys(asked.kept, "VARCHAR") | asked.outputs
    selected = [f"CAST({quote_identifier(n)} AS {asked.types[n]}) AS {quote_identifier(n)}" for n in asked.kept]
    selected += [quote_identifier(name) for name in asked.outputs]
    return f"SELECT {', '.join(selected)} FROM ({acting_plan('recommend', told, columns)})"


actions.register("recommend")(Action({}, run_recommend))  # its columns are those of the source
