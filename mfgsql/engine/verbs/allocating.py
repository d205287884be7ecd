"""``ml_allocate``: who ships what where, at the least cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from mfgsql.allocation import allocate
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.kept import read_second
from mfgsql.engine.lanes import Lanes, read_limits
from mfgsql.engine.planning import Action, Args, Rows, acting_plan, actions, at_place, planners, read_options, stoppable
from mfgsql.engine.profiling import describe
from mfgsql.engine.shipping import EXAMPLE, Roles, read_roles
from mfgsql.engine.sources import Source

_REMEDY = "As in: FROM ml_allocate(supply := 'stock', demand := 'needs', cost := 'lanes')"
_SOURCES = ("supply", "demand", "cost")


@planners.register("allocate")
def plan_allocate(engine: Engine, args: Args) -> str:
    """A row for each lane that is used, and goods."""
    options = read_options(args, EXAMPLE)
    with engine.cursor() as cursor:
        sources = _sources(at_place(cursor, args), args)
        roles = _roles(cursor, sources, options)
    read_limits(args.get("subject_to"), roles)
    told = {name: args.get(name) for name in (*_SOURCES, "subject_to", "options", "place")}
    return acting_plan("allocate", told | {"session": caller_id()}, roles.columns)


def run_allocate(engine: Engine, args: Args) -> Rows:
    """The plan.

    Raises:
        DataError: there is none; the message says what is lacking.
    """
    options = read_options(args, EXAMPLE)
    with stoppable(engine, args) as (cursor, cancellation):
        sources = _sources(at_place(cursor, args), args)
        roles = _roles(cursor, sources, options)
        lanes = Lanes(cursor, roles, sources)
        costs = lanes.costs(options)
        limits = [*lanes.balances(options), *map(lanes.limit, read_limits(args.get("subject_to"), roles))]
        found = allocate(costs, limits, cancellation.check)
        return lanes.rows(found, costs)


actions.register("allocate")(Action({}, run_allocate))  # its columns are those of the lanes


def _sources(con: duckdb.DuckDBPyConnection, args: Args) -> list[Source]:
    return [read_second(con, args.get(what), what, _REMEDY) for what in _SOURCES]


def _roles(con: duckdb.DuckDBPyConnection, sources: Sequence[Source], options: Mapping[str, Any]) -> Roles:
    supply, demand, lanes = (describe(con, source.select) for source in sources)
    return read_roles(supply, demand, lanes, options)
