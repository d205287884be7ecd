"""Where it ends: the ranges it knows, what it can't see, what there was to warn of."""

from __future__ import annotations

from mfgsql.reporting.facts import Facts, Feature
from mfgsql.reporting.formats import count, epoch, number, percent, plural, short
from mfgsql.reporting.panel import Note, Panel, Part, Table, panel

_MOST = 40  # columns


@panel("limits", "Where it ends", order=88)
def limits(facts: Facts) -> Panel | None:
    """Warnings, the features with their ranges, and the columns left out."""
    if facts.version is None:
        return None
    parts: list[Part] = [Note(w, "warn") for w in facts.warnings]
    parts.append(
        Note(
            "A row outside these ranges, or with a value never seen, is predicted all the same; ml_status and "
            "ml_reason tell which. It knows nothing that changed since its rows were recorded."
        )
    )
    target = facts.manifest.target.name if facts.manifest and facts.manifest.target else None
    known, out = ([f for f in facts.features if bool(f.kind) is used and f.name != target] for used in (True, False))
    if not facts.features:
        parts.append(Note("What its columns looked like is not recorded: it was imported."))
    if known:
        head = ("Feature", "Kind", "Values trained on", "Missing")
        rows = tuple((short(f.name, 40), f.kind or "", _range(f), _missing(f)) for f in known[:_MOST])
        parts.append(Table(f"The {plural(len(known), 'column')} that it reads.", head, rows, texts=(1, 2)))
        parts += _more(known)
    if out:
        why = tuple((short(f.name, 40), f.left_out or "") for f in out[:_MOST])
        parts.append(Table(f"{plural(len(out), 'column')} left out.", ("Column", "Why"), why, texts=(1,)))
        parts += _more(out)
    return Panel.of(*parts)


def _more(columns: list[Feature]) -> list[Part]:
    left = len(columns) - _MOST
    return [Note(f"And {left:,} more: FROM ml.features.")] if left > 0 else []


def _range(feature: Feature) -> str:
    if feature.kind == "text":
        return f"{count(feature.distinct)} different texts"
    if feature.minimum is not None and feature.maximum is not None:
        show = epoch if (feature.type or "").startswith(("DATE", "TIMESTAMP")) else number
        return f"{show(feature.minimum)} to {show(feature.maximum)}"
    values = ", ".join(short(value, 20) for value, _ in feature.top[:4])
    more = (feature.distinct or len(feature.top)) - min(len(feature.top), 4)
    return f"{values} and {count(more)} more" if values and more > 0 else values or "–"


def _missing(feature: Feature) -> str:
    return percent(feature.nulls / feature.rows) if feature.rows and feature.nulls is not None else "–"
