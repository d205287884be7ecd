"""Between SQL's rows and what is said of texts and pictures: spans, and vectors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.engine.scoring import by_model, features_of, masked, row_named, version_and_row
from mfgsql.entities import Span
from mfgsql.errors import SourceError

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.scoring import RowStatus, Scorer

VECTOR = pa.list_(pa.float32())
_TURN = 256  # rows that are encoded at a time


def score_spans(engine: Engine, named: pa.Array) -> pa.Array:
    """Structs of spans and status."""
    from mfgsql.features.spans import write_spans  # its package needs torch
    from mfgsql.features.text import as_texts
    from mfgsql.scoring.scorer import RowStatus, row_status
    from mfgsql.scoring.spans import spans_of_batch
    from mfgsql.scoring.turns import in_turns

    model, row = version_and_row(named)
    with engine.scorer(model) as scorer:
        columns = features_of(engine, scorer, named)
        rows: list[list[Span]] = []
        statuses: list[RowStatus] = []
        for batch in in_turns(scorer.model, columns, len(row)):
            rows += spans_of_batch(scorer, batch)
            statuses.append(row_status(batch.flags, len(batch)))
        name = scorer.model.manifest.features.names[0]
    texts, _ = as_texts(columns[name], name)
    found = [None if text is None else spans for text, spans in zip(texts, rows, strict=True)]
    return _with_status({"spans": write_spans(pa.array(texts, pa.string()), found)}, RowStatus.concat(statuses))


def embed_values(engine: Engine, named: pa.Array) -> pa.Array:
    """Structs of the vector of a text or picture, the only column of the row, and status."""
    from mfgsql.scoring.scorer import RowStatus, row_status

    model, row = version_and_row(named)
    with engine.scorer(model) as scorer:
        name = str(row.type.field(0).name)
        values = features_of(engine, scorer, named, [name])[name]
        encoder = next(e for e in scorer.model.manifest.features.encoders if e.column.name == name)
        vectors, known, statuses = [], [], []
        for start in range(0, max(len(row), 1), _TURN):
            some = encoder.encode(values.slice(start, _TURN))
            vectors.append(scorer.embed(name, some.values))
            known.append(some.values.there.numpy())
            statuses.append(row_status(some.flags, len(some.values)))
    whole = np.concatenate(vectors)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(whole.reshape(-1)), whole.shape[1]).cast(VECTOR)
    kept = pc.if_else(pa.array(np.concatenate(known)), lists, pa.scalar(None, VECTOR))
    return _with_status({"embedding": kept}, RowStatus.concat(statuses))


def embed_of(engine: Engine, model: pa.Array, value: pa.Array) -> pa.Array:
    """Vectors of single values; NULL where there is none, or it can't be read."""
    names = pc.unique(model).to_pylist()
    if len(names) > 1:
        return by_model(model, names, lambda name, rows: embed_of(engine, name, value.take(rows)))
    with engine.scorer(names[0]) as scorer:
        column = _embedded(scorer, names[0])
    row = pa.StructArray.from_arrays([value], [column])
    return embed_values(engine, row_named(names[0], row)).field("embedding")


def similar(engine: Engine, vectors: pa.Array, told: pa.Array) -> pa.Array:
    """Pairs of rows that are alike, of one list of structs ``row`` and ``vector``; ``told``: JSON of what is asked."""
    from mfgsql.scoring.nearest import nearest

    asked = json.loads(told[0].as_py())
    check = engine.cancellation(asked["session"]).check
    rows, flat = vectors.flatten().field("row"), vectors.flatten().field("vector")
    table = np.asarray(flat.flatten()).reshape(len(rows), flat.type.list_size)
    pairs = nearest(table, asked["k"], asked["least"], check, engine.device)
    numbers = (rows.take(pa.array(each)) for each in (pairs.ours, pairs.theirs))
    structs = pa.StructArray.from_arrays([*numbers, pa.array(pairs.similarity)], ["a", "b", "similarity"])
    return pa.ListArray.from_arrays(pa.array([0, len(structs)], pa.int32()), structs)


def _embedded(scorer: Scorer, model: str) -> str:
    """The column that a model turns into vectors: its first text, or else its first picture.

    Raises:
        SourceError: it reads neither.
    """
    fields = scorer.model.manifest.features.fields()
    if not fields:
        raise SourceError(f"{model} reads neither texts nor pictures: it has no vectors.")
    return fields[0]


def _with_status(columns: dict[str, pa.Array], rows: RowStatus) -> pa.Array:
    masked(columns, rows)
    columns |= {"ml_status": rows.status, "ml_reason": rows.reason}
    return pa.StructArray.from_arrays(list(columns.values()), list(columns))
