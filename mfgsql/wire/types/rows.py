"""Batches of a result as DataRow messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from mfgsql.wire.types.arrow import Array
from mfgsql.wire.types.duck import read_type
from mfgsql.wire.types.moments import check_zone
from mfgsql.wire.types.pieces import LENGTH, Piece, as_buffer, joined, total
from mfgsql.wire.types.writers import column_pieces, value_writer

_KIND = np.asarray(b"D", "S1")
_LIMIT = 128 * 1024**2  # bytes of a batch: ten times as many in text stay below what Arrow's offsets can count


class RowEncoder:
    """Encodes the batches of one result.

    Args:
        columns: DuckDB's type texts.
        formats: 0 for text or 1 for binary, one a column.
        timezone: where a TIMESTAMP WITH TIME ZONE is shown, in text.

    Raises:
        OptionError: no such time zone.
    """

    def __init__(self, columns: Sequence[str], formats: Sequence[int], timezone: str = "UTC") -> None:
        zone = check_zone(timezone)
        self._writers = [value_writer(read_type(c), form, zone) for c, form in zip(columns, formats, strict=True)]
        self._count = np.asarray(len(self._writers), ">i2")

    def encode(self, batch: Array) -> pa.Buffer:
        """All rows of a ``pyarrow.RecordBatch``, a message each, in one buffer."""
        if parts := halves(batch):
            return pa.py_buffer(b"".join(map(self.encode, parts)))
        pieces: list[Piece] = [self._count]
        for column, write in zip(batch.columns, self._writers, strict=True):
            pieces += column_pieces(column, write)
        size = np.asarray(total(pieces) + LENGTH.itemsize, LENGTH)
        return as_buffer(joined([_KIND, size, *pieces], batch.num_rows))


def halves(batch: Array) -> tuple[Array, ...]:
    """A batch that is too big for one buffer in two parts; nothing for any other."""
    half = batch.num_rows // 2
    return (batch.slice(0, half), batch.slice(half)) if half and batch.nbytes > _LIMIT else ()
