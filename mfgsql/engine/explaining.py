"""Between SQL's rows and their explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mfgsql.engine.scoring import features_of, version_and_row

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.tasks.task import Array


def explain_rows(engine: Engine, named: pa.Array, texts: pa.Array, most: int, session: str | None) -> pa.Array:
    """Lists of feature, at, value, contribution, the largest contribution first; NULL for a row that is unreadable.

    Args:
        named: rows as scoring takes them. texts: structs of the same columns' values as text. most: features a row.
        session: who asks, and may stop it.
    """
    from mfgsql.features import Batch
    from mfgsql.scoring.explaining import explain
    from mfgsql.scoring.scorer import row_status

    check = engine.cancellation(session).check
    model, row = version_and_row(named)
    with engine.scorer(model) as scorer:
        features = scorer.model.manifest.features
        batch = features.encode(features_of(scorer, row), len(row))
        void = row_status(batch.flags, len(row)).void
        kept = np.arange(len(row)) if void is None else np.flatnonzero(~void)
        contributions = explain(scorer, Batch(batch.continuous[kept], batch.codes[kept]), check)
    lists = _lists(features.names, contributions, texts.take(pa.array(kept)), most)
    return lists if void is None else lists.take(_places(kept, len(row)))


def _lists(names: list[str], contributions: Array, texts: pa.Array, most: int) -> pa.Array:
    """Of each row the columns that contribute most; of equal ones, the first."""
    rows = len(contributions)
    chosen = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :most]
    flat = chosen.ravel()
    values = pa.concat_arrays([texts.field(n) for n in names])  # column by column
    own = np.repeat(np.arange(rows), chosen.shape[1])
    structs = pa.StructArray.from_arrays(
        [
            pa.array(names, pa.string()).take(pa.array(flat)),
            pa.nulls(len(flat), pa.string()),  # a table's row has no place
            values.take(pa.array(flat * rows + own)),
            pa.array(contributions[own, flat]),
        ],
        ["feature", "at", "value", "contribution"],
    )
    return pa.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * chosen.shape[1], structs)


def _places(kept: Array, rows: int) -> pa.Array:
    """For each row its place among those kept, or NULL."""
    places = np.full(rows, -1)
    places[kept] = np.arange(len(kept))
    return pa.array(places, mask=places < 0)
