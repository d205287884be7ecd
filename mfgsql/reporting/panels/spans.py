"""How well spans of each label are found, and texts with the spans in them."""

from __future__ import annotations

from mfgsql.reporting.facts import Facts, Missing, Tagged, TaggedText
from mfgsql.reporting.formats import count, plural, score, short
from mfgsql.reporting.panel import Cell, Heading, Note, Panel, Part, Table, panel

_MOST = 40  # labels, and tags


@panel("spans", "How well it finds each label", order=30)
def spans(facts: Facts) -> Panel | None:
    """Precision, recall and F1 by label, and by tag of the words; models of spans only."""
    if facts.tagged is None:
        return None
    if isinstance(facts.tagged, Missing):
        return Panel.why_not(facts.tagged)
    texts = plural(facts.tagged.texts, "text")
    by_label = f"Spans in {texts} held out; one is found where label, begin and end are right."
    by_tag = "Words of these texts: B where a span begins, I where it goes on, O outside of all."
    labels = _table(facts.tagged, "span", ("Label", "Spans"), by_label)
    return Panel.of(labels, _table(facts.tagged, "token", ("Tag", "Words"), by_tag))


@panel("annotated", "Texts to look at", order=80)
def annotated(facts: Facts) -> Panel | None:
    """Texts with the spans that were annotated beside those that are found."""
    if not isinstance(facts.tagged, Tagged):
        return None
    parts = _texts("The most mistakes", "Spans that are missing, too many, or not as annotated.", facts.tagged.wrong)
    return Panel.of(*parts, *_texts("All right", "The most spans first.", facts.tagged.right))


def _table(tagged: Tagged, level: str, head: tuple[str, str], caption: str) -> Table:
    rows = [row for row in tagged.report if row["level"] == level]
    lines = tuple(
        (
            short(row["class"], 40),
            *(score(row[name]) for name in ("precision", "recall", "f1")),
            count(row["support"]),
        )
        for row in (*rows[:-3][:_MOST], *rows[-3:])  # the averages stand last
    )
    return Table(caption, (head[0], "Precision", "Recall", "F1", head[1]), lines)


def _texts(title: str, hint: str, texts: tuple[TaggedText, ...]) -> list[Part]:
    if not texts:
        return [Heading(title), Note("None among the texts held out.")]
    rows = tuple((Cell("", marks=t.actual.stretches), Cell("", marks=t.found.stretches)) for t in texts)
    return [Heading(title), Table(hint, ("As annotated", "As found"), rows, texts=(0, 1))]
