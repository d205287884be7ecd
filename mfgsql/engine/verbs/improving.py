"""``ml_whatif``: what a line would do if stations were faster, and which change pays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.flow.changes import read_changes, read_costs
from mfgsql.engine.flow.operations import OperationLog
from mfgsql.engine.flow.roles import read_seconds
from mfgsql.engine.flow.suggesting import SUGGESTIONS, suggestions
from mfgsql.engine.flow.whatif import EFFECTS, WhatIf
from mfgsql.engine.planning import Action, Args, Rows, acting_plan, actions, at_place, planners, read_options, stoppable
from mfgsql.engine.sources import read_source
from mfgsql.engine.verbs.flowing import read_log_roles, read_machines
from mfgsql.engine.verbs.predicting import check_level
from mfgsql.errors import OptionError, did_you_mean, one_of
from mfgsql.flow.simulation import RELEASES
from mfgsql.options import check_options, read_whole

_OPTIONS = ("release", "wip", "replications", "seed", "machines", "released", "closed")
_EXAMPLE = "{'release': 'log'}"
_MOST_WIP = 1_000


@planners.register("whatif")
def plan_whatif(engine: Engine, args: Args) -> str:
    """A row for each measure of a change, or for each suggestion."""
    args["level"] = check_level(args.get("level"))
    options = read_options(args, _EXAMPLE)
    check_options(options, _OPTIONS)
    _read_play(options)
    changes = read_changes(args.get("change"))
    if changes and args.get("costs") is not None:
        raise OptionError("costs are of suggestions: leave out either change or costs.")
    read_costs(args.get("costs"))
    with engine.cursor() as cursor:
        _closed(cursor, options)
        read_log_roles(cursor, read_source(at_place(cursor, args), args.get("source")), args)
    return acting_plan("whatif", args | {"session": caller_id()}, EFFECTS if changes else SUGGESTIONS)


def run_whatif(engine: Engine, args: Args) -> Rows:
    """The rows.

    Raises:
        DataError: there is nothing to play. MissingExtraError: simpy is missing.
    """
    options = read_options(args, _EXAMPLE)
    release, wip, replications, seed = _read_play(options)
    with stoppable(engine, args) as (cursor, cancellation):
        source = read_source(at_place(cursor, args), args["source"])
        columns = read_log_roles(cursor, source, args)
        log = OperationLog(cursor, source, columns, _closed(cursor, options), read_machines(options))
        played = WhatIf(log, args["level"], seed, replications, release, wip, cancellation.check)
        changes = read_changes(args.get("change"))
        return played.effects(changes) if changes else suggestions(played, read_costs(args.get("costs")))


actions.register("whatif")(Action({}, run_whatif))  # its columns follow from whether there is a change


def _read_play(options: Mapping[str, Any]) -> tuple[str | None, float | None, int | None, int]:
    """How cases come in, how many are kept in the line, how many replications, and the seed."""
    release = options.get("release")
    if release is not None and release not in RELEASES:
        raise OptionError(f"release is {one_of(RELEASES)}, not {release!r}.{did_you_mean(str(release), RELEASES)}")
    wip = options.get("wip")
    if wip is not None and (isinstance(wip, bool) or not isinstance(wip, int | float) or not 1 <= wip <= _MOST_WIP):
        raise OptionError(f"wip is how many cases are kept in the line, from 1 to {_MOST_WIP:,}, not {wip!r}.")
    if wip is not None and release not in (None, "wip"):
        raise OptionError(f"wip is of release 'wip', and release is {release!r}: leave one out.")
    replications = read_whole("replications", options.get("replications"), 1, 1000)
    return release, wip, replications, read_whole("seed", options.get("seed"), 0, 2**31) or 0


def _closed(con: duckdb.DuckDBPyConnection, options: Mapping[str, Any]) -> float | None:
    told = options.get("closed")
    return None if told is None else read_seconds(con, "closed", told)
