"""Thresholds side by side: what each would raise, catch, miss and cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.decision import Costs, Outcomes, cheapest_threshold, possible_thresholds

Array = npt.NDArray[Any]
_DEFAULT = 0.5  # from where on the positive class of two is the more probable one
_STEPS = np.linspace(0, 1, 31)


def threshold_table(
    truth: Array, scores: Array, *, costs: Costs | None = None, days: float | None = None
) -> list[dict[str, Any]]:
    """At most 66 thresholds, rising, an alarm being raised where ``score >= threshold``.

    Shown are quantiles of all scores and of the positives' (which may be few, and high), 0 (always), one above all
    scores (never), .5, and the best: the cheapest, or without costs that of the best F1; of equal ones the highest.

    Args:
        truth: 1 for a positive, [rows]. scores: probabilities, [rows]. days: that the rows span.

    Raises:
        DataError: there are no rows.
    """
    possible = possible_thresholds(scores)
    best = _best(truth, scores, possible, costs)
    kept = [np.quantile(s, _STEPS, method="nearest") for s in (scores, scores[truth == 1]) if len(s)]
    shown = np.unique(np.concatenate([[0.0, _DEFAULT, possible[0]], [] if best is None else [best], *kept]))
    found = Outcomes.at(truth, scores, shown)
    columns = {
        "threshold": shown,
        "alarms": found.alarms,
        "alarms_per_day": found.alarms / days if days else [None] * len(shown),
        "caught": _share(found.caught, np.full(len(shown), found.positives)),
        "precision": _share(found.caught, found.alarms),
        "f1": _share(2 * found.caught, found.alarms + found.positives),
        "missed": found.missed,
        "false_alarms": found.false_alarms,
        "cost": costs.of(found) if costs else [None] * len(shown),
        "cost_per_row": costs.of(found) / found.rows if costs else [None] * len(shown),
        "best": shown == best,
    }
    lists = [c.tolist() if isinstance(c, np.ndarray) else c for c in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]


def _best(truth: Array, scores: Array, possible: Array, costs: Costs | None) -> float | None:
    """None where there is nothing to catch, and no cost to save either."""
    if costs:
        return cheapest_threshold(truth, scores, costs).threshold
    found = Outcomes.at(truth, scores, possible)
    return float(possible[np.argmax(found.f1)]) if found.positives else None


def _share(part: Array, whole: Array) -> list[float | None]:
    return [float(p / w) if w else None for p, w in zip(part, whole, strict=True)]
