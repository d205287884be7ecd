"""A call's rows in turns: pictures are decoded while the network looks at those before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa

from mfgsql.features import Batch
from mfgsql.model import Model
from mfgsql.tasks import TOKENS

_PICTURES, _TAGGED, _ROWS = 64, 128, 2_048  # rows of a turn; of texts whose pieces are told of, all states are held
_ahead = ThreadPoolExecutor(8, thread_name_prefix="encoding")


def in_turns(model: Model, columns: Mapping[str, pa.Array], rows: int) -> Iterator[Batch]:
    """Encoded rows, in order; while a batch is used the next one is made."""
    features = model.manifest.features
    size = _PICTURES if features.fields("image") else _TAGGED if model.manifest.task == TOKENS else _ROWS

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
