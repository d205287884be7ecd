"""COPY FROM: a stream in chunks of any size, as batches that DuckDB can insert."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pyarrow as pa

from mfgsql.wire.types.arrow import Array
from mfgsql.wire.types.columns import column_of
from mfgsql.wire.types.copying.layout import CopyLayout
from mfgsql.wire.types.copying.lines import LineReader
from mfgsql.wire.types.copying.records import Records
from mfgsql.wire.types.copying.strings import castable
from mfgsql.wire.types.copying.tuples import Tuples
from mfgsql.wire.types.duck import DuckType, read_type

Maker = Callable[[Array, DuckType, Callable[[int], str]], Array]


class CopyDecoder:
    """Decodes one COPY FROM. About a megabyte of the stream is held at a time, or the longest row.

    Text and CSV become strings (bytes for BLOB, lists of strings for arrays), which DuckDB casts to the table's
    types; binary becomes typed columns, but for numeric, uuid, timetz and bits, which are strings.

    Args:
        types: DuckDB's type texts of the columns that the stream holds.
        names: their names, for the batches and for errors.
        layout: the options.
    """

    def __init__(self, types: Sequence[str], names: Sequence[str], layout: CopyLayout) -> None:
        self._types, self._names = [read_type(t) for t in types], list(names)
        self._binary = layout.form == "binary"
        self._records, self._lines = Records(layout), LineReader(names, layout)
        self._tuples = Tuples(len(self._names))
        self._rows = 0

    def feed(self, data: bytes) -> list[Array]:
        """The batches that this part of the stream makes whole; often none.

        Raises:
            WireError: what came is no such stream: 22P04, 22P02, 22P03 or 22021. It names line and column.
        """
        if self._binary:
            return self._typed(self._tuples.feed(data))
        return self._cast(self._records.feed(data))

    def finish(self) -> list[Array]:
        """The last batches, at the end of the stream.

        Raises:
            WireError: as ``feed``; the stream ends too early (22P04).
        """
        if self._binary:
            found = self._typed(self._tuples.feed(b"", last=True))
            self._tuples.finish()
            return found
        return self._cast(self._records.finish())

    def _cast(self, records: bytes) -> list[Array]:
        return self._batch(self._lines.read(records), castable) if records else []

    def _typed(self, columns: list[list[bytes | None]]) -> list[Array]:
        return self._batch(columns, column_of) if columns and columns[0] else []

    def _batch(self, columns: Sequence[Array], make: Maker) -> list[Array]:
        """One batch; ``make`` is told how to name a place, should it meet a value that is none."""
        made = [
            make(column, duck, partial(_place, self._rows, name))
            for column, duck, name in zip(columns, self._types, self._names, strict=True)
        ]
        self._rows += len(columns[0])
        return [pa.RecordBatch.from_arrays(made, self._names)]


def _place(before: int, name: str, place: int) -> str:
    return f"COPY, row {before + place + 1}, column '{name}'"
