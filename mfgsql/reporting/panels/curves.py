"""What can be had by moving the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mfgsql.evaluation.curves import pr_curve, roc_curve
from mfgsql.reporting.drawing import MUTED, SERIES, draw
from mfgsql.reporting.facts import Facts, Judged, Missing
from mfgsql.reporting.formats import percent, score, short
from mfgsql.reporting.panel import Figure, Figures, Panel, panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 4  # classes with a curve of their own
_STYLES = ("solid", "dashed", "dotted", "dashdot")
Points = list[dict[str, float]]


@panel("curves", "Trade-offs by threshold", order=40)
def curves(facts: Facts) -> Panel | None:
    """ROC and precision-recall curves, of many classes for the largest against the rest."""
    if not facts.classes:
        return None
    if isinstance(facts.judged, Missing):
        return Panel.why_not(facts.judged)
    binary = [_of_class(facts.judged, number) for number in _chosen(facts)]
    roc = [roc_curve(truth, scores, ("", "")) for truth, scores in binary]
    pr = [pr_curve(truth, scores, ("", "")) for truth, scores in binary]
    names = tuple((f"s{i} {_STYLES[i - 1]}", short(facts.classes[n], 30)) for i, n in enumerate(_chosen(facts), 1))
    names = () if len(facts.classes) == 2 else names
    share = float(binary[0][0].mean()) if len(binary) == 1 else None
    return Panel.of(Figures((_roc_figure(roc, names), _pr_figure(pr, names, share))))


def _chosen(facts: Facts) -> list[int]:
    """The positive class of two, else the largest ones."""
    assert isinstance(facts.judged, Judged)
    if len(facts.classes) == 2:
        return [1]
    counts = np.bincount(facts.judged.truth, minlength=len(facts.classes))
    ordered = np.argsort(-counts, kind="stable")[:_MOST]
    return [int(n) for n in ordered if counts[n]]


def _of_class(judged: Judged, number: int) -> tuple[np.ndarray, np.ndarray]:
    assert judged.prediction.scores is not None
    return (judged.truth == number).astype(np.int64), judged.prediction.scores[:, number]


def _lines(axes: Axes, curves: list[Points], x: str, y: str) -> None:
    for points, colour, style in zip(curves, SERIES, _STYLES, strict=False):
        axes.plot([p[x] for p in points], [p[y] for p in points], color=colour, linestyle=style)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))


def _roc_figure(curves: list[Points], names: tuple[tuple[str, str], ...]) -> Figure:
    def plot(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        _lines(axes, curves, "false_positive_rate", "true_positive_rate")
        axes.set(xlabel="false alarms, share of the negatives", ylabel="found, share of the positives")

    caption = "ROC: how many positives are found for how many false alarms. The thin line is guessing."
    label = f"ROC curve. {_reading(curves[0], 'false_positive_rate', 'true_positive_rate', 0.1)}"
    return Figure(draw("roc", plot), caption, label, names)


def _pr_figure(curves: list[Points], names: tuple[tuple[str, str], ...], share: float | None) -> Figure:
    def plot(axes: Axes) -> None:
        if share is not None:
            axes.axhline(share, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        _lines(axes, curves, "recall", "precision")
        axes.set(xlabel="found, share of the positives", ylabel="right, share of the alarms")

    guess = "" if share is None else f" The thin line is guessing ({percent(share)} of the rows are positive)."
    caption = f"Precision and recall: how many alarms are right when so many positives are found.{guess}"
    best = max((p["precision"] for p in curves[0] if p["recall"] >= 0.5), default=None)
    label = f"Precision-recall curve. Where half of the positives are found, {percent(best)} of the alarms are right."
    return Figure(draw("precision-recall", plot), caption, label, names)


def _reading(points: Points, x: str, y: str, at: float) -> str:
    reached = max(p[y] for p in points if p[x] <= at)
    return f"With at most {score(at)} of the negatives as false alarms, {percent(reached)} of the positives are found."
