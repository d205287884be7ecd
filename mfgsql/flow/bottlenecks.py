"""Which station holds up a line, from when its operations began and ended. It knows no database.

The *critical path* walks back from the end of the log: each operation began when something else ended, be it the
operation before on its machine, the one before of its part, or what freed a place behind it. The time that a station
has on this path is what being a little faster would save (the derivative of Ho and Cao, "Perturbation analysis of
discrete event dynamic systems", 1991). Only operations of a log tell it.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

OUTSIDE = -1  # the station that stands for orders that were not there
_POLL = 20_000  # steps between two looks whether the work shall stop


@dataclass(frozen=True)
class Operations:
    """Of a log, in the order in which they began.

    Attributes:
        begin, stop: float64 [operations], seconds. station: int64 [operations], from 0 on.
        before: int64 [operations], the operation before of the same case; -1: it is the case's first.
        last: bool [operations], whether the case ends with it.
    """

    begin: Floats
    stop: Floats
    station: Integers
    before: Integers
    last: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Spans:
    """Stretches of time.

    Attributes:
        owner: int64 [spans], a machine or a station. begin, stop: float64 [spans]. weight: float64 [spans], the part of
            each that is its owner's; None: all of it.
    """

    owner: Integers
    begin: Floats
    stop: Floats
    weight: Floats | None = None

    def of(self, owners: Integers) -> Spans:
        """The same with each owner replaced by what it belongs to."""
        return replace(self, owner=owners[self.owner])


def spread_over_machines(operations: Operations, machines: Integers) -> tuple[Integers, Integers]:
    """A machine for each operation, the one that is free for longest; and the station of each machine.

    Args:
        machines: [stations], how many there are.
    """
    first = np.concatenate([[0], np.cumsum(machines)[:-1]])
    free = [[(-np.inf, int(first[i]) + m) for m in range(count)] for i, count in enumerate(machines.tolist())]
    found = np.empty(len(operations.begin), np.int64)
    for row, (station, stop) in enumerate(zip(operations.station.tolist(), operations.stop.tolist(), strict=True)):
        found[row] = free[station][0][1]
        heapq.heapreplace(free[station], (stop, int(found[row])))
    return found, np.repeat(np.arange(len(machines)), machines)


def critical_path(operations: Operations, tolerance: Floats, check: Callable[[], None] = lambda: None) -> Spans:
    """The stations that time passed at on the way to the end of the log, latest first; `OUTSIDE` where orders lacked.

    Args:
        tolerance: [stations], seconds by which two events may be apart and still be one.
    """
    walk = _Walk(operations, tolerance.tolist())
    found: list[tuple[int, float, float]] = []
    row, now, steps = int(np.argmax(operations.stop)), float(operations.stop.max()), 0
    while row >= 0:
        if steps % _POLL == 0:
            check()
        steps += 1
        began = walk.begin[row]
        found.append((walk.station[row], min(began, now), min(now, walk.stop[row])))
        now = min(now, began)
        row, waiting = walk.cause(row)
        if row >= 0 and walk.stop[row] < now:
            found.append((waiting, walk.stop[row], now))
    owner, begin, stop = zip(*found, strict=True)
    return Spans(np.array(owner, np.int64), np.array(begin, float), np.array(stop, float))


class _Walk:
    """What made an operation begin when it did."""

    def __init__(self, operations: Operations, tolerance: list[float]) -> None:
        self.begin, self.stop = operations.begin.tolist(), operations.stop.tolist()
        self.station, self.before = operations.station.tolist(), operations.before.tolist()
        self.tolerance, self.seen = tolerance, bytearray(len(self.begin))
        came_from = np.where(operations.before >= 0, operations.station[operations.before], OUTSIDE)
        self.ends = _by_time(operations.station, operations.stop, len(tolerance))
        self.starts_behind = _by_time(came_from, operations.begin, len(tolerance))
        everyone = np.zeros(len(self.begin), np.int64)
        self.done = _by_time(np.where(operations.last, 0, OUTSIDE), operations.stop, 1)[0]
        self.any = _by_time(everyone, operations.stop, 1)[0]

    def cause(self, row: int) -> tuple[int, int]:
        """The operation whose end, or start, let this one begin, or -1; and who is behind the time between."""
        self.seen[row] = 1
        station, moment = self.station[row], self.begin[row]
        near = self.tolerance[station]
        part, machine = self.before[row], self._latest(self.ends[station], moment + near)
        if part >= 0 and (self.seen[part] or self.stop[part] > moment + near):
            part = -1
        found = max((p for p in (machine, part) if p >= 0), key=lambda p: self.stop[p], default=-1)
        if found >= 0 and moment - self.stop[found] <= near:
            return found, station
        freed = self._latest(self.starts_behind[station], moment + near)
        if freed >= 0 and moment - self.begin[freed] <= near:
            return freed, station
        if self.before[row] < 0:  # it could have begun at any time: the order was not there, or was let in by one done
            found, station = self._latest(self.done, moment + near), OUTSIDE
        if found < 0:  # of a case that is in two places at once, or of a station's first operation
            found, station = self._latest(self.any, moment + near), OUTSIDE
        return found, station

    def _latest(self, events: tuple[list[float], list[int]], moment: float) -> int:
        """The last operation of these with its event by a moment, that was not walked to before."""
        at = bisect_right(events[0], moment) - 1
        while at >= 0 and self.seen[events[1][at]]:
            at -= 1
        return events[1][at] if at >= 0 else -1


def _by_time(group: Integers, times: Floats, groups: int) -> list[tuple[list[float], list[int]]]:
    """For each group its events' times, sorted, and their rows."""
    order = np.lexsort((times, group))
    ends = np.searchsorted(group[order], np.arange(groups + 1))
    parts = [order[a:b] for a, b in pairwise(ends.tolist())]
    return [(times[part].tolist(), part.tolist()) for part in parts]
