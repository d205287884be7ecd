"""What a log tells of a line: routes, times, machines, and how many parts can wait where. It knows no database."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mfgsql.flow.bottlenecks import Floats, Integers, Operations

_LATE = 10  # starts held up, at least, that tell of a full buffer
_SURE = 0.5  # share of them at the very moment at which a place behind was freed
_FULL = 0.97  # of its time a first station works or is blocked: it never lacks orders


@dataclass(frozen=True)
class Line:
    """What a log tells of a line.

    Attributes:
        routes: stations that a case passes, one after the other, of each case. times: float64 seconds of operations, of
            each station. machines: [stations]. places: [stations], cases that can wait before each; -1: any number.
        wip: cases in the line, on average. released: float64 [cases], seconds at which cases could begin.
        length: seconds of the log. always: whether its first station never lacked orders.
    """

    routes: list[list[int]]
    times: list[Floats]
    machines: Integers
    places: Integers
    wip: float
    released: Floats
    length: float
    always: bool


def calibrate(operations: Operations, ready: Floats, machines: Integers, tolerance: Floats) -> Line:
    """The line that a log tells of.

    Args:
        ready: [operations], when each could begin as to its case. tolerance: [stations], seconds that are none.
    """
    stations = len(machines)
    first = np.flatnonzero(operations.before < 0)
    case = np.empty(len(operations.begin), np.int64)
    case[first] = np.arange(len(first))
    routes: list[list[int]] = [[] for _ in first]
    for row, before in enumerate(operations.before.tolist()):  # in the order of time: the one before is known
        if before >= 0:
            case[row] = case[before]
        routes[case[row]].append(int(operations.station[row]))
    last = np.zeros(len(first))
    np.maximum.at(last, case, operations.stop)
    lasts = operations.stop - operations.begin
    times = [lasts[operations.station == i] for i in range(stations)]
    length = float(operations.stop.max() - operations.begin.min())
    places, held = _places(operations, ready, machines, tolerance)
    starts = np.bincount(operations.station[first], minlength=stations)
    gate = int(np.argmax(starts))
    taken = (times[gate].sum() / machines[gate] + held[gate]) / length
    always = bool(starts[gate] == len(first) and taken >= _FULL)
    wip = float((last - ready[first]).sum() / length)
    return Line(routes, times, machines, places, wip, np.sort(ready[first]), length, always)


def _places(operations: Operations, ready: Floats, machines: Integers, tolerance: Floats) -> tuple[Integers, Floats]:
    """Cases that can wait before each station, -1 where any number can; and seconds that each one stood blocked.

    A machine that stands beside waiting work, and begins at the very moment at which one behind it does, was blocked.
    """
    stations = len(machines)
    places, held = np.full(stations, -1), np.zeros(stations)
    came_from = np.where(operations.before >= 0, operations.station[operations.before], -1)
    for i in range(stations):
        own = np.flatnonzero(operations.station == i)
        begin, near = operations.begin[own], tolerance[i]
        ends = np.sort(operations.stop[own])
        ended = np.append(-np.inf, ends)[np.searchsorted(ends, begin + near, "right")]
        waited = np.where(operations.before[own] >= 0, ready[own], -np.inf)
        late = (begin - ended > near) & (begin - waited > near) & np.isfinite(ended)
        for j in set(operations.station[came_from == i].tolist()) - {i}:
            into = operations.begin[(operations.station == j) & (came_from == i)]
            next_one = np.append(-np.inf, into)[np.searchsorted(into, begin + near, "right")]
            freed = late & (begin - next_one <= near)
            if freed.sum() < _LATE or freed.sum() < _SURE * late.sum():
                continue
            there = operations.station == j
            came, went = np.sort(ready[there]), np.sort(operations.begin[there])
            moments = begin[freed] - 2 * near  # just before
            waiting = np.searchsorted(came, moments, "right") - np.searchsorted(went, moments, "right")
            places[j] = max(places[j], int(np.quantile(waiting, 0.1, method="lower")) - 1, 0)
            held[i] += (begin - np.maximum(ended, waited))[freed].sum() / machines[i]
    return places, held
