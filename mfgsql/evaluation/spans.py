"""How well spans were found, with bootstrap intervals over rows, in memory that does not grow with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.entities import FIGURES
from mfgsql.evaluation.judge import MetricRow

Array = npt.NDArray[Any]
_DRAWS, _FEWEST, _WORK = 400, 30, 4_000_000  # resamples, and kinds of rows over all of them


def evaluate_spans(sums: Array, rows: Array, *, seed: int = 0) -> list[MetricRow]:
    """All figures, beside those of who finds no span.

    Args:
        sums: of each kind of row what `mfgsql.entities.row_sums` names, int64 [kinds, 6].
        rows: how many rows are of that kind, int64 [kinds]. Drawing kinds as often as rows is to draw rows.
    """
    total = rows @ sums
    silent = np.array([0, 0, total[2], total[5], total[4], total[5]])
    drawn = _resampled(sums, rows, seed)
    found = []
    for name, figure in FIGURES.items():
        lower, upper = np.quantile(figure(drawn), [0.025, 0.975]).tolist()
        value, baseline = float(figure(total)), float(figure(silent))
        found.append(MetricRow(name, value, baseline, lower, upper, int(rows.sum())))
    return found


def beats_spans(one: Array, other: Array, *, seed: int = 0) -> bool:
    """Whether ``one`` finds spans better than ``other`` beyond chance: the paired 95 % interval of F1 excludes zero.

    Args:
        one, other: sums of the same rows, int64 [rows, 6].
    """
    both = _resampled(np.hstack([one, other]), np.ones(len(one), np.int64), seed)
    figure = next(iter(FIGURES.values()))
    return bool(np.quantile(figure(both[:, :6]) - figure(both[:, 6:]), 0.025) > 0)


def _resampled(sums: Array, rows: Array, seed: int) -> Array:
    """Sums over resamples of the rows, [draws, 6] (Efron and Tibshirani, 1993)."""
    rng, shares = np.random.default_rng(seed), rows / rows.sum()
    draws = min(_DRAWS, max(_WORK // len(rows), _FEWEST))
    return np.stack([rng.multinomial(rows.sum(), shares) @ sums for _ in range(draws)])
