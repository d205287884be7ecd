"""``ml_labels``: telemetry and a list of failures become rows that one can learn from.

A row at time t is told what comes after t: whether a failure follows within the horizon, and how long until the next
one. What nobody can know yet stays NULL or is marked as censored, and a row reads nothing of rows after it but how long
its entity was seen. A row at the very moment of a failure belongs to that failure's outage; its label looks past it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from mfgsql.engine.clock import Span, read_span, read_unit
from mfgsql.engine.engine import Engine
from mfgsql.engine.kept import kept, read_name
from mfgsql.engine.moments import Moments, Timeline, read_moments
from mfgsql.engine.planning import Args, at_place, planners, read_options
from mfgsql.engine.sources import read_source
from mfgsql.errors import OptionError
from mfgsql.options import check_options

OUTPUTS = ("fails_within", "rul", "censored")
_OPTIONS = ("failed_at", "unit", "repairs", "repaired_at", "blackout", "run_to_failure")
_NO_FAILURES = (
    "Name the table of failures, or say that each entity ran until it failed at its last row: "
    "options := {'run_to_failure': true}."
)


@dataclass(frozen=True)
class _Labelling:
    """Arguments that were understood; without failures each entity ran until it failed."""

    rows: Timeline
    horizon: Span
    per: float
    failures: Moments | None
    repairs: Moments | None
    blackout: Span | None


@planners.register("labels")
def plan_labels(engine: Engine, args: Args) -> str:
    """The source's rows with their labels; rows of an outage are left out."""
    with engine.cursor() as cursor:
        wanted = _read(at_place(cursor, args), args)
    seen = "CASE WHEN __ml_entity IS NOT NULL AND __ml_at IS NOT NULL THEN "
    last = f"{seen}max(__ml_at) OVER (PARTITION BY __ml_entity) END AS __ml_last"
    rows = f"(SELECT *, {last} FROM ({wanted.rows.rows()}))"
    return _to_failure(wanted, rows) if wanted.failures is None else _to_failures(wanted, wanted.failures, rows)


def _to_failure(wanted: _Labelling, rows: str) -> str:
    """The last row of each entity is its failure."""
    return (
        f"SELECT {kept(OUTPUTS)}, __ml_last - __ml_at <= {wanted.horizon.sql} AS fails_within, "
        f"(__ml_last - __ml_at) / CAST({wanted.per!r} AS DOUBLE) AS rul, "
        f"CASE WHEN __ml_last IS NOT NULL THEN false END AS censored FROM {rows}"
    )


def _to_failures(wanted: _Labelling, failures: Moments, rows: str) -> str:
    """The first failure after each row; none: until the last row is what is known."""
    horizon, per = wanted.horizon.sql, f"CAST({wanted.per!r} AS DOUBLE)"
    known = f"SELECT DISTINCT * FROM ({wanted.rows.moments(failures, '__ml_failed', '__ml_failure')})"
    outages, running = _outages(wanted)
    return (
        f"WITH __ml_failures AS ({known}){outages} SELECT {kept(OUTPUTS)}, "
        f"CASE WHEN __ml_failure IS NOT NULL THEN __ml_failure <= __ml_at + {horizon} "
        f"WHEN __ml_last >= __ml_at + {horizon} THEN false END AS fails_within, "
        f"(coalesce(__ml_failure, __ml_last) - __ml_at) / {per} AS rul, "
        "CASE WHEN __ml_last IS NOT NULL THEN __ml_failure IS NULL END AS censored "
        f"FROM {rows} ASOF LEFT JOIN __ml_failures ON __ml_failed = __ml_entity AND __ml_failure > __ml_at{running}"
    )


