"""Where records of COPY's text and CSV end: chunks of a stream cut behind their last whole record."""

from __future__ import annotations

import re

from mfgsql.wire.errors import WireError
from mfgsql.wire.types.copying.layout import CopyLayout

_CHUNK = 1024**2
_LONGEST = 256 * 1024**2  # bytes of one record
_END = re.compile(rb"(?:\A|(?<=\n))\\\.\r?(?:\n|\Z)")


class Records:
    """Collects a stream, and gives it back in whole records, about a megabyte at a time.

    A line of a backslash and a point ends the data; what follows is dropped.
    """

    def __init__(self, layout: CopyLayout) -> None:
        self._layout = layout
        self._held = bytearray()
        self._wanted = _CHUNK
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        """The whole records that are there by now, or nothing.

        Raises:
            WireError: a record without an end (22P04).
        """
        if self._ended:
            return b""
        self._held += data
        if len(self._held) < self._wanted:
            return b""
        end = self._last_end()
        if end == 0:
            if len(self._held) > _LONGEST:
                raise WireError("22P04", f"A record of COPY has no end within {_LONGEST >> 20} MiB.",
                                remedy="Look for a quote that is not closed.")  # fmt: skip
            self._wanted = 2 * len(self._held)
            return b""
        self._wanted = _CHUNK
        found = bytes(self._held[:end])
        del self._held[:end]
        return self._until_end(found)

    def finish(self) -> bytes:
        """The rest, closed by an end of line.

        Raises:
            WireError: a quote is still open (22P04).
        """
        found = b"" if self._ended else self._until_end(bytes(self._held))
        self._held.clear()
        if self._layout.form == "csv" and self._quotes(found) % 2:
            raise WireError("22P04", "COPY ends inside a quoted value.", remedy="Close its quote.")
        return found if not found or found.endswith(b"\n") else found + b"\n"

    def _last_end(self) -> int:
        """Behind the last end of line that ends a record."""
        end, data = len(self._held), self._held
        quotes = self._quotes(bytes(data)) if self._layout.form == "csv" else 0
        while (at := data.rfind(b"\n", 0, end)) >= 0:
            if self._layout.form == "csv":
                quotes -= self._quotes(bytes(data[at:end]))
                if quotes % 2 == 0:
                    return at + 1
            elif _backslashes(data, at) % 2 == 0:
                return at + 1
            end = at
        return 0

    def _quotes(self, data: bytes) -> int:
        """Quotes that open or close a value. An escaped quote is two, or none where the escape is another sign."""
        quote, escape = self._layout.quote.encode(), self._layout.escape.encode()
        if escape != quote:
            data = data.replace(escape + escape, b"").replace(escape + quote, b"")
        return data.count(quote)

    def _until_end(self, data: bytes) -> bytes:
        quotes = at = 0
        for match in _END.finditer(data) if b"\\." in data else ():
            quotes += self._quotes(data[at : match.start()])
            at = match.start()
            if self._layout.form == "text" or quotes % 2 == 0:
                self._ended = True
                self._held.clear()
                return data[: match.start()]
        return data


def _backslashes(data: bytearray, at: int) -> int:
    """How many stand before this place, without a gap: an end of line behind an odd number of them is a value's."""
    begin = at
    while begin and data[begin - 1] == ord("\\"):
        begin -= 1
    return at - begin
