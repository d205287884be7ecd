"""Between SQL's rows of pictures and what a detector says of them: score, threshold, regions, heat map, status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mfgsql.engine.scoring import features_of, masked, version_and_row

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.scoring.pictures import Odd

REGION = "STRUCT(x INTEGER, y INTEGER, width INTEGER, height INTEGER, score DOUBLE)"
_REGION_TYPE = pa.struct([*((name, pa.int32()) for name in ("x", "y", "width", "height")), ("score", pa.float64())])


def score_picture(engine: Engine, named: pa.Array, session: str | None, *, heat_map: bool) -> pa.Array:
    """Structs of score, threshold, regions, heat_map, ml_status, ml_reason; NULLs where there is no picture.

    Args:
        named: ``{'m@3': row}``. session: who asks, and may stop it. heat_map: whether it is wanted; NULL else.
    """
    from mfgsql.scoring.pictures import detect_pictures

    check = engine.cancellation(session).check
    model, row = version_and_row(named)
    with engine.scorer(model) as scorer:
        columns = features_of(engine, scorer, named)
        return structs_of(detect_pictures(scorer, columns, len(row), check, heat_map=heat_map))


def structs_of(found: Odd) -> pa.Array:
    """What is said of pictures, as a UDF returns it."""
    offsets = np.cumsum([0, *(len(boxes) for boxes in found.regions)]).astype(np.int32)
    boxes = pa.array([box for boxes in found.regions for box in boxes], _REGION_TYPE)
    columns: dict[str, pa.Array] = {
        "score": pa.array(found.score),
        "threshold": pa.array(np.full(len(found.score), found.threshold)),
        "regions": pa.ListArray.from_arrays(offsets, boxes),
        "heat_map": pa.array(found.heat_maps, pa.binary()),
    }
    masked(columns, found.rows)
    columns |= {"ml_status": found.rows.status.cast(pa.string()), "ml_reason": found.rows.reason}
    return pa.StructArray.from_arrays(list(columns.values()), list(columns))