def _outages(wanted: _Labelling) -> tuple[str, str]:
    """CTEs of outages, and what leaves their rows out; nothing where none are told.

    An outage runs from its failure to the first repair at or after it (none: for ever), or for the blackout; of both to
    the later. A failure during an outage does not cut it short.
    """
    known, joined, ends = "", "", []
    if wanted.repairs is not None:
        repairs = wanted.rows.moments(wanted.repairs, "__ml_repaired", "__ml_repair")
        known = f", __ml_repairs AS ({repairs})"
        joined = " ASOF LEFT JOIN __ml_repairs ON __ml_repaired = __ml_failed AND __ml_repair >= __ml_failure"
        ends.append("coalesce(__ml_repair, CAST('infinity' AS DOUBLE))")
    if wanted.blackout is not None:
        ends.append(f"__ml_failure + {wanted.blackout.sql}")
    if not ends:
        return "", ""
    until = f"SELECT __ml_failed, __ml_failure, greatest({', '.join(ends)}) AS __ml_until FROM __ml_failures{joined}"
    outages = (
        f"{known}, __ml_outages AS (SELECT __ml_failed AS __ml_stopped, __ml_failure AS __ml_down, "
        f"max(__ml_until) OVER (PARTITION BY __ml_failed ORDER BY __ml_failure) AS __ml_up FROM ({until}))"
    )
    running = (
        " ASOF LEFT JOIN __ml_outages ON __ml_stopped = __ml_entity AND __ml_down <= __ml_at "
        "WHERE NOT coalesce(__ml_at < __ml_up, false)"
    )
    return outages, running


def _read(con: duckdb.DuckDBPyConnection, args: Args) -> _Labelling:
    options = read_options(args, "{'unit': 'day'}")
    check_options(options, _OPTIONS)
    source = read_source(con, args.get("source"))
    entity = read_name(args, "entity", "machine_id", outputs=OUTPUTS)
    order_by = read_name(args, "order_by", "ts", outputs=OUTPUTS)
    horizon = read_span(con, "horizon", args.get("horizon"))
    failures = None
    if not _ends_in_failure(args, options):
        told = args.get("failures"), "failed_at", options.get("failed_at")
        failures = read_moments(con, "failures", *told, order_by, remedy=_NO_FAILURES)
    return _Labelling(
        Timeline("ml_labels", source, entity, order_by, horizon.numeric, "horizon"),
        horizon,
        read_unit(options.get("unit"), numeric=horizon.numeric),
        failures,
        _repairs(con, options, order_by),
        _blackout(con, options, horizon),
    )


def _ends_in_failure(args: Args, options: dict[str, Any]) -> bool:
    """Whether each entity ran until it failed; then nothing else says when."""
    told = options.get("run_to_failure")
    if not isinstance(told, bool | None):
        raise OptionError(f"run_to_failure is true or false, not {told!r}.")
    if not told:
        return False
    given = [n for n in ("failed_at", "repairs", "repaired_at", "blackout") if options.get(n) is not None]
    given += ["failures"] if args.get("failures") is not None else []
    if given:
        raise OptionError(
            f"With run_to_failure the last row of each entity is its failure, and '{given[0]}' has no meaning.",
            remedy="Leave out one of the two.",
        )
    return True


def _repairs(con: duckdb.DuckDBPyConnection, options: dict[str, Any], order_by: str) -> Moments | None:
    if options.get("repairs") is not None:
        told = options["repairs"], "repaired_at", options.get("repaired_at")
        return read_moments(con, "repairs", *told, order_by)
    if options.get("repaired_at") is not None:
        raise OptionError(
            "repaired_at names a column of repairs, which are missing.",
            remedy="Name their table: options := {'repairs': 'maintenance'}.",
        )
    return None


def _blackout(con: duckdb.DuckDBPyConnection, options: dict[str, Any], horizon: Span) -> Span | None:
    if options.get("blackout") is None:
        return None
    blackout = read_span(con, "blackout", options["blackout"])
    if blackout.numeric != horizon.numeric:
        raise OptionError("horizon and blackout are both intervals, or both numbers where order_by is one.")
    return blackout
