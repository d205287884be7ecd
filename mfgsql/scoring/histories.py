"""Histories in, answers out: one for each row that is asked for, from that row and those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.features import Batch, FeatureSet, Flag, Track
from mfgsql.features.categorical import MISSING
from mfgsql.features.histories import Integers, firsts, number_channels, run_lengths, twins
from mfgsql.features.temporal import as_seconds
from mfgsql.scoring.scorer import RowStatus, Scorer, row_status
from mfgsql.tasks import Prediction
from mfgsql.tasks.task import Array

_ROWS = 65_536  # encoded at a time, unless one history has more
_ENDLESS = 9.2e12  # seconds; DuckDB writes infinity as the last moment there is
_STUCK, _FEWEST = 2, 8  # times the longest run of equal values in training, and rows of one, that are suspicious


@dataclass(frozen=True)
class Asked:
    """Which rows get an answer: the last of each history, those after a moment, or all."""

    latest: bool = False
    since: float | None = None


@dataclass(frozen=True)
class Histories:
    """Rows that lie history by history, each in the order of time.

    Attributes:
        columns: an Arrow array under each feature's name. times: of the rows, times or numbers.
        first: for each row the number of its history's first.
    """

    columns: Mapping[str, pa.Array]
    times: pa.Array
    first: Integers


@dataclass(frozen=True)
class Placed:
    """Rows on a track, and those of them that are asked for.

    Attributes:
        taken: number among the rows given of each row on the track. ends: where the window of each row on it ends.
        asked: numbers of the asked rows on the track. status: of each of these.
    """

    track: Track
    taken: Integers
    ends: Integers
    asked: Integers
    status: RowStatus

    @property
    def rows(self) -> Integers:
        """Numbers of the asked rows among those given; they rise."""
        return self.taken[self.asked]


@dataclass(frozen=True)
class Answers:
    """Answers to the rows that are asked for: as many predictions."""

    placed: Placed
    prediction: Prediction


def parts_of(offsets: Integers) -> Iterator[slice]:
    """Histories, so many together that few enough rows are encoded at a time."""
    start = 0
    while start < len(offsets) - 1:
        stop = int(np.searchsorted(offsets, offsets[start] + _ROWS, side="right")) - 1
        stop = max(stop, start + 1)
        yield slice(start, stop)
        start = stop


def score_histories(scorer: Scorer, histories: Histories, asked: Asked, check: Callable[[], None]) -> Answers:
    """Answers for the rows that are asked for.

    Args:
        check: called before each pass of the network; raises where the work shall stop.
    """
    placed = place(scorer, histories, asked)
    return Answers(placed, predict_windows(scorer, placed.track, placed.ends[placed.asked], check))


def place(scorer: Scorer, histories: Histories, asked: Asked) -> Placed:
    """Encode rows and put them on a track; those without a moment are no part of a history."""
    manifest = scorer.model.manifest
    assert manifest.history is not None
    batch = manifest.features.encode(histories.columns, len(histories.times))
    moments, first = moments_of(histories.times), histories.first
    taken = np.flatnonzero(np.isfinite(moments))
    continuous, codes = batch.continuous, batch.codes
    if len(taken) < len(moments):
        continuous, codes, moments = continuous[taken], codes[taken], moments[taken]
        first = firsts(first[taken])
    track = Track.of(manifest.history, continuous, codes, moments, first)
    chosen, ends = asked_rows(track, asked), twins(track)
    flags = [*own_flags(batch, taken[chosen]), *flags_of(scorer, track, chosen, ends[chosen])]
    return Placed(track, taken, ends, chosen, row_status(tuple(flags), len(chosen)))


def moments_of(times: pa.Array) -> Array:
    """Times as seconds since 1970, numbers as they are; NaN where there is none."""
    if pa.types.is_timestamp(times.type) or pa.types.is_date(times.type):
        seconds = as_seconds(times)[0]
        return np.where(np.abs(seconds) < _ENDLESS, seconds, np.nan)
    return np.asarray(pc.fill_null(pc.cast(times, pa.float64(), safe=False), float("nan")))


def asked_rows(track: Track, asked: Asked) -> Integers:
    """Rows of the track that get an answer."""
    rows = np.arange(len(track))
    if asked.latest and len(track):
        rows = np.append(np.flatnonzero(np.diff(track.first)), len(track) - 1)
    if asked.since is not None:
        rows = rows[track.times[rows] > asked.since]
    return rows


def predict_windows(scorer: Scorer, track: Track, ends: Integers, check: Callable[[], None]) -> Prediction:
    """Predictions of the windows that end at these rows."""
    parts = []
    for turn in track.in_turns(len(ends)):
        check()
        parts.append(scorer.predict(*track.windows(ends[turn])))
    if parts:
        return Prediction.concat(parts)
    return scorer.model.task.baseline(scorer.model.target, 0)


def own_flags(batch: Batch, rows: Integers) -> Iterator[Flag]:
    """What the rows' own values give reason to distrust."""
    for flag in batch.flags:
        if flag.rows[rows].any():
            yield Flag(flag.status, flag.rows[rows], lambda row, f=flag: f.describe(int(rows[row])))  # type: ignore[misc]


def flags_of(scorer: Scorer, track: Track, placed: Integers, ends: Integers) -> Iterator[Flag]:
    """What a row's history gives reason to distrust."""
    history, features = track.history, scorer.model.manifest.features
    there = track.rows_there(ends)
    short = there < history.shortest
    if short.any():
        yield Flag("too_short", short, lambda row: f"{there[row]} rows of history, {history.shortest} are needed")
    yield from _missing(features, track, placed, short)
    for name, channel in number_channels(features).items():
        values = track.continuous[:, channel]
        usual = history.runs.get(name, 0)
        least = max(_STUCK * usual, min(_FEWEST, history.window - 1))
        if not usual or least >= history.window:
            continue  # a longer run than windows are can't be seen from every query
        runs = np.minimum(run_lengths(values, track.first)[placed], history.window)
        stuck = runs > least
        if stuck.any():
            yield Flag("stuck", stuck, lambda row, n=name, r=runs, u=usual: _stuck(n, int(r[row]), u))  # type: ignore[misc]


def _missing(features: FeatureSet, track: Track, placed: Integers, short: Array) -> Iterator[Flag]:
    """Columns that were never NULL in training, and are so in a row; encoders of histories take any NULL."""
    for name, place in features.places.items():
        if name not in track.history.complete:
            continue
        if place.code is None:
            absent = np.isnan(track.continuous[placed, place.channels.start]) & ~short
        else:
            absent = (track.codes[placed, place.code] == MISSING) & ~short
        if absent.any():
            yield Flag("missing", absent, lambda _, n=name: f"{n} is missing (never so in training)")  # type: ignore[misc]


def _stuck(name: str, rows: int, usual: int) -> str:
    return f"{name} has not changed for {rows} rows or more (at most {usual} in training)"
