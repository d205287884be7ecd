"""Which pairs of numbers say more together than apart: a search over training rows, before a network's first step.

What columns say one by one is taken away from the truth by an additive fit over bins; what is left is compared with the
cells of each pair (the screening of Lou et al., "Accurate Intelligible Models with Pairwise Interactions", KDD 2013),
and then with each way to combine the best pairs, of which the best is taken, taken away, and so on (matching pursuit).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

# What is rare lies in the tails, so bins are narrow there.
_COARSE = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
_FINE = np.array([0.01, 0.03, 0.07, 0.15, 0.25, 0.4, 0.5, 0.6, 0.75, 0.85, 0.93, 0.97, 0.99])
_SWEEPS = 3  # of the additive fit
_CHANNELS, _PAIRS = 48, 24  # looked at, at most: in pairs, closely
_BEYOND_CHANCE = 4.0  # deviations

OPERATIONS = "*/-+"  # ways to combine two numbers


def combine(operation: int, a: Floats, b: Floats) -> Floats:
    """``a`` with ``b``; NaN where that is no number."""
    with np.errstate(all="ignore"):
        made: Floats = (np.multiply, np.divide, np.subtract, np.add)[operation](a, b)
    return np.where(np.isfinite(made), made, np.nan)


def find_pairs(numbers: Floats, truth: Floats, most: int) -> list[tuple[int, int, int]]:
    """Operation, first and second channel of up to ``most`` combinations, the most telling first.

    Args:
        numbers: in units of their own, NaN where missing, [rows, channels].
        truth: numbers whose means say something, [rows, n].
    """
    left = truth - truth.mean(axis=0)
    bins = [_bins(channel, _FINE) for channel in numbers.T]
    noise = _noise(left)
    own = [_beyond_chance(codes, left, noise) for codes in bins]
    for _ in range(_SWEEPS):
        for codes in bins:
            left = _without(codes, left)
    some = [i for i in np.argsort(own)[::-1].tolist() if len(np.unique(bins[i])) > 2][:_CHANNELS]
    made = {
        (operation, a, b): _bins(combine(operation, numbers[:, a], numbers[:, b]), _FINE)
        for a, b in _screened(numbers, left, sorted(some))
        for operation in range(len(OPERATIONS))
    }
    found: list[tuple[int, int, int]] = []
    while made and len(found) < most:
        noise = _noise(left)
        telling = {key: _beyond_chance(codes, left, noise) for key, codes in made.items()}
        best = max(telling, key=telling.__getitem__)
        if telling[best] < _BEYOND_CHANCE:
            break
        left = _without(made.pop(best), left)
        found.append(best)
    return found


def _screened(numbers: Floats, left: Floats, channels: list[int]) -> list[tuple[int, int]]:
    """The pairs whose cells differ most in what is left; all pairs by one product of matrices."""
    width = len(_COARSE) + 2
    inside = np.zeros((len(numbers), len(channels), width), np.float32)
    for place, channel in enumerate(channels):
        inside[np.arange(len(numbers)), place, _bins(numbers[:, channel], _COARSE)] = 1.0
    flat = inside.reshape(len(numbers), -1)
    rows = flat.T @ flat
    sums = [(flat * values[:, None].astype(np.float32)).T @ flat for values in left.T]
    explained = sum(s**2 for s in sums) / np.maximum(rows, 1.0)
    cells = (len(channels), width, len(channels), width)
    free = np.maximum((rows > 0).reshape(cells).sum(axis=(1, 3)) - 1, 1)
    telling = _deviations(np.reshape(explained, cells).sum(axis=(1, 3)), free, _noise(left))
    first, second = np.triu_indices(len(channels), 1)
    order = np.argsort(-telling[first, second], kind="stable")[:_PAIRS]
    return [(channels[first[i]], channels[second[i]]) for i in order]


def _bins(values: Floats, levels: Floats) -> Codes:
    """Number of the bin of each value between quantiles; the last one is of what is missing."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), len(levels) + 1)
    bounds = np.unique(np.quantile(values[known], levels, method="lower"))
    return np.where(known, np.searchsorted(bounds, values), len(levels) + 1)


def _means(codes: Codes, values: Floats) -> tuple[Floats, Codes]:
    """Means of each bin [bins, n], and its rows."""
    rows = np.bincount(codes)
    sums = np.stack([np.bincount(codes, column) for column in values.T], axis=1)
    return sums / np.maximum(rows, 1)[:, None], rows


def _without(codes: Codes, values: Floats) -> Floats:
    """What is left of ``values`` when the means of their bins are taken away."""
    return values - _means(codes, values)[0][codes]


def _noise(values: Floats) -> float:
    return max(float((values**2).mean(axis=0).sum()), 1e-12)


def _beyond_chance(codes: Codes, values: Floats, noise: float) -> float:
    """By how many deviations bins explain more of ``values`` than bins of rows drawn at random would."""
    means, rows = _means(codes, values)
    free = np.array(max(int((rows > 0).sum()) - 1, 1))
    return float(_deviations((means**2 * rows[:, None]).sum(), free, noise))


def _deviations(explained: Floats, free: npt.NDArray[Any], noise: float) -> Floats:
    """From what chance would explain with so many free means."""
    found: Floats = (explained / noise - free) / np.sqrt(2 * free)
    return found
