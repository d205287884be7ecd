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

from mfgsql.errors import CancelledError
from mfgsql.wire.errors import WireError

Columns = Sequence[tuple[str, str]]  # name and DuckDB's type
VECTOR = 2_048  # rows: as many as DuckDB makes at once
_ROWS, _BYTES = 16_384, 4 << 20  # of a batch that is worth the messages it becomes
_ASIDE = 16 << 30  # bytes on disk that one set of rows may take


def gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Larger batches of small ones: the first at once, then twice as many rows each time, while they are few bytes."""
    wanted, rows, size = VECTOR, 0, 0
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= wanted or size >= _BYTES:
            yield held[0] if len(held) == 1 else pa.concat_batches(held)
            held, rows, size, wanted = [], 0, 0, min(2 * wanted, _ROWS)
    if held:
        yield held[0] if len(held) == 1 else pa.concat_batches(held)


@dataclass
class Rows:
    """The rows of one statement.

    Attributes:
        columns: names and DuckDB's types.
        ended: whether all were taken.
        taken: how many were.
        broken: an error has taken the rest.
    """

    columns: Columns
    batches: Iterator[pa.RecordBatch]
    ended: bool = False
    taken: int = 0
    broken: bool = False
    _rest: pa.RecordBatch | None = None
    _file: IO[bytes] | None = None

    def take(self, most: int | None = None) -> Iterator[pa.RecordBatch]:
        """The next rows; all that are left, or ``most``.

        Raises:
            WireError: an error of this transaction has taken them (24000).
        """
        if self.broken:
            raise WireError("24000", "An error has ended this cursor: its rows are gone.", remedy="Open it again.")
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
        try:
            while (batch := next(self.batches, None)) is not None:
                if batch.num_rows:
                    return batch
        except BaseException:
            self.broken = True
            raise
        self.close()
        return None

    def _look_ahead(self) -> None:
        """Know whether that was all: a client that asked for ten rows of ten is not told that there are more."""
        if not self.ended:
            self._rest = self._next()

    def put_aside(self) -> None:
        """Write what is left to a file that has no name, and go on from there: bounded memory, whatever is left. Where
        that fails the rows are broken, as whoever asks for them is told; another statement has nothing to do with it.

        Raises:
            CancelledError: the client has given up waiting.
        """
        if self.ended or self.broken or self._file is not None:
            return
        try:
            self._write()
        except CancelledError:
            self.broken = True
            raise
        except Exception:  # noqa: BLE001  (of DuckDB, of the disk: told when the rows are asked for)
            self.broken = True

    def _write(self) -> None:
        file = tempfile.TemporaryFile()  # noqa: SIM115  (it lives as long as the rows)
        writer = None
        for batch in self.batches:
            writer = writer or pa.ipc.new_stream(file, batch.schema)
            writer.write_batch(batch)
            if file.tell() > _ASIDE:
                file.close()
                raise OSError("too many rows to put aside")
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
