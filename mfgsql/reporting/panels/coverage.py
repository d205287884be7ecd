"""Whether intervals hold as many true values as they say."""

from __future__ import annotations

from typing import Any

import numpy as np

from mfgsql.evaluation.calibration import LEVELS
from mfgsql.evaluation.calibration import coverage as coverage_rows
from mfgsql.reporting.facts import Facts, Judged, Missing
from mfgsql.reporting.formats import count, number, percent
from mfgsql.reporting.panel import Note, Panel, Table, panel
from mfgsql.tasks import Prediction, tasks
from mfgsql.tasks.task import Array


@panel("coverage", "Can its intervals be trusted", order=60)
def coverage(facts: Facts) -> Panel | None:
    """Share of true values inside the interval, by level; numbers only."""
    if facts.times is not None:
        return _panel(facts.times, "rul")
    if facts.task not in ("regression", "rul"):
        return None
    if isinstance(facts.judged, Missing):
        return Panel.why_not(facts.judged)
    return _panel(facts.judged, facts.task)


def _panel(judged: Judged, task: str) -> Panel:
    found = [r for r in _rows(judged, task) if r["coverage"] is not None]
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


def _rows(judged: Judged, name: str) -> list[dict[str, Any]]:
    """By level, in two halves, so that no interval is judged by the errors that set its width."""
    task, truth, values = tasks[name], judged.truth, judged.prediction.values
    even = np.arange(len(truth)) % 2 == 0 if judged.history is None else _halves(judged.history)
    inside, widths, counts = ([0] * len(LEVELS), [0.0] * len(LEVELS), [0] * len(LEVELS))
    for mine in (even, ~even):
        calibration = task.calibrate(truth[~mine], Prediction(values[~mine]), {})
        for place, level in enumerate(LEVELS):
            lower, upper = task.interval(values[mine], calibration, level)
            known = np.isfinite(lower) & np.isfinite(upper)
            inside[place] += int(((truth[mine] >= lower) & (truth[mine] <= upper))[known].sum())
            widths[place] += float((upper - lower)[known].sum())
            counts[place] += int(known.sum())
    mean = [w / n if n else None for w, n in zip(widths, counts, strict=True)]
    return coverage_rows(LEVELS, inside, mean, counts)


def _halves(history: Array) -> Array:
    """Whole histories in either half: rows of one know each other."""
    numbers = np.unique(history, return_inverse=True)[1]
    mask: Array = numbers % 2 == 0
    return mask


def _verdict(rows: list[dict[str, Any]]) -> Note:
    off = [r for r in rows if not r["lower"] <= r["level"] <= r["upper"]]
    if not off:
        return Note("At each level the intervals hold what they promise, within chance.", "good")
    words = ", ".join(f"{percent(r['level'], 0)} ({percent(r['coverage'])} inside)" for r in off)
    return Note(f"Off by more than chance at {words}.", "warn")
