"""Why a row of a history is predicted as it is: which columns, and when in the window, in the words of SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.engine.explaining import reasons

if TYPE_CHECKING:
    from mfgsql.scoring import Scorer
    from mfgsql.scoring.anomalies import Detected
    from mfgsql.scoring.histories import Answers, Histories, Placed
    from mfgsql.tasks.task import Array

_ROWS = 256  # explained at a time


def reasons_of(
    scorer: Scorer, answers: Answers, histories: Histories, most: int, check: Callable[[], None]
) -> pa.Array:
    """Lists of feature, at, value, contribution, the largest contribution first; empty for a row without an answer.

    Args:
        histories: the rows, of which values and moments are told. most: features a row.
    """
    from mfgsql.features import Batch
    from mfgsql.scoring.explaining import explain
    from mfgsql.scoring.moments import moments

    placed, names = answers.placed, scorer.model.manifest.features.names
    kept = _answered(placed)
    k = min(most, len(names))
    lines = [(np.empty((0, k), np.int64), np.empty((0, k)), np.empty((0, k), np.int64))]
    for start in range(0, len(kept), _ROWS):
        ends = placed.ends[placed.asked[kept[start : start + _ROWS]]]
        batch = Batch(*placed.track.windows(ends))
        contributions = explain(scorer, batch, check)
        chosen = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :most]
        worth = np.take_along_axis(contributions, chosen, axis=1)
        steps = moments(scorer, batch, chosen, np.sign(worth), check)
        lines.append((chosen, worth, placed.taken[placed.track.rows_of(ends, steps)]))
    chosen, worth, rows = (np.concatenate(part) for part in zip(*lines, strict=True))
    return _lists(names, histories, chosen, worth, rows, _lengths(placed, kept, k))


def culprits_of(scorer: Scorer, found: Detected, histories: Histories, most: int) -> pa.Array:
    """Lists of the sensors that add most to an anomaly score, with the moment at which each was the most unusual."""
    places = {n: p.channels.start for n, p in scorer.model.manifest.features.places.items() if p.code is None}
    firsts, kept = list(places.values()), _answered(found.placed)
    added = np.add.reduceat(found.added, firsts, axis=1)[kept]
    chosen = np.argsort(-added, axis=1, kind="stable")[:, :most]
    worth, rows = (np.take_along_axis(v, chosen, axis=1) for v in (added, found.peaks[kept][:, firsts]))
    return _lists(list(places), histories, chosen, worth, rows, _lengths(found.placed, kept, chosen.shape[1]))


def _answered(placed: Placed) -> Array:
    """Which of the asked rows have an answer."""
    void = placed.status.void
    return np.arange(len(placed.asked)) if void is None else np.flatnonzero(~void)


def _lengths(placed: Placed, kept: Array, most: int) -> Array:
    lengths = np.zeros(len(placed.asked), np.int64)
    lengths[kept] = most
    return lengths


def _lists(
    names: list[str], histories: Histories, chosen: Array, worth: Array, rows: Array, lengths: Array
) -> pa.Array:
    """Of columns by these numbers their values at those rows, as text: only what is told is made one."""
    columns, flat = chosen.ravel(), rows.ravel()
    own = [np.flatnonzero(columns == number) for number in range(len(names))]
    texts = [
        histories.columns[name].take(pa.array(flat[which])).cast(pa.string())
        for name, which in zip(names, own, strict=True)
    ]
    back = np.argsort(np.concatenate(own), kind="stable")
    values = pa.concat_arrays(texts).take(pa.array(back))
    return reasons(names, chosen, _moments(histories.times.take(pa.array(flat))), values, worth, lengths)


def _moments(times: pa.Array) -> pa.Array:
    """As DuckDB spells them: seconds without zeros behind them."""
    texts = times.cast(pa.string())
    if not pa.types.is_timestamp(times.type):
        return texts
    shorter = pc.replace_substring_regex(texts, r"(\.\d*?)0+(Z?)$", r"\1\2")
    return pc.replace_substring_regex(shorter, r"\.(Z?)$", r"\1")
