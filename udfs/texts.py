"""Texts and pictures: spans, and vectors. One function per shape of output."""

import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.functions import udf
from mfgsql.engine.texts import embed_of, embed_values, score_spans, similar

STATUS = "ml_status VARCHAR, ml_reason VARCHAR"
SPANS = f'STRUCT(spans STRUCT(label VARCHAR, "text" VARCHAR, "begin" BIGINT, stop BIGINT, score DOUBLE)[], {STATUS})'
VECTOR = f"STRUCT(embedding FLOAT[], {STATUS})"
PAIRS = "STRUCT(a BIGINT, b BIGINT, similarity FLOAT)[]"


@udf("_ml_score_spans", SPANS, volatile=True)
def ml_score_spans(engine: Engine, row: pa.Array) -> pa.Array:
    """The labelled spans of a text."""
    return score_spans(engine, row)


@udf("_ml_embed", VECTOR, volatile=True)
def ml_embed(engine: Engine, row: pa.Array) -> pa.Array:
    """A text or picture as a vector of length one."""
    return embed_values(engine, row)


@udf("_ml_embed_value", "FLOAT[]")
def ml_embed_value(engine: Engine, model: pa.Array, value: pa.Array) -> pa.Array:
    """The vector alone, of any expression; pure, so that an alias of it can be used."""
    return embed_of(engine, model, value)


@udf("_ml_similar", PAIRS, volatile=True)
def ml_similar(engine: Engine, vectors: pa.Array, told: pa.Array) -> pa.Array:
    """Of all rows, which are one list, those that are alike."""
    return similar(engine, vectors, told)
