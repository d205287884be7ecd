"""What a line would do if a station were faster: discrete-event simulation by simpy, calibrated by a log of operations.

Cases take routes of cases of the log, operations take times that operations of their station took, drawn anew; a case gets
the same ones whatever is changed (common random numbers), so that differences are of the change. It knows no database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mfgsql.bottlenecks import Floats, Integers, Operations
from mfgsql.errors import MissingExtraError

RELEASES = ("wip", "log", "always")
_WARM = 0.2  # share of the cases until the line is as full as it gets
_LATE = 10  # starts held up, at least, that tell of a full buffer
_SURE = 0.5  # share of them at the very moment at which a place behind was freed
_FULL = 0.97  # of its time a first station works or is blocked: it never lacks orders
_POLL = 500  # cases between two looks whether the work shall stop


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


@dataclass(frozen=True)
class Change:
    """Of a station: its times are multiplied, made shorter by seconds (from 0 on), and machines added."""

    station: int
    factor: float = 1.0
    seconds: float = 0.0
    machines: int = 0


@dataclass(frozen=True)
class Run:
    """What came of it.

    Attributes:
        rate: cases a second. lead: seconds from release to the end, on average. wip: cases in the line, on average.
        waiting: share of the lead time. busy: float64 [stations], share of its machines' time.
    """

    rate: float
    lead: float
    wip: float
    waiting: float
    busy: Floats

    def measures(self) -> dict[str, float]:
        """Those of the line as a whole."""
        return {"throughput": self.rate, "lead_time": self.lead, "wip": self.wip, "waiting": self.waiting}


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

    A machine that stands beside waiting work and begins at the very moment at which a station behind it does, was blocked.
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


def simulate(
    line: Line, changes: Sequence[Change], release: str, cases: int, seed: int, check: Callable[[], None] = lambda: None
) -> Run:
    """One replication.

    Args:
        release: ``wip`` keeps as many cases in the line as the log had, ``log`` lets them in when the log did, ``always``
            whenever the first station can take one. cases: how many.

    Raises:
        MissingExtraError: simpy is missing.
    """
    return _Simulation(line, changes, release, cases, seed, check).run()


class _Simulation:
    """Machines and places are resources of simpy, cases its processes."""

    def __init__(
        self, line: Line, changes: Sequence[Change], release: str, cases: int, seed: int, check: Callable[[], None]
    ) -> None:
        simpy = _simpy()
        self.check, self.dice = check, np.random.default_rng(seed)
        machines, times = line.machines.copy(), list(line.times)
        for change in changes:
            machines[change.station] += change.machines
            times[change.station] = np.maximum(times[change.station] * change.factor - change.seconds, 0.0)
        self.machines = machines
        self.env = simpy.Environment()
        self.stations = [simpy.Resource(self.env, int(count)) for count in machines]
        self.places = [simpy.Resource(self.env, int(n)) if n > 0 else None for n in line.places]
        self.tight = (line.places == 0).tolist()
        self.cases, self.busy = cases, [0.0] * len(machines)
        self.entered, self.left, self.waited = np.zeros(cases), np.full(cases, np.inf), np.zeros(cases)
        self.count, self.next, self.begun = 0, 0, float("nan")
        chosen = np.arange(cases) % len(line.routes) if release == "log" else self.dice.integers(0, len(line.routes), cases)
        self.jobs = []
        for k in chosen.tolist():  # drawn for all before any runs: a case is the same whatever is changed
            route = line.routes[k]
            dice = self.dice.random(len(route))
            self.jobs.append([(i, float(times[i][int(u * len(times[i]))])) for i, u in zip(route, dice.tolist(), strict=True)])
        self.release, self.released = release, line.released
        self.kept = max(1, round(line.wip))

    def run(self) -> Run:
        """All cases."""
        warm = int(_WARM * self.cases)
        if self.release == "log":
            self.env.process(self._by_the_log())
        else:
            for _ in range(self.kept if self.release == "wip" else 1):
                self._let_in()
        ended = self.env.event()
        self.ended, self.warm = ended, warm
        self.env.run(until=ended)
        now = float(self.env.now)
        window = now - self.begun
        done = np.isfinite(self.left)
        measured = done & (self.left > self.begun)
        lead = (self.left - self.entered)[measured]
        since, until = np.maximum(self.entered, self.begun), np.minimum(self.left, now)
        inside = np.where(np.arange(self.cases) < self.next, np.maximum(until - since, 0.0), 0.0).sum()
        busy = np.array(self.busy) / (self.machines * window)
        waiting = float(self.waited[measured].sum() / max(lead.sum(), 1e-9))
        return Run(float(measured.sum() / window), float(lead.mean()), float(inside / window), waiting, busy)

    def _let_in(self) -> None:
        if self.next < self.cases:
            self.entered[self.next] = self.env.now
            self.env.process(self._case(self.next))
            self.next += 1

    def _by_the_log(self) -> Iterator[Any]:
        for k in range(self.cases):
            lap, row = divmod(k, len(self.released))
            at = lap * float(self.released[-1] - self.released[0]) + float(self.released[row] - self.released[0])
            yield self.env.timeout(max(at - self.env.now, 0.0))
            self._let_in()

    def _case(self, k: int) -> Iterator[Any]:
        env, held, place = self.env, None, None
        for number, (station, time) in enumerate(self.jobs[k]):
            came = env.now
            space = self.places[station]
            if number and space is not None:  # a machine keeps its part until there is a place for it
                place = space.request()
                yield place
            if held is not None and not self.tight[station]:
                self.stations[held[0]].release(held[1])
                held = None
            machine = self.stations[station].request()
            yield machine
            if held is not None:
                self.stations[held[0]].release(held[1])
            if place is not None:
                assert space is not None
                space.release(place)
                place = None
            self.waited[k] += env.now - came
            if number == 0 and self.release == "always":
                self._let_in()
            yield env.timeout(time)
            self._worked(station, time)
            held = (station, machine)
        if held is not None:
            self.stations[held[0]].release(held[1])
        self.left[k] = env.now
        self._counted()

    def _worked(self, station: int, time: float) -> None:
        if self.begun == self.begun:
            self.busy[station] += min(time, self.env.now - self.begun)

    def _counted(self) -> None:
        self.count += 1
        if self.count == max(self.warm, 1):
            self.begun = float(self.env.now)
        if self.count % _POLL == 0:
            self.check()
        if self.release == "wip":
            self._let_in()
        # The last cases run in a line that gets empty: they are left out where new ones were to come.
        if self.count == (self.cases if self.release == "log" else self.cases - self.kept):
            self.ended.succeed()


def _simpy() -> Any:
    try:
        import simpy
    except ImportError as error:
        raise MissingExtraError("What-if needs an extra.", remedy="pip install 'mfgsql[decide]'") from error
    return simpy
