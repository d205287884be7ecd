"""Whether one model is ahead of another: bootstrap intervals of a difference on the same rows."""

from collections.abc import Callable, Sequence

import numpy as np

DRAWS = 1000
Rows = np.ndarray
Measure = Callable[[Rows, Rows], float]


def ahead(mine: Sequence[Rows], theirs: Sequence[Rows], truth: Rows, measure: Measure) -> tuple[float, float]:
    """The 95 % interval of how much higher ours is, over rows and seeds; ahead where it is above zero.

    Args:
        mine, theirs: what was said of each row, by seed; theirs may be of one seed. truth: of each row.
        measure: (truth, said) of drawn rows -> the higher the better.
    """
    dice, found = np.random.default_rng(0), []
    for _ in range(DRAWS):
        rows, seed = dice.integers(0, len(truth), len(truth)), dice.integers(0, len(mine))
        found.append(measure(truth[rows], mine[seed][rows]) - measure(truth[rows], theirs[seed % len(theirs)][rows]))
    return interval(found)


def ahead_on_splits(mine: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean difference over splits."""
    apart = np.array(mine) - np.array(theirs)
    drawn = np.random.default_rng(0).integers(0, len(apart), (10 * DRAWS, len(apart)))
    return interval(apart[drawn].mean(axis=1))


def interval(found: Sequence[float] | Rows) -> tuple[float, float]:
    """The middle 95 %."""
    low, high = np.quantile(found, [0.025, 0.975])
    return round(float(low), 3), round(float(high), 3)
