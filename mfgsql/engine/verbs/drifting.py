"""``ml_drift``: is this data still what the model learnt from?"""

from __future__ import annotations

from mfgsql.engine.drifting.asked import Asked
from mfgsql.engine.drifting.judging import COLUMNS
from mfgsql.engine.drifting.running import compared_features, run_drift
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.planning import Action, Args, acting_plan, actions, at_place, planners
from mfgsql.engine.profiling import read_columns
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.sources import read_source
from mfgsql.engine.verbs.predicting import model_and_source
from mfgsql.errors import OptionError, SourceError, did_you_mean
from mfgsql.tasks import ANOMALY, FORECAST


@planners.register("drift")
def plan_drift(engine: Engine, args: Args) -> str:
    """A summary, and a row for each comparison."""
    asked = Asked.of(args)
    version, manifest, source = model_and_source(engine, args)
    if manifest.task == FORECAST:
        raise OptionError(
            f"'{version.model}' forecasts series, which are expected to move.",
            remedy=f"What forecasts are worth lately: FROM ml_backtest({quote_literal(version.model)}, 'my_table');",
        )
    if manifest.task == ANOMALY and manifest.history is None:
        raise OptionError(
            f"'{version.model}' remembers good pictures, and no distribution of anything.",
            remedy="The share that it does not know tells: SELECT avg(is_anomaly::INT) FROM "
            f"ml_detect_anomalies({quote_literal(version.model)}, 'my_table');",
        )
    with engine.cursor() as cursor, engine.cursor() as catalog:
        types = read_columns(at_place(cursor, args), source)
        compared_features(catalog, version, manifest, asked, types)
        if args.get("reference") is not None:
            read_columns(cursor, read_source(cursor, args["reference"]))
    by_lower = {name.lower(): name for name in types}
    if asked.order_by is not None and asked.order_by.lower() not in by_lower:
        raise SourceError(
            f"The source has no column {asked.order_by!r} (order_by).{did_you_mean(asked.order_by, types)}"
        )
    since = "VARCHAR" if asked.order_by is None else types[by_lower[asked.order_by.lower()]]
    told = args | {"model": version.name, "session": caller_id()}
    return acting_plan("drift", told, COLUMNS | {"since": since})


actions.register("drift")(Action({}, run_drift))  # the type of since is that of the source's order
