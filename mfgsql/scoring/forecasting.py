"""Series in, distributions of their steps to come out, and paths drawn from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.linalg
from scipy.special import ndtri

from mfgsql.errors import SourceError
from mfgsql.features import Batch, Flag, Grid
from mfgsql.features.lines import Lines
from mfgsql.features.panel import Panel
from mfgsql.metrics import LEVELS
from mfgsql.scoring.histories import moments_of
from mfgsql.scoring.scorer import RowStatus, Scorer, row_status
from mfgsql.tasks.forecast import at_scores, quantile_at, quantiles_of
from mfgsql.tasks.task import Array

_ON = 24  # paths that are gone on with, where more steps are asked for than are forecast at once
_EVEN = (np.arange(15) + 0.5) / 15  # shares of each path's distribution that stand for it
_GAPS = 0.2  # of the steps of a window: more are a reason to doubt

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """Rows of series, one series behind the other, each in the order of time; those to come have no value.

    Attributes:
        columns: an Arrow array under each feature's name. values: of the target. times: of the rows. starts: int64
            [series], each one's first row. keys: uint64 [series], by which each one's paths are drawn.
        latest: the latest moment that is known of any series, or None.
    """

    columns: Mapping[str, pa.Array]
    values: Array
    times: pa.Array
    starts: Integers
    keys: npt.NDArray[np.uint64]
    latest: float | None = None


@dataclass(frozen=True)
class Forecasts:
    """Of series, of each step to come.

    Attributes:
        mean: [series, steps]. quantiles: [series, steps, levels]. moments: float64 [series, steps]. status: of each
            series; a void one's numbers mean nothing.
        behind: [series], whole steps from each one's end to the latest moment. path: of so many paths the values,
            [series, paths, steps].
    """

    mean: Array
    quantiles: Array
    moments: Array
    status: RowStatus
    behind: Integers
    path: Callable[[int], Array]


def forecast(scorer: Scorer, series: Series, horizon: int, check: Callable[[], None]) -> Forecasts:
    """Forecast so many steps of each series from its last known one on.

    Args:
        check: called before each pass of the network; raises where the work shall stop.
    """
    grid = scorer.model.manifest.grid
    assert grid is not None
    panel, batch = known_panel(scorer, series, horizon, back=grid.window)
    behind = _behind(panel, series.latest)
    status = _status(panel, batch, series, horizon, behind)
    readable = np.flatnonzero(panel.end >= panel.begin)
    mean, quantiles = np.zeros((len(panel), horizon)), np.zeros((len(panel), horizon, len(LEVELS)))
    said = steps_from(scorer, panel, panel.end[readable], series.keys[readable], horizon, check)
    mean[readable], quantiles[readable] = map(grid.above, said)
    moments = np.stack([panel.moments(np.arange(len(panel)), panel.end + k) for k in range(1, horizon + 1)], axis=1)

    def path(count: int) -> Array:
        return np.asarray(grid.above(_walked(quantiles, _scores(scorer, series.keys, count, horizon))))

    return Forecasts(mean, quantiles, moments, status, behind, path)


def known_panel(scorer: Scorer, series: Series, horizon: int, *, back: int | None = None) -> tuple[Panel, Batch]:
    """The series on their grid, so many steps back (None: all) and with room for those to come, and their encoded rows.

    Raises:
        SourceError: the model's steps are far too short for these rows.
    """
    manifest = scorer.model.manifest
    assert manifest.grid is not None
    batch = manifest.features.encode(series.columns, len(series.values))
    lines = Lines(series.values, batch.continuous, batch.codes, moments_of(series.times), series.starts)
    room = -(-horizon // manifest.grid.horizon) * manifest.grid.horizon
    try:
        return Panel.of(manifest.grid, manifest.features, lines, back=back, horizon=room), batch
    except ValueError as error:
        raise SourceError(f"The model's steps are far shorter than what lies between these rows: {error}.") from None


def paths_from(
    scorer: Scorer,
    panel: Panel,
    ends: Integers,
    keys: npt.NDArray[np.uint64],
    horizon: int,
    count: int,
    check: Callable[[], None],
) -> Array:
    """Paths from these steps of a panel on, [series, paths, steps]; what lies behind a step is not looked at.

    Args:
        keys: of the series of each end.
    """
    _, quantiles = steps_from(scorer, panel, ends, keys, horizon, check)
    return np.asarray(panel.grid.above(_walked(quantiles, _scores(scorer, keys, count, horizon))))


def steps_from(
    scorer: Scorer, panel: Panel, ends: Integers, keys: npt.NDArray[np.uint64], steps: int, check: Callable[[], None]
) -> tuple[Array, Array]:
    """Mean and quantiles of so many steps behind these; beyond the model's own horizon by paths that are gone on with.

    Args:
        keys: of the series of each end.
    """
    horizon = panel.grid.horizon
    blocks = -(-steps // horizon)
    if blocks > 1:
        panel = _unknown_after(panel, ends)
    mean, quantiles = _block(scorer, panel, ends, check)
    means, parts = [mean], [quantiles]
    if blocks == 1:
        return mean[:, :steps], quantiles[:, :steps]
    spread = np.asarray(ndtri(_EVEN))
    paths, lives = [panel] * _ON, _walked(quantiles, _scores(scorer, keys, _ON, horizon))
    for block in range(1, blocks):
        at = ends + block * horizon
        found = []
        for number in range(_ON):
            paths[number] = _gone_on(paths[number], at, lives[:, number])
            found.append(_block(scorer, paths[number], at, check))
        means.append(np.mean([m for m, _ in found], axis=0))
        said = [at_scores(q, np.broadcast_to(spread, q.shape[:2] + spread.shape)) for _, q in found]
        parts.append(np.moveaxis(np.quantile(np.concatenate(said, axis=-1), LEVELS, axis=-1), 0, -1))
        drawn = _scores(scorer, keys + np.uint64(block), _ON, horizon, block)
        lives = np.concatenate([_walked(q, drawn[:, i : i + 1]) for i, (_, q) in enumerate(found)], axis=1)
    return np.concatenate(means, axis=1)[:, :steps], np.concatenate(parts, axis=1)[:, :steps]


def interval(quantiles: Array, level: float, grid: Grid) -> tuple[Array, Array]:
    """Ends of each step's interval, of quantiles [..., levels]."""
    tail = (1 - level) / 2
    ends = grid.above(quantile_at(quantiles, np.array([tail, 1 - tail])))
    return ends[..., 0], ends[..., 1]


