"""Which features it needs."""

from __future__ import annotations

from typing import Any

from mfgsql.evaluation.importance import Importance
from mfgsql.reporting.facts import Facts, Missing
from mfgsql.reporting.formats import count, percent, short, signed
from mfgsql.reporting.panel import Bar, Cell, Note, Panel, Table, panel
from mfgsql.reporting.words import metric_name

_MOST = 20
_SIGNS = {"*": "×", "/": "÷", "-": "−", "+": "+"}


@panel("importance", "What it looks at", order=70)
def importance(facts: Facts) -> Panel | None:
    """What shuffling each feature costs."""
    if not facts.judges_rows:
        return None
    if isinstance(facts.importance, Missing):
        return Panel.why_not(facts.importance)
    shown = facts.importance[:_MOST]
    low, high = min(0.0, *(i.lower for i in shown)), max(0.0, *(i.upper for i in shown))
    rows = tuple(_row(i, low, (high - low) or 1.0) for i in shown)
    name = metric_name(shown[0].metric)
    caption = (
        f"How much worse {name} gets when a feature's values are shuffled among {count(shown[0].rows)} held-out rows: "
        "mean of five shuffles, the thin line from the least to the most."
    )
    left = len(facts.importance) - len(shown)
    notes = [Note(f"{left:,} more features matter less.")] if left else []
    words = "Features that tell the same share their importance: shuffling one of them costs little."
    table = Table(caption, ("Feature", "", "Importance"), rows)
    return Panel.of(table, *notes, Note(words), *_interactions(facts))


def _interactions(facts: Facts) -> list[Table]:
    """Which pairs of columns the network reads as one number too."""
    assert facts.manifest is not None
    found = facts.manifest.lineage.get("interactions") or []
    rows = [_pair(i) for i in found[:_MOST]]
    caption = (
        "Pairs of features that tell more together than apart, so that the network reads them as one number too; "
        "share of its parts, each trained on other rows, that found them."
    )
    return [Table(caption, ("Together", "Found by"), tuple(rows))] if rows else []


def _row(found: Importance, low: float, span: float) -> tuple[Cell | str, ...]:
    def at(value: float) -> float:
        return (value - low) / span

    ends = sorted((at(0.0), at(found.importance)))
    bar = Bar(ends[0], ends[1], at(found.lower), at(found.upper))
    return short(found.feature, 40), Cell("", bar=bar), signed(found.importance)


def _pair(found: dict[str, Any]) -> tuple[str, str]:
    first, second = short(found["first"], 40), short(found["second"], 40)
    return f"{first} {_SIGNS[found['operation']]} {second}", percent(found["share"])
