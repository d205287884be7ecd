"""Windows of a snapshot's series with the steps after them: the counterpart of `WindowSource` for forecasts.

All series are held in memory: what is forecast is a few columns of numbers. The latest steps of each series judge; what
a window that is learnt from would tell of them is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from mfgsql.errors import DataError
from mfgsql.features.histories import firsts
from mfgsql.features.lines import Lines
from mfgsql.features.panel import Panel, Sights
from mfgsql.metrics import LEVELS, join_truth
from mfgsql.tasks import tasks
from mfgsql.training.recipe import EPOCH
from mfgsql.training.rows import Rows, columns_of
from mfgsql.training.snapshot import SPLIT, TRAIN, VALIDATION, Snapshot
from mfgsql.training.spec import TrainSpec
from mfgsql.training.windows import HISTORY, MOMENT

_JUDGED = 2**23  # numbers that are said of the windows that judge, at most; windows, at least
_FEWEST_JUDGED = 500
_WEIGHTS = (0.2, 5.0)
_TELLING = 2_000  # windows
_SMALL = 0.1  # share of windows that deviate less
_CUT = 0.1  # share of windows that are read as if their series had begun later: so new series are learnt, too
_BLIND = 0.1  # share of windows that are not told what is planned, as who asks may not know it

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class PanelSource:
    """Windows to learn from, or to judge by, or (of no part) all of them to learn from.

    Attributes:
        judged: windows that judge, at most. epoch: windows of an epoch.

    Args:
        judges: int64 [series], how many of the latest steps of each judge.
    """

    def __init__(self, panel: Panel, judges: Integers, split: int | None) -> None:
        self.panel, self.grid, self.split, self._judges = panel, panel.grid, split, judges
        # Of each series the last step that is learnt from.
        self.last = panel.end - (0 if split is None else judges)
        self.ends = self._ends()
        self.epoch = min(len(self.ends), EPOCH)
        said = self.grid.horizon * (len(LEVELS) + 1)
        self.judged = min(len(self.ends), max(_FEWEST_JUDGED, _JUDGED // said))

    def part(self, split: int | None) -> PanelSource:
        """Another part of the same series."""
        return PanelSource(self.panel, self._judges, split)

    def measured(self) -> PanelSource:
        """The same, where windows that have no deviation are told by one that hardly any window is below."""
        grid = replace(self.grid, usual=self._usual_spread())
        return PanelSource(replace(self.panel, grid=grid), self._judges, self.split)

    def _ends(self) -> Integers:
        """Steps at which windows end: at least one known step comes after each, and enough before it."""
        panel, known = self.panel, np.cumsum(np.isfinite(self.panel.values))
        since = known[panel.begin] - np.isfinite(panel.values[panel.begin]) if len(panel) else known[:0]
        steps = np.arange(len(panel.values))
        which = panel.which
        enough = known - since[which] >= self.grid.shortest
        if self.split != VALIDATION:
            inside = steps < self.last[which]
        else:
            # Of the latest steps all are judged by where there are as many as are forecast, else as many as there are.
            until = np.maximum(panel.end - self.grid.horizon, self.last)
            inside = (steps >= self.last[which]) & (steps <= until[which]) & (panel.end > self.last)[which]
        ends = steps[enough & inside]
        after = np.minimum(
            ends + self.grid.horizon, (panel.end if self.split == VALIDATION else self.last)[which[ends]]
        )
        return np.asarray(ends[known[after] > known[ends]])

    def batches(self, size: int, epoch: int, seed: int, skip: int = 0) -> Iterator[Rows]:
        """Windows in a random order that ``seed`` and ``epoch`` fix, without the first ``skip`` batches."""
        rng = np.random.default_rng([seed, epoch])
        drawn = rng.permutation(self.ends)[: self.epoch]
        hidden = rng.integers(0, self.grid.window, len(drawn)) * (rng.random(len(drawn)) < _CUT)
        blind = rng.random(len(drawn)) < _BLIND
        for start in islice(range(0, len(drawn), size), skip, None):
            part = slice(start, start + size)
            yield self._rows(drawn[part], hidden[part], blind[part])

    def in_order(self, size: int) -> Iterator[Rows]:
        """The windows that judge, evenly drawn where they are many, series by series."""
        ends = self.ends[np.linspace(0, len(self.ends) - 1, self.judged).astype(np.int64)]
        for start in range(0, len(ends), size):
            yield self._rows(ends[start : start + size])

    def sights(self, ends: Integers, cut: Integers | None = None, blind: Mask | None = None) -> Sights:
        """Windows with no more truth than this part may know."""
        until = (self.panel.end if self.split == VALIDATION else self.last)[self.panel.which[ends]]
        return self.panel.windows(ends, until=until, cut=cut, blind=blind)

    def _rows(self, ends: Integers, cut: Integers | None = None, blind: Mask | None = None) -> Rows:
        sights = self.sights(ends, cut, blind)
        truth = join_truth(sights.truth, sights.naive, sights.ruler, sights.spread, sights.at, self.grid.season)
        # Losses count as errors are judged by: in differences to a season before, but for windows that hardly have any.
        weight = torch.from_numpy(np.clip(1 / sights.ruler, *_WEIGHTS).astype(np.float32))
        return Rows(
            torch.from_numpy(sights.continuous), torch.from_numpy(sights.codes), torch.from_numpy(truth), weight,
            torch.ones(len(ends), dtype=torch.int64), torch.zeros(len(ends), dtype=torch.bool),
        )  # fmt: skip

    def _some(self) -> Integers:
        """Steps at which windows end, of all evenly drawn, as many as tell what they are like."""
        return self.ends[np.linspace(0, len(self.ends) - 1, min(len(self.ends), _TELLING)).astype(np.int64)]

    def _usual_spread(self) -> float:
        drawn = self._some()
        scales = self.sights(drawn).scale if len(drawn) else np.ones(0)
        return float(np.quantile(scales[scales > 0], _SMALL)) if (scales > 0).any() else 1.0

    def best_season(self) -> int | None:
        """What tells most of what comes: the step before, a season ago, or seven (a week of days); None: the window's
        mean tells more than any.
        """
        drawn = self._some()
        if not len(drawn):
            return None
        sights, window = self.sights(drawn), self.grid.window
        past = np.nan_to_num(sights.continuous[:, :window, 0])
        errors: dict[int | None, float] = {None: float(np.nanmean(np.abs(sights.truth)))}
        candidates = {1, self.grid.season, 7 * self.grid.season}
        for season in (s for s in candidates if s <= window):
            places = window - season + np.arange(self.grid.horizon) % season
            errors[season] = float(np.nanmean(np.abs(sights.truth - past[:, places])))
        return min(errors, key=lambda season: errors[season])


def read_series(snapshot: Snapshot, spec: TrainSpec) -> PanelSource:
    """Series of a snapshot: the part that is learnt from.

    Raises:
        DataError: two rows share a step, or the steps are far too short for these rows.
    """
    assert spec.target is not None
    assert spec.task is not None
    assert spec.grid is not None
    table = pq.read_table(snapshot.path, columns=columns_of(spec, HISTORY, MOMENT), use_threads=False)
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    batch = spec.features.encode(columns, len(table))
    series = columns[HISTORY].to_numpy()
    starts = np.unique(firsts(series))
    values = tasks[spec.task].encode(columns[spec.target.name], spec.target)
    moments = columns[MOMENT].to_numpy(zero_copy_only=False)
    lines = Lines(values, batch.continuous, batch.codes, moments, starts)
    try:
        panel = Panel.of(spec.grid, spec.features, lines)
    except ValueError as error:
        raise DataError(f"The steps are far shorter than what lies between rows: {error}.",
                        remedy="Say how long one is: options := {'resample': '1 day'}.") from None  # fmt: skip
    if panel.repeated.any():
        grid = spec.grid
        raise DataError(
            f"In {int(panel.repeated.sum()):,} of {len(panel):,} series two rows share a step of {grid.order_by!r}.",
            remedy=f"Sum them up first: SELECT {', '.join(n for n in (grid.entity, grid.order_by) if n)}, "
            f"sum({spec.target.name}) AS {spec.target.name} FROM ... GROUP BY ALL",
        )
    return PanelSource(panel, _judging(columns[SPLIT], lines, panel), TRAIN)


def _judging(split: pa.Array, lines: Lines, panel: Panel) -> Integers:
    """Of each series the steps from the first row that judges on to its last known one."""
    judges = np.asarray(split.cast(pa.int64())) == VALIDATION
    rows = len(judges)
    first = np.where(judges, np.arange(rows), rows)
    earliest = np.minimum.reduceat(first, lines.starts) if len(lines.starts) else first
    moments = lines.moments[np.minimum(earliest, rows - 1)]
    there = (earliest < rows) & np.isfinite(panel.since)
    steps = np.zeros(len(panel), np.int64)
    steps[there] = 1 - panel.grid.number(moments[there], panel.since[there])
    return np.clip(steps, 0, panel.end - panel.begin + 1)