def _walked(quantiles: Array, scores: Array) -> Array:
    """Values of paths, [series, paths, steps], of quantiles [series, steps, levels]."""
    return np.swapaxes(at_scores(quantiles, np.swapaxes(scores, 1, 2)), 1, 2)


def _unknown_after(panel: Panel, ends: Integers) -> Panel:
    """The panel without what is not known of steps behind these: windows that go on would read it."""
    kinds, later = panel.kinds, np.flatnonzero(~panel.up_to(ends))
    continuous, codes = panel.continuous.copy(), panel.codes.copy()
    unknown = np.flatnonzero(~(kinds.static | kinds.known))
    continuous[np.ix_(later, unknown)] = np.nan
    codes[np.ix_(later, np.flatnonzero(~(kinds.static_codes | kinds.known_codes)))] = 0
    return replace(panel, continuous=continuous, codes=codes)


def _gone_on(panel: Panel, at: Integers, values: Array) -> Panel:
    """The panel, where the steps up to ``at`` had these values."""
    steps = at[:, None] + np.arange(1 - values.shape[1], 1)
    told, there = panel.values.copy(), panel.there.copy()
    told[steps], there[steps] = panel.grid.above(values), True
    return replace(panel, values=told, there=there)


def _block(scorer: Scorer, panel: Panel, ends: Integers, check: Callable[[], None]) -> tuple[Array, Array]:
    """Mean and quantiles of the horizon behind each of these steps, in the target's unit."""
    horizon, levels = panel.grid.horizon, len(LEVELS)
    means, parts = [np.empty((0, horizon))], [np.empty((0, horizon, levels))]
    for start in range(0, len(ends), scorer.batch):
        check()
        sights = panel.windows(ends[start : start + scorer.batch])
        said = scorer.predict(sights.continuous, sights.codes)
        # Where nobody has asked for anything, nothing tells how much it would be.
        scale = np.where(sights.still & (panel.grid.floor is not None), 0.0, sights.scale)
        means.append(sights.loc[:, None] + scale[:, None] * said.values)
        parts.append(sights.loc[:, None, None] + scale[:, None, None] * quantiles_of(said))
    return np.concatenate(means), np.concatenate(parts)


