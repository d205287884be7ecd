"""Whole records of COPY's text or CSV as columns of strings, by Arrow's reader of CSV."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from mfgsql.wire.errors import WireError
from mfgsql.wire.types.arrow import Array
from mfgsql.wire.types.copying.escaping import protect, unescaped
from mfgsql.wire.types.copying.layout import CopyLayout, concerns
from mfgsql.wire.types.copying.quoting import Quoting

_BLANK = re.compile(rb"(?:\A|(?<=\n))\r?\n")


class LineReader:
    """Reads records, and counts them for its errors."""

    def __init__(self, names: Sequence[str], layout: CopyLayout) -> None:
        self._names, self._layout = list(names), layout
        self._keys = [f"c{k}" for k in range(len(self._names))]
        self._quoting = Quoting(layout)
        self._header = layout.header
        self._before = 0

    def read(self, data: bytes) -> list[Array]:
        """The columns of these records; a NULL is a NULL.

        Raises:
            WireError: a record has too few or too many values (22P04), or is not UTF-8 (22021).
        """
        text = self._layout.form == "text"
        if text and b"\0" in data:
            raise WireError("22021", f"COPY, behind line {self._before}: a text can't hold a NUL byte.")
        if text and b"\\" in data:
            data = protect(data, self._layout)
        elif not text:
            data = self._quoting.plain(data)
        self._refuse_blanks(data)
        table = self._parsed(data)
        self._before += table.num_rows + self._header
        self._header = False
        columns = [self._column(table.column(k), name) for k, name in enumerate(self._names)]
        return list(map(self._meant, columns, self._names)) if text else columns

    def _parsed(self, data: bytes) -> Any:
        """As a table of strings. A row of the wrong length is told by Arrow through a function."""
        wrong: list[Any] = []

        def tell(row: Any) -> str:
            wrong.append(row)
            return "error"

        # Arrow can't show a function what is not UTF-8.
        options = self._reading(len(data)), self._parsing(tell if _is_utf8(data) else None), self._converting()
        try:
            return csv.read_csv(pa.BufferReader(data), *options)
        except pa.ArrowInvalid as error:
            raise self._told(wrong[0] if wrong else None, str(error)) from None

    def _reading(self, size: int) -> Any:
        """All in one block."""
        return csv.ReadOptions(
            use_threads=False, block_size=size + 1, column_names=self._keys, skip_rows_after_names=int(self._header)
        )

    def _parsing(self, tell: Any) -> Any:
        quoted = self._layout.form == "csv"
        return csv.ParseOptions(
            delimiter=self._layout.delimiter,
            quote_char=self._layout.quote if quoted else False,
            newlines_in_values=quoted,
            ignore_empty_lines=False,
            invalid_row_handler=tell,
        )

    def _converting(self) -> Any:
        marker = self._layout.marker
        return csv.ConvertOptions(
            column_types=dict.fromkeys(self._keys, pa.string()),
            null_values=[marker if self._layout.form == "csv" else protect(marker.encode(), self._layout).decode()],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )

    def _column(self, column: Any, name: str) -> Array:
        found = column.combine_chunks()
        if concerns(self._layout.force_not_null, name):
            found = found.fill_null(self._layout.marker)
        if concerns(self._layout.force_null, name):
            found = pc.if_else(pc.equal(found, self._layout.marker), None, found)
        return found

    def _meant(self, column: Array, name: str) -> Array:
        try:
            return unescaped(column)
        except UnicodeDecodeError:
            where = f"COPY, up to line {self._before}, column '{name}'"
            raise WireError("22021", f"{where}: codes behind a backslash make no UTF-8.") from None

    def _refuse_blanks(self, data: bytes) -> None:
        """Arrow reads an empty line as a row of NULLs, PostgreSQL only where there is one column."""
        empty = b"\n\n" in data or b"\n\r\n" in data or data[:1] in (b"\n", b"\r")
        quotes = at = 0
        for match in _BLANK.finditer(data) if empty and len(self._names) > 1 else ():
            quotes += data.count(self._layout.quote.encode(), at, match.start())
            at = match.start()
            if (self._layout.form == "text" or quotes % 2 == 0) and not (self._header and at == 0):
                line = self._before + data.count(b"\n", 0, at) + 1
                raise WireError("22P04", f"COPY, line {line}: the line is empty, column '{self._names[0]}' is missing.")

    def _told(self, row: Any, message: str) -> WireError:
        if row is None:
            place = re.search(r"column #(\d+): Row #(\d+)", message)
            where = f", line {self._before + int(place[2])}, column '{self._names[int(place[1])]}'" if place else ""
            return WireError("22021", f"COPY{where}: the text is not UTF-8.")
        line = self._before + int(row.number or 0)
        found, expected = int(row.actual_columns), int(row.expected_columns)
        missing = f"column '{self._names[found]}' is missing" if found < expected else ""
        what = missing or "there are values behind the last column"
        return WireError("22P04", f"COPY, line {line}: {what}: {row.text[:60]!r}.",
                         remedy="Check the delimiter and the quotes.")  # fmt: skip


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
