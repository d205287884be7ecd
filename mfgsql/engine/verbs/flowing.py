"""``ml_bottlenecks``: which station limits a line, and how each one spends its time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb

from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.flow.bottlenecks import COLUMNS, of_log
from mfgsql.engine.flow.operations import Machines, OperationLog
from mfgsql.engine.flow.roles import NEEDED, ZONED, Roles, read_roles, read_seconds, zone_of
from mfgsql.engine.flow.states import MachineStates, read_mapping, read_state_roles
from mfgsql.engine.planning import Action, Args, Rows, acting_plan, actions, at_place, planners, read_options, stoppable
from mfgsql.engine.sources import Source, read_source
from mfgsql.errors import OptionError
from mfgsql.features.profile import base_type
from mfgsql.options import check_options

_LOG_OPTIONS = ("machines", "released", "good", "quality", "energy", "gap", "closed")
_STATE_OPTIONS = ("states", "gap", "closed")
_LOG_ONLY = ("case_id", "started", "finished")
_EXAMPLE = "{'machines': 2}"


@planners.register("bottlenecks")
def plan_bottlenecks(engine: Engine, args: Args) -> str:
    """A row for each station, and period where ``each`` is given."""
    with engine.cursor() as cursor:
        source = read_source(at_place(cursor, args), args.get("source"))
        each, _, _ = _times(cursor, args)
        if _of_states(args):
            roles = read_state_roles(cursor, source, args)
            time, station = roles["type"], roles["station_type"]
        else:
            log = read_log_roles(cursor, source, args)
            time, station = log.types[log.started], log.types[log.station]
    columns = COLUMNS | {"station": station, "period_start": "TIMESTAMP" if base_type(time) == "DATE" else time}
    if each is None:
        del columns["period_start"]
    return acting_plan("bottlenecks", args | {"session": caller_id()}, columns)


def run_bottlenecks(engine: Engine, args: Args) -> Rows:
    """The rows."""
    with stoppable(engine, args) as (cursor, cancellation):
        source = read_source(at_place(cursor, args), args["source"])
        each, gap, closed = _times(cursor, args)
        options = read_options(args, _EXAMPLE)
        if _of_states(args):
            roles = read_state_roles(cursor, source, args)
            time, mapping = roles["type"], read_mapping(options.get("states"))
            zone = zone_of(time, args)
            rows = MachineStates(cursor, source, roles, mapping, closed, zone).rows(each, gap, cancellation.check)
        else:
            columns = read_log_roles(cursor, source, args)
            time = columns.types[columns.started]
            log = OperationLog(cursor, source, columns, closed, read_machines(options))
            rows = of_log(log, each, gap, _quality(options), cancellation.check)
    return [row | {"period_start": _moment(row["since"], time)} for row in rows]


actions.register("bottlenecks")(Action({}, run_bottlenecks))  # its columns are those of the source


def read_log_roles(con: duckdb.DuckDBPyConnection, source: Source, args: Args) -> Roles:
    """Columns of a log, those among the options too.

    Raises:
        OptionError: one is missing or of a wrong type. SourceError: there is no such column.
    """
    options = read_options(args, _EXAMPLE)
    machines = options.get("machines")
    read_machines(options)
    also = {name: options.get(name) for name in ("released", "good", "energy")}
    return read_roles(con, source, args, also | {"machine": machines if isinstance(machines, str) else None})


def read_machines(options: Mapping[str, Any]) -> Machines:
    """How many machines each station has, or some have by name; None: a column, or the log, tells.

    Raises:
        OptionError: neither a number from 1 on, nor numbers of stations, nor a name.
    """
    told = options.get("machines")
    if told is None or (isinstance(told, str) and told):
        return None
    counts = list(told.values()) if isinstance(told, Mapping) else [told]
    if not counts or any(isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 10_000 for n in counts):
        raise OptionError(
            "machines is a number from 1 on, numbers of stations, as {'machines': {'mill': 2}}, or a column that names "
            f"the machine, not {told!r}."
        )
    return {str(name): count for name, count in told.items()} if isinstance(told, Mapping) else counts[0]


def _of_states(args: Args) -> bool:
    """Whether the source tells states of machines, not operations of cases."""
    options = read_options(args, _EXAMPLE)
    if args.get("state") is None and args.get("order_by") is None:
        check_options(options, _LOG_OPTIONS)
        _quality(options)
        if all(args.get(role) is None for role in NEEDED):
            raise OptionError(
                "What a row is isn't said.",
                remedy="Of a log: case_id, station, started, finished; of machine states: station, order_by, state.",
            )
        return False
    if given := [role for role in _LOG_ONLY if args.get(role) is not None]:
        raise OptionError(
            f"{given[0]} is of a log of operations, and state and order_by are of a table of states.",
            remedy="Give one or the other.",
        )
    check_options(options, _STATE_OPTIONS)
    read_mapping(options.get("states"))
    return True


def _times(con: duckdb.DuckDBPyConnection, args: Args) -> tuple[float | None, float | None, float | None]:
    """``each``, and ``gap`` and ``closed`` of the options, in seconds."""
    options = read_options(args, _EXAMPLE)
    told = {"each": args.get("each"), "gap": options.get("gap"), "closed": options.get("closed")}
    each, gap, closed = (None if value is None else read_seconds(con, name, value) for name, value in told.items())
    return each, gap, closed


def _quality(options: Mapping[str, Any]) -> float | None:
    told = options.get("quality")
    if told is None:
        return None
    if options.get("good") is not None:
        raise OptionError("good tells quality part by part, and quality tells it of all: give one.")
    if isinstance(told, bool) or not isinstance(told, int | float) or not (math.isfinite(told) and 0 <= told <= 1):
        raise OptionError(f"quality is the share of good parts, from 0 to 1, not {told!r}.")
    return float(told)


def _moment(since: float, kind: str) -> str:
    at = datetime.fromtimestamp(since, UTC)
    return (at if base_type(kind) == ZONED else at.replace(tzinfo=None)).isoformat(" ")
