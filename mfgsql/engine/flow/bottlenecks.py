"""Bottlenecks, executed: shares of time of each station and period, and which station limits the line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from mfgsql.engine.flow.clock import PERIODS
from mfgsql.engine.flow.operations import OPERATIONS, OperationLog, steps
from mfgsql.engine.planning import Rows
from mfgsql.errors import DataError
from mfgsql.flow.bottlenecks import OUTSIDE, Spans, critical_path, spread_over_machines
from mfgsql.flow.shifting import active_periods, shifting_bottleneck
from mfgsql.reporting.formats import plural

COLUMNS = {
    "station": "VARCHAR", "period_start": "TIMESTAMP", "parts": "BIGINT", "machines": "BIGINT", "working": "DOUBLE",
    "starved": "DOUBLE", "blocked": "DOUBLE", "failed": "DOUBLE", "changeover": "DOUBLE", "idle": "DOUBLE",
    "utilisation": "DOUBLE", "queue": "DOUBLE", "wait_minutes": "DOUBLE", "wait_minutes_90": "DOUBLE",
    "processing_minutes": "DOUBLE", "availability": "DOUBLE", "performance": "DOUBLE", "quality": "DOUBLE",
    "oee": "DOUBLE", "energy_per_part": "DOUBLE", "critical": "DOUBLE", "sole": "DOUBLE", "shifting": "DOUBLE",
    "bottleneck": "DOUBLE", "rank": "BIGINT", "is_bottleneck": "BOOLEAN", "finding": "VARCHAR", "ml_status": "VARCHAR",
    "ml_reason": "VARCHAR",
}  # fmt: skip
SPANS, _MACHINES = "__ml_spans", "__ml_machines"
_STILL = 0.05  # of a station's usual operation: it stands no longer between two that follow each other
_IDEAL = 0.1  # the quantile of a station's times that is its ideal one
_FEW = 20  # operations of a station: below, it is said
_NOW_AND_THEN = 0.05  # of the time: less is hardly ever
FULL = 0.98  # of the time a station neither waits nor stands: it has none left
EVEN = 0.8  # of the first one's share: the second one is as much a bottleneck
_STATES = (
    ("starved", "waits for work"), ("blocked", "is blocked"), ("failed", "is down"), ("changeover", "is set up"),
    ("idle", "stands beside waiting work"),
)  # fmt: skip
_LACKING = 0.1  # share of time without orders that is worth a word


def of_log(
    log: OperationLog, each: float | None, gap: float | None, quality: float | None, check: Callable[[], None]
) -> Rows:
    """Rows of a log's stations and periods, the one that limits the line first.

    Args:
        each: seconds of a period, or None. gap: seconds that end no active period, or None. quality: share of good
            parts.
    """
    log.clock.divide(each, log.roles.zone, log.usual)
    operations, near = log.operations(), log.tolerance(gap, _STILL)
    machine, station = spread_over_machines(operations, log.machines)
    check()
    periods = active_periods(machine, operations.begin, operations.stop, near[station])
    sole, shifting = shifting_bottleneck(periods.of(station), check)
    critical = critical_path(operations, near, check)
    put_spans(log.con, {"sole": sole, "shifting": shifting, "critical": critical})
    log.con.register(_MACHINES, pa.table({"number": np.arange(len(log.names)), "machines": log.machines}))
    try:
        rows = fetched(log.con, _measures(quality))
    finally:
        log.con.unregister(_MACHINES)
    if any(not 0 <= (row["quality"] or 0.0) <= 1 for row in rows):
        raise DataError(
            f"{log.roles.good!r} is no share from 0 to 1: good parts can't be told by it.",
            remedy="Divide it in a SELECT: good_pieces / pieces AS good.",
        )
    for row in rows:
        row["station"] = log.names[row.pop("number")]
        few = row["parts"] < _FEW
        notes = [plural(row["parts"], "operation")] * few + log.doubts + log.notes
        notes += ["quality isn't known: all parts count as good"] if row["quality"] is None else []
        status = "too_short" if few else "doubtful" if log.doubts else "ok"
        row |= {"ml_status": status, "ml_reason": "; ".join(notes) or None}
    return ranked(rows, "critical")


def put_spans(con: duckdb.DuckDBPyConnection, spans: Mapping[str, Spans]) -> None:
    """Stretches of time by what they mean, into a table."""
    table = pa.concat_tables(
        pa.table({"kind": pa.array([kind] * len(one.owner), pa.string()), "number": one.owner, "begin": one.begin,
                  "stop": one.stop, "weight": np.ones(len(one.owner)) if one.weight is None else one.weight})
        for kind, one in spans.items()
    )  # fmt: skip
    con.register("__ml_found", table)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {SPANS} AS FROM __ml_found WHERE stop > begin")
    con.unregister("__ml_found")


def fetched(con: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    """Rows as dicts."""
    rows = con.execute(sql).to_arrow_table().to_pylist()
    return [dict(row) for row in rows]


def shares(kinds: tuple[str, ...]) -> str:
    """Of each period and station the share of the period's time that spans of each kind take, and ``bottleneck``: what
    is its own of the time in which it is one, be it alone or not.
    """
    asked = [("part", f"kind = '{kind}'", kind) for kind in kinds]
    asked.append(("part * weight", "kind IN ('sole', 'shifting')", "bottleneck"))
    sums = ", ".join(
        f"least(coalesce(sum({part}) FILTER ({which}) / any_value(lasts), 0), 1) AS {name}"
        for part, which, name in asked
    )
    return (
        f"SELECT period, number, {sums} FROM (SELECT period, number, kind, lasts, weight, "
        "least(s.stop, p.stop) - greatest(s.begin, p.begin) AS part "
        f"FROM {SPANS} AS s JOIN {PERIODS} AS p ON s.begin < p.stop AND s.stop > p.begin) GROUP BY ALL"
    )


def _measures(quality: float | None) -> str:
    """SQL of a row for each period and station."""
    work, part = "least(at_once, machines)", "(least(s.stop, p.stop) - greatest(s.begin, p.begin))"
    level = (
        f"SELECT period, number, sum({part} * {work}) AS work, sum({part} * least(machines - {work}, queue)) AS still, "
        f"sum({part} * queue) AS queued FROM ({steps()}) AS s JOIN {_MACHINES} USING (number) JOIN {PERIODS} AS p "
        "ON s.begin < p.stop AND s.stop > p.begin GROUP BY ALL"
    )
    told = (
        "SELECT period, number, count(*) AS parts, avg(o.begin - ready) / 60 AS wait_minutes, "
        "quantile_cont(o.begin - ready, 0.9) / 60 AS wait_minutes_90, "
        "median(o.stop - o.begin) / 60 AS processing_minutes, "
        f"avg(good) AS good, sum(energy) / count(energy) AS energy_per_part FROM {OPERATIONS} AS o JOIN {PERIODS} AS p "
        "ON o.stop > p.begin AND o.stop <= p.stop WHERE ended GROUP BY ALL"
    )
    ideal = (
        f"SELECT number, quantile_cont(stop - begin, {_IDEAL}) AS ideal FROM {OPERATIONS} WHERE ended GROUP BY number"
    )
    good = "good" if quality is None else repr(quality)
    lacking = f"SELECT period, critical AS lacking FROM found WHERE number = {OUTSIDE}"
    return (
        f"WITH level AS ({level}), told AS ({told}), ideal AS ({ideal}), "
        f"found AS ({shares(('sole', 'shifting', 'critical'))}), lacking AS ({lacking}) "
        "SELECT period, since, number, machines, coalesce(parts, 0) AS parts, "
        "coalesce(work, 0) / (machines * lasts) AS working, coalesce(still, 0) / (machines * lasts) AS idle, "
        "greatest(1 - working - idle, 0) AS starved, working AS utilisation, coalesce(queued, 0) / lasts AS queue, "
        "wait_minutes, wait_minutes_90, processing_minutes, energy_per_part, working AS availability, "
        f"least(ideal * parts / nullif(work, 0), 1) AS performance, {good} AS quality, "
        f"availability * performance * coalesce({good}, 1) AS oee, coalesce(critical, 0) AS critical, "
        "coalesce(sole, 0) AS sole, coalesce(shifting, 0) AS shifting, coalesce(bottleneck, 0) AS bottleneck, "
        "coalesce(lacking, 0) AS lacking "
        f"FROM {PERIODS} CROSS JOIN {_MACHINES} LEFT JOIN level USING (period, number) "
        "LEFT JOIN told USING (period, number) LEFT JOIN found USING (period, number) "
        "LEFT JOIN ideal USING (number) LEFT JOIN lacking USING (period)"
    )


def ranked(rows: Rows, by: str) -> Rows:
    """Rows of each period by a share, the highest first, with what they say in words."""
    rows.sort(key=lambda r: (r["period"], -r[by], -r["utilisation"], str(r["station"])))
    place, first = 0, rows[0] if rows else {}
    for row in rows:
        place, first = (1, row) if row["period"] != first["period"] or row is first else (place + 1, first)
        row["rank"], row["is_bottleneck"] = place, place == 1 and row[by] > 0
        row["finding"] = _finding(row, first, by)
    return rows


def _finding(row: dict[str, Any], first: dict[str, Any], by: str) -> str:
    words = [_limits(row, first, by), f"it works {row['working']:.0%}"]
    most, says = max(_STATES, key=lambda s: row.get(s[0]) or 0.0)
    if (row.get(most) or 0.0) >= 0.01:
        words.append(f"{says} {row[most]:.0%}")
    if row.get("wait_minutes"):
        words.append(f"a part waits {row['wait_minutes']:,.{0 if row['wait_minutes'] >= 10 else 1}f} min before it")
    if row["is_bottleneck"] and row.get("lacking", 0.0) >= _LACKING:
        words.append(f"orders were lacking {row['lacking']:.0%} of the time")
    return "; ".join(words)


def _limits(row: dict[str, Any], first: dict[str, Any], by: str) -> str:
    """How often a station limits the line, in words that are as sure as can be."""
    share, name, parts = row[by], row["station"], row.get("parts")
    often = f"{share:.0%} of the time"
    if parts is not None and parts < _FEW and share >= _NOW_AND_THEN:
        return f"{name} limits the line {often}, by {plural(parts, 'operation')} that ended: too few to be sure"
    if row["is_bottleneck"]:
        return f"{name} limits the line {often}"
    if share > 0 and share >= EVEN * first[by]:
        nearly = "nearly " * (share < first[by] - 1e-9)
        return f"{name} limits the line {nearly}as often as {first['station']}: {often}"
    if share >= _NOW_AND_THEN:
        return f"{name} limits the line now and then: {often}"
    return f"{name} has no time left either" if row["utilisation"] >= FULL else f"{name} has time left"
