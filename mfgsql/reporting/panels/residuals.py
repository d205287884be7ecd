"""How far predicted numbers are off, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mfgsql.reporting.drawing import MUTED, SERIES, draw
from mfgsql.reporting.facts import Facts, Missing
from mfgsql.reporting.formats import number, percent, plural
from mfgsql.reporting.panel import Figure, Figures, Note, Panel, panel
from mfgsql.tasks.task import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 1_000  # more would only hide one another


@panel("residuals", "How far it is off", order=55)
def residuals(facts: Facts) -> Panel | None:
    """Predicted beside actual, and how errors are distributed; numbers only."""
    if facts.task not in ("regression", "rul"):
        return None
    if isinstance(facts.judged, Missing):
        return Panel.why_not(facts.judged)
    truth, predicted = facts.judged.truth, facts.judged.prediction.values
    errors = predicted - truth
    half, most = np.quantile(np.abs(errors), [0.5, 0.9])
    bias = float(errors.mean())
    lean = "too high" if bias > 0 else "too low"
    words = (
        f"Half of the predictions are off by less than {number(half, 3)}, nine of ten by less than {number(most, 3)}; "
        f"on average they are {number(abs(bias), 3)} {lean}."
    )
    return Panel.of(Figures((_scatter(truth, predicted), _histogram(errors))), Note(words))


def _scatter(truth: Array, predicted: Array) -> Figure:
    def plot(axes: Axes) -> None:
        ends = [float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max()))]
        axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        axes.plot(
            truth[:_POINTS], predicted[:_POINTS], "o", color=SERIES[0], markersize=3.4, markeredgewidth=0, alpha=0.45
        )
        axes.set(xlabel="actual", ylabel="predicted")

    shown = min(len(truth), _POINTS)
    of = f", {shown:,} of {len(truth):,} rows" if shown < len(truth) else f", {plural(shown, 'row')}"
    correlation = float(np.corrcoef(truth, predicted)[0, 1]) if truth.std() and predicted.std() else 0.0
    caption = f"Predicted beside actual{of}. On the thin line a prediction is right."
    return Figure(draw("actual-predicted", plot), caption, f"Scatter plot; correlation {number(correlation, 2)}.")


def _histogram(errors: Array) -> Figure:
    low, high = np.quantile(errors, [0.005, 0.995])
    outside = float(((errors < low) | (errors > high)).mean())

    def plot(axes: Axes) -> None:
        axes.hist(errors, bins=np.linspace(low, high, 31).tolist() if high > low else 1, color=SERIES[0], alpha=0.75)
        axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        axes.set(xlabel="predicted minus actual", ylabel="rows")
        axes.grid(axis="x", visible=False)

    caption = "How errors are distributed: left of 0 the prediction was too low, right of it too high."
    if outside > 0:
        caption += f" The outermost {percent(outside)} are not drawn."
    label = f"Histogram of errors; 99 % lie between {number(low, 3)} and {number(high, 3)}."
    return Figure(draw("errors", plot), caption, label)
