"""Hours in which a shop is closed, told from its log: those that are quiet day after day, or week after week.

A line without any order may be closed, or open and lacking orders. Where it is empty at the hours at which it always
is, while it works at the others, it is closed.
"""

from __future__ import annotations

import duckdb
import numpy as np

from mfgsql.engine.flow.clock import EARLIER, between
from mfgsql.flow.bottlenecks import Integers

_HOUR = 3600.0
_CYCLES = ((24, 4), (168, 12))  # hours of a day, and of a week; and how many in a row, at least, are a pause
_SEEN = 3  # times that a cycle is seen, at least
_QUIET = 0.1  # of the cycles, at most, have work in an hour that is quiet
_BUSY = 0.5  # of the cycles have work in the others, on average: without that, work just comes now and then
LACKING = "__ml_lacking"


def put_lacking(con: duckdb.DuckDBPyConnection, operations: str, least: float) -> float:
    """Put stretches without any order in which the shop was open into a table; seconds of those that last long.

    Args:
        operations: a table with case_id, begin and stop. least: seconds of a long one; shorter ones are always open.
    """
    cases = f"SELECT min(begin) AS begin, max(stop) AS stop FROM {operations} GROUP BY case_id"
    found = con.execute(f"SELECT since, until FROM ({between(cases)}) ORDER BY since").fetchnumpy()
    since, until = np.asarray(found["since"], float), np.asarray(found["until"], float)
    hours = con.execute(
        "SELECT DISTINCT unnest(range(floor(begin / 3600)::BIGINT, ceil(stop / 3600)::BIGINT)) AS hour "
        f"FROM ({_merged(operations)})"
    ).fetchnumpy()["hour"]
    pauses = _pauses(np.asarray(hours, np.int64))
    long = until - since > least
    paused = [_reaches(a, b, pauses) for a, b in zip(since.tolist(), until.tolist(), strict=True)]
    closed = long & np.array(paused, bool)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {LACKING} AS SELECT unnest($1::DOUBLE[]) AS begin, unnest($2::DOUBLE[]) AS stop",
        [since[~closed].tolist(), until[~closed].tolist()],
    )
    return float((until - since)[long & ~closed].sum())


def _merged(operations: str) -> str:
    """SQL of the stretches in which anything works."""
    new = f"SELECT begin, stop, coalesce(begin > max(stop) {EARLIER}, true) AS new FROM {operations}"
    counted = "count(*) FILTER (new) OVER (ORDER BY begin, stop ROWS UNBOUNDED PRECEDING)"
    numbered = f"SELECT *, {counted} AS number FROM ({new})"
    return f"SELECT min(begin) AS begin, max(stop) AS stop FROM ({numbered}) GROUP BY number"


def _pauses(hours: Integers) -> list[tuple[int, set[int]]]:
    """Cycles, in hours, with those that are quiet in each.

    Args:
        hours: since 1970, in which anything worked.
    """
    found = []
    for length, shortest in _CYCLES:
        seen = len(np.unique(hours // length))
        share = np.bincount(hours % length, minlength=length) / max(seen, 1)
        quiet = share <= _QUIET
        if seen < _SEEN or not quiet.any() or quiet.all() or share[~quiet].mean() < _BUSY:
            continue
        first = int(np.flatnonzero(~quiet)[0])  # a night goes over midnight: count from where it is none
        rolled, run = np.roll(quiet, -first), list[int]()
        slots: set[int] = set()
        for slot, still in enumerate([*rolled.tolist(), False]):
            if still:
                run.append((slot + first) % length)
                continue
            slots |= set(run) if len(run) >= shortest else set()
            run = []
        if slots:
            found.append((length, slots))
    return found


def _reaches(since: float, until: float, pauses: list[tuple[int, set[int]]]) -> bool:
    """Whether a whole quiet hour lies in a stretch."""
    first, last = int(np.ceil(since / _HOUR)), int(until // _HOUR)
    return any(hour % length in slots for length, slots in pauses for hour in range(first, min(last, first + length)))
