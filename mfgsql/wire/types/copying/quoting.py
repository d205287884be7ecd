"""CSV as PostgreSQL reads it, written as Arrow does: values that are quoted are so from end to end, quotes doubled.

PostgreSQL lets quotes begin and end anywhere in a value, and its escape may be another sign, inside of quotes.
"""

from __future__ import annotations

import re

import numpy as np

from mfgsql.wire.types.copying.layout import CopyLayout


class Quoting:
    """Rewrites whole records where they need it, which is seldom: one look at the data tells."""

    def __init__(self, layout: CopyLayout) -> None:
        self._quote, escape = layout.quote.encode(), layout.escape.encode()
        q, e, d = (re.escape(c) for c in (self._quote, escape, layout.delimiter.encode()))
        self._doubles = escape == self._quote
        inside = rb"(?:[^%b]|%b%b)*" % (q, q, q) if self._doubles else rb"(?:[^%b%b]|%b.)*" % (q, e, e)
        self._section = re.compile(rb"%b(%b)%b" % (q, inside, q), re.DOTALL)
        self._value = re.compile(rb"[^%b%b\r\n]*(?:%b%b%b[^%b%b\r\n]*)+" % (d, q, q, inside, q, d, q), re.DOTALL)
        self._around = np.frombuffer(self._quote + layout.delimiter.encode() + b"\r\n", np.uint8)
        self._escape = escape
        self._escaped = re.compile(rb"%b([%b%b])" % (e, q, e))

    def plain(self, data: bytes) -> bytes:
        """The records, as Arrow reads them."""
        if self._quote not in data or ((self._doubles or self._escape not in data) and self._is_plain(data)):
            return data
        return self._value.sub(self._rewritten, data)

    def _is_plain(self, data: bytes) -> bool:
        """Whether a quote opens only where a value begins or behind a quote, and closes only the other way."""
        bytes_around = np.frombuffer(b"\n" + data + b"\n", np.uint8)
        places = np.flatnonzero(bytes_around == self._quote[0])
        beside = np.concatenate([places[0::2] - 1, places[1::2] + 1])
        return bool(np.isin(bytes_around[beside], self._around).all())

    def _rewritten(self, value: re.Match[bytes]) -> bytes:
        meant = self._section.sub(lambda section: self._escaped.sub(rb"\1", section[1]), value[0])
        return self._quote + meant.replace(self._quote, self._quote * 2) + self._quote
