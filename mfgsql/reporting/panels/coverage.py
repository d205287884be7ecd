"""Whether intervals hold as many true values as they say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mfgsql.evaluation.calibration import LEVELS
from mfgsql.evaluation.calibration import coverage as coverage_rows
from mfgsql.reporting.facts import Facts, Judged, Missing
from mfgsql.reporting.formats import count, number, percent
from mfgsql.reporting.panel import Note, Panel, Table, panel
from mfgsql.tasks.task import Array


@panel("coverage", "Can its intervals be trusted", order=60)
def coverage(facts: Facts) -> Panel | None:
    """Share of true values inside the interval, by level; numbers only."""
    if facts.task != "regression":
        return None
    if isinstance(facts.judged, Missing):
        return Panel.why_not(facts.judged)
    found = [r for r in _rows(facts.judged) if r["coverage"] is not None]
    if not found:
        return Panel.why_not(Missing("Too few rows were held out to set intervals and to judge them."))
    rows = tuple(
        (
            percent(r["level"], 0),
            percent(r["coverage"]),
            f"{percent(r['lower'])} to {percent(r['upper'])}",
            number(r["mean_width"], 3),
            count(r["rows"]),
        )
        for r in found
    )
    head = ("Level", "True values inside", "95 % interval", "Width", "Rows")
    caption = "Each half of the held-out rows was judged by intervals that the other half set."
    return Panel.of(Table(caption, head, rows), _verdict(found))


def _rows(judged: Judged) -> list[dict[str, Any]]:
    """By level, in two halves, so that no interval is judged by the errors that set its width."""
    errors = np.abs(judged.truth - judged.prediction.values)
    even = np.arange(len(errors)) % 2 == 0
    inside, widths, counts = ([0] * len(LEVELS), [0.0] * len(LEVELS), [0] * len(LEVELS))
    for mine in (even, ~even):
        for place, level in enumerate(LEVELS):
            half = _half_width(errors[~mine], level)
            if half is not None:
                inside[place] += int((errors[mine] <= half).sum())
                widths[place] += 2 * half * int(mine.sum())
                counts[place] += int(mine.sum())
    mean = [w / n if n else None for w, n in zip(widths, counts, strict=True)]
    return coverage_rows(LEVELS, inside, mean, counts)


def _half_width(errors: Array, level: float) -> float | None:
    """What ``level`` of new errors stay below (split conformal prediction); None where these are too few to tell."""
    rank = math.ceil((len(errors) + 1) * level)
    return None if rank > len(errors) else float(np.sort(errors)[rank - 1])


def _verdict(rows: list[dict[str, Any]]) -> Note:
    off = [r for r in rows if not r["lower"] <= r["level"] <= r["upper"]]
    if not off:
        return Note("At each level the intervals hold what they promise, within chance.", "good")
    words = ", ".join(f"{percent(r['level'], 0)} ({percent(r['coverage'])} inside)" for r in off)
    return Note(f"Off by more than chance at {words}.", "warn")
