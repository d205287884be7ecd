"""Rows of a statement on their way to a client: as DuckDB makes them, a part at a time, or put aside on disk.

A connection of DuckDB makes the rows of one statement at a time; a client may open several portals and cursors, and
take from each in turn. What is left of the one that DuckDB works on is put aside when another one begins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import pyarrow as pa

Columns = Sequence[tuple[str, str]]  # name and DuckDB's type
BATCH = 16_384  # rows
WIDE_BATCH = 2_048  # rows, where one may be large
_WIDE = ("BLOB", "BIT", "STRUCT", "MAP", "UNION", "JSON", "[")


def batch_of(columns: Columns) -> int:
    """Rows of a batch: fewer where values can be large, so that memory stays bounded."""
    return WIDE_BATCH if any(word in kind for _, kind in columns for word in _WIDE) else BATCH


@dataclass
class Rows:
    """The rows of one statement.

    Attributes:
        columns: names and DuckDB's types.
        ended: whether all were taken.
        taken: how many were.
    """

    columns: Columns
    batches: Iterator[pa.RecordBatch]
    ended: bool = False
    taken: int = 0
    _rest: pa.RecordBatch | None = None
    _file: IO[bytes] | None = None

    def take(self, most: int | None = None) -> Iterator[pa.RecordBatch]:
        """The next rows; all that are left, or ``most``."""
        left = most
        while left is None or left > 0:
            batch = self._next()
            if batch is None:
                return
            if left is not None and batch.num_rows > left:
                self._rest = batch.slice(left)
                batch = batch.slice(0, left)
            left = None if left is None else left - batch.num_rows
            self.taken += batch.num_rows
            yield batch
        self._look_ahead()

    def _next(self) -> pa.RecordBatch | None:
        if self._rest is not None:
            batch, self._rest = self._rest, None
            return batch
        while (batch := next(self.batches, None)) is not None:
            if batch.num_rows:
                return batch
        self.close()
        return None

    def _look_ahead(self) -> None:
        """Know whether that was all: a client that asked for ten rows of ten is not told that there are more."""
        if not self.ended:
            self._rest = self._next()

    def put_aside(self) -> None:
        """Write what is left to a file that has no name, and go on from there: bounded memory, whatever is left."""
        if self.ended or self._file is not None:
            return
        file = tempfile.TemporaryFile()  # noqa: SIM115  (it lives as long as the rows)
        writer = None
        for batch in self.batches:
            writer = writer or pa.ipc.new_stream(file, batch.schema)
            writer.write_batch(batch)
        if writer is None:
            file.close()
            self.batches = iter(())
            return
        writer.close()
        file.seek(0)
        self._file, self.batches = file, iter(pa.ipc.open_stream(file))

    def close(self) -> None:
        """None are wanted any more."""
        self.ended, self.batches, self._rest = True, iter(()), None
        if self._file is not None:
            self._file.close()
            self._file = None
