"""Rows on their way out: what columns are called on the wire, and batches as messages."""

from __future__ import annotations

from collections.abc import Sequence

from mfgsql.server.protocol import backend
from mfgsql.server.protocol.stream import Stream
from mfgsql.wire.errors import WireError
from mfgsql.wire.rows import Columns, Rows
from mfgsql.wire.types.pg import pg_type
from mfgsql.wire.types.rows import RowEncoder

_PIECE = 4 << 20  # bytes of a batch that are made into messages at once, about


def send(stream: Stream, rows: Rows, formats: Sequence[int], most: int | None, zone: str) -> None:
    """Send the next rows, all that are left or ``most``; never more of them in memory than a piece."""
    kinds = [kind for _, kind in rows.columns]
    encoder = RowEncoder(kinds, each(formats, len(kinds)), zone)
    for batch in rows.take(most):
        step = max(1, batch.num_rows * _PIECE // max(batch.nbytes, 1))
        for begin in range(0, batch.num_rows, step):
            stream.write(encoder.encode(batch.slice(begin, step)))


def each(formats: Sequence[int], count: int) -> list[int]:
    """One format for each: none is text, one is for all.

    Raises:
        WireError: their number is another one, or there is no such format (08P01).
    """
    if len(formats) not in (0, 1, count) or any(f not in (0, 1) for f in formats):
        raise WireError("08P01", f"{len(formats)} formats don't fit {count} values.")
    return list(formats) if len(formats) == count else [formats[0] if formats else 0] * count


def fields_of(columns: Columns, formats: Sequence[int]) -> list[backend.Field]:
    """Columns as RowDescription tells them."""
    fields = []
    for (name, kind), form in zip(columns, each(formats, len(columns)), strict=True):
        found = pg_type(kind)
        fields.append(backend.Field(name, found.oid, found.size, found.modifier, form))
    return fields
