"""Which rows a person should label next: those of which a model is unsure, that are unlike what it has learnt from, and
unlike one another (Settles, "Active Learning Literature Survey", 2009).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from mfgsql.scoring.scorer import Scorer
from mfgsql.scoring.turns import in_turns
from mfgsql.tasks.task import Array

_CANDIDATES = 5  # times as many of the best are looked at as are asked for
_FEWEST = 200


def encoded(
    scorer: Scorer, columns: Mapping[str, pa.Array], rows: int, check: Callable[[], None]
) -> tuple[Array, Array]:
    """Rows as points: channels, texts and pictures as vectors of length one [rows, d], and codes [rows, columns]."""
    features = scorer.model.manifest.features
    if not features.fields():
        batch = features.encode(columns, rows)
        return np.nan_to_num(batch.continuous), batch.codes
    numbers, codes = [], []
    for batch in in_turns(scorer.model, columns, rows):
        check()
        named = zip(features.fields(), batch.fields, strict=True)
        vectors = [scorer.embed(name, field) for name, field in named]
        numbers.append(np.concatenate([np.nan_to_num(batch.continuous), *vectors], axis=1))
        codes.append(batch.codes)
    return np.concatenate(numbers), np.concatenate(codes)


def unsure_of_classes(scores: Array, how: str) -> Array:
    """From 0 to 1, [rows]: 1 less the margin between the two likeliest classes, or the entropy as a share of the most
    there can be.

    Args:
        scores: probabilities [rows, classes]. how: ``margin`` or ``entropy``.
    """
    if how == "entropy":
        told = -(scores * np.log(np.clip(scores, 1e-12, 1.0))).sum(axis=1) / np.log(max(scores.shape[1], 2))
        return np.asarray(np.clip(told, 0.0, 1.0))
    if scores.shape[1] < 2:
        return np.zeros(len(scores))
    best = np.partition(scores, -2, axis=1)
    return np.asarray(1.0 - (best[:, -1] - best[:, -2]))


def unsure_of_labels(scores: Array) -> Array:
    """Of the label it is least sure of: 1 at an even chance, [rows]."""
    return np.asarray((1.0 - np.abs(2.0 * scores - 1.0)).max(axis=1, initial=0.0))


def unsure_of_values(lower: Array, upper: Array, spread: Array | None, deviation: float) -> tuple[Array, Array]:
    """From 0 to 1, and how far the truth may be, [rows]: half the interval, wider where an ensemble's members disagree.

    Args:
        lower, upper: NaN where unknown. spread: of the members. deviation: of the target; an error as large is a half.
    """
    wide = np.nan_to_num((upper - lower) / 2)
    if spread is not None:
        wide = np.hypot(wide, 2.0 * spread)
    return wide / (wide + deviation), wide


def shares(values: Array) -> Array:
    """The share of rows that are below each, ties in their middle, [rows]."""
    from scipy.stats import rankdata

    return np.asarray((rankdata(values) - 0.5) / max(len(values), 1))


def in_turn(score: Array, numbers: Array, codes: Array, far: float, k: int) -> Array:
    """Numbers of up to ``k`` rows: greedily the highest score, discounted near rows already chosen.

    It is the greedy k-center (Sener and Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set
    Approach", ICLR 2018) among the best, where a score weighs the distances.

    Args:
        far: a distance that leaves half of the score.
    """
    best = np.argsort(-score, kind="stable")[: max(_FEWEST, _CANDIDATES * k)]
    numbers, codes, weight = numbers[best].astype(np.float64), codes[best], score[best]
    near = np.full(len(best), np.inf)
    left = np.ones(len(best), bool)
    chosen: list[int] = []
    for _ in range(min(k, len(best))):
        worth = weight * (1.0 - far / (near + far))
        here = int(np.where(left, worth, -1.0).argmax())
        chosen.append(here)
        left[here] = False
        apart = ((numbers - numbers[here]) ** 2).sum(axis=1) + (codes != codes[here]).sum(axis=1)
        near = np.minimum(near, np.sqrt(apart))
    return best[chosen]
