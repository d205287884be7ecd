"""Histories in, anomaly scores out: one for each row asked for, from the errors at it and before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mfgsql.features import Track
from mfgsql.features.histories import Integers, twins
from mfgsql.scoring.histories import Asked, asked_rows, flags_of, moments_of, own_flags, place, windows_at_once
from mfgsql.scoring.scorer import RowStatus, Scorer, row_status
from mfgsql.tasks.anomaly import Detector
from mfgsql.tasks.task import Array

_PEAKS = 4_096  # rows whose most unusual moments are looked for at a time


@dataclass(frozen=True)
class Detected:
    """What is said of the asked rows.

    Attributes:
        rows: their numbers among those given, int64 [n]. score: of each. begins: whether an anomaly begins there.
        added: what each channel adds to the score, [n, channels]. peaks: for each channel the number, among the rows
            given, of that row in the last span at which it was the most unusual, [n, channels].
    """

    rows: Integers
    score: Array
    begins: Array
    added: Array
    peaks: Integers
    status: RowStatus


def detect(
    scorer: Scorer,
    columns: Mapping[str, pa.Array],
    times: pa.Array,
    first: Integers,
    asked: Asked,
    check: Callable[[], None],
    *,
    explained: bool = False,
) -> Detected:
    """Scores of rows that lie history by history, each in the order of time; arguments as of `score_histories`.

    Args:
        explained: whether the moments are wanted at which channels were the most unusual.
    """
    manifest = scorer.model.manifest
    detector = Detector.from_dict(manifest.calibration)
    batch = manifest.features.encode(columns, len(times))
    moments = moments_of(times)
    taken = np.flatnonzero(np.isfinite(moments))
    assert manifest.history is not None
    track = place(manifest.history, batch, moments, first, taken)
    placed = asked_rows(track, asked)
    needed = _needed(track, placed, 2 * detector.reach)
    errors = _errors(scorer, track, twins(track)[needed], len(detector.center), check)
    since = np.searchsorted(needed, track.since(needed))
    score, added = detector.score(errors, since)
    mine = np.searchsorted(needed, placed)
    channels = errors.shape[1] // 2 or 1
    alarm = score > detector.threshold
    flags = [*own_flags(batch, taken[placed]), *flags_of(scorer, track, placed, twins(track)[placed])]
    return Detected(
        taken[placed],
        score[mine],
        (alarm & ~_before(alarm, since, detector.span))[mine],
        _by_channel(np.maximum(added, 0.0), channels)[mine],
        taken[needed[_peaks(_by_channel(np.abs(detector.standard(errors)), channels), since, mine, detector.span)]]
        if explained
        else np.empty((0, channels), np.int64),
        row_status(tuple(flags), len(placed)),
    )


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
    parts, size = [np.empty((0, width))], windows_at_once(track)
    for start in range(0, len(ends), size):
        check()
        parts.append(scorer.errors(*track.windows(ends[start : start + size])))
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
