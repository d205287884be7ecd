"""The version beside the champion before it, on rows that neither was trained on."""

from __future__ import annotations

from mfgsql.metrics import Metric, measure
from mfgsql.reporting.chance import MANY_CLASSES, margin
from mfgsql.reporting.facts import Facts, Missing, Rival
from mfgsql.reporting.formats import plural, score, signed
from mfgsql.reporting.panel import Note, Panel, Table, panel
from mfgsql.reporting.words import metric_name
from mfgsql.tasks import tasks


@panel("rival", "Against the previous champion", order=25)
def rival(facts: Facts) -> Panel | None:
    """Every metric of both, and whether the difference is more than chance."""
    if not facts.judges_rows or facts.manifest is None or facts.task is None or facts.manifest.target is None:
        return None
    if isinstance(facts.rival, Missing):
        return Panel.why_not(facts.rival)
    other, metrics = facts.rival, tasks[facts.task].metrics(facts.manifest.target)
    metrics = metrics[:2] if len(facts.classes) > MANY_CLASSES else metrics
    rows = []
    for metric in metrics:
        mine, theirs = (measure(metric, other.truth, p.values, p.scores) for p in (other.mine, other.theirs))
        gain = None if mine is None or theirs is None else mine - theirs
        rows.append((metric_name(metric.name), score(mine), score(theirs), "–" if gain is None else signed(gain)))
    caption = f"On {plural(len(other.truth), 'row')} that neither was trained on."
    table = Table(caption, ("Metric", facts.name, other.name, "Difference"), tuple(rows))
    return Panel.of(table, _verdict(facts.name, other, metrics[0]))


def _verdict(name: str, other: Rival, metric: Metric) -> Note:
    mine, theirs = (measure(metric, other.truth, p.values, p.scores) for p in (other.mine, other.theirs))
    half = margin(metric, other.truth, other.mine, other.theirs)
    by = metric_name(metric.name)
    if mine is None or theirs is None or half is None:
        return Note(f"The rows are too few, or too alike, to tell the two apart by {by}.")
    if abs(mine - theirs) <= half:
        return Note(f"By {by} the two do not differ beyond chance.")
    if (mine > theirs) == metric.higher:
        return Note(f"{name} is better by {by}, beyond chance.", "good")
    return Note(f"{other.name} is better by {by}, beyond chance.", "warn")
