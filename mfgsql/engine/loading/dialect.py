"""How a text file is cut into rows and columns, found in its first megabyte."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from mfgsql.engine.loading.bytes_ import CHUNK, open_bytes
from mfgsql.errors import SourceError

_ROWS = 1000
# In this order where several cut all rows alike: commas inside a file of semicolons are decimal signs.
_DELIMITERS = "\t;|,"
_VALUE = re.compile(r"\s*[-+.]?\d[\d.,:/+\-TZeE ]*\s*|nan|na|null|true|false", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How to read one file.

    Attributes:
        delimiter: one character.
        skip: lines before the first row of data.
        names: of the columns as the file has them, '' where it has none.
        header: whether the file names them at all.
        preamble: lines before the header.
        unended: the rows, not the header, end in one more delimiter.
    """

    delimiter: str
    skip: int
    names: tuple[str, ...]
    header: bool
    preamble: int
    unended: bool = False


@dataclass(frozen=True)
class _Row:
    line: int  # of the file, where the row begins, from 0
    end: int
    cells: tuple[str, ...]


def sniff(path: str, text_of: str, *, delimiter: str | None, header: bool | None) -> Dialect:
    """The dialect of the UTF-8 file ``text_of``; ``path`` is its name in messages.

    Raises:
        SourceError: the header has not as many names as the rows have fields.
    """
    text = _sample(text_of)
    chosen = delimiter or _delimiter(text)
    rows = [row for row in _rows(text, chosen) if row.cells]
    if not rows:
        raise SourceError(f"'{path}' holds blank lines only.", remedy="Export it again, or leave it out.")
    width = _width(rows)
    first = next(i for i, row in enumerate(rows) if len(row.cells) == width)
    table = rows[first:]
    evidence = _names_columns([row.cells for row in table])
    if first and header is not False and not _begins_at(rows, first, width, evidence):
        return _uneven(path, rows, first, width, chosen)
    named = header if header is not None else evidence is not False
    names = table[0].cells if named else ("",) * width
    return Dialect(chosen, table[0].end if named else table[0].line, names, named, table[0].line if first else 0)


def _uneven(path: str, rows: list[_Row], first: int, width: int, delimiter: str) -> Dialect:
    """The row before the first full one is the header, and is shorter or longer than the rows."""
    names = rows[first - 1]
    following = [row.cells for row in rows[first:] if len(row.cells) == width]
    if len(names.cells) == width - 1 and not any(cells[-1] for cells in following):
        preamble = names.line if first > 1 else 0
        return Dialect(delimiter, names.end, (*names.cells, ""), True, preamble, unended=True)
    raise SourceError(
        f"'{path}', line {names.line + 1}: the header has {len(names.cells)} names, but the rows have {width} fields: "
        f"{delimiter.join(names.cells)!r}.",
        remedy="Mend the header, or name the delimiter with --delimiter.",
    )


def _sample(path: str) -> str:
    with open_bytes(path) as stream:
        raw = stream.read(CHUNK + 1)
    whole = len(raw) <= CHUNK
    text = raw[:CHUNK].decode("utf-8-sig", errors="replace")
    cut = max(text.rfind("\n"), text.rfind("\r"))
    return text if whole or cut < 0 else text[: cut + 1]


def _rows(text: str, delimiter: str) -> Iterator[_Row]:
    spaced = delimiter != " " and f'{delimiter} "' in text
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=spaced)
    line = 0
    try:
        for _, cells in zip(range(_ROWS), reader, strict=False):
            yield _Row(line, reader.line_num, tuple(cells) if any(cells) or len(cells) > 1 else ())
            line = reader.line_num
    except csv.Error:  # a quote that never closes, or a NUL: the reader proper will name the line
        return


def _delimiter(text: str) -> str:
    """The one that cuts most rows into the same number of fields, more than one."""
    shares = {candidate: _share(text, candidate) for candidate in _DELIMITERS}
    best = max(shares.values())
    return next(candidate for candidate in _DELIMITERS if shares[candidate] == best) if best else ","


def _share(text: str, delimiter: str) -> float:
    widths = Counter(len(row.cells) for row in _rows(text, delimiter) if row.cells)
    if not widths:
        return 0.0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return count / widths.total() if width > 1 else 0.0


def _width(rows: list[_Row]) -> int:
    widths = Counter(len(row.cells) for row in rows)
    return max(widths.items(), key=lambda item: (item[1], item[0]))[0]


def _begins_at(rows: list[_Row], first: int, width: int, evidence: bool | None) -> bool:
    """Whether the first full row is the header, what stands above it being a preamble."""
    above = rows[first - 1]
    touches = above.end == rows[first].line and len(above.cells) >= max(2, width - 1)
    return evidence is True or (evidence is None and not touches)


def _names_columns(table: list[tuple[str, ...]]) -> bool | None:
    """Whether the first row breaks a column of values (it is a header); None where nothing is a value."""
    first, rest = table[0], [cells for cells in table[1:] if len(cells) == len(table[0])]
    columns = [[cells[i] for cells in rest if cells[i].strip()] for i in range(len(first))]
    typed = [i for i, column in enumerate(columns) if column and all(map(_VALUE.fullmatch, column))]
    if not typed:
        return False if any(map(_VALUE.fullmatch, first)) else None
    return any(first[i].strip() and not _VALUE.fullmatch(first[i]) for i in typed)
