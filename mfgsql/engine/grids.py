"""Series among frozen rows that are to be forecast: their steps and seasons, measured on the rows themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from mfgsql.engine.histories import check_order, read_step, told_placeless, usual_patch
from mfgsql.engine.planning import Args, read_names
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.errors import DataError, OptionError, SourceError, did_you_mean
from mfgsql.features import Grid
from mfgsql.features.grid import holidays_of
from mfgsql.features.profile import TIME_TYPES, base_type
from mfgsql.features.temporal import DAY, WEEK, YEAR
from mfgsql.manifest import Manifest
from mfgsql.training import Recipe
from mfgsql.training.windows import HISTORY, MOMENT

_MONTHS = {1: (28, 31), 2: (59, 62), 3: (89, 92), 4: (120, 123), 6: (180, 184), 12: (360, 366)}  # days of so many
_LONGEST = 720  # steps of a window, where nothing is said
_LATE = 28  # day of a month, from which on it may be the last one
_SHORTEST = 2  # known steps without which nothing is said
_MANY_GAPS = 0.05  # of the steps, that are worth a word
_SEARCHED = 400  # steps that a season of numbered steps may have


@dataclass(frozen=True)
class Measured:
    """What the rows tell: steps of the longest series, and the share of steps without a row."""

    longest: int
    gaps: float


def check_forecast(args: Args) -> None:
    """See to what a forecast needs, before anything is read.

    Raises:
        OptionError: there is no order, or a split that is none of time.
    """
    if not args.get("order_by"):
        raise OptionError(
            "A forecast needs the column of time.",
            remedy="Name it: order_by := 'day', and that of the series' names: entity := 'sku'.",
        )
    if args.get("split") not in (None, "time"):
        told = f"split := {args['split']!r}"
        raise OptionError(f"A forecast is judged on the latest steps of each series, not by {told}: leave it out.")
    if args.get("weight") is not None:
        raise OptionError("Forecasts know no weight: leave it out.")
    args["split"] = "time"


def settle_grid(frozen: Frozen, args: Args, recipe: Recipe, base: Manifest | None) -> Grid:
    """How the model reads series: as told, or as its base does, with what the rows themselves say.

    Raises:
        OptionError: options don't fit each other, or the base. DataError: the rows lie too far apart, or together.
    """
    name = args["order_by"]
    check_order(name, frozen.types[name])
    timed = base_type(frozen.types[name]) in TIME_TYPES
    step, months = _step(frozen.con, args, timed)
    grid = Grid(args.get("entity"), name, frozen.types[name], timed, step, months, 1, 2, 1, 1)
    measured = _measured(frozen.con, grid)
    season = recipe.season or _season(frozen.con, grid, args["target"], measured)
    grid = replace(
        grid,
        season=season,
        known=tuple(_columns(args.get("known"), frozen, args)),
        static=tuple(_static(frozen)),
        gaps=recipe.gaps,
        holidays=_country(args.get("holidays"), timed),
        floor=_floor(frozen, args["target"]),
        shortest=recipe.shortest or _SHORTEST,
        until=_until(frozen.con, base),
    )
    window, patch, horizon = _shape(grid, recipe, measured) if base is None else _shape_of_base(recipe, base)
    grid = replace(grid, window=window, patch=patch, horizon=horizon)
    return replace(grid, cycles=_cycles(grid, measured)) if timed else grid


def warnings_of_grid(frozen: Frozen, grid: Grid) -> list[str]:
    """What one would want to know of these series."""
    measured, found = _measured(frozen.con, grid), []
    if measured.gaps > _MANY_GAPS and grid.gaps == "missing":
        found.append(
            f"{measured.gaps:.0%} of the steps between rows of a series have no row: they count as unknown. If none "
            "means 0, say options := {'gaps': 'zero'}."
        )
    found += told_placeless(grid.order_by, grid.entity, frozen.placeless)
    if measured.longest < grid.window + grid.horizon:
        found.append(
            f"The longest series has {measured.longest} steps, and window and horizon together {grid.window} and "
            f"{grid.horizon}: of each window a part is empty."
        )
    return found


def _step(con: duckdb.DuckDBPyConnection, args: Args, timed: bool) -> tuple[float, int]:
    """What most rows of a series lie apart, in seconds or units, or as months."""
    told = read_step(con, args.get("resample"), timed)
    row = con.execute(
        f"SELECT mode(step) FROM (SELECT {MOMENT} - lag({MOMENT}) OVER w AS step FROM {ROWS} "
        f"WINDOW w AS (PARTITION BY {HISTORY} ORDER BY {MOMENT})) WHERE step > 0"
    ).fetchone()
    step = told or (row[0] if row else None)
    if step is None:
        raise DataError(
            "No series has two rows at different times: there are no steps to forecast.",
            remedy="Name the series by entity := '...', or leave it out if all rows are one series.",
        )
    days = step / DAY
    if timed and (_in_months(args["resample"]) if told is not None else _by_months(con)):
        for months, (least, most) in _MONTHS.items():
            if least <= days <= most:
                return 0.0, months
    return float(step), 0


def _in_months(told: Any) -> bool:
    return any(word in str(told).lower() for word in ("month", "mon", "quarter", "year"))


def _by_months(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether all rows are of one day of the month, or of last days."""
    day = f"day(make_timestamp(CAST({MOMENT} * 1e6 AS BIGINT)))"
    row = con.execute(f"SELECT min({day}), max({day}) FROM {ROWS} WHERE abs({MOMENT}) < 9e12").fetchone()
    return row is not None and row[0] is not None and (row[0] == row[1] or row[0] >= _LATE)


