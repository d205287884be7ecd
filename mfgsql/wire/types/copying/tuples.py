"""COPY's binary stream, cut into tuples by a loop over their fields, and made into columns by whole arrays."""

from __future__ import annotations

import struct

from mfgsql.wire.errors import WireError
from mfgsql.wire.types.copying.layout import SIGNATURE

_INT16, _INT32 = struct.Struct(">h"), struct.Struct(">i")
_HEADER = len(SIGNATURE) + 8
_END = -1
_CHUNK = 1024**2
_LONGEST = 1024**3  # bytes of a row

Fields = list[list[bytes | None]]


class Tuples:
    """Collects a stream, and gives back the fields of whole tuples, column by column."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._held = bytearray()
        self._wanted = _CHUNK
        self._begun = self._ended = False
        self.before = 0

    def feed(self, data: bytes, *, last: bool = False) -> Fields:
        """The fields that are there by now; nothing until a megabyte is, or the stream is at its ``last``.

        Raises:
            WireError: the stream is no COPY in binary, or a tuple has another number of fields (22P04).
        """
        if self._ended:
            return []
        self._held += data
        if len(self._held) < self._wanted and not last:
            return []
        if not self._begun and not self._read_header():
            return []
        fields, at = self._whole_tuples(bytes(self._held))
        self._wanted = _CHUNK if at else 2 * len(self._held)
        del self._held[:at]
        return [fields[k :: self._columns] for k in range(self._columns)]

    def finish(self) -> None:
        """Nothing may be left.

        Raises:
            WireError: the stream ends inside of its header or of a tuple (22P04).
        """
        if not self._begun or (self._held and not self._ended):
            raise WireError("22P04", f"COPY ends in the middle of row {self.before + 1}.")

    def _read_header(self) -> bool:
        if not self._held.startswith(SIGNATURE[: len(self._held)]):
            raise WireError("22P04", "COPY: this is no binary stream.", remedy="Its first bytes are PGCOPY.")
        if len(self._held) < _HEADER:
            return False
        size = _INT32.unpack_from(self._held, len(SIGNATURE) + 4)[0]
        if size < 0 or _INT32.unpack_from(self._held, len(SIGNATURE))[0] & 0xFFFF0000 & ~0x8000:
            raise WireError("22P04", "COPY: the header of the binary stream is not known.")
        if len(self._held) < _HEADER + size:
            return False
        del self._held[: _HEADER + size]
        self._begun = True
        return True

    def _whole_tuples(self, held: bytes) -> tuple[list[bytes | None], int]:
        """The fields of the tuples that are all there, one after the other, and where the last one ends."""
        fields: list[bytes | None] = []
        end, ends, columns = 0, len(held), range(self._columns)
        short, long = _INT16.unpack_from, _INT32.unpack_from
        while end + 2 <= ends:
            if (count := short(held, end)[0]) != self._columns:
                self._judge(count)
                break
            at = end + 2
            for _ in columns:
                size = long(held, at)[0] if at + 4 <= ends else ends  # which is too long to be there
                at += 4
                if size < 0:
                    fields.append(None)
                else:
                    fields.append(held[at : at + size])
                    at += size
            if at > ends:
                self._judge_size(at - end)
                del fields[-self._columns :]
                break
            end = at
            self.before += 1
        return fields, end

    def _judge(self, count: int) -> None:
        """The end, or a tuple of another table."""
        if count != _END:
            raise WireError("22P04", f"COPY, row {self.before + 1}: {count} fields where {self._columns} are expected.")
        self._ended = True

    def _judge_size(self, size: int) -> None:
        if size > _LONGEST:
            raise WireError("22P04", f"COPY, row {self.before + 1}: a row of {size} bytes.")
