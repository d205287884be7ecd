"""The figures on held-out rows, beside a naive guess."""

from __future__ import annotations

from mfgsql.entities import FIGURES
from mfgsql.metrics import ACCURACY, Metric
from mfgsql.reporting.chance import margin
from mfgsql.reporting.facts import Facts, Judged, Missing
from mfgsql.reporting.formats import score
from mfgsql.reporting.panel import Note, Panel, Table, panel
from mfgsql.reporting.words import metric_meaning, metric_name
from mfgsql.tasks import tasks


@panel("figures", "How good it is", order=20)
def figures(facts: Facts) -> Panel | None:
    """Every metric of the task; the deciding one with its interval."""
    if facts.version is None or facts.manifest is None or facts.task is None or facts.manifest.target is None:
        return None
    metrics = tasks[facts.task].metrics(facts.manifest.target)
    order = list(FIGURES) if facts.shape == "spans" else [m.name for m in metrics]
    known = sorted((s for s in facts.scores if s.metric in order), key=lambda s: order.index(s.metric))
    rows = tuple((metric_name(s.metric), score(s.value), score(s.baseline), metric_meaning(s.metric)) for s in known)
    if not rows and facts.shape == "spans":
        return Panel.why_not(Missing("It was never judged."))
    if not rows:
        return Panel.why_not(facts.judged if isinstance(facts.judged, Missing) else Missing("It was never judged."))
    caption = "On the rows held out, which it was not trained on."
    guess = "A season before" if facts.shape == "forecast" else "Naive guess"
    table = Table(caption, ("Metric", "Model", guess, "What it tells"), rows, texts=(3,))
    if facts.shape == "spans":
        return Panel.of(table, Note(f"{rows[0][0]} decides: it counts a span that has label, begin and end right."))
    decides = ACCURACY if facts.times else metrics[0]
    return Panel.of(table, *([_chance(decides, facts.judged)] if isinstance(facts.judged, Judged) else []))


def _chance(metric: Metric, judged: Judged) -> Note:
    """How far the deciding metric may be off by chance."""
    name, half = metric_name(metric.name), margin(metric, judged.truth, judged.prediction)
    if half is None:
        return Note(f"{name} decides. The rows are too few, or too alike, to say how far it may be off by chance.")
    return Note(f"{name} decides. By the chance of which rows were held out it is good to about ±{score(half)}.")