def _scores(scorer: Scorer, keys: npt.NDArray[np.uint64], paths: int, steps: int, block: int = 0) -> Array:
    """Normal scores of paths, [series, paths, steps]: correlated over steps, and over series at the same step."""
    calibration = scorer.model.manifest.calibration
    together = tuple(calibration.get("together", (1.0,)))
    # Of a length that does not depend on how many steps are asked for, as the numbers drawn don't.
    root = _root(together, -(-steps // len(together)) * len(together))[:steps, :steps]
    shared = float(calibration.get("shared", 0.0))
    if not len(keys):
        return np.empty((0, paths, steps))
    own = np.stack([np.random.default_rng(int(key)).standard_normal((steps, paths)).T for key in keys])
    common = np.random.default_rng(block).standard_normal((steps, paths)).T
    return np.asarray((np.sqrt(1 - shared) * own + np.sqrt(shared) * common) @ root.T)


@lru_cache(16)
def _root(together: tuple[float, ...], steps: int) -> Array:
    """Lower triangle by which independent numbers get these correlations; steps farther apart have none."""
    lags = np.zeros(steps)
    lags[: len(together)] = together[:steps]
    values, vectors = np.linalg.eigh(scipy.linalg.toeplitz(lags))
    near = (vectors * np.maximum(values, 1e-6)) @ vectors.T  # the nearest matrix that correlations can be
    size = np.sqrt(np.diag(near))
    return np.asarray(np.linalg.cholesky(near / size[:, None] / size))


def _behind(panel: Panel, latest: float | None) -> Integers:
    """Whole steps from each series' end to the latest moment of any."""
    behind = np.zeros(len(panel), np.int64)
    there = np.flatnonzero(np.isfinite(panel.since))
    if latest is not None and len(there):
        steps = panel.grid.number(np.full(len(there), latest), panel.since[there])
        behind[there] = steps - (panel.moments(there, panel.end[there] + steps) > latest)  # it was rounded
    return np.maximum(behind, 0)


def _status(panel: Panel, batch: Batch, series: Series, horizon: int, behind: Integers) -> RowStatus:
    """What gives reason to distrust the forecast of a series."""
    grid, rows = panel.grid, len(panel)
    ends = np.append(series.starts[1:], len(series.values)) - 1
    steps = panel.end - panel.begin + 1
    known = np.zeros(rows, np.int64)
    np.add.at(known, panel.which, np.isfinite(panel.values))
    empty, short = steps < 1, (steps >= 1) & (known < grid.shortest)
    flags = [
        Flag("unreadable", empty, lambda _: "no row has a value"),
        Flag("unreadable", panel.repeated, lambda _: f"two rows share a step of {grid.order_by}: sum them up first"),
        Flag("too_short", short, lambda row: f"{known[row]} known steps, {grid.shortest} are needed"),
    ]
    absent = (steps - known) / np.maximum(steps, 1)
    flags.append(
        Flag("missing", ~empty & ~short & (absent > _GAPS), lambda row: f"{absent[row]:.0%} of the window is missing")
    )
    if grid.known:
        lacking = ~empty & (panel.ahead < horizon)
        names = ", ".join(grid.known)
        flags.append(Flag("missing", lacking, lambda row: f"{names} known of {panel.ahead[row]} of {horizon} steps"))
    if (behind > 0).any():
        flags.append(Flag("ended", behind > 0, lambda row: f"ends {behind[row]} steps before the latest series"))
    for flag in batch.flags:  # of the last row alone: that of steps to come, where there is one
        if flag.rows[ends].any() and flag.status != "missing":
            flags.append(Flag(flag.status, flag.rows[ends], lambda row, f=flag: f.describe(int(ends[row]))))  # type: ignore[misc]
    return row_status(tuple(f for f in flags if f.rows.any()), rows)
