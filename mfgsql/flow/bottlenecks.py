"""Which station holds up a line, from when its operations began and ended. It knows no database.

Two answers. The *shifting bottleneck* follows, at each moment, the machine that has gone longest without having to wait
(Roser, Nakano, Tanaka, "Shifting bottleneck detection", WSC 2002). The *critical path* walks back from the end of the
log: each operation began when something else ended, be it the operation before on its machine, the one before of its
part, or what freed a place behind it. The time that a station has on this path is what being a little faster would save
(the derivative of Ho and Cao, "Perturbation analysis of discrete event dynamic systems", 1991). Only operations of a
log tell the latter.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
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
        owner: int64 [spans], a machine or a station. begin, stop: float64 [spans].
    """

    owner: Integers
    begin: Floats
    stop: Floats

    def of(self, owners: Integers) -> Spans:
        """The same with each owner replaced by what it belongs to."""
        return Spans(owners[self.owner], self.begin, self.stop)


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


def active_periods(machine: Integers, begin: Floats, stop: Floats, gap: Floats) -> Spans:
    """Stretches in which a machine is busy without waiting for longer than its gap.

    Args:
        machine, begin, stop: [intervals] in which it is busy. gap: [machines].
    """
    order = np.lexsort((begin, machine))
    machine, begin, stop = machine[order], begin[order], stop[order]
    shift = machine * (np.ptp(np.append(begin, stop)) + 1.0)  # so that one running maximum serves all machines
    until = np.maximum.accumulate(stop + shift) - shift
    new = np.append(True, (machine[1:] != machine[:-1]) | (begin[1:] - until[:-1] > gap[machine[1:]]))
    ends = np.append(np.flatnonzero(new)[1:] - 1, len(begin) - 1)
    return Spans(machine[new], begin[new], until[ends])


def shifting_bottleneck(periods: Spans, check: Callable[[], None] = lambda: None) -> tuple[Spans, Spans]:
    """When each machine is the bottleneck alone, and when two are since one hands over to the next.

    At each moment the machine in the longest active period is the bottleneck; where the period of the next one begins
    before that of the last one ends, both are for as long as they overlap.
    """
    chain = _longest(periods, check)
    owner, begin, stop = periods.owner[chain], periods.begin[chain], periods.stop[chain]
    since = np.maximum(begin, np.append(-np.inf, stop[:-1]))
    handed = owner[1:] != owner[:-1]
    until = np.minimum(stop, np.append(np.where(handed, begin[1:], np.inf), np.inf))
    sole = Spans(owner, since, np.maximum(since, until))
    both = np.flatnonzero(handed & (begin[1:] < stop[:-1]))
    shared, ends = begin[1:][both], np.minimum(stop[:-1], stop[1:])[both]
    shifting = Spans(np.concatenate([owner[:-1][both], owner[1:][both]]), np.tile(shared, 2), np.tile(ends, 2))
    return sole, shifting


def _longest(periods: Spans, check: Callable[[], None]) -> Integers:
    """Numbers of the periods that are the longest at some moment, in the order of time."""
    order = np.argsort(periods.begin, kind="stable")
    begin, stop = periods.begin[order].tolist(), periods.stop[order].tolist()
    chain: list[int] = []
    running: list[tuple[float, float, int]] = []  # the longest first, of equal ones the earlier
    for number, moment in enumerate(begin):
        if number % _POLL == 0:
            check()
        while running and stop[running[0][2]] <= moment:
            ended = stop[heapq.heappop(running)[2]]
            while running and stop[running[0][2]] <= ended:
                heapq.heappop(running)
            if running and stop[running[0][2]] > ended:
                _follow(chain, running[0][2])
        heapq.heappush(running, (moment - stop[number], moment, number))
        _follow(chain, running[0][2])
    while running:
        ended = stop[heapq.heappop(running)[2]]
        while running and stop[running[0][2]] <= ended:
            heapq.heappop(running)
        if running:
            _follow(chain, running[0][2])
    return np.asarray(order[np.array(chain, np.int64)], np.int64)


def _follow(chain: list[int], number: int) -> None:
    if not chain or chain[-1] != number:
        chain.append(number)


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
