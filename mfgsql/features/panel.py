"""From rows of series to windows with what came after them: what a network learns forecasts from, and makes them of.

Each series is laid out on its grid, one behind the other, with room for the steps to come. A window tells its numbers
in deviations from its own mean, so that one network reads series of any size (Kim et al., "Reversible Instance
Normalization", ICLR 2022). What is said of a window depends on that window, and on what is known of the steps to come.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.features.featureset import FeatureSet
from mfgsql.features.grid import Grid
from mfgsql.features.lines import Lines

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

EXTRA = 2  # channels behind all others: whether there is a row, and how many deviations the window's mean is from 0
_FARTHEST, _FARTHEST_TRUTH = 20.0, 50.0  # deviations: one wild value must not drown the others
_FEWEST = 12  # known steps that a window is told by
_LEAST = 0.01  # of a window's mean size, that a deviation is
_ROOM = 2**25  # steps of all series, more than which no sensible step gives


@dataclass(frozen=True)
class Kinds:
    """Which channels and codes of the features are static, and which are known of steps to come; bool masks."""

    static: Mask
    known: Mask
    static_codes: Mask
    known_codes: Mask

    @classmethod
    def of(cls, features: FeatureSet, grid: Grid) -> Kinds:
        """As the grid tells by names."""
        static, known = {n.lower() for n in grid.static}, {n.lower() for n in grid.known}
        columns = features.columns
        channels = [c.name.lower() for c in columns if c.continuous for _ in range(c.size)]
        codes = [c.name.lower() for c in columns if c.categorical]
        masks = [np.array([n in names for n in of], bool) for of in (channels, codes) for names in (static, known)]
        return cls(*masks)


@dataclass(frozen=True)
class Sights:
    """Windows, the steps after them, and by what their numbers are told.

    Attributes:
        continuous: float32 [n, window + horizon, 1 + channels + EXTRA]: the target, the features, the calendar.
        codes: int64 [n, window + horizon, columns]. loc, scale: float64 [n]: a value is loc + scale * number.
        truth: float64 [n, horizon], numbers of the steps to come, NaN where unknown. naive: [n, horizon], what they
            were a season before. ruler: [n], mean size of the differences to a season before, and spread: their root
            mean square; all in the window's deviations. at: [n], moment of the window's last step. still: bool [n],
            whether the window's values are all 0.
    """

    continuous: Floats
    codes: Integers
    loc: Floats
    scale: Floats
    truth: Floats
    naive: Floats
    ruler: Floats
    spread: Floats
    at: Floats
    still: Mask


@dataclass(frozen=True)
class Panel:
    """Series on their grids, one behind the other.

    Attributes:
        values: float64 [steps], NaN where unknown. there: bool [steps], whether a row is there.
        continuous: float32 [steps, channels], the calendar's last. codes: int64 [steps, columns].
        begin: int64 [series], each one's first step. end: [series], its last one with a known value (before begin
            where it has none). since: float64 [series], the moment of that one.
        within: float64 [series], seconds from a month's begin to its step, where steps are months.
        repeated: bool [series], whether two rows share a step. ahead: [series], steps to come that have a row.
    """

    grid: Grid
    kinds: Kinds
    values: Floats
    there: Mask
    continuous: Floats
    codes: Integers
    begin: Integers
    end: Integers
    since: Floats
    within: Floats
    repeated: Mask
    ahead: Integers

    @classmethod
    def of(
        cls, grid: Grid, features: FeatureSet, lines: Lines, *, back: int | None = None, horizon: int | None = None
    ) -> Panel:
        """Lay series out on the grid.

        Args:
            back: steps to keep up to each series' last known one; None: all. horizon: room for steps to come; None:
                as many as are forecast at once.

        Raises:
            ValueError: the series would take far more steps than they have rows.
        """
        room = grid.horizon if horizon is None else horizon
        rows, series, which = len(lines.values), len(lines.starts), lines.which
        since, number, told = lines.numbered(grid)
        kept = told & (number <= room) & (number > -(back or np.iinfo(np.int64).max))
        past, ahead = (lines.most(kept, steps) for steps in (1 - number[kept], number[kept]))
        if past.sum() + room * series > max(_ROOM, 64 * rows):
            raise ValueError(f"{rows:,} rows would lie on {int(past.sum()):,} steps")
        begin, steps = np.cumsum(past + room) - past - room, int((past + room).sum())
        at = (begin + past - 1)[which[kept]] + number[kept]
        values, there = np.full(steps, np.nan), np.zeros(steps, bool)
        values[at], there[at] = lines.values[kept], True
        again = (which[1:] == which[:-1]) & (number[1:] == number[:-1]) & told[1:]
        repeated = np.bincount(which[1:][again], minlength=series) > 0
        within = grid.within_month(lines.moments, which, since)
        bare = (np.empty((steps, 0)), np.empty((steps, 0), np.int64))
        panel = cls(grid, Kinds.of(features, grid), values, there, *bare, begin, begin + past - 1, since, within,
                    repeated, ahead)  # fmt: skip
        panel._fill_gaps()
        continuous, codes = panel._features(lines, kept, at)
        return replace(panel, continuous=continuous, codes=codes)

    def __len__(self) -> int:
        return len(self.begin)

    @cached_property
    def which(self) -> Integers:
        """The series of each step."""
        return np.repeat(np.arange(len(self)), np.diff(np.append(self.begin, len(self.values))))

    def moments(self, series: Integers, steps: Integers) -> Floats:
        """Of steps of these series; NaN of those without a known value."""
        since, number = self.since[series], steps - self.end[series]
        known = np.isfinite(since)
        found = np.full(len(since), np.nan)
        found[known] = self.grid.moments(since[known], number[known], self.within[series][known])
        return found

    def up_to(self, ends: Integers) -> Mask:
        """Steps up to each of these, in its series; none of other series."""
        shown = self.begin - 1
        shown[self.which[ends]] = ends
        return np.asarray(np.arange(len(self.values)) <= shown[self.which])

    def _fill_gaps(self) -> None:
        """A step of the past without a row means zero, where the grid says so."""
        if self.grid.gaps == "zero":
            past = np.arange(len(self.values)) <= self.end[self.which]
            self.values[past & ~self.there] = 0.0

    def _features(self, lines: Lines, kept: Mask, at: Integers) -> tuple[Floats, Integers]:
        """Features of each step, the calendar's behind them."""
        steps, kinds, grid = len(self.values), self.kinds, self.grid
        continuous = np.full((steps, lines.continuous.shape[1] + grid.channels), np.nan, np.float32)
        codes = np.zeros((steps, lines.codes.shape[1]), np.int64)
        width = lines.continuous.shape[1]
        continuous[at, :width], codes[at] = lines.continuous[kept], lines.codes[kept]
        if len(at) and (kinds.static.any() or kinds.static_codes.any()):
            # As of the row before: what is the same in all rows may change one day.
            row = np.maximum.accumulate(np.where(self.there, np.arange(steps), 0))
            continuous[:, :width][:, kinds.static] = continuous[:, :width][row][:, kinds.static]
            codes[:, kinds.static_codes] = codes[row][:, kinds.static_codes]
        if grid.channels:
            moments = self.moments(self.which, np.arange(steps))
            known = np.isfinite(moments)
            continuous[known, width:] = grid.calendar(moments[known])
        return continuous, codes

    def windows(
        self, ends: Integers, *, until: Integers | None = None, cut: Integers | None = None, blind: Mask | None = None
    ) -> Sights:
        """Windows whose last step is each of these, and the steps after it.

        Args:
            until: int64 [n], the last step whose value may be told as truth; None: whatever is known.
            cut: int64 [n], steps of the window that are hidden, its oldest ones, as if the series began later.
            blind: bool [n], whether nothing is known of the steps to come.
        """
        grid, length = self.grid, self.grid.window + self.grid.horizon
        which = self.which[ends]
        steps = ends[:, None] + np.arange(1 - grid.window, grid.horizon + 1)
        stop = np.append(self.begin[1:], len(self.values))[which]
        first = self.begin[which] if cut is None else np.maximum(self.begin[which], ends - grid.window + 1 + cut)
        inside = (steps >= first[:, None]) & (steps < stop[:, None])
        taken = np.where(inside, steps, 0)
        values = np.where(inside, self.values[taken], np.nan)
        past, truth = values[:, : grid.window], values[:, grid.window :]
        truth = np.where(
            steps[:, grid.window :] <= (self.end[which] if until is None else until)[:, None], truth, np.nan
        )
        loc, scale = self._scales(past)
        numbers = np.full((len(ends), length), np.nan)
        numbers[:, : grid.window] = (past - loc[:, None]) / scale[:, None]
        width = self.continuous.shape[1]
        continuous = np.empty((len(ends), length, 1 + width + EXTRA), np.float32)
        continuous[..., 0] = np.clip(numbers, -_FARTHEST, _FARTHEST)
        continuous[..., 1 : 1 + width] = self.continuous[taken]
        continuous[..., 1 : 1 + width][~inside] = np.nan
        codes = np.where(inside[..., None], self.codes[taken], 0)
        hidden = np.zeros(len(ends), bool) if blind is None else blind.copy()
        if grid.gaps == "zero":  # where a row tells that there is demand, that there is none tells that there is none
            ahead = inside & self.there[taken] | (steps > self.end[which][:, None] + self.ahead[which][:, None])
            hidden |= ~ahead[:, grid.window :].all(axis=1)
        self._hide(continuous, codes, hidden)
        continuous[..., 1 + width] = inside & self.there[taken]
        continuous[..., 2 + width] = np.arcsinh(loc / scale)[:, None]
        naive, ruler, spread = self._naive(numbers[:, : grid.window])
        told = np.clip((truth - loc[:, None]) / scale[:, None], -_FARTHEST_TRUTH, _FARTHEST_TRUTH)
        at = self.moments(which, ends)
        still = ~(np.nan_to_num(past) != 0).any(axis=1)
        return Sights(continuous, codes, loc, scale, told, naive, ruler, spread, at, still)

    def _hide(self, continuous: Floats, codes: Integers, blind: Mask) -> None:
        """What is not known of steps to come, when one stands at the window's end."""
        window, kinds = self.grid.window, self.kinds
        channels, words = continuous[:, window:, 1 : 1 + len(kinds.static)], codes[:, window:]
        static, same = np.flatnonzero(kinds.static), np.flatnonzero(kinds.static_codes)
        channels[..., static] = continuous[:, window - 1, 1 + static][:, None]
        words[..., same] = codes[:, window - 1, same][:, None]
        channels[..., ~(kinds.static | kinds.known)] = np.nan
        words[..., ~(kinds.static_codes | kinds.known_codes)] = 0
        channels[np.ix_(blind, np.ones(channels.shape[1], bool), ~kinds.static)] = np.nan
        words[np.ix_(blind, np.ones(words.shape[1], bool), ~kinds.static_codes)] = 0

    def _scales(self, past: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation of each window's newer half, or of all of it where that holds too little; the latter is
        never too small to divide by.
        """
        newer = past[:, past.shape[1] // 2 :]
        enough = np.isfinite(newer).sum(axis=1) >= min(_FEWEST, newer.shape[1])
        past = np.where(enough[:, None] & (np.arange(past.shape[1]) < past.shape[1] // 2), np.nan, past)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of windows that are all gaps
            loc, scale, size = np.nanmean(past, axis=1), np.nanstd(past, axis=1), np.nanmean(np.abs(past), axis=1)
        loc, scale, size = (np.nan_to_num(x) for x in (loc, scale, size))
        scale = np.maximum(scale, _LEAST * size)
        return loc, np.where(scale > 0, scale, self.grid.usual)

    def _naive(self, past: Floats) -> tuple[Floats, Floats, Floats]:
        """What the steps to come were a season before, and how far such forecasts were off within the window."""
        window, horizon = self.grid.window, self.grid.horizon
        season = min(self.grid.season, window)
        known = np.where(np.isfinite(past), np.arange(window), -1)
        latest = np.maximum.accumulate(known, axis=1)
        filled = np.where(latest >= 0, np.take_along_axis(past, np.maximum(latest, 0), axis=1), 0.0)
        places = window - season + np.arange(horizon) % season
        naive = np.where(np.isfinite(past[:, places]), past[:, places], filled[:, -1:])
        lag = season if season < window else 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            changes = past[:, lag:] - past[:, :-lag]
            ruler, spread = np.nanmean(np.abs(changes), axis=1), np.sqrt(np.nanmean(changes**2, axis=1))
        # Where nothing differs from a season before, an error of one deviation is one.
        return naive, np.where(ruler > 0, ruler, 1.0), np.where(spread > 0, spread, 1.0)