def _until(con: duckdb.DuckDBPyConnection, base: Manifest | None) -> float | None:
    """The latest moment of all rows, and of those that its base has seen."""
    row = con.execute(f"SELECT max({MOMENT}) FROM {ROWS}").fetchone()
    seen = [row[0] if row else None, base.grid.until if base is not None and base.grid is not None else None]
    return max((float(m) for m in seen if m is not None), default=None)


def _measured(con: duckdb.DuckDBPyConnection, grid: Grid) -> Measured:
    """Lengths in steps; months count as the usual one."""
    step = grid.usual_step
    row = con.execute(
        f"SELECT max(steps), 1 - sum(n) / sum(steps) FROM (SELECT count(DISTINCT {MOMENT}) AS n, "
        f"greatest(round((max({MOMENT}) - min({MOMENT})) / {step!r}) + 1, n) AS steps FROM {ROWS} GROUP BY {HISTORY})"
    ).fetchone()
    longest, gaps = row or (1, 0.0)
    return Measured(int(longest or 1), float(gaps or 0.0))


def _season(con: duckdb.DuckDBPyConnection, grid: Grid, target: str, measured: Measured) -> int:
    """Steps after which a series repeats itself: by the calendar, or by the rows where steps have numbers only."""
    if not grid.timed:
        return _found_season(con, target, measured)
    if grid.months:
        return max(1, 12 // grid.months)
    for length in (DAY, WEEK, YEAR):
        steps = round(length / grid.step)
        if steps >= 2 and abs(steps * grid.step - length) < grid.step:
            return steps if steps * 2 <= measured.longest else 1
    return 1


def _found_season(con: duckdb.DuckDBPyConnection, target: str, measured: Measured) -> int:
    """The lag at which series are most like themselves, by autocorrelation without trend; 1: none stands out."""
    most = min(_SEARCHED, measured.longest // 3)
    if most < 2:
        return 1
    rows = con.execute(
        f"SELECT list({quote_identifier(target)}::DOUBLE ORDER BY {MOMENT}) AS series FROM {ROWS} "
        f"WHERE isfinite({quote_identifier(target)}::DOUBLE) GROUP BY {HISTORY} HAVING count(*) >= {3 * most} "
        f"ORDER BY {HISTORY} LIMIT 200"
    ).fetchall()
    found = [alike for (series,) in rows if (alike := _autocorrelation(np.array(series), most)) is not None]
    if not found:
        return 1
    mean = np.mean(found, axis=0)
    peaks = [k for k in range(2, most) if mean[k] > mean[k - 1] and mean[k] >= mean[k + 1] and mean[k] > 0.2]
    return max(peaks, key=lambda k: (round(float(mean[k]), 1), -k), default=1)


def _autocorrelation(series: Any, most: int) -> Any:
    """Of the differences from a straight line, at lags 0 to ``most``."""
    steps = np.arange(len(series))
    rest = series - np.polyval(np.polyfit(steps, series, 1), steps)
    size = float((rest**2).sum())
    return np.array([(rest[k:] * rest[: len(rest) - k]).sum() / size for k in range(most + 1)]) if size > 0 else None


def _cycles(grid: Grid, measured: Measured) -> tuple[str, ...]:
    """What of the calendar is told: cycles that the rows cover, and that the window does not show by itself."""
    step = grid.usual_step
    lengths = {"day": DAY, "week": WEEK, "month": YEAR / 12, "year": YEAR}
    return tuple(
        name
        for name, length in lengths.items()
        if step <= length / 2
        and grid.window * step < 2 * length <= 4 / 3 * measured.longest * step
        and (name != "month" or step >= DAY)
    )


def _shape(grid: Grid, recipe: Recipe, measured: Measured) -> tuple[int, int, int]:
    """Window, patch and horizon."""
    horizon = recipe.horizon or max(1, min(_usual_horizon(grid), measured.longest // 4))
    window = recipe.window or _usual_window(grid, horizon, measured)
    if recipe.patch:
        patch = recipe.patch
    elif window % grid.season == 0 and window // grid.season >= 4 and grid.season > 1:
        patch = grid.season
    else:
        patch = usual_patch(window)
    if window % patch or window // patch < 2:
        raise OptionError(f"patch = {patch} doesn't part window = {window} into two or more.")
    return window, patch, horizon


def _usual_horizon(grid: Grid) -> int:
    if grid.timed and not grid.months and grid.step >= DAY:
        return {DAY: 28, WEEK: 13}.get(grid.step, 12)
    return 2 * grid.season if 1 < grid.season <= 96 and not grid.months else 12


def _usual_window(grid: Grid, horizon: int, measured: Measured) -> int:
    """Three horizons, two seasons, or two weeks of steps within a day; no more than the longest series holds."""
    weeks = round(2 * WEEK / grid.step) if grid.timed and not grid.months and grid.step < DAY else 0
    hourly = 14 * grid.season if not grid.timed and grid.season == 24 else 0
    wanted = min(max(2 * grid.season, 3 * horizon, weeks, hourly), _LONGEST, max(measured.longest - horizon, 4))
    unit = grid.season if 1 < grid.season <= wanted else 4
    return max(wanted // unit * unit, 4)


def _shape_of_base(recipe: Recipe, base: Manifest) -> tuple[int, int, int]:
    if base.grid is None:
        raise OptionError(
            "The base forecasts nothing: it has no steps to come.",
            remedy="A base of forecasts is a model of other series, made with task := 'forecast'.",
        )
    for name in ("window", "patch", "horizon"):
        told, has = getattr(recipe, name), getattr(base.grid, name)
        if told and told != has:
            raise OptionError(f"{name} = {told}, but the base has {has}: leave it out, or train without a base.")
    return base.grid.window, base.grid.patch, base.grid.horizon


def _columns(told: Any, frozen: Frozen, args: Args) -> list[str]:
    """Columns that are known of steps to come.

    Raises:
        OptionError: no list of names. SourceError: the source has no such column.
    """
    names = read_names(told, "known is a list of columns, as {'known': ['promotion']}")
    there = {n.lower(): n for n in frozen.profiles if n != args["target"]}
    for name in names:
        if name.lower() not in there:
            raise SourceError(
                f"known names {name!r}, which is no column to learn from.{did_you_mean(name, there.values())}"
            )
    return [there[n.lower()] for n in names]


def _static(frozen: Frozen) -> list[str]:
    """Columns that are the same in all rows of each series, and not of all series."""
    names = list(frozen.profiles)
    if not names:
        return []
    counts = ", ".join(f"max(n{i})" for i in range(len(names)))
    each = ", ".join(f"count(DISTINCT {quote_identifier(n)}) AS n{i}" for i, n in enumerate(names))
    row = frozen.con.execute(f"SELECT {counts} FROM (SELECT {each} FROM {ROWS} GROUP BY {HISTORY})").fetchone() or ()
    return [name for name, most in zip(names, row, strict=True) if most <= 1]


def _country(told: Any, timed: bool) -> str | None:
    if told is None:
        return None
    if not isinstance(told, str) or not timed:
        form = "a country, as 'DE' or 'DE-BY'" if timed else "for series in time, and order_by holds numbers"
        raise OptionError(f"holidays is {form}, not {told!r}.")
    holidays_of(told, 20_000, 20_365)
    return told.upper()


def _floor(frozen: Frozen, target: str) -> float | None:
    """Nothing below 0 is said of what was never below."""
    least = frozen.profiles[target].minimum
    return 0.0 if least is not None and least >= 0 else None
