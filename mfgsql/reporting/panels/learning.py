"""How training went."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from mfgsql.reporting.drawing import MUTED, SERIES, draw
from mfgsql.reporting.facts import Facts, Missing
from mfgsql.reporting.formats import plural, score
from mfgsql.reporting.panel import Figure, Figures, Panel, panel
from mfgsql.reporting.words import metric_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = tuple[list[int], list[float]]


@panel("learning", "How it was trained", order=84)
def learning(facts: Facts) -> Panel | None:
    """Loss on both sorts of rows, and the deciding metric, by step."""
    if facts.version is None:
        return None
    curves = _curves(facts)
    judged = curves.get(("validation", "loss"), ([], []))
    if len(judged[0]) < 2:
        times = plural(len(judged[0]), "time") if judged[0] else "not at all"
        where = "here" if facts.run is None or facts.run.verb == "import" else ""
        return Panel.why_not(Missing(f"It was judged {times} while it was trained{where and ' ' + where}: no curve."))
    figures = [_loss(curves, facts.best_step)]
    deciding = curves.get(("validation", facts.metric or ""))
    if deciding and facts.metric != "loss":
        figures.append(_metric(facts.metric or "", deciding, facts.best_step))
    return Panel.of(Figures(tuple(figures)))


def _curves(facts: Facts) -> dict[tuple[str, str], Curve]:
    """By split and metric; where a step was judged several times, their mean."""
    found: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for step, split, metric, value in facts.history:
        found[split, metric][step].append(value)
    return {key: (sorted(c), [float(np.mean(c[s])) for s in sorted(c)]) for key, c in found.items()}


def _loss(curves: dict[tuple[str, str], Curve], best: int | None) -> Figure:
    train, held = curves.get(("train", "loss")), curves["validation", "loss"]

    def plot(axes: Axes) -> None:
        if train:
            axes.plot(*train, color=SERIES[1], linestyle="dashed")
        axes.plot(*held, color=SERIES[0])
        _mark(axes, best)
        axes.set(xlabel="step", ylabel="loss")

    legend = (("s1 solid", "rows held out"), *((("s2 dashed", "rows trained on"),) if train else ()))
    caption = f"Loss by step; less is better.{_kept(best)}"
    label = f"Loss on rows held out fell from {score(held[1][0])} to {score(min(held[1]))}."
    return Figure(draw("loss", plot), caption, label, legend)


def _metric(name: str, curve: Curve, best: int | None) -> Figure:
    def plot(axes: Axes) -> None:
        axes.plot(*curve, color=SERIES[0])
        _mark(axes, best)
        axes.set(xlabel="step", ylabel=metric_name(name))

    label = f"{metric_name(name)} went from {score(curve[1][0])} to {score(curve[1][-1])}."
    return Figure(draw("metric", plot), f"{metric_name(name)} on rows held out, by step.{_kept(best)}", label)


def _mark(axes: Axes, best: int | None) -> None:
    if best is not None:
        axes.axvline(best, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))


def _kept(best: int | None) -> str:
    return "" if best is None else f" The thin line is step {best:,}, whose weights are kept."
