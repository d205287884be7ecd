"""From rows of histories to windows: the stretch that a model reads for each row it speaks of.

A window ends at its row and looks back: so many rows, or with `History.resample` so many steps of time, at each of
which the latest row known then counts. It never looks further back than `History.reach`, so that a query can leave out
what is older. Nothing after a row changes what is said of it, nor do rows of another history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.features.featureset import FeatureSet

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_NUMBERS, _WINDOWS = 2**24, 2_048  # in windows that are made at a time, and windows, at most
EXTRA = 2  # channels behind the columns': whether there is a row, and how long after the one before it
_FARTHEST = 20.0  # deviations: one wild value must not drown the others
_SLOWEST = 3.0  # of the last one, in powers of e


@dataclass(frozen=True)
class History:
    """How a model reads histories.

    Attributes:
        entity: column of the machine whose history it is; None: all rows are one history.
        order_by: column of time. timed: whether it holds times (then all lengths are in seconds), or numbers.
        window: rows, or steps of ``resample``, that are read at once. patch: of them that make one token.
        memory: windows before it that are read for what they leave in memory.
        step: usual time between two rows. reach: how far back in time a window and its memory go, at most.
        resample: time between two steps, where rows come irregularly or at several rates; None: each row is a step.
        fill: rows, or steps, over which a missing value is taken from the row before.
        shortest: rows without which nothing is said.
        smooth: rows before a row whose own answers count, too. zoned: whether the times have a time zone.
        runs: longest run of equal values of each number in the fitted rows. complete: columns that had no NULL there.
    """

    entity: str | None
    order_by: str
    timed: bool
    window: int
    patch: int
    memory: int = 0
    step: float = 1.0
    reach: float = float("inf")
    resample: float | None = None
    fill: int = 0
    shortest: int = 1
    smooth: int = 0
    zoned: bool = False
    runs: dict[str, int] = field(default_factory=dict)
    complete: tuple[str, ...] = ()

    @property
    def carry(self) -> float:
        """Time over which a missing value is taken from a row before."""
        if self.resample is not None:
            return max(self.fill, 1) * self.resample
        return 2 * self.fill * self.step

    @property
    def length(self) -> int:
        """Rows or steps that are read for one prediction, memory and all."""
        return self.window * (1 + self.memory)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self) | {"reach": self.reach if np.isfinite(self.reach) else None}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> History:
        """What `to_dict` saved."""
        reach = float("inf") if saved["reach"] is None else saved["reach"]
        return cls(**saved | {"reach": reach, "complete": tuple(saved["complete"])})


@dataclass(frozen=True)
class Track:
    """Encoded rows of histories, one behind the other, each in the order of time.

    Attributes:
        continuous: float32 [rows, channels], NaN where missing. codes: int64 [rows, columns].
        times: float64 [rows]. first: int64 [rows], number of the first row of each row's history.
    """

    history: History
    continuous: Floats
    codes: Integers
    times: Floats
    first: Integers

    @classmethod
    def of(cls, history: History, continuous: Floats, codes: Integers, times: Floats, first: Integers) -> Track:
        """A track whose gaps are filled as far as the history allows."""
        within = np.clip(continuous, -_FARTHEST, _FARTHEST)
        return cls(history, _filled(within, times, first, history), codes, times, first)

    def __len__(self) -> int:
        return len(self.times)

    def windows(self, ends: Integers) -> tuple[Floats, Integers]:
        """Windows that end at these rows: float32 [n, length, channels + `EXTRA`], int64 [n, length, columns].

        Where there is no row all channels are NaN but the last two, which are 0; codes are 0 there.
        """
        rows, there = self._rows(ends)
        taken = np.where(there, rows, 0)
        width = self.continuous.shape[1]
        windows = np.empty((*rows.shape, width + EXTRA), np.float32)
        windows[..., :width] = self.continuous[taken]
        windows[..., :width][~there] = np.nan
        windows[..., width] = there
        windows[..., width + 1] = np.where(there & self._follows(taken, ends), self._lags[taken], 0.0)
        codes = np.where(there[..., None], self.codes[taken], 0)
        return windows, codes

    def in_turns(self, rows: int) -> Iterator[slice]:
        """So many windows in turns: many at a time, unless they are long."""
        size = int(np.clip(_NUMBERS // (self.history.length * (self.continuous.shape[1] + 1)), 1, _WINDOWS))
        return (slice(start, start + size) for start in range(0, rows, size))

    def rows_of(self, ends: Integers, steps: Integers) -> Integers:
        """Numbers of the rows at those steps of each window, [n, k] from 0; where there is none, the window's end."""
        return np.asarray(np.take_along_axis(self._rows(ends)[0], steps, axis=1))

    def _follows(self, rows: Integers, ends: Integers) -> Mask:
        """Whether the row before each is one of its history, within reach of the window's end."""
        before = np.maximum(rows - 1, 0)
        near = self.times[before] > self.times[ends][:, None] - self.history.reach
        return np.asarray((rows > self.first[rows]) & near)

    def since(self, rows: Integers) -> Integers:
        """For each row the first of its history that is within reach."""
        if not np.isfinite(self.history.reach):
            return self.first[rows]
        earliest = np.searchsorted(self._places, self._places[rows] - self.history.reach, side="right")
        return np.asarray(np.maximum(earliest, self.first[rows]))

    def rows_there(self, ends: Integers) -> Integers:
        """How many rows, or steps, of each window there are, memory left aside."""
        there = self._rows(ends)[1][:, -self.history.window :]
        return np.asarray(there.sum(axis=1))

    def _rows(self, ends: Integers) -> tuple[Integers, Mask]:
        """Numbers of the rows that each window holds [n, length], and where there is one."""
        back = np.arange(self.history.length - 1, -1, -1)
        if self.history.resample is None:
            rows = ends[:, None] - back
        else:
            moments = self._places[ends][:, None] - back * self.history.resample
            # A hair later, so that a row just at its step counts, whatever rounding does.
            rows = np.searchsorted(self._places, moments + 1e-6 * self.history.resample, side="right") - 1
            rows[:, -1] = ends
        there = rows >= self.first[ends][:, None]
        kept = np.where(there, rows, ends[:, None])
        if self.history.resample is not None:
            stale = moments - self._places[kept]
            there &= stale <= self.history.carry + 1e-6 * self.history.resample
        if np.isfinite(self.history.reach):
            there &= self.times[kept] > self.times[ends][:, None] - self.history.reach
        return np.asarray(kept), np.asarray(there)

    @cached_property
    def _places(self) -> Floats:
        """Times moved apart, so that they rise over all histories and one search finds rows of any."""
        if not len(self):
            return self.times
        starts = np.unique(self.first)
        ends = np.append(starts[1:], len(self)) - 1
        room = self.history.length * (self.history.resample or 0.0) + 1.0
        spans = self.times[ends] - self.times[starts] + room
        offsets = np.concatenate([[0.0], np.cumsum(spans)[:-1]]) - self.times[starts]
        return np.asarray(self.times + offsets[np.searchsorted(starts, self.first)])

    @cached_property
    def _lags(self) -> Floats:
        """How much longer than usual the row came after the one before it, in powers of e; 0 for a first row."""
        passed = np.diff(self.times, prepend=self.times[:1])
        passed[self.first == np.arange(len(self))] = self.history.step
        usual = np.maximum(passed, 1e-3 * self.history.step) / self.history.step
        return np.clip(np.log(usual), -_SLOWEST, _SLOWEST).astype(np.float32)


