"""How well each label is told, where a row may have several."""

from __future__ import annotations

import numpy as np

from mfgsql.reporting.facts import Facts, Missing
from mfgsql.reporting.formats import count, plural, score, short
from mfgsql.reporting.panel import Note, Panel, Part, Table, panel

_MOST = 20  # labels shown


@panel("labels", "How well each label is told", order=30)
def labels(facts: Facts) -> Panel | None:
    """Precision, recall and F1 by label, of many labels those that most rows have."""
    if not facts.labels:
        return None
    if isinstance(facts.judged, Missing):
        return Panel.why_not(facts.judged)
    truth, said = facts.judged.truth > 0, facts.judged.prediction.values
    hits, given, rows = (part.sum(axis=0) for part in (truth & said, said, truth))
    shown = np.argsort(-rows, kind="stable")[:_MOST].tolist()
    lines = tuple(
        (
            short(facts.labels[i], 40),
            score(float(hits[i] / max(given[i], 1))),
            score(float(hits[i] / max(rows[i], 1))),
            score(float(2 * hits[i] / max(given[i] + rows[i], 1))),
            count(int(rows[i])),
        )
        for i in shown
    )
    caption = "Precision: of the rows given it, the share that has it. Recall: of those that have it, the share found."
    table = Table(caption, ("Label", "Precision", "Recall", "F1", "Rows"), lines)
    rest = len(facts.labels) - len(shown)
    more: list[Part] = [Note(f"{plural(rest, 'label')} more have fewer rows.")] if rest else []
    return Panel.of(table, *more)
