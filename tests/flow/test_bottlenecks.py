"""The shifting bottleneck and the critical path: by hand, and of any log."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.flow.bottlenecks import OUTSIDE, Operations, Spans, critical_path, spread_over_machines
from mfgsql.flow.shifting import active_periods, shifting_bottleneck


def spans(rows):
    owner, begin, stop = zip(*rows, strict=True)
    return Spans(np.array(owner), np.array(begin, float), np.array(stop, float))


def told(found: Spans):
    rows = zip(found.owner.tolist(), found.begin.tolist(), found.stop.tolist(), strict=True)
    return sorted(row for row in rows if row[2] > row[1])


def operations(rows):
    """Of (case, station, begin, stop)."""
    rows = sorted(rows, key=lambda r: (r[2], r[3]))
    latest, before = {}, []
    for number, row in enumerate(rows):
        before.append(latest.get(row[0], -1))
        latest[row[0]] = number
    last = np.isin(np.arange(len(rows)), list(latest.values()))
    _, station, begin, stop = (np.array(part) for part in zip(*rows, strict=True))
    return Operations(begin.astype(float), stop.astype(float), station, np.array(before), last)


def test_active_periods_end_where_a_machine_waits() -> None:
    machine = np.array([0, 0, 0, 1, 1])
    begin, stop = np.array([0, 5, 12, 3, 4.0]), np.array([5, 10, 15, 9, 6.0])
    assert told(active_periods(machine, begin, stop, np.zeros(2))) == [(0, 0, 10), (0, 12, 15), (1, 3, 9)]
    assert told(active_periods(machine, begin, stop, np.array([2.0, 0]))) == [(0, 0, 15), (1, 3, 9)]


def test_the_bottleneck_shifts_where_periods_overlap() -> None:
    """Roser's picture: machine 0 is active longest, then 1, which began before 0 ended; 2 is never the longest."""
    sole, shifting = shifting_bottleneck(spans([(0, 0, 10), (1, 7, 20), (2, 8, 9), (2, 14, 18)]))
    assert told(sole) == [(0, 0, 7), (1, 10, 20)]
    assert told(shifting) == [(0, 7, 10), (1, 7, 10)]


def test_a_pause_of_all_has_no_bottleneck_and_machines_of_one_owner_do_not_hand_over() -> None:
    sole, shifting = shifting_bottleneck(spans([(0, 0, 4), (1, 6, 9)]))
    assert told(sole) == [(0, 0, 4), (1, 6, 9)]
    assert told(shifting) == []
    sole, shifting = shifting_bottleneck(spans([(0, 0, 10), (0, 7, 20)]))
    assert told(sole) == [(0, 0, 20)]
    assert told(shifting) == []


def test_periods_of_all_the_time_are_of_all_machines_alike() -> None:
    sole, shifting = shifting_bottleneck(spans([(0, 0, 10), (1, 0, 10), (2, 0, 10), (3, 2, 9)]))
    assert told(sole) == []
    assert told(shifting) == [(0, 0, 10), (1, 0, 10), (2, 0, 10)]
    assert shifting.weight.tolist() == pytest.approx([1 / 3] * 3)


def test_of_three_at_once_none_counts_twice() -> None:
    """The third one begins before the first one ends."""
    sole, shifting = shifting_bottleneck(spans([(0, 0, 10), (1, 5, 20), (2, 9, 40)]))
    assert told(sole) == [(0, 0, 5), (2, 20, 40)]
    assert told(shifting) == [(0, 5, 9), (0, 9, 10), (1, 5, 9), (1, 9, 10), (1, 10, 20), (2, 9, 10), (2, 10, 20)]


def shares(found: Spans, stations: int):
    lasts = np.bincount(found.owner + 1, found.stop - found.begin, stations + 1)
    return (lasts / lasts.sum()).tolist()


