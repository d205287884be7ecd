"""What a model forecasts: the steps to come of some series, how far off it is step by step, and what lasts so long."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from mfgsql.metrics import LEVELS
from mfgsql.reporting.drawing import MUTED, SERIES, draw
from mfgsql.reporting.facts import Facts, Fan, Missing
from mfgsql.reporting.formats import number, percent
from mfgsql.reporting.panel import Figure, Figures, Note, Panel, panel
from mfgsql.reporting.panels.timelines import few_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BANDS = ((0.05, 0.95, 0.15), (0.2, 0.8, 0.3))  # shares, and how dark between them


@panel("fans", "The steps to come", order=55)
def fans(facts: Facts) -> Panel | None:
    """Past and forecast of some series; models of forecasts only."""
    if facts.fans is None:
        return None
    if isinstance(facts.fans, Missing):
        return Panel.why_not(facts.fans)
    timed = _timed(facts)
    figures = tuple(_fan(place, fan, timed) for place, fan in enumerate(facts.fans, start=1))
    return Panel.of(Figures(figures), Note("From the end of the training rows on: bands hold 90 and 60 % of values."))


def _fan(place: int, fan: Fan, timed: bool) -> Figure:
    past, ahead = _times(fan.moments, timed), _times(fan.ahead, timed)

    def plot(axes: Axes) -> None:
        for low, high, dark in _BANDS:
            lower, upper = fan.quantiles[:, LEVELS.index(low)], fan.quantiles[:, LEVELS.index(high)]
            axes.fill_between(ahead, lower, upper, color=SERIES[0], alpha=dark, linewidth=0)
        axes.plot(past, fan.values, color=MUTED, linewidth=1.4)
        axes.plot(ahead, fan.mean, color=SERIES[0])
        axes.set(xlabel="time" if timed else "step", ylabel="value")
        few_ticks(axes, timed)

    caption = f"Series {place}: on average {number(float(fan.mean.mean()), 3)} a step to come."
    label = f"Line of {len(fan.values)} past values, then the forecast of {len(fan.mean)} steps with its bands."
    return Figure(draw(f"fan-{place}", plot), caption, label, (("muted", "past"), ("s1", "forecast")))


@panel("back-test", "Back-test: how far off, step by step", order=56)
def backtest(facts: Facts) -> Panel | None:
    """Errors and coverage on the latest steps, before those were learnt from, too; models of forecasts only."""
    told = facts.manifest.calibration.get("steps") if facts.manifest and facts.fans is not None else None
    if not told:
        return None
    steps = np.arange(1, len(told["mase"]) + 1)

    def errors(axes: Axes) -> None:
        axes.plot(steps, told["naive"], color=MUTED, linewidth=1.4, linestyle=(0, (4, 3)))
        axes.plot(steps, told["mase"], color=SERIES[0])
        axes.set(xlabel="steps ahead", ylabel="error (MASE)", ylim=(0, None))

    def covered(axes: Axes) -> None:
        axes.axhline(0.9, color=MUTED, linewidth=1.4, linestyle=(0, (4, 3)))
        axes.plot(steps, told["coverage"], color=SERIES[0])
        axes.set(xlabel="steps ahead", ylabel="share within the band", ylim=(0, 1.02))

    mine, theirs, share = (float(np.mean(told[name])) for name in ("mase", "naive", "coverage"))
    figures = (
        Figure(
            draw("backtest-errors", errors),
            f"{number(mine, 3)} on average; what was a season before is {number(theirs, 3)} off.",
            f"Errors by step: {number(mine, 3)} on average, beside {number(theirs, 3)}.",
            (("s1", "forecast"), ("muted dashed", "a season before")),
        ),
        Figure(
            draw("backtest-coverage", covered),
            f"{percent(share)} of what came lies within the 90 % bands.",
            f"Coverage by step: {percent(share)} on average.",
            (("s1", "covered"), ("muted dashed", "asked for")),
        ),
    )
    return Panel.of(Figures(figures), Note("On the latest steps of each series, before the network learnt them, too."))


@panel("stock", "How much lasts how long", order=59)
def lasting(facts: Facts) -> Panel | None:
    """What the steps to come use up together; forecasts of what is never below zero only."""
    grid = facts.manifest.grid if facts.manifest else None
    if not isinstance(facts.fans, tuple) or grid is None or grid.floor is None:
        return None
    figures = tuple(_lasting(place, fan) for place, fan in enumerate(facts.fans, start=1))
    note = "A stock on a line lasts so many steps with that probability: read a reorder point at the lead time."
    return Panel.of(Figures(figures), Note(note))


def _lasting(place: int, fan: Fan) -> Figure:
    steps = np.arange(1, len(fan.total) + 1)
    names = ("50 %", "90 %", "95 %", "99 %")

    def plot(axes: Axes) -> None:
        for line, colour in zip(fan.total.T, SERIES, strict=False):
            axes.plot(steps, line, color=colour)
        axes.set(xlabel="steps to come", ylabel="used up", ylim=(0, None))

    half = len(steps) // 2
    caption = f"Series {place}: {number(float(fan.total[half, 2]), 4)} last {half + 1} steps with 95 %."
    label = (
        f"What is used up by step, with 50, 90, 95 and 99 %: {number(float(fan.total[-1, 2]), 4)} in the end with 95 %."
    )
    legend = tuple((f"s{i}", name) for i, name in enumerate(names, start=1))
    return Figure(draw(f"lasting-{place}", plot), caption, label, legend)


def _timed(facts: Facts) -> bool:
    return bool(facts.manifest and facts.manifest.grid and facts.manifest.grid.timed)


def _times(moments: Any, timed: bool) -> Any:
    return [datetime.fromtimestamp(m, UTC) for m in moments.tolist()] if timed else moments
