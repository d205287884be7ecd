"""What a model says along the time of single histories."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mfgsql.reporting.drawing import MUTED, SERIES, draw
from mfgsql.reporting.facts import Facts, Missing, Timeline
from mfgsql.reporting.formats import number, percent
from mfgsql.reporting.panel import Figure, Figures, Note, Panel, panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 600  # of a line; more are finer than the eye


@panel("trajectories", "Along single histories", order=57)
def trajectories(facts: Facts) -> Panel | None:
    """Actual and predicted values of histories held out; models of histories and numbers only."""
    if not facts.timelines:
        return None
    timed = bool(facts.manifest and facts.manifest.history and facts.manifest.history.timed)
    figures = tuple(_trajectory(number_, line, timed) for number_, line in enumerate(facts.timelines, start=1))
    return Panel.of(Figures(figures), Note("The band is the 90 % interval of each prediction."))


def _trajectory(which: int, line: Timeline, timed: bool) -> Figure:
    drawn = _thinned(len(line.moments))
    moments = _times(line, drawn, timed)

    def plot(axes: Axes) -> None:
        if line.lower is not None and line.upper is not None and np.isfinite(line.lower[drawn]).all():
            axes.fill_between(moments, line.lower[drawn], line.upper[drawn], color=SERIES[0], alpha=0.2, linewidth=0)
        axes.plot(moments, line.values[drawn], color=SERIES[0])
        if line.truth is not None:
            axes.plot(moments, line.truth[drawn], color=MUTED, linewidth=1.4, linestyle=(0, (4, 3)))
        axes.set(xlabel="time" if timed else "order", ylabel="value")
        few_ticks(axes, timed)

    error = float(np.abs(line.values - line.truth).mean()) if line.truth is not None else 0.0
    caption = f"History {which}: {len(line.moments):,} rows, {number(error, 3)} off on average."
    label = f"Line of predicted and of actual values; mean error {number(error, 3)}."
    return Figure(draw(f"trajectory-{which}", plot), caption, label, (("s1", "predicted"), ("muted dashed", "actual")))


@panel("timeline", "Its alarms on normal rows", order=58)
def timeline(facts: Facts) -> Panel | None:
    """A detector's scores along the longest history it has learnt from; detectors only."""
    if facts.scored is None:
        return None
    if isinstance(facts.scored, Missing):
        return Panel.why_not(facts.scored)
    line, limit = facts.scored, facts.scored.threshold
    assert limit is not None
    timed = bool(facts.manifest and facts.manifest.history and facts.manifest.history.timed)
    drawn = _thinned(len(line.moments), line.values)
    moments = _times(line, drawn, timed)
    above = float((line.values > limit).mean())

    def plot(axes: Axes) -> None:
        axes.plot(moments, line.values[drawn], color=SERIES[0], linewidth=1.2)
        axes.axhline(limit, color=MUTED, linewidth=1.4, linestyle=(0, (4, 3)))
        axes.set(xlabel="time" if timed else "order", ylabel="score")
        few_ticks(axes, timed)

    caption = f"{len(line.moments):,} rows, each scored by networks that had not seen it; {percent(above)} are above."
    label = f"Line of scores; {percent(above)} above the threshold {number(limit, 3)}."
    legend = (("s1", "score"), ("muted dashed", "threshold"))
    return Panel.of(
        Figures((Figure(draw("timeline", plot), caption, label, legend),)),
        Note("These rows count as normal: what rises above the threshold here is a false alarm, or was not normal."),
    )


def few_ticks(axes: Axes, timed: bool) -> None:
    """Dates that don't run into one another."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if timed:
        locator: Any = AutoDateLocator(minticks=3, maxticks=5)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _thinned(rows: int, peaks: Any = None) -> Any:
    """Numbers of the rows to draw; of each stretch the highest, where peaks matter."""
    if rows <= _POINTS:
        return np.arange(rows)
    edges = np.linspace(0, rows, _POINTS + 1).astype(int)
    if peaks is None:
        return edges[:-1]
    return np.array([start + int(np.argmax(peaks[start:stop])) for start, stop in pairwise(edges)])


def _times(line: Timeline, drawn: Any, timed: bool) -> Any:
    if not timed:
        return line.moments[drawn]
    return [datetime.fromtimestamp(m, UTC) for m in line.moments[drawn].tolist()]
