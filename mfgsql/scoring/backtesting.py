"""Forecasts from moments of the past, beside what came: rolling origins (Tashman, "Out-of-sample tests of forecasting
accuracy", IJF 2000). What lies behind an origin is hidden, but for what is known of steps to come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mfgsql.features import Grid
from mfgsql.features.panel import Panel
from mfgsql.metrics import FORECAST as METRICS
from mfgsql.metrics import LEVELS, join_truth, measure, split_truth
from mfgsql.scoring.forecasting import interval, steps_from
from mfgsql.scoring.scorer import Scorer
from mfgsql.tasks import Prediction
from mfgsql.tasks.forecast import Forecast, quantiles_of
from mfgsql.tasks.task import Array

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tried:
    """Forecasts of series beside what came.

    Attributes:
        which: number of each one's series, [n]. moments: float64 [n, steps]. truth: as `join_truth` joins it.
        said: means [n, steps] and quantiles. naive: the same of a season before.
    """

    which: Integers
    moments: Array
    truth: Array
    said: Prediction
    naive: Prediction

    def measures(self, level: float, grid: Grid) -> list[tuple[str, float | None, float | None]]:
        """Each metric with its value and that of the seasonal forecast."""
        told = split_truth(self.truth).values
        mine, theirs = (
            {m.name: measure(m, self.truth, p.values, p.scores) for m in METRICS}
            | {"wape": _wape(told, p.values), "bias": _bias(told, p.values)}
            | {"coverage": _coverage(told, *interval(quantiles_of(p), level, grid))}
            for p in (self.said, self.naive)
        )
        return [(name, value, theirs[name]) for name, value in mine.items()]

    @classmethod
    def concat(cls, parts: Sequence[Tried]) -> Tried:
        """All of them."""
        which, moments, truth = (np.concatenate([getattr(p, n) for p in parts]) for n in ("which", "moments", "truth"))
        said, naive = (Prediction.concat([getattr(p, n) for p in parts]) for n in ("said", "naive"))
        return cls(which, moments, truth, said, naive)


def try_from(
    scorer: Scorer, panel: Panel, ends: Integers, horizon: int, keys: npt.NDArray[np.uint64], check: Callable[[], None]
) -> Tried:
    """Forecast from each series' end, the last step that is known.

    Args:
        ends: int64 [series], steps of the panel; before ``begin`` where a series is not to be forecast.
    """
    which = np.flatnonzero(ends >= panel.begin)
    steps = ends[which, None] + np.arange(1, horizon + 1)
    inside = steps <= panel.end[which, None]
    came = np.where(inside, panel.values[np.where(inside, steps, 0)], np.nan)
    kept = np.isfinite(came).any(axis=1)
    which, came, ends = which[kept], came[kept], ends[which[kept]]
    hidden = replace(panel, values=np.where(panel.up_to(ends), panel.values, np.nan))
    mean, quantiles = map(panel.grid.above, steps_from(scorer, hidden, ends, keys[which], horizon, check))
    naive, ruler, spread = _seasonal(hidden, which, ends, horizon)
    at = panel.moments(which, ends)
    moments = np.stack([panel.moments(which, ends + k) for k in range(1, horizon + 1)], axis=1)
    truth = join_truth(came, naive, ruler, spread, at, panel.grid.season)
    said = Prediction(mean, quantiles.reshape(len(mean), horizon * len(LEVELS)))
    return Tried(which, moments, truth, said, Forecast().naive(truth, scorer.model.target))


def _seasonal(panel: Panel, which: Integers, ends: Integers, horizon: int) -> tuple[Array, Array, Array]:
    """What steps were a season before, and mean and root mean square of such differences over all of the past."""
    season = panel.grid.season
    naive, ruler, spread = np.zeros((len(which), horizon)), np.ones(len(which)), np.ones(len(which))
    for row, (series, end) in enumerate(zip(which, ends, strict=True)):
        past = panel.values[panel.begin[series] : end + 1]
        known = past[np.isfinite(past)]
        last = known[-1] if len(known) else 0.0
        cycle = past[-season:] if len(past) >= season else np.full(season, last)
        naive[row] = np.where(np.isfinite(cycle), cycle, last)[np.arange(horizon) % season]
        for lag in (season, 1):  # of a series that is shorter than a season, from step to step
            changes = past[lag:] - past[:-lag]
            changes = changes[np.isfinite(changes)]
            if len(changes) and np.abs(changes).max() > 0:
                ruler[row], spread[row] = np.abs(changes).mean(), np.sqrt((changes**2).mean())
                break
    return naive, ruler, spread


def _wape(truth: Array, said: Array) -> float | None:
    """Sum of the errors' sizes over the sum of the truths' sizes."""
    size = np.nansum(np.abs(truth))
    return float(np.nansum(np.abs(truth - said)) / size) if size else None


def _bias(truth: Array, said: Array) -> float | None:
    """What was said too much, over the sum of the truths' sizes."""
    size = np.nansum(np.abs(truth))
    return float(np.nansum(said - truth) / size) if size else None


def _coverage(truth: Array, lower: Array, upper: Array) -> float | None:
    known = np.isfinite(truth)
    return float(((truth >= lower) & (truth <= upper))[known].mean()) if known.any() else None
