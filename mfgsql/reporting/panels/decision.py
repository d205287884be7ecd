"""From which probability on an alarm pays, where it is known what mistakes cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mfgsql.decision import Costs, Outcomes, fair_cost, possible_thresholds
from mfgsql.reporting.drawing import MUTED, SERIES, draw
from mfgsql.reporting.facts import Facts, Judged, Missing
from mfgsql.reporting.formats import count, number, percent, score
from mfgsql.reporting.panel import Figure, Figures, Note, Panel, Table, panel
from mfgsql.tasks.task import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@panel("decision", "When to raise an alarm", order=45)
def decision(facts: Facts) -> Panel | None:
    """Costs by threshold; for models that were told what mistakes cost."""
    told = facts.manifest.calibration.get("costs") if facts.manifest else None
    if not told:
        return None
    if isinstance(facts.judged, Missing):
        return Panel.why_not(facts.judged)
    costs, chosen = Costs(**told), float(facts.manifest.calibration["threshold"])  # type: ignore[union-attr]
    truth, scores = _of(facts.judged)
    shown = np.unique([0.0, 0.5, chosen, possible_thresholds(scores)[0]])
    table = _table(Outcomes.at(truth, scores, shown), costs, chosen)
    return Panel.of(_verdict(truth, scores, costs, chosen), Figures((_figure(truth, scores, costs, chosen),)), table)


def _of(judged: Judged) -> tuple[Array, Array]:
    assert judged.prediction.scores is not None
    return judged.truth, judged.prediction.scores[:, 1]


def _verdict(truth: Array, scores: Array, costs: Costs, chosen: float) -> Note:
    does = "raises no alarm" if chosen > 1 else f"predicts the positive class from probability {score(chosen)} on"
    words = f"A missed positive costs {number(costs.missed)}, a false alarm {number(costs.false_alarm)}; it {does}."
    rows = len(truth)
    if rows < 2:
        return Note(words)
    mine, (otherwise, theirs) = fair_cost(truth, scores, costs), costs.without_model(int(truth.sum()), rows)
    found = f" That costs {number(mine / rows, 3)} a row, {otherwise} {number(theirs / rows, 3)}."
    how = " Each half of the held-out rows was judged by the threshold that the other half chose."
    return Note(words + found + how, "good" if mine < theirs else "warn")


def _figure(truth: Array, scores: Array, costs: Costs, chosen: float) -> Figure:
    at = np.unique(np.concatenate([np.linspace(0, 1, 201), scores]))
    at = at[:: max(1, len(at) // 400)]
    by_row = costs.of(Outcomes.at(truth, scores, at)) / len(truth)

    def plot(axes: Axes) -> None:
        axes.axvline(min(chosen, 1.0), color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        axes.plot(at, by_row, color=SERIES[0])
        axes.set(xlim=(-0.02, 1.02), xlabel="threshold of the probability", ylabel="cost of a row")
        axes.set_ylim(bottom=0)

    caption = "Cost of a row by threshold. The thin line is the threshold that was chosen."
    label = f"Cost by threshold; least at {score(float(at[np.argmin(by_row)]))}."
    return Figure(draw("decision", plot), caption, label)


def _table(found: Outcomes, costs: Costs, chosen: float) -> Table:
    names = {0.0: "always", 0.5: "the more probable class"} | ({chosen: "chosen"} if chosen <= 1 else {})
    rows = tuple(
        (
            f"{score(float(at))} ({names[float(at)]})" if float(at) in names else "never",
            count(int(found.alarms[i])),
            percent(found.caught[i] / found.positives) if found.positives else percent(None),
            percent(found.caught[i] / found.alarms[i]) if found.alarms[i] else percent(None),
            count(float(found.missed[i])),
            count(float(found.false_alarms[i])),
            number(float(costs.of(found)[i]) / found.rows, 3),
        )
        for i, at in enumerate(found.thresholds)
    )
    head = ("Alarm from", "Alarms", "Caught", "Right", "Missed", "False alarms", "Cost of a row")
    return Table(f"What thresholds do to the {found.rows:,} rows held out.", head, rows)
