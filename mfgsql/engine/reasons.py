"""Why a row of a history is predicted as it is: which columns, and when in the window, in the words of SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from mfgsql.scoring import Scorer
    from mfgsql.scoring.anomalies import Detected
    from mfgsql.scoring.histories import Answers
    from mfgsql.tasks.task import Array

_ROWS = 256  # explained at a time


def reasons_of(
    scorer: Scorer,
    answers: Answers,
    columns: Mapping[str, pa.Array],
    times: pa.Array,
    most: int,
    check: Callable[[], None],
) -> pa.Array:
    """Lists of feature, at, value, contribution, the largest contribution first; empty for a row without an answer.

    Args:
        columns, times: of all rows, from which values and moments are told. most: features a row.
    """
    from mfgsql.features import Batch
    from mfgsql.scoring.explaining import explain
    from mfgsql.scoring.moments import moments

    names = scorer.model.manifest.features.names
    void = answers.status.void
    kept = np.arange(len(answers.rows)) if void is None else np.flatnonzero(~void)
    lines: list[tuple[Array, Array, Array]] = []
    for start in range(0, len(kept), _ROWS):
        ends = answers.ends[kept[start : start + _ROWS]]
        batch = Batch(*answers.track.windows(ends))
        contributions = explain(scorer, batch, check)
        chosen = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :most]
        worth = np.take_along_axis(contributions, chosen, axis=1)
        steps = moments(scorer, batch, chosen, np.sign(worth), check)
        lines.append((chosen, worth, answers.taken[answers.track.rows_of(ends, steps)]))
    if not lines:
        return pa.array([[]] * len(answers.rows), _type())
    chosen, worth, rows = (np.concatenate(part) for part in zip(*lines, strict=True))
    lengths = np.zeros(len(answers.rows), np.int32)
    lengths[kept] = chosen.shape[1]
    return _lists(names, columns, times, chosen, worth, rows, lengths)


def culprits_of(
    scorer: Scorer, found: Detected, columns: Mapping[str, pa.Array], times: pa.Array, most: int
) -> pa.Array:
    """Lists of the sensors that add most to an anomaly score, with the moment at which each was the most unusual."""
    continuous = [c for c in scorer.model.manifest.features.columns if c.continuous]
    firsts = np.cumsum([0, *(c.size for c in continuous[:-1])])
    added = np.add.reduceat(found.added, firsts, axis=1)
    kept = np.arange(len(found.rows)) if found.status.void is None else np.flatnonzero(~found.status.void)
    chosen = np.argsort(-added[kept], axis=1, kind="stable")[:, :most]
    worth, rows = (np.take_along_axis(v[kept], chosen, axis=1) for v in (added, found.peaks[:, firsts]))
    lengths = np.zeros(len(found.rows), np.int32)
    lengths[kept] = chosen.shape[1]
    return _lists([c.name for c in continuous], columns, times, chosen, worth, rows, lengths)


def _lists(
    names: list[str],
    columns: Mapping[str, pa.Array],
    times: pa.Array,
    chosen: Array,
    worth: Array,
    rows: Array,
    lengths: Array,
) -> pa.Array:
    """Lists of so many structs, of the columns of these numbers with their values at those rows."""
    flat = pa.concat_arrays([columns[n].cast(pa.string()) for n in names])  # column by column
    structs = pa.StructArray.from_arrays(
        [
            pa.array(names, pa.string()).take(pa.array(chosen.ravel())),
            _moments(times.take(pa.array(rows.ravel()))),
            flat.take(pa.array(chosen.ravel() * len(times) + rows.ravel())),
            pa.array(worth.ravel(), pa.float64()),
        ],
        ["feature", "at", "value", "contribution"],
    )
    return pa.ListArray.from_arrays(np.append(0, np.cumsum(lengths)).astype(np.int32), structs)


def _moments(times: pa.Array) -> pa.Array:
    """As DuckDB spells them: seconds without zeros behind them."""
    texts = times.cast(pa.string())
    if not pa.types.is_timestamp(times.type):
        return texts
    shorter = pc.replace_substring_regex(texts, r"(\.\d*?)0+(Z?)$", r"\1\2")
    return pc.replace_substring_regex(shorter, r"\.(Z?)$", r"\1")


def _type() -> pa.DataType:
    from mfgsql.engine.answering import WHY

    return WHY
