"""From which probability on a row is given a label."""

from __future__ import annotations

import numpy as np

from mfgsql.tasks.task import Array

USUAL = 0.5
_FEWEST = 5  # rows with the label, and rows without it, that a cut is told by
_TRUST = 20.0  # rows with the label that count as much as not looking at any


def cuts_of(truth: Array, scores: Array) -> Array:
    """For each label the probability at which its F1 was best, drawn towards one half where few rows tell; [labels].

    Which cut is best is known the less well the fewer rows have the label (Lipton et al., "Optimal Thresholding of
    Classifiers to Maximize F1 Measure", ECML 2014); so it counts in proportion to them, on the scale of log odds.

    Args:
        truth: whether a row has a label, bool [rows, labels]. scores: its probability, [rows, labels].
    """
    return np.array([_cut(truth[:, i], scores[:, i]) for i in range(truth.shape[1])])


def _cut(has: Array, scores: Array) -> float:
    positives = int(has.sum())
    if min(positives, len(has) - positives) < _FEWEST:
        return USUAL
    trust = positives / (positives + _TRUST)
    return float(1 / (1 + np.exp(-trust * _log_odds(_best(has, scores)))))


def _best(has: Array, scores: Array) -> float:
    """The middle of the gap in the probabilities where F1 is best; of equal ones the highest."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], has[order].cumsum()
    given = np.arange(1, len(ranked) + 1)
    f1 = 2 * hits / (given + hits[-1])
    f1[:-1][ranked[:-1] == ranked[1:]] = -1.0  # equal probabilities can't be cut apart
    place = int(np.argmax(f1))
    below = ranked[place + 1] if place + 1 < len(ranked) else 0.0
    return float(ranked[place] + below) / 2


def _log_odds(probability: float) -> float:
    held = min(max(probability, 1e-6), 1 - 1e-6)
    return float(np.log(held / (1 - held)))
