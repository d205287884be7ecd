"""COPY TO: batches as CopyData messages, a message a row."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.wire.types.arrow import Array
from mfgsql.wire.types.copying.escaping import csv_values, text_values
from mfgsql.wire.types.copying.layout import SIGNATURE, CopyLayout, concerns
from mfgsql.wire.types.duck import read_type
from mfgsql.wire.types.moments import check_zone
from mfgsql.wire.types.pieces import LENGTH, Piece, as_buffer, joined, total
from mfgsql.wire.types.rows import halves
from mfgsql.wire.types.writers import column_pieces, value_writer

_KIND, _LINE = np.asarray(b"d", "S1"), np.asarray(b"\n", "S1")
_HEADER = SIGNATURE + bytes(8)
_TRAILER = b"\xff\xff"


class CopyEncoder:
    """Encodes one COPY TO.

    Args:
        types: DuckDB's type texts.
        names: the columns' names.
        layout: the options.
        timezone: where a TIMESTAMP WITH TIME ZONE is shown, in text and CSV.
        messages: whether each row is a CopyData message, as a server sends it; else the stream is bare.

    Raises:
        OptionError: no such time zone.
    """

    def __init__(
        self,
        types: Sequence[str],
        names: Sequence[str],
        layout: CopyLayout,
        timezone: str = "UTC",
        *,
        messages: bool = True,
    ) -> None:
        zone, form = check_zone(timezone), 1 if layout.form == "binary" else 0
        self._writers = [value_writer(read_type(t), form, zone) for t in types]
        self._names, self._layout = list(names), layout
        self._count = np.asarray(len(self._names), ">i2")
        self._begun = layout.form != "binary"
        self._messages = messages

    def start(self) -> bytes:
        """The line of names, where one is asked for. In messages a binary stream begins with its first row."""
        if not self._begun and not self._messages:
            self._begun = True
            return _HEADER
        if not self._layout.header:
            return b""
        line = self._line([pa.array([name]) for name in self._names], force=False)
        return bytes(as_buffer(joined(self._framed([line, _LINE]), 1)))

    def encode(self, batch: Array) -> pa.Buffer:
        """All rows of a ``pyarrow.RecordBatch``, in messages one each, in one buffer."""
        if parts := halves(batch):
            return pa.py_buffer(b"".join(map(self.encode, parts)))
        if self._layout.form != "binary":
            texts = [write(column) for column, write in zip(batch.columns, self._writers, strict=True)]
            return as_buffer(joined(self._framed([self._line(texts, force=True), _LINE]), batch.num_rows))
        pieces: list[Piece] = [self._count]
        for column, write in zip(batch.columns, self._writers, strict=True):
            pieces += column_pieces(column, write)
        found = as_buffer(joined(self._framed(pieces), batch.num_rows))
        if self._begun or batch.num_rows == 0:
            return found
        self._begun = True
        size = struct.unpack_from(">i", found, 1)[0] + len(_HEADER)
        return pa.py_buffer(b"".join([b"d", struct.pack(">i", size), _HEADER, memoryview(found)[5:]]))

    def finish(self) -> bytes:
        """The end of a binary stream, with its beginning where there was no row."""
        if self._layout.form != "binary":
            return b""
        body = _TRAILER if self._begun else _HEADER + _TRAILER
        self._begun = True
        return b"d" + struct.pack(">i", len(body) + 4) + body if self._messages else body

    def _line(self, texts: Sequence[Array], *, force: bool) -> Array:
        """Columns of text as lines without their ends."""
        layout = self._layout
        if layout.form == "text":
            values = [text_values(t, layout) for t in texts]
        else:
            forced = [force and concerns(layout.force_quote, name) for name in self._names]
            alone = len(texts) == 1
            values = [csv_values(t, layout, force=f, alone=alone) for t, f in zip(texts, forced, strict=True)]
        return pc.binary_join_element_wise(*values, layout.delimiter) if len(values) > 1 else values[0]

    def _framed(self, pieces: list[Piece]) -> list[Piece]:
        if not self._messages:
            return pieces
        return [_KIND, np.asarray(total(pieces) + LENGTH.itemsize, LENGTH), *pieces]
