"""What it learnt from."""

from __future__ import annotations

import numpy as np

from mfgsql.reporting.facts import Facts
from mfgsql.reporting.formats import count, epoch, number, percent, plural, short
from mfgsql.reporting.panel import Bar, Cell, Code, Note, Panel, Part, Table, Terms, panel

_MOST = 10  # classes
_TIMES = ("DATE", "TIMESTAMP")


@panel("data", "What it learnt from", order=86)
def data(facts: Facts) -> Panel | None:
    """The source, how many rows, when, and the target."""
    if facts.version is None or facts.manifest is None:
        return None
    pairs = [("A row", "one row of the source below"), ("Rows", count(facts.rows))]
    pairs += [
        (f"Span of {f.name}", f"{epoch(f.minimum)} to {epoch(f.maximum)}")
        for f in facts.features
        if (f.type or "").startswith(_TIMES) and f.minimum is not None
    ]
    target = facts.manifest.target
    if target is not None:
        pairs.append(("Target", f"{target.name} ({target.type})"))
        if facts.shape == "value":
            pairs.append(("Its values", f"{number(target.mean)} on average, deviation {number(target.deviation)}"))
    source = str(facts.manifest.lineage.get("source") or (facts.run.source if facts.run else None) or "")
    parts: list[Part] = [Terms(tuple(pairs))]
    parts += [Code(source, "Source")] if source else [Note("Its source is not recorded.")]
    if facts.shape == "spans":
        return Panel.of(*parts, _spans(facts))
    return Panel.of(*parts, *([_classes(facts)] if facts.classes or facts.labels else []))


def _spans(facts: Facts) -> Table:
    assert facts.manifest is not None
    assert facts.manifest.target is not None
    target = facts.manifest.target
    counts = {tag[2:]: count for tag, count in zip(target.classes, target.counts, strict=True) if count}
    total, most = sum(counts.values()), max(counts.values())
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST]
    rows = tuple(_row(short(label, 40), count, total, most) for label, count in ordered)
    return Table("Labels of the spans, the most frequent first.", ("Label", "", "Spans", "Share"), rows)


def _classes(facts: Facts) -> Table:
    assert facts.manifest is not None
    assert facts.manifest.target is not None
    target, counts = facts.manifest.target, np.asarray(facts.manifest.target.counts)
    total, most = int(target.rows or counts.sum()), int(counts.max())
    ordered = np.argsort(-counts, kind="stable")[:_MOST].tolist()
    rows = [_row(short(target.classes[i], 40), int(counts[i]), total, most) for i in ordered]
    if facts.labels:
        return Table("Labels of the target, the most frequent first.", ("Label", "", "Rows", "Share"), tuple(rows))
    rest = len(counts) - len(ordered)
    if rest:
        others = total - int(counts[ordered].sum())
        rows.append((f"{plural(rest, 'other class')}", "", count(others), percent(others / total)))
    return Table("Classes of the target, the largest first.", ("Class", "", "Rows", "Share"), tuple(rows))


def _row(name: str, rows: int, total: int, most: int) -> tuple[Cell | str, ...]:
    return name, Cell("", bar=Bar(0.0, rows / most)), count(rows), percent(rows / total)