def test_the_slow_station_of_three_is_the_critical_path() -> None:
    """Times 2, 5 and 1: all but the first part's way to the slow station, and the last one's from there."""
    rows = []
    for k in range(100):
        rows += [(k, 0, 2 * k, 2 * k + 2), (k, 1, 5 * k + 2, 5 * k + 7), (k, 2, 5 * k + 7, 5 * k + 8)]
    found = critical_path(operations(rows), np.full(3, 1e-6))
    assert shares(found, 3) == pytest.approx([0, 2 / 503, 500 / 503, 1 / 503])


def test_a_blocked_station_is_not_critical_though_it_never_lacks_work() -> None:
    """No place between the two: the first one begins when the second one, which is slower, does."""
    rows = []
    for k in range(100):
        rows += [(k, 0, 5 * k, 5 * k + 2), (k, 1, 5 * k + 5, 5 * k + 10)]
    outside, first, second = shares(critical_path(operations(rows), np.full(2, 1e-6)), 2)
    assert (outside, first, second) == pytest.approx((0, 2 / 505, 503 / 505))


def test_time_without_orders_is_nobodys() -> None:
    rows = [(k, 0, 10 * k, 10 * k + 4) for k in range(50)]
    outside, station = shares(critical_path(operations(rows), np.array([1e-6])), 1)
    assert (outside, station) == pytest.approx((6 * 49 / 494, 200 / 494))


def test_operations_go_to_the_machine_that_is_free() -> None:
    log = operations([("a", 0, 0, 6), ("b", 0, 1, 3), ("c", 0, 3, 9), ("a", 1, 6, 7)])
    machine, station = spread_over_machines(log, np.array([2, 1]))
    assert station.tolist() == [0, 0, 1]
    assert machine.tolist() == [0, 1, 1, 2]


row = st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 60), st.integers(0, 20))


@settings(max_examples=200, deadline=None)
@given(st.lists(row, min_size=1, max_size=60), st.integers(0, 3))
def test_any_log_has_a_path_and_bottlenecks_within_its_time(rows, tolerance) -> None:
    """Also where a case is in two places at once, operations take no time, and machines do two at once."""
    log = operations([(case, station, begin, begin + lasts) for case, station, begin, lasts in rows])
    path = critical_path(log, np.full(4, float(tolerance)))
    assert (path.stop >= path.begin).all()
    assert (np.diff(path.stop) <= 1e-9).all()  # backwards in time
    assert (path.begin[:-1] >= path.stop[1:] - tolerance).all()  # nothing counts twice
    assert set(path.owner.tolist()) <= {OUTSIDE, 0, 1, 2, 3}
    assert path.stop[0] == log.stop.max()
    machine, station = spread_over_machines(log, np.ones(4, np.int64))
    periods = active_periods(machine, log.begin, log.stop, np.zeros(4))
    sole, shifting = shifting_bottleneck(periods.of(station))
    alone = sorted(told(sole), key=lambda r: r[1])
    assert all(a[2] <= b[1] + 1e-9 for a, b in zip(alone, alone[1:], strict=False))
    own = sum(((one.stop - one.begin) * one.weight).sum() for one in (sole, shifting))
    for owner in range(4):
        of_one = [row for row in [*alone, *told(shifting)] if row[0] == owner]
        assert sum(e - b for _, b, e in of_one) == pytest.approx(sum(e - b for b, e in _union([r[1:] for r in of_one])))
    active = sum(stop - begin for begin, stop in _union([(b, e) for _, b, e in told(periods)]))
    covered = sum(stop - begin for begin, stop in _union([(b, e) for _, b, e in [*alone, *told(shifting)]]))
    assert own == pytest.approx(covered)
    assert covered == pytest.approx(active)  # whenever anything works, something is the bottleneck


def _union(intervals):
    found = []
    for begin, stop in sorted(intervals):
        if found and begin <= found[-1][1]:
            found[-1][1] = max(found[-1][1], stop)
        else:
            found.append([begin, stop])
    return found
