"""Text files. DuckDB cuts rows and fields by a dialect found here; the types are read from all rows afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import duckdb

from mfgsql.engine.loading import dialect as dialects
from mfgsql.engine.loading.bytes_ import chunks, compression
from mfgsql.engine.loading.dialect import Dialect
from mfgsql.engine.loading.encodings import as_utf8, copy
from mfgsql.engine.loading.infer import infer
from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.names import repair
from mfgsql.engine.loading.part import UNKNOWN, Column, Part
from mfgsql.engine.loading.readings import readings
from mfgsql.engine.quoting import quote_literal
from mfgsql.errors import SourceError

_REJECTS, _SCANS = "_mfgsql_rejects", "_mfgsql_scans"
_NAMED = 5
_FAULTS = {
    "MISSING COLUMNS": "too few fields",
    "TOO MANY COLUMNS": "too many fields",
    "UNQUOTED VALUE": "a quote that is not closed, or not doubled",
    "LINE SIZE OVER MAXIMUM": "a row of more than 2 MB",
    "INVALID ENCODING": "bytes that are not UTF-8",
}


class Fault(NamedTuple):
    """A row that can't be read."""

    line: int
    fault: str
    text: str


def read_csv(job: Job, path: str) -> Part:
    """The part of one text file.

    Raises:
        SourceError: a row can't be read and ``on_bad`` is ``error``.
    """
    plain = as_utf8(job, path)
    found = dialects.sniff(path, plain, delimiter=job.options.separator, header=job.options.header)
    try:
        columns, faults = _examined(job, path, plain, found)
    except duckdb.InvalidInputException as error:
        if "invalid state" not in str(error):
            raise
        plain = copy(job, plain, newlines=True)
        job.note("line ends are mixed", path)
        columns, faults = _examined(job, path, plain, found)
    if faults:
        _report(job, path, faults)
    _note_dialect(job, path, found)
    return Part(path, _relation(plain, found, "ignore_errors = true" if faults else ""), columns, found.delimiter != ",")


def _examined(job: Job, path: str, plain: str, found: Dialect) -> tuple[tuple[Column, ...], list[Fault]]:
    """The columns' types and the rows' faults, from all rows."""
    relation = _relation(plain, found, f"store_rejects = true, rejects_table = '{_REJECTS}', rejects_scan = '{_SCANS}'")
    with _reject_tables(job):
        return _columns(job, path, relation, found), _faults(job, plain)


def _columns(job: Job, path: str, relation: str, found: Dialect) -> tuple[Column, ...]:
    names, changes = repair(found.names)
    known = readings(
        decimal=job.options.decimal, comma=found.delimiter != ",", date_format=job.options.date_format
    )
    columns = infer(job, path, relation, [(name, f"c{i}") for i, name in enumerate(names)], known)
    if found.unended and columns[-1].type == UNKNOWN:
        columns, changes = columns[:-1], changes[:-1]
        job.note("the empty field at the end of each row is left out", path)
    for change in changes if found.header else ():
        job.note(change, path)
    return columns


def _note_dialect(job: Job, path: str, found: Dialect) -> None:
    if found.delimiter != ",":
        job.note(f"delimiter {found.delimiter!r}", path)
    if found.preamble:
        job.note(f"{found.preamble} lines before the header are left out", path)
    if not found.header:
        job.note("no header was seen: columns are called column_1, column_2, ...; if there is one, add --header", path)


def _relation(path: str, found: Dialect, *options: str) -> str:
    columns = ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(found.names)))
    packed = compression(path)
    settings = [
        f"columns = {{{columns}}}",
        "auto_detect = false, header = false, hive_partitioning = false, quote = '\"', escape = '\"'",
        f"delim = {quote_literal(found.delimiter)}, skip = {found.skip}",
        f"compression = {quote_literal(packed or 'none')}",
        *filter(None, options),
    ]
    return f"read_csv({quote_path(path)}, {', '.join(settings)})"


def quote_path(path: str) -> str:
    """A path as DuckDB opens it, its brackets and stars being letters."""
    return quote_literal("".join(f"[{c}]" if c in "[*?" else c for c in path))


def _faults(job: Job, plain: str) -> list[Fault]:
    rows = job.rows(
        f"SELECT line_byte_position, min(CAST(error_type AS VARCHAR)), min(csv_line) FROM {_REJECTS} "
        "GROUP BY line_byte_position ORDER BY line_byte_position"  # each pass over the file reports it again
    )
    lines = _lines(plain, [place + len(text) - len(text.lstrip("\r\n")) for place, _, text in rows])
    return [
        Fault(line, _FAULTS.get(kind, kind.lower()), text.strip("\r\n"))
        for line, (_, kind, text) in zip(lines, rows, strict=True)
    ]


@contextmanager
def _reject_tables(job: Job) -> Iterator[None]:
    drop = f"DROP TABLE IF EXISTS temp.main.{_REJECTS}; DROP TABLE IF EXISTS temp.main.{_SCANS}"
    job.con.execute(drop)
    try:
        yield
    finally:
        job.con.execute(drop)


def _lines(path: str, places: list[int]) -> list[int]:
    """The line of each byte position, from 1. DuckDB counts rows, which a quoted line break makes fewer."""
    lines: list[int] = []
    begin, line = 0, 1
    waiting = iter(places)
    place = next(waiting, None)
    for chunk in chunks(path) if places else ():
        while place is not None and place < begin + len(chunk):
            lines.append(line + _breaks(chunk[: place - begin]))
            place = next(waiting, None)
        begin, line = begin + len(chunk), line + _breaks(chunk)
    return lines + [line] * (len(places) - len(lines))


def _breaks(chunk: bytes) -> int:
    return chunk.count(b"\n") or chunk.count(b"\r")


def _report(job: Job, path: str, faults: list[Fault]) -> None:
    told = [f"line {line} has {fault}: {_short(text)}" for line, fault, text in faults[:_NAMED]]
    more = f"; and {len(faults) - _NAMED} more rows" if len(faults) > _NAMED else ""
    if job.options.on_bad == "error":
        others = f" ({len(faults)} rows of it can't be read)" if len(faults) > 1 else ""
        raise SourceError(
            f"'{path}', {told[0]}{others}.", remedy="Mend the row, or leave such rows out with --on-bad skip."
        )
    lost = sum(len(text.splitlines()) or 1 for _, _, text in faults)
    job.rejected += lost
    job.note(f"{lost} lines left out: {'; '.join(told)}{more}", path)


def _short(text: str) -> str:
    return repr(text if len(text) <= 120 else text[:117] + "...")


