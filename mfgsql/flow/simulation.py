"""What a line would do if a station were faster: discrete-event simulation by simpy of what a log tells of it.

Cases take routes of cases of the log, operations take times that operations of their station took, drawn anew; a case
gets the same ones whatever is changed (common random numbers), so that differences are of the change. It knows no
database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mfgsql.errors import MissingExtraError
from mfgsql.flow.bottlenecks import Floats, Operations, critical_path
from mfgsql.flow.line import Line

RELEASES = ("wip", "log", "always")
_WARM = 0.2  # share of the cases until the line is as full as it gets
_POLL = 500  # cases between two looks whether the work shall stop


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
        waiting: share of the lead time. busy: float64 [stations], share of its machines' time. critical: the same, of
            the critical path.
    """

    rate: float
    lead: float
    wip: float
    waiting: float
    busy: Floats
    critical: Floats

    def measures(self) -> dict[str, float]:
        """Those of the line as a whole."""
        return {"throughput": self.rate, "lead_time": self.lead, "wip": self.wip, "waiting": self.waiting}


def simulate(
    line: Line, changes: Sequence[Change], release: str, cases: int, seed: int, check: Callable[[], None] = lambda: None
) -> Run:
    """One replication.

    Args:
        release: ``wip`` keeps as many cases in the line as it says, ``log`` lets them in when the log did,
            ``always`` whenever the first station can take one. cases: how many.

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
        self.worked: list[tuple[float, float, int, int]] = []  # begin, stop, station, case
        count = len(line.routes)
        chosen = np.arange(cases) % count if release == "log" else self.dice.integers(0, count, cases)
        self.jobs = []  # drawn for all before any runs: a case is the same whatever is changed
        for route in (line.routes[k] for k in chosen.tolist()):
            dice = zip(route, self.dice.random(len(route)).tolist(), strict=True)
            self.jobs.append([(i, float(times[i][int(u * len(times[i]))])) for i, u in dice])
        self.release, self.released = release, line.released
        whole, part = divmod(max(line.wip, 1.0), 1.0)
        self.kept = int(whole) + (part > 0)
        self.levels = whole + (self.dice.random(cases) < part)  # cases in the line, by how many are done

    def run(self) -> Run:
        """All cases."""
        warm = int(_WARM * self.cases)
        if self.release == "log":
            self.begun = 0.0  # the log's own beginning and end are those of the simulation
            self.env.process(self._by_the_log())
        else:
            self._fill() if self.release == "wip" else self._let_in()
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
        rate, wip = float(measured.sum() / window), float(inside / window)
        return Run(rate, float(lead.mean()), wip, waiting, busy, self._critical())

    def _critical(self) -> Floats:
        """Shares of the critical path; events of a simulation that belong together are of one moment."""
        begin, stop, station, case = (np.array(part) for part in zip(*self.worked, strict=True))
        row = np.lexsort((begin, case))
        before = np.full(len(row), -1)
        before[row[1:]] = np.where(case[row[1:]] == case[row[:-1]], row[:-1], -1)
        last = np.ones(len(row), bool)
        last[before[before >= 0]] = False
        path = critical_path(Operations(begin, stop, station, before, last), np.full(len(self.busy), 1e-6), self.check)
        shares = np.bincount(path.owner + 1, path.stop - path.begin, len(self.busy) + 1)[1:]
        return np.asarray(shares / max(shares.sum(), 1e-9))

    def _fill(self) -> None:
        """Let in as many as are to be in the line; on average that may be no whole number."""
        level = int(self.levels[min(self.count, self.cases - 1)])
        while self.next < self.cases and self.next - self.count < level:
            self._let_in()

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
            self.worked.append((env.now, env.now + time, station, k))
            yield env.timeout(time)
            if self.begun == self.begun:  # the line is full
                self.busy[station] += min(time, env.now - self.begun)
            held = (station, machine)
        if held is not None:
            self.stations[held[0]].release(held[1])
        self.left[k] = env.now
        self._counted()

    def _counted(self) -> None:
        self.count += 1
        if self.count == max(self.warm, 1) and self.release != "log":
            self.begun = float(self.env.now)
        if self.count % _POLL == 0:
            self.check()
        if self.release == "wip":
            self._fill()
        # The last cases run in a line that gets empty: they are left out where new ones were to come.
        if self.count == (self.cases if self.release == "log" else self.cases - self.kept):
            self.ended.succeed()


def _simpy() -> Any:
    try:
        import simpy
    except ImportError as error:
        raise MissingExtraError("What-if needs an extra.", remedy="pip install 'mfgsql[decide]'") from error
    return simpy
