"""A line as a log tells it, and what changing it brings: deterministic lines by hand, random ones by queueing theory."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from mfgsql.errors import CancelledError, MissingExtraError
from mfgsql.flow.line import Line, calibrate
from mfgsql.flow.simulation import Change, simulate
from tests.bench.lines import Line as Drawn
from tests.bench.lines import play
from tests.flow.test_bottlenecks import operations


def line(times, machines=None, places=None, wip=8.0, released=None):
    count = len(times)
    return Line(
        routes=[list(range(count))] * 20, times=[np.array(t, float) for t in times], machines=np.array(machines or [1] * count),
        places=np.array(places or [-1] * count), wip=wip, released=np.array(released if released is not None else range(20), float),
        length=100.0, always=False,
    )  # fmt: skip


def test_the_slowest_station_sets_the_pace_and_making_it_faster_does_until_the_next_one_does() -> None:
    plant = line([[2], [5], [4]])
    now = simulate(plant, [], "wip", 400, 0)
    assert now.rate == pytest.approx(1 / 5)
    assert now.wip == pytest.approx(8)
    assert now.lead == pytest.approx(40)  # Little's law
    assert now.busy.tolist() == pytest.approx([0.4, 1, 0.8], abs=0.01)
    assert np.argmax(now.critical) == 1
    assert simulate(plant, [Change(1, factor=0.9)], "wip", 400, 0).rate == pytest.approx(1 / 4.5)
    assert simulate(plant, [Change(1, factor=0.5)], "wip", 400, 0).rate == pytest.approx(1 / 4)
    assert simulate(plant, [Change(1, seconds=0.5)], "wip", 400, 0).rate == pytest.approx(1 / 4.5)
    assert simulate(plant, [Change(1, machines=1)], "wip", 400, 0).rate == pytest.approx(1 / 4)
    assert simulate(plant, [Change(1, machines=1), Change(2, factor=0.5)], "wip", 400, 0).rate == pytest.approx(1 / 2.5)
    assert simulate(plant, [Change(0, factor=0.5)], "wip", 400, 0).rate == pytest.approx(1 / 5)


def test_the_same_seed_is_the_same_and_another_is_not() -> None:
    plant = line([[1, 2, 3], [2, 5], [1, 6]])
    one, two, other = (simulate(plant, [], "wip", 200, seed) for seed in (1, 1, 2))
    assert (one.rate, one.lead, one.waiting) == (two.rate, two.lead, two.waiting)
    assert one.rate != other.rate


def test_a_queue_with_random_arrivals_waits_as_long_as_theory_says() -> None:
    """M/D/1 at 80 %: the mean wait is 2 times that of an operation (Pollaczek and Khinchine)."""
    dice = np.random.default_rng(0)
    leads = []
    for seed in range(6):
        plant = line([[0.8]], released=np.cumsum(dice.exponential(1.0, 4000)))
        leads.append(simulate(plant, [], "log", 4000, seed).lead)
    assert np.mean(leads) == pytest.approx(0.8 + 1.6, rel=0.12)


def test_places_block_and_the_log_tells_how_many_there_are() -> None:
    drawn = Drawn(np.array([4.0, 4.0, 4.0]), np.full(3, 0.5), np.ones(3, int), np.array([0, 3, 1]), np.zeros(3), np.ones(3))
    times = drawn.times(3000, 1, np.random.default_rng(5)) * 60
    began, done, _ = play(drawn, times)
    rows = [(k, i, began[k, i, 0], done[k, i, 0]) for k in range(3000) for i in range(3)]
    log = operations(rows)
    ready = np.where(log.before >= 0, log.stop[log.before], log.begin)
    found = calibrate(log, ready, np.ones(3, int), np.full(3, 1.0))
    assert found.places.tolist() == [-1, 3, 1]
    assert found.always
    logged = 3000 / found.length
    played = np.mean([simulate(found, [], "always", 1500, seed).rate for seed in range(4)])
    assert played == pytest.approx(logged, rel=0.03)
    free = Line(**{**found.__dict__, "places": np.full(3, -1)})
    assert simulate(free, [], "always", 1500, 0).rate > 1.05 * logged


def test_a_random_line_without_limits_has_no_places() -> None:
    dice, rows, ends = np.random.default_rng(1), [], np.zeros(3)
    for k in range(800):
        at = 1.3 * k
        for i in range(3):
            begin = max(at, ends[i])
            at = ends[i] = begin + dice.exponential(1.0)
            rows.append((k, i, begin, at))
    log = operations(rows)
    ready = np.where(log.before >= 0, log.stop[log.before], log.begin)
    found = calibrate(log, ready, np.ones(3, int), np.full(3, 0.01))
    assert found.places.tolist() == [-1, -1, -1]
    assert not found.always


def test_it_stops_when_asked() -> None:
    def stop() -> None:
        raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        simulate(line([[1], [2]]), [], "wip", 2000, 0, stop)


def test_without_simpy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simpy", None)
    with pytest.raises(MissingExtraError, match=r"mfgsql\[decide\]"):
        simulate(line([[1]]), [], "wip", 20, 0)
