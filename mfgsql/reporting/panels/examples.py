"""Rows to look at: where it was surest, and wrong or right."""

from __future__ import annotations

from mfgsql.reporting.facts import Example, ExampleGroup, Facts, Missing
from mfgsql.reporting.formats import number, percent, points
from mfgsql.reporting.panel import Heading, Note, Panel, Part, Table, panel


@panel("examples", "Rows to look at", order=80)
def examples(facts: Facts) -> Panel | None:
    """A table for each sort of row."""
    if facts.version is None or facts.task is None:
        return None
    if isinstance(facts.examples, Missing):
        return Panel.why_not(facts.examples)
    parts: list[Part] = [part for group in facts.examples for part in _group(group, bool(facts.classes))]
    if any(e.contributions for g in facts.examples for e in g.examples):
        what = f"the prediction{_unit(facts)}"
        words = f"In brackets: what the value adds to {what}, beside a typical row's (Shapley values)."
        parts.insert(0, Note(words))
    return Panel.of(*parts)


def _unit(facts: Facts) -> str:
    """What of the prediction is explained."""
    if not facts.classes:
        return ""
    which = facts.classes[1] if len(facts.classes) == 2 else "the predicted class"
    return f", the probability of {which} in points of a percentage"


def _group(group: ExampleGroup, shares: bool) -> list[Part]:
    title = Heading(group.title)
    if not group.examples:
        return [title, Note("None among the held-out rows.")]
    doubts = any(e.reason for e in group.examples)
    sure = any(e.score is not None for e in group.examples)
    head = ["Actual", "Predicted", *["Its probability"] * sure, "Values that count", *["Doubts"] * doubts]
    rows = tuple(_row(e, sure, doubts, shares) for e in group.examples)
    texts = tuple(i for i, name in enumerate(head) if name != "Its probability")
    return [title, Table(group.hint, tuple(head), rows, texts=texts)]


def _row(example: Example, sure: bool, doubts: bool, shares: bool) -> tuple[str, ...]:
    values = "; ".join(f"{name} = {value}{_adds(example, name, shares)}" for name, value in example.values)
    return (
        example.actual,
        example.predicted,
        *([percent(example.score)] if sure else []),
        values,
        *([example.reason or "none"] if doubts else []),
    )


def _adds(example: Example, name: str, shares: bool) -> str:
    if name not in example.contributions:
        return ""
    value = example.contributions[name]
    return f" ({points(value) if shares else ('+' if value > 0 else '') + number(value, 3)})"
