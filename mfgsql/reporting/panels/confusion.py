"""Which class is taken for which."""

from __future__ import annotations

import numpy as np

from mfgsql.reporting.facts import Facts, Judged, Missing
from mfgsql.reporting.formats import count, percent, plural, score, short
from mfgsql.reporting.panel import Cell, Note, Panel, Table, panel
from mfgsql.tasks.task import Array

_MOST = 10  # classes shown one by one
_SHADE = 0.45  # so that the text stays readable


@panel("confusion", "What is taken for what", order=30)
def confusion(facts: Facts) -> Panel | None:
    """Counts by actual and predicted class; of many classes the largest, and the rest summed up."""
    if not facts.classes:
        return None
    if isinstance(facts.judged, Missing):
        return Panel.why_not(facts.judged)
    judged, names = facts.judged, facts.classes
    shown = _largest(judged.truth, len(names))
    labels = [short(names[i], 24) for i in shown]
    rest = len(names) - len(shown)
    actual, predicted = (_grouped(v, shown) for v in (judged.truth, judged.prediction.values))
    if rest:
        labels.append(f"the other {rest:,}")
    counts = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(counts, (actual, predicted), 1)
    if not rest:
        return Panel.of(_matrix(labels, counts), _by_class(labels, judged, shown))
    others = actual == len(shown)
    right = float((judged.truth == judged.prediction.values)[others].mean()) if others.any() else None
    note = f"The other {rest:,} classes have {plural(int(others.sum()), 'row')}, of which {percent(right)} are right."
    pairs = _frequent(judged, names)
    return Panel.of(_matrix(labels, counts), Note(note), *pairs, _by_class(labels, judged, shown))


def _largest(truth: Array, classes: int) -> list[int]:
    """Numbers of the classes shown, in the order of the classes: all, or those with most rows."""
    if classes <= _MOST + 1:
        return list(range(classes))
    counts = np.bincount(truth, minlength=classes)
    return sorted(np.argsort(-counts, kind="stable")[:_MOST].tolist())


def _grouped(classes: Array, shown: list[int]) -> Array:
    """Places in what is shown; those of no class shown come behind."""
    places = np.full(max(int(classes.max(initial=0)), *shown) + 1, len(shown))
    places[shown] = np.arange(len(shown))
    return places[classes]


def _matrix(labels: list[str], counts: Array) -> Table:
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shades = counts / totals * _SHADE
    rows: tuple[tuple[Cell | str, ...], ...] = tuple(
        (label, *(Cell(count(c), float(s)) for c, s in zip(line, shade, strict=True)))
        for label, line, shade in zip(labels, counts.tolist(), shades.tolist(), strict=True)
    )
    caption = "Rows by actual class (down) and predicted class (across); the colour is the share of the actual class."
    return Table(caption, ("Actual \\ predicted", *labels), rows)


def _frequent(judged: Judged, names: tuple[str, ...]) -> list[Table]:
    """The mistakes made most often, which many classes would hide."""
    wrong = judged.truth != judged.prediction.values
    if not wrong.any():
        return []
    pairs = np.stack([judged.truth, judged.prediction.values], axis=1)[wrong]
    found, times = np.unique(pairs, axis=0, return_counts=True)
    order = np.argsort(-times, kind="stable")[:_MOST]
    rows = tuple(
        (short(names[a], 40), short(names[b], 40), count(n))
        for (a, b), n in zip(found[order], times[order], strict=True)
    )
    return [Table("The most frequent mistakes.", ("Actual", "Predicted", "Rows"), rows, texts=(1,))]


def _by_class(labels: list[str], judged: Judged, shown: list[int]) -> Table:
    from sklearn.metrics import precision_recall_fscore_support

    found = precision_recall_fscore_support(judged.truth, judged.prediction.values, labels=shown, zero_division=0.0)
    rows = tuple(
        (label, score(p), score(r), score(f), count(n)) for label, p, r, f, n in zip(labels, *found, strict=False)
    )
    caption = (
        "By class. Precision: of those said to be of it, the share that is. Recall: of those that are, the share found."
    )
    return Table(caption, ("Class", "Precision", "Recall", "F1", "Rows"), rows)
