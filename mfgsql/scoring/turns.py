"""A call's rows in turns: pictures are decoded while the network looks at those before them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa

from mfgsql.features import Batch
from mfgsql.features.image import ImageEncoder
from mfgsql.model import Model
from mfgsql.tasks import TOKENS

_TAGGED, _ROWS = 128, 2_048  # rows of a turn; of texts whose pieces are told of, all states are held
_FEW, _MANY, _PIXELS = 16, 256, 2**24  # pictures of a turn, and bytes of their pixels
_ahead = ThreadPoolExecutor(8, thread_name_prefix="encoding")


def in_turns(model: Model, columns: Mapping[str, pa.Array], rows: int) -> Iterator[Batch]:
    """Encoded rows, in order; while a batch is used the next one is made."""
    features = model.manifest.features
    size = _TAGGED if model.manifest.task == TOKENS else _ROWS
    if pictures := [e for e in features.encoders if isinstance(e, ImageEncoder)]:
        size = max(_FEW, min(_MANY, _PIXELS // sum(math.prod(e.size) * e.channels for e in pictures)))

    def encode(start: int) -> Batch:
        some = {name: values.slice(start, size) for name, values in columns.items()}
        return features.encode(some, min(size, rows - start))

    if rows <= size:
        yield encode(0)
        return
    following: Future[Batch] = _ahead.submit(encode, 0)
    for start in range(size, rows, size):
        batch = following.result()
        following = _ahead.submit(encode, start)
        yield batch
    yield following.result()
