"""The shifting bottleneck: at each moment the machine that has not had to wait for longest. It knows no database.

Roser, Nakano, Tanaka, "Shifting bottleneck detection", WSC 2002. It needs no more than when machines were active, so
that states of machines tell it as well as operations do.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np

from mfgsql.flow.bottlenecks import Floats, Integers, Spans

_POLL = 20_000  # periods between two looks whether the work shall stop


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
    """When each owner is the bottleneck alone, and when several are, of whom each has a part of that time.

    At each moment the machine in the longest active period is the bottleneck, for all of that period. Where the next
    one's begins before the last one's ends, both are for as long as they overlap; of periods that begin and end
    together none is before another.
    """
    chosen = _with_ties(periods, _longest(periods, check))
    owner, begin, stop = periods.owner[chosen], periods.begin[chosen], periods.stop[chosen]
    whole = active_periods(owner, begin, stop, np.zeros(int(owner.max()) + 1))  # machines of one owner are one
    bounds = np.unique(np.concatenate([whole.begin, whole.stop]))
    first, last = np.searchsorted(bounds, whole.begin), np.searchsorted(bounds, whole.stop)
    at_once = np.cumsum(np.bincount(first, minlength=len(bounds)) - np.bincount(last, minlength=len(bounds)))
    pieces = last - first
    piece = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces - first, pieces)
    found = Spans(np.repeat(whole.owner, pieces), bounds[piece], bounds[piece + 1], 1.0 / at_once[piece])
    alone = at_once[piece] == 1
    return _some(found, alone), _some(found, ~alone)


def _some(spans: Spans, which: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Spans:
    assert spans.weight is not None
    return Spans(spans.owner[which], spans.begin[which], spans.stop[which], spans.weight[which])


def _with_ties(periods: Spans, chosen: Integers) -> Integers:
    """Numbers of those periods and of all that begin and end with one of them."""
    _, group = np.unique(np.stack([periods.begin, periods.stop]), axis=1, return_inverse=True)
    return np.flatnonzero(np.isin(group.ravel(), group.ravel()[chosen]))


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
