"""Scoring of pictures by detectors of what is unlike good ones. The row is ``{'m@3': {features}}``."""

import pyarrow as pa

from mfgsql.engine.engine import Engine
from mfgsql.engine.functions import udf
from mfgsql.engine.picture_anomalies import REGION, score_picture

ODD = f"STRUCT(score DOUBLE, threshold DOUBLE, regions {REGION}[], heat_map BLOB, ml_status VARCHAR, ml_reason VARCHAR)"


@udf("_ml_score_picture", ODD, volatile=True)
def ml_score_picture(engine: Engine, row: pa.Array, *asked: pa.Array) -> pa.Array:
    """How unlike good pictures one is, and where; asked: whether a heat map is wanted, and whose session asks."""
    heat_map = bool(asked[0][0].as_py()) if asked else False
    session = asked[1][0].as_py() if len(asked) > 1 else None
    return score_picture(engine, row, session, heat_map=heat_map)
