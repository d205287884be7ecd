"""Rows to look at: where it was surest, and wrong or right."""

from __future__ import annotations

from collections.abc import Iterator

from mfgsql.reporting.facts import Example, ExampleGroup, Facts, Missing, Picture
from mfgsql.reporting.formats import added, percent, short
from mfgsql.reporting.panel import Cell, Heading, Note, Panel, Part, Table, panel


@panel("examples", "Rows to look at", order=80)
def examples(facts: Facts) -> Panel | None:
    """A table for each sort of row."""
    if not facts.judges_rows:
        return None
    if isinstance(facts.examples, Missing):
        return Panel.why_not(facts.examples)
    shares = bool(facts.classes or facts.labels)
    parts: list[Part] = [part for group in facts.examples for part in _group(group, shares)]
    return Panel.of(*_notes(facts, [example for group in facts.examples for example in group.examples]), *parts)


def _notes(facts: Facts, examples: list[Example]) -> Iterator[Note]:
    """How the tables are to be read."""
    told, unit = _told(facts), ", in points of a percentage" if facts.classes or facts.labels else ""
    if any(part.weight for e in examples for text in e.texts for part in text.stretches):
        yield Note(f"Words in blue raise {told}, words in orange lower it; the stronger, the more.")
    if any(e.pictures for e in examples):
        yield Note(f"Pictures are coloured where they move {told} most.")
    if any(e.contributions and e.values for e in examples):
        yield Note(f"In brackets: what the value adds to {told}{unit}, beside a typical row's (Shapley values).")


def _told(facts: Facts) -> str:
    """What of the prediction is explained."""
    if facts.labels:
        return "the probability of the most probable label"
    if not facts.classes:
        return "the prediction"
    return f"the probability of {facts.classes[1] if len(facts.classes) == 2 else 'the predicted class'}"


def _group(group: ExampleGroup, shares: bool) -> list[Part]:
    title = Heading(group.title)
    if not group.examples:
        return [title, Note("None among the held-out rows.")]
    doubts = any(e.reason for e in group.examples)
    sure = any(e.score is not None for e in group.examples)
    first = group.examples[0]
    fields = [short(name, 40) for name in (*(t.name for t in first.texts), *(p.name for p in first.pictures))]
    valued = any(e.values for e in group.examples) or not fields
    head = ["Actual", "Predicted", *["Its probability"] * sure, *fields, *["Values that count"] * valued]
    head += ["Doubts"] * doubts
    rows = tuple(_row(e, sure, doubts, shares, valued) for e in group.examples)
    texts = tuple(i for i in range(len(head)) if not (sure and i == 2))
    return [title, Table(group.hint, tuple(head), rows, texts=texts)]


def _row(example: Example, sure: bool, doubts: bool, shares: bool, valued: bool) -> tuple[Cell | str, ...]:
    values = "; ".join(f"{name} = {value}{_adds(example, name, shares)}" for name, value in example.values)
    return (
        example.actual,
        example.predicted,
        *([percent(example.score)] if sure else []),
        *(Cell(text.adds, marks=text.stretches) if text.stretches else "missing" for text in example.texts),
        *(Cell(p.adds, picture=p.png, label=_label(p)) if p.png else "missing" for p in example.pictures),
        *([values] if valued else []),
        *([example.reason or "none"] if doubts else []),
    )


def _label(picture: Picture) -> str:
    return f"{picture.name}, coloured where it moves the prediction most"


def _adds(example: Example, name: str, shares: bool) -> str:
    return f" ({added(example.contributions[name], shares)})" if name in example.contributions else ""