def firsts(histories: npt.NDArray[Any]) -> Integers:
    """Of rows that lie history by history the number of each one's first, of numbers that tell histories apart."""
    changes = np.ones(len(histories), bool)
    changes[1:] = histories[1:] != histories[:-1]
    return np.asarray(np.maximum.accumulate(np.where(changes, np.arange(len(histories)), 0)))


def twins(track: Track) -> Integers:
    """For each row the last of those that have its time and its values: they share a window, whatever their order."""
    same = np.zeros(len(track), bool)
    same[1:] = (track.times[1:] == track.times[:-1]) & (track.first[1:] == track.first[:-1])
    if same.any():
        places = np.flatnonzero(same)
        alike = _equal(track.continuous, places) & (track.codes[places] == track.codes[places - 1]).all(axis=1)
        same[places] = alike
    rows = np.arange(len(track))
    follows = np.append(same[1:], False)
    return np.asarray(np.minimum.accumulate(np.where(follows, len(track), rows)[::-1])[::-1])


def _equal(values: Floats, places: Integers) -> Mask:
    one, other = values[places], values[places - 1]
    return np.asarray(((one == other) | (np.isnan(one) & np.isnan(other))).all(axis=1))


def run_lengths(values: Floats, first: Integers) -> Integers:
    """For each row how many rows up to it have had its value without a break; 0 where it is missing."""
    rows = np.arange(len(values))
    changed = np.ones(len(values), bool)
    changed[1:] = (values[1:] != values[:-1]) | (first[1:] != first[:-1])
    lengths = rows - np.maximum.accumulate(np.where(changed, rows, 0)) + 1
    return np.where(np.isnan(values), 0, lengths)


def _filled(values: Floats, times: Floats, first: Integers, history: History) -> Floats:
    """Missing values taken from the latest row before that has one, if that is near: by rows, or resampled by time."""
    missing = np.isnan(values)
    if not history.carry or not missing.any():
        return values
    filled = values.copy()
    rows = np.arange(len(values))
    for column in np.flatnonzero(missing.any(axis=0)):
        known = np.maximum.accumulate(np.where(missing[:, column], -1, rows))
        near = missing[:, column] & (known >= first) & (times - times[known] <= history.carry * (1 + 1e-6))
        if history.resample is None:
            near &= rows - known <= history.fill
        filled[near, column] = values[known[near], column]
    return filled


def number_channels(features: FeatureSet) -> dict[str, int]:
    """The channel of each column of numbers."""
    places = features.places
    return {e.column.name: places[e.column.name].channels.start for e in features.encoders if e.kind == "numeric"}
