"""Whether a probability of 70 % means seven of ten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mfgsql.evaluation.calibration import reliability
from mfgsql.reporting.drawing import MUTED, SERIES, draw
from mfgsql.reporting.facts import Facts, Judged, Missing
from mfgsql.reporting.formats import count, percent
from mfgsql.reporting.panel import Figure, Figures, Note, Panel, Table, panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@panel("calibration", "Can its probabilities be trusted", order=50)
def calibration(facts: Facts) -> Panel | None:
    """Reliability with counts: of the positive class of two, else of the class predicted."""
    if not facts.classes:
        return None
    if isinstance(facts.judged, Missing):
        return Panel.why_not(facts.judged)
    positive, scores = _claims(facts.judged, len(facts.classes))
    bins = reliability(positive, scores)
    of = f"“{facts.classes[1]}”" if len(facts.classes) == 2 else "the predicted class"
    gap = sum(b["rows"] * abs(b["observed_share"] - b["mean_probability"]) for b in bins) / len(positive)
    words = f"On average a probability of {of} is off by {percent(gap)} (calibration error)."
    return Panel.of(Figures((_figure(bins, of, gap), _spread(scores, of))), Note(words), _table(bins))


def _claims(judged: Judged, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """What is claimed to be true of each row, whether it is, and with which probability."""
    scores = judged.prediction.scores
    assert scores is not None
    if classes == 2:
        return judged.truth == 1, scores[:, 1]
    return judged.truth == scores.argmax(axis=1), scores.max(axis=1)


def _figure(bins: list[dict[str, Any]], of: str, gap: float) -> Figure:
    top = min(1.0, 1.1 * max(max(b["upper"], b["mean_probability"]) for b in bins))  # rare classes stay near 0

    def plot(axes: Axes) -> None:
        x, y = ([b[key] for b in bins] for key in ("mean_probability", "observed_share"))
        axes.plot([0, top], [0, top], color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        for b in bins:
            axes.plot([b["mean_probability"]] * 2, [b["lower"], b["upper"]], color=SERIES[0], linewidth=1.2, alpha=0.7)
        axes.plot(x, y, "o-", color=SERIES[0], markersize=5)
        ends = (-0.03 * top, 1.03 * top)
        axes.set(xlim=ends, ylim=ends, xlabel="predicted probability", ylabel="share that it is true")

    caption = f"Reliability of {of}: on the thin line a probability keeps its word. Whiskers: 95 % intervals."
    return Figure(
        draw("reliability", plot), caption, f"Reliability curve; mean distance from the ideal {percent(gap)}."
    )


def _spread(scores: np.ndarray, of: str) -> Figure:
    def plot(axes: Axes) -> None:
        axes.hist(scores, bins=np.linspace(0, 1, 21).tolist(), color=SERIES[0], alpha=0.75)
        axes.set(xlim=(-0.03, 1.03), xlabel="predicted probability", ylabel="rows")
        axes.grid(axis="x", visible=False)

    middle = float(np.median(scores))
    label = f"Histogram of predicted probabilities; half of them lie below {percent(middle)}."
    return Figure(draw("probabilities", plot), f"How often which probability of {of} is given.", label)


def _table(bins: list[dict[str, Any]]) -> Table:
    rows = tuple(
        (
            f"{percent(b['bin_lower'], 2)} to {percent(b['bin_upper'], 2)}",
            percent(b["mean_probability"]),
            percent(b["observed_share"]),
            f"{percent(b['lower'])} to {percent(b['upper'])}",
            count(b["rows"]),
        )
        for b in bins
    )
    head = ("Probabilities", "Predicted on average", "True", "95 % interval", "Rows")
    return Table("The points of the curve, in groups of about equally many rows.", head, rows)
