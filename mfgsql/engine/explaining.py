"""Between SQL's rows and their explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mfgsql.engine.scoring import features_of, version_and_row
from mfgsql.errors import OptionError

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.tasks.task import Array

WHY = 'STRUCT(feature VARCHAR, "at" VARCHAR, "value" VARCHAR, contribution DOUBLE)[]'
WHY_TYPE = pa.list_(
    pa.struct([("feature", pa.string()), ("at", pa.string()), ("value", pa.string()), ("contribution", pa.float64())])
)


def explain_rows(engine: Engine, named: pa.Array, texts: pa.Array, most: int, session: str | None) -> pa.Array:
    """Lists of feature, at, value, contribution, the largest contribution first; NULL for a row that is unreadable.

    Args:
        named: rows as scoring takes them. texts: structs of the same columns' values as text. most: features a row.
        session: who asks, and may stop it.

    Raises:
        OptionError: the model finds spans.
    """
    from mfgsql.engine.inside import Told, reasons_inside
    from mfgsql.scoring.explaining import explain, rows_of
    from mfgsql.scoring.scorer import row_status
    from mfgsql.scoring.turns import in_turns
    from mfgsql.tasks import TOKENS

    check = engine.cancellation(session).check
    model, row = version_and_row(named)
    with engine.scorer(model) as scorer:
        features = scorer.model.manifest.features
        if scorer.model.manifest.task == TOKENS:
            raise OptionError("A model of spans tells no reasons: each span has a score.", remedy="Leave out explain.")
        columns, lists, start = features_of(engine, scorer, named), [], 0
        for batch in in_turns(scorer.model, columns, len(row)):
            void = row_status(batch.flags, len(batch)).void
            kept = np.arange(len(batch)) if void is None else np.flatnonzero(~void)
            known, told = rows_of(batch, kept), texts.take(pa.array(start + kept))
            contributions = explain(scorer, known, check)
            if batch.fields:
                cells = {n: columns[n].take(pa.array(start + kept)) for n in features.fields("image")}
                found = reasons_inside(scorer, known, Told(told, cells), contributions, most, check)
            else:
                found = _lists(features.names, contributions, told, most)
            lists.append(found if void is None else found.take(_places(kept, len(batch))))
            start += len(batch)
    return pa.concat_arrays(lists)


def _lists(names: list[str], contributions: Array, texts: pa.Array, most: int) -> pa.Array:
    """Of each row the columns that contribute most; of equal ones, the first."""
    rows = len(contributions)
    chosen = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :most]
    values = pa.concat_arrays([texts.field(n) for n in names])  # column by column
    own = np.repeat(np.arange(rows), chosen.shape[1])
    told = values.take(pa.array(chosen.ravel() * rows + own))
    nowhere = pa.nulls(chosen.size, pa.string())  # a table's row has no place
    worth = np.take_along_axis(contributions, chosen, axis=1)
    return reasons(names, chosen, nowhere, told, worth, np.full(rows, chosen.shape[1]))


def reasons(names: list[str], chosen: Array, at: pa.Array, value: pa.Array, worth: Array, lengths: Array) -> pa.Array:
    """Lists of the column ``why``, of so many structs each.

    Args:
        chosen, worth: numbers of columns and contributions, [n, k]. at, value: as text, [n * k].
    """
    flat = (
        pa.array(names, pa.string()).take(pa.array(chosen.ravel())),
        at,
        value,
        pa.array(worth.ravel(), pa.float64()),
    )
    structs = pa.StructArray.from_arrays(list(flat), [field.name for field in WHY_TYPE.value_type])
    return pa.ListArray.from_arrays(np.append(0, np.cumsum(lengths)).astype(np.int32), structs)


def _places(kept: Array, rows: int) -> pa.Array:
    """For each row its place among those kept, or NULL."""
    places = np.full(rows, -1)
    places[kept] = np.arange(len(kept))
    return pa.array(places, mask=places < 0)
