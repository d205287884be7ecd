"""What-if, executed: replications with and without a change, and what they tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mfgsql.engine.flow.changes import parse_changes
from mfgsql.engine.flow.operations import OPERATIONS, OperationLog
from mfgsql.engine.planning import Rows
from mfgsql.errors import DataError
from mfgsql.flow.bottlenecks import Floats
from mfgsql.flow.line import Line, calibrate
from mfgsql.flow.simulation import Change, Run, simulate
from mfgsql.reporting.formats import plural

EFFECTS = {
    "measure": "VARCHAR", "now": "DOUBLE", "changed": "DOUBLE", "difference": "DOUBLE", "lower": "DOUBLE",
    "upper": "DOUBLE", "logged": "DOUBLE", "finding": "VARCHAR", "ml_status": "VARCHAR", "ml_reason": "VARCHAR",
}  # fmt: skip
_UNITS = {
    "throughput": "cases a day",
    "lead_time": "hours of lead time",
    "wip": "cases in the line",
    "waiting": "of the lead time",
}
_STILL = 0.05  # of a station's usual operation
_OPERATIONS, _FEWEST, _MOST = 6_000, 100, 5_000  # in a replication; and cases of it
_BATCH, LEAST, _LAST = 4, 8, 40  # replications
_TIGHT, _SMALL = 0.1, 0.002  # half an interval, of the difference or of what is now, that is enough
_OFF = 0.1  # simulated throughput differs from the log's by more: it is not calibrated
_LEAD_OFF = 0.25  # the same of lead times
_FEW_CASES = 10
_HARDLY = 0.1  # of their time cases wait less: how many there are limits the line, not a station
_RELEASES = {
    "wip": "as many cases in the line as the log had: one is finished, the next one enters",
    "log": "cases let in when the log did",
    "always": "orders are never lacking, as in the log",
}


@dataclass
class WhatIf:
    """A line as a log tells it, played with and without changes.

    Attributes:
        level: of intervals. asked: replications; None: as many as it takes. release: how cases come in; None: as they
            did. wip: cases that are kept in the line; None: as many as the log had.
    """

    log: OperationLog
    level: float
    seed: int
    asked: int | None
    release: str | None
    wip: float | None
    check: Callable[[], None]
    _known: dict[int, Run] = field(default_factory=dict)
    _replayed: Run | None = None

    def __post_init__(self) -> None:
        table = self.log.con.execute(f"SELECT ready FROM {OPERATIONS} ORDER BY row").fetchnumpy()
        self.ready, self.near = np.asarray(table["ready"]), self.log.tolerance(None, _STILL)
        self.operations = self.log.operations()
        self.line: Line = calibrate(self.operations, self.ready, self.log.machines, self.near)
        if len(self.line.routes) < _FEW_CASES:
            had = plural(len(self.line.routes), "case")
            raise DataError(f"The log has {had}: too few to play it (at least {_FEW_CASES}).")
        self.release = self.release or ("always" if self.line.always and self.wip is None else "wip")
        self.held: Line = replace(self.line, wip=max(self.wip or self.line.wip, 1.0))
        passed = sum(map(len, self.line.routes)) / len(self.line.routes)
        self.cases = int(np.clip(_OPERATIONS / passed, _FEWEST, _MOST))
        self.cases = max(self.cases, 4 * round(self.held.wip))
        if self.release == "log":
            self.cases = min(len(self.line.routes), max(self.cases, _MOST))
        clock = self.log.clock
        self.day = 86_400 * clock.length / (clock.end - clock.zero)  # open seconds of a day

    def effects(self, texts: Sequence[str]) -> Rows:
        """What a change brings, a row for each measure."""
        changes = parse_changes(texts, self.log.names, self.line.times, self.log.machines)
        now, then = self.played(changes)
        told, name = self.told(now, then), "; ".join(text.strip() for text in texts)
        first = int(np.argmax(np.mean([run.critical for run in now], axis=0)))
        logged = self._logged(first)
        rows = []
        for measure in (*_UNITS, "utilisation"):
            effect = self.effect(measure, *self.pairs(measure, now, then, first))
            rows.append(effect | {"logged": logged[measure]})
        rows[0]["finding"] = f"{name}: {self.words(rows[0], 'throughput')}"
        rows[-1]["finding"] = f"utilisation of {self.log.names[first]}, which limits the line now"
        return [row | told for row in [*rows, self._next(now, then)]]

    def pairs(self, measure: str, now: Sequence[Run], then: Sequence[Run], station: int = 0) -> Iterator[Floats]:
        """A measure of the replications of both."""
        for runs in (now, then):
            yield np.array([self._value(run, measure, station) for run in runs])

    def played(self, changes: Sequence[Change], asked: int | None = None) -> tuple[list[Run], list[Run]]:
        """Replications without and with them, of the same dice each, until the interval of throughput is tight."""
        most = asked or self.asked or _LAST
        then: list[Run] = []
        while len(then) < most:
            number = len(then)
            if number not in self._known:
                self._known[number] = self._run((), number)
            then.append(self._run(changes, number))
            if asked is None and self.asked is None and len(then) >= LEAST and len(then) % _BATCH == 0:
                rates = np.array([[self._known[i].rate, run.rate] for i, run in enumerate(then)])
                half, apart = self._half(rates[:, 1] - rates[:, 0]), abs(float((rates[:, 1] - rates[:, 0]).mean()))
                if half <= max(_TIGHT * apart, _SMALL * float(rates[:, 0].mean())):
                    break
        return [self._known[i] for i in range(len(then))], then

    def _run(self, changes: Sequence[Change], number: int) -> Run:
        self.check()
        assert self.release is not None
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        return simulate(self.held, changes, self.release, self.cases, seed, self.check)

    def _half(self, values: Any) -> float:
        """Half of the interval of a mean, by Student's t."""
        from scipy.stats import t

        if len(values) < 2:
            return float("inf")
        return float(t.ppf((1 + self.level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))

    def _value(self, run: Run, measure: str, station: int) -> float:
        if measure == "utilisation":
            return float(run.busy[station])
        value = run.measures()[measure]
        return value * self.day if measure == "throughput" else value / 3600 if measure == "lead_time" else value

    def effect(self, measure: str, now: Any, then: Any) -> dict[str, Any]:
        apart = then - now
        half = self._half(apart)
        mean = float(apart.mean())
        ends = (mean - half, mean + half) if np.isfinite(half) else (None, None)
        return {"measure": measure, "now": float(now.mean()), "changed": float(then.mean()), "difference": mean,
                "lower": ends[0], "upper": ends[1]}  # fmt: skip

    def words(self, effect: Mapping[str, Any], measure: str) -> str:
        low, high = effect["lower"], effect["upper"]
        if low is None or low <= 0 <= high:
            return f"no difference in {_UNITS[measure]} that can be told from chance ({_ends(low, high)})"
        return f"{effect['difference']:+.3g} {_UNITS[measure]} ({_ends(low, high)})"

    def _next(self, now: Sequence[Run], then: Sequence[Run]) -> dict[str, Any]:
        """The station that limits the line then."""
        shares = [np.mean([run.critical for run in runs], axis=0) for runs in (now, then)]
        first, second = (int(np.argmax(share)) for share in shares)
        names = self.log.names
        stays = f"{names[first]} limits the line before and after the change"
        words = stays if first == second else f"{names[first]} limits the line now, {names[second]} after the change"
        return {
            "measure": "bottleneck",
            "now": float(shares[0][first]),
            "changed": float(shares[1][second]),
            "finding": words,
        }

    def _logged(self, station: int) -> dict[str, float]:
        """What the log itself has."""
        line, own = self.line, self.operations
        length = self.log.clock.length
        waits, work = float((own.begin - self.ready).sum()), float((own.stop - own.begin).sum())
        busy = float(line.times[station].sum() / (self.log.machines[station] * length))
        return {
            "throughput": len(line.routes) / length * self.day,
            "lead_time": line.wip * length / len(line.routes) / 3600,
            "wip": line.wip,
            "waiting": waits / max(waits + work, 1e-9),
            "utilisation": min(busy, 1.0),
        }

    def told(self, now: Sequence[Run], then: Sequence[Run]) -> dict[str, str]:
        """How well the simulation does without a change, and whether it can tell what the change brings."""
        assert self.release is not None
        played, logged = float(np.mean([run.rate for run in now])) * self.day, self._logged(0)
        words = [f"simulated {played:,.3g} cases a day, the log has {logged['throughput']:,.3g}"]
        off = abs(played / logged["throughput"] - 1) > _OFF
        if off and self.release == "wip":  # maybe orders lacked: a line that gets as many does as the log then
            words.append(self._as_logged(logged))
        full = int((self.line.places >= 0).sum())
        held = "" if self.wip is None else f"{self.wip:,.3g} cases in the line, as told"
        words += [f"{plural(len(now), 'replication')} of {plural(self.cases, 'case')}", held or _RELEASES[self.release]]
        words += [f"places before {plural(full, 'station')} are as few as the log tells"] if full else []
        doubts = self._held_up(then) + self.log.doubts
        status = "uncalibrated" if off else "doubtful" if doubts else "ok"
        return {"ml_status": status, "ml_reason": "; ".join([*doubts, *words, *self.log.notes])}

    def _held_up(self, then: Sequence[Run]) -> list[str]:
        """That no station but the number of cases limits the line, in words."""
        waiting = float(np.mean([run.waiting for run in then]))
        if self.release != "wip" or waiting >= _HARDLY:
            return []
        few = f"only {self.held.wip:,.3g} cases are in the line at once" + ("" if self.wip else ", as in the log")
        return [
            f"{few}: after the change they hardly wait, so that more orders would bring more than a faster station; "
            "options := {'release': 'always'} plays it with as many as it can take, "
            f"{{'wip': {2 * np.ceil(self.held.wip):g}}} with so many"
        ]

    def _as_logged(self, logged: Mapping[str, float]) -> str:
        """Whether it does as the log when it gets as many orders, in words."""
        again = self._again()
        rate, hours = again.rate * self.day, again.lead / 3600
        words = f"let in when the log did, a case takes {hours:,.3g} hours, {logged['lead_time']:,.3g} in the log"
        agrees = abs(rate / logged["throughput"] - 1) <= _OFF and abs(hours / logged["lead_time"] - 1) <= _LEAD_OFF
        lacked = ": orders were lacking, and options := {'release': 'log'} plays it so"
        return words + lacked if agrees else words

    def _again(self) -> Run:
        """The log itself, played once."""
        if self._replayed is None:
            cases = min(len(self.line.routes), _MOST)
            self._replayed = simulate(self.line, (), "log", cases, self.seed, self.check)
        return self._replayed


def _ends(low: float | None, high: float | None) -> str:
    return "one replication tells none" if low is None or high is None else f"{low:.3g} to {high:.3g}"
