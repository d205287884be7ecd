"""Two samples of vectors compared, by the maximum mean discrepancy.

After Gretton et al., "A Kernel Two-Sample Test" (JMLR 2012), with a Gaussian kernel as wide as the median distance. The
p-value is by permutation, drawn until 20 permutations were as far apart (Besag and Clifford, "Sequential Monte Carlo
p-values", Biometrika 1991): what is far from drift costs little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
_DRAWS, _AT_ONCE, _ENOUGH = 9_999, 500, 20
_ROUNDING = 1e-7  # of sums of numbers up to 1


@dataclass(frozen=True)
class Discrepancy:
    """How far apart two samples of vectors are; ``usual``: what 95 in 100 permutations stay below."""

    value: float
    usual: float
    p_value: float


def compare_vectors(ours: Array, theirs: Array, seed: int, check: Callable[[], None]) -> Discrepancy:
    """The discrepancy of two samples, [n, d] and [m, d], of two rows each at least.

    Args:
        check: called between permutations; raises where the work shall stop.
    """
    rows = np.concatenate([ours, theirs]).astype(np.float32)
    kernel = _kernel(rows)
    signs = np.where(np.arange(len(rows)) < len(ours), 1 / len(ours), -1 / len(theirs)).astype(np.float32)
    found = _squares(kernel, signs[:, None])[0]
    rng, drawn = np.random.default_rng(seed), list[npt.NDArray[np.float32]]()
    beyond = total = 0
    while total < _DRAWS and beyond < _ENOUGH:
        check()
        count = min(_AT_ONCE, _DRAWS - total)
        mixed = rng.permuted(np.broadcast_to(signs, (count, len(signs))), axis=1).T
        drawn.append(_squares(kernel, mixed))
        beyond, total = beyond + int((drawn[-1] >= found - _ROUNDING).sum()), total + count
    usual = float(np.quantile(np.concatenate(drawn), 0.95))
    value, chance = (float(np.sqrt(max(v, 0.0))) for v in (found, usual))
    return Discrepancy(value, chance, (1 + beyond) / (1 + total))


def _kernel(rows: Array) -> Array:
    squares = (rows.astype(np.float64) ** 2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2.0 * rows.astype(np.float64) @ rows.T.astype(np.float64), 0.0)
    middle = float(np.median(apart[np.triu_indices(len(rows), 1)]))
    if middle <= 0.0:  # most are equal
        middle = float(apart.mean()) or 1.0
    kernel: Array = np.exp(-apart / middle).astype(np.float32)
    return kernel


def _squares(kernel: Array, signs: Array) -> npt.NDArray[np.float32]:
    """``s' K s`` of each column."""
    found: npt.NDArray[np.float32] = ((kernel @ signs) * signs).sum(axis=0)
    return found
