"""COPY's data over the connection: in by pieces, out by batches."""

from __future__ import annotations

from collections.abc import Iterator

from mfgsql.server.errors import Woken
from mfgsql.server.protocol import backend, frontend
from mfgsql.server.protocol.stream import Stream
from mfgsql.server.session.command import Copy
from mfgsql.wire.database import Database
from mfgsql.wire.errors import WireError
from mfgsql.wire.rows import Rows
from mfgsql.wire.types.copying import CopyDecoder, CopyEncoder, CopyLayout

_NAME = "__ml_copied"


def copy_out(stream: Stream, command: Copy, rows: Rows, zone: str) -> int:
    """Send the rows; how many they were."""
    kinds, names = [kind for _, kind in rows.columns], [name for name, _ in rows.columns]
    encoder = CopyEncoder(kinds, names, CopyLayout.of(command.options), zone)
    stream.write(backend.copy_out(len(kinds), int(command.options["format"] == "binary")))
    stream.write(encoder.start())
    for batch in rows.take():
        stream.write(encoder.encode(batch))
    stream.write(encoder.finish())
    stream.write(backend.copy_done())
    return rows.taken


def copy_in(stream: Stream, command: Copy, database: Database) -> int:
    """Take the rows into the table; how many they were. The transaction around it makes it all or nothing."""
    assert command.table is not None
    wanted = ", ".join(command.columns) or "*"
    columns = database.describe(f"SELECT {wanted} FROM {command.table}", {})
    kinds, names = [kind for _, kind in columns], [name for name, _ in columns]
    decoder = CopyDecoder(kinds, names, CopyLayout.of(command.options))
    stream.write(backend.copy_in(len(columns), int(command.options["format"] == "binary")))
    count = 0
    for data in _pieces(stream, database):
        batches = decoder.finish() if data is None else decoder.feed(data)
        for batch in batches:
            database.insert(command.table, command.columns, kinds, batch, _NAME)
            count += batch.num_rows
    return count


def _pieces(stream: Stream, database: Database) -> Iterator[bytes | None]:
    """The data as it comes, then None."""
    while True:
        try:
            message = stream.message()
        except Woken:
            database.session.cancellation.check()
            continue
        database.session.cancellation.check()
        if isinstance(message, frontend.CopyData):
            yield message.data
        elif isinstance(message, frontend.CopyDone):
            yield None
            return
        elif isinstance(message, frontend.CopyFail):
            raise WireError("57014", f"COPY from stdin failed: {message.reason}")
        elif not isinstance(message, frontend.Flush | frontend.Sync):
            raise WireError("08P01", "That is no message for the middle of a COPY.", fatal=True)
