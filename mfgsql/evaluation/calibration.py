"""Whether probabilities and intervals keep their word: reliability curves and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
LEVELS = (0.5, 0.8, 0.9, 0.95)  # of prediction intervals
_BINS, _FEWEST = 10, 10  # bins at most, and rows of one at least on average


def reliability(positive: Array, scores: Array) -> list[dict[str, Any]]:
    """Bins of equally many rows by predicted probability, rising; equal probabilities share one.

    Args:
        positive: truth, [rows] of bool. scores: its probability, [rows]; one row at least.

    Returns:
        For each bin the range of its probabilities, rows, their mean, the share of positives, and its interval.
    """
    bins = int(np.clip(len(scores) // _FEWEST, 1, _BINS))
    # Edges are scores that occur: then no bin is empty.
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1), method="lower"))
    which = np.searchsorted(edges[1:-1], scores, side="right")
    return [_bin(positive[which == i], scores[which == i]) for i in range(max(len(edges) - 1, 1))]


def _bin(positive: Array, scores: Array) -> dict[str, Any]:
    hits, rows = int(positive.sum()), len(positive)
    lower, upper = wilson(hits, rows)
    return {
        "bin_lower": float(scores.min()),
        "bin_upper": float(scores.max()),
        "rows": rows,
        "mean_probability": float(scores.mean()),
        "observed_share": hits / rows,
        "lower": lower,
        "upper": upper,
    }


def coverage(
    levels: Sequence[float], inside: Sequence[int], widths: Sequence[float | None], rows: Sequence[int]
) -> list[dict[str, Any]]:
    """For each level the share of truths inside the interval, with its interval; None where no row had one."""
    found = []
    for level, hits, width, count in zip(levels, inside, widths, rows, strict=True):
        lower, upper = wilson(hits, count) if count else (None, None)
        share = hits / count if count else None
        found.append(
            {"level": level, "coverage": share, "lower": lower, "upper": upper, "mean_width": width, "rows": count}
        )
    return found


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, JASA 1927)."""
    from scipy.stats import binomtest

    found = binomtest(hits, rows).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
