"""Verbs that show: the views of schema ``ml``, the devices, the plan of another verb."""

from __future__ import annotations

from contextlib import suppress

import duckdb
import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.installing import shipped_views
from mfgsql.engine.planning import Action, Args, Rows, acting_plan, actions, plan, planners
from mfgsql.engine.quoting import quote_literal
from mfgsql.errors import OptionError, did_you_mean


def model_names(path: str) -> list[str]:
    """Of a database that is not open here, read without the verbs; none where it can't be read (a writer locks it)."""
    with suppress(duckdb.Error), duckdb.connect(path, read_only=True) as con:
        return [name for (name,) in con.execute("SELECT model FROM ml_catalog.models ORDER BY model").fetchall()]
    return []


def _devices(engine: Engine, args: Args) -> Rows:
    from mfgsql.scoring import describe_devices

    return describe_devices(engine.device)


actions.register("devices")(
    Action({"device": "VARCHAR", "what": "VARCHAR", "used": "BOOLEAN", "memory": "BIGINT"}, _devices)
)


@planners.register("devices")
def plan_devices(engine: Engine, args: Args) -> str:
    """A row for each device."""
    return acting_plan("devices", {})


def _view(engine: Engine, args: Args) -> Rows:
    """A view's rows through an own cursor: a client in one long transaction sees the runs it has made."""
    views = {v.name: v for v in shipped_views()}
    if args["view"] not in views:
        raise OptionError(f"There is no view ml.{args['view']}.{did_you_mean(args['view'], views)}")
    with engine.cursor() as cursor:
        table: pa.Table = cursor.execute(views[args["view"]].sql).to_arrow_table()
    rows: Rows = table.to_pylist()
    return rows


actions.register("view")(Action({}, _view))


@planners.register("plan")
def plan_plan(engine: Engine, args: Args) -> str:
    """The SQL that another verb stands for, as one row."""
    if not isinstance(args.get("arguments") or {}, dict):
        raise OptionError(f"arguments is a struct, as {{'target': 'failed'}}, not {args['arguments']!r}.")
    inner = {n: args.get(n) for n in ("model", "source", "place")} | (args.get("arguments") or {})
    return f"SELECT {quote_literal(plan(engine, str(args.get('verb')), inner))} AS plan"
