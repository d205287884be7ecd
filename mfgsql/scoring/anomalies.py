"""Histories in, anomaly scores out: one for each row asked for, from the errors at it and before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mfgsql.features import Track
from mfgsql.features.histories import Integers
from mfgsql.scoring.histories import Asked, Histories, Placed, place
from mfgsql.scoring.scorer import Scorer
from mfgsql.tasks.anomaly import Detector
from mfgsql.tasks.task import Array

_PEAKS = 4_096  # rows whose most unusual moments are looked for at a time


@dataclass(frozen=True)
class Detected:
    """What is said of the rows that are asked for.

    Attributes:
        score: of each. begins: whether an anomaly begins there. added: what each channel adds to the score,
            [n, channels]. peaks: for each channel the number, among the rows given, of that row in the last span at
            which it was the most unusual, [n, channels]; none where they are not wanted.
    """

    placed: Placed
    score: Array
    begins: Array
    added: Array
    peaks: Integers


def detect(
    scorer: Scorer, histories: Histories, asked: Asked, check: Callable[[], None], *, explained: bool = False
) -> Detected:
    """Scores of the rows that are asked for.

    Args:
        check: called before each pass of the network; raises where the work shall stop. explained: whether the moments
            are wanted at which channels were the most unusual.
    """
    detector = Detector.from_dict(scorer.model.manifest.calibration)
    placed = place(scorer, histories, asked)
    track = placed.track
    needed = _needed(track, placed.asked, 2 * detector.reach)
    errors = _errors(scorer, track, placed.ends[needed], len(detector.center), check)
    since, mine = (np.searchsorted(needed, rows) for rows in (track.since(needed), placed.asked))
    score, added = detector.score(errors, since)
    alarm, channels = score > detector.threshold, errors.shape[1] // 2 or 1
    peaks = np.empty((0, channels), np.int64)
    if explained:
        unusual = _by_channel(np.abs(detector.standard(errors)), channels)
        peaks = placed.taken[needed[_peaks(unusual, since, mine, detector.span)]]
    begins = alarm & ~_before(alarm, since, detector.span)
    return Detected(placed, score[mine], begins[mine], _by_channel(np.maximum(added, 0.0), channels)[mine], peaks)


def _needed(track: Track, placed: Integers, reach: int) -> Integers:
    """Rows whose errors count for those that are asked for: they end each history."""
    wanted = np.zeros(len(track), bool)
    wanted[placed] = True
    starts = np.unique(track.first)
    if not len(placed):
        return placed
    for start, stop in zip(starts, np.append(starts[1:], len(track)), strict=True):
        own = np.flatnonzero(wanted[start:stop])
        if len(own):
            wanted[max(start, start + own[0] - reach) : stop] = True
    return np.flatnonzero(wanted)


def _errors(scorer: Scorer, track: Track, ends: Integers, width: int, check: Callable[[], None]) -> Array:
    parts = [np.empty((0, width))]
    for turn in track.in_turns(len(ends)):
        check()
        parts.append(scorer.errors(*track.windows(ends[turn])))
    return np.concatenate(parts)


def _before(alarm: Array, first: Integers, span: int) -> Array:
    """Whether there was an alarm in the span before each row."""
    count = np.append(0, np.cumsum(alarm))
    rows = np.arange(len(alarm))
    return np.asarray(count[rows] > count[np.maximum(first, rows - span)])


def _by_channel(values: Array, channels: int) -> Array:
    return np.asarray(values.reshape(len(values), -1, channels).sum(axis=1))


def _peaks(unusual: Array, first: Integers, rows: Integers, span: int) -> Integers:
    """For each of the rows and each channel the row of its last span at which the channel was the most unusual."""
    found = [np.empty((0, unusual.shape[1]), np.int64)]
    for start in range(0, len(rows), _PEAKS):
        own = rows[start : start + _PEAKS]
        back = own[:, None] - np.arange(span)
        there = back >= first[own][:, None]
        seen = np.where(there[..., None], unusual[np.maximum(back, 0)], -1.0)
        found.append(own[:, None] - seen.argmax(axis=1))
    return np.concatenate(found)
