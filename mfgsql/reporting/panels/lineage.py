"""Where it comes from, so that it can be made again."""

from __future__ import annotations

from typing import Any

from mfgsql.reporting.facts import Facts
from mfgsql.reporting.formats import bytes_size, moment, number, seconds
from mfgsql.reporting.panel import Panel, Table, Terms, panel


@panel("lineage", "Where it comes from", order=90)
def lineage(facts: Facts) -> Panel | None:
    """Run, snapshot, seed, base, libraries, and the recipe."""
    if facts.version is None or facts.manifest is None:
        return None
    told = facts.manifest.lineage
    recipe: dict[str, Any] = told.get("recipe") or {}
    run = facts.run
    pairs = [
        ("Version", facts.name),
        ("Made", moment(facts.created)),
        ("Run", f"{run.run_id} (ml_{run.verb}, {seconds(run.seconds)})" if run else "–"),
        ("Snapshot of its rows", str(told.get("snapshot") or "–")),
        ("Seed", str(recipe.get("seed", "–"))),
        ("Base", facts.base or str(told.get("base") or "none: from scratch")),
        *([("Licence of the base", facts.base_licence)] if facts.base_licence else []),
        ("Weights", bytes_size(facts.bytes)),
        ("Device", f"{told.get('device', '–')}, {told.get('threads', '–')} threads, {told.get('cpu', '–')}"),
        ("Libraries", _libraries(told)),
    ]
    rows = tuple((name.replace("_", " "), _value(value)) for name, value in sorted(recipe.items()))
    table = [Table("Recipe: the options it was trained by.", ("Option", "Value"), rows)] if rows else []
    return Panel.of(Terms(tuple(pairs)), *table)


def _libraries(told: dict[str, Any]) -> str:
    found = {"mfgsql": told.get("mfgsql"), **(told.get("libraries") or {})}
    return ", ".join(f"{name} {version}" for name, version in found.items() if version) or "–"


def _value(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return number(value) if isinstance(value, float) else f"{value:,}"
