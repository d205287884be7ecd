"""Files as relations: what stands behind FROM for a CSV, Parquet, JSON or Excel file, and which line of it is bad."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from mfgsql.engine.encoding import as_utf8
from mfgsql.engine.pivoting import Pivot
from mfgsql.engine.profiling import describe
from mfgsql.engine.quoting import quote_identifier, quote_literal, render
from mfgsql.errors import MissingExtraError, SourceError, did_you_mean

_SIGNS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " "}
_DELIMITERS = (";", "\t", "|", ",")
NOT_OF_THE_FILE = (duckdb.InterruptException, duckdb.OutOfMemoryException)


@dataclass(frozen=True)
class LoadOptions:
    """How to read files; None lets DuckDB's sniffer decide.

    Attributes:
        append, replace: what to do with an existing table.
        decimal: the decimal sign; the other one of comma and point may then group thousands.
        encoding: of texts, as ``gb18030``; None: UTF-8, else GB18030, else Latin-1.
        epoch: columns that hold seconds, milli-, micro- or nanoseconds since 1970.
        timezone: zone of times without one; they become UTC (TIMESTAMPTZ).
        on_bad: ``error`` refuses a file with a bad line, ``skip`` leaves such lines out and counts them.
    """

    append: bool = False
    replace: bool = False
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    epoch: tuple[str, ...] = ()
    timezone: str | None = None
    sheet: str | None = None
    on_bad: str = "error"
    pivot: Pivot | None = None


def files_of(path: str) -> list[str]:
    """The files that a path or glob names."""
    found = [path] if Path(path).exists() else sorted(glob.glob(path, recursive=True))
    if not found:
        beside = [p.name for p in Path(path).parent.glob("*")] if Path(path).parent.is_dir() else []
        raise SourceError(f"There is no file '{path}'.{did_you_mean(Path(path).name, beside)}")
    for file in found:
        if Path(file).is_dir():
            raise SourceError(f"'{file}' is a folder.", remedy=f"Name its files: '{file}/*.csv'.")
        if Path(file).stat().st_size == 0:
            raise SourceError(f"'{file}' is empty.")
    return found


@contextmanager
def relation_of(
    con: duckdb.DuckDBPyConnection, file: str, options: LoadOptions, notes: list[str], check: Callable[[], None]
) -> Iterator[str]:
    """What stands behind FROM for a file."""
    kind = kind_of(file)
    if kind == "parquet":
        yield f"read_parquet({quote_literal(file)})"
    elif kind == "json":
        yield f"read_json_auto({quote_literal(file)})"
    elif kind == "excel":
        con.register("__ml_sheet", _sheet(file, options.sheet))
        try:
            yield "__ml_sheet"
        finally:
            con.unregister("__ml_sheet")
    else:
        packed = Path(file).suffix.lower() in (".gz", ".zst")
        with as_utf8(file, options.encoding, notes, check) if not packed else nullcontext(file) as text:
            yield _csv(con, text, options)


def kind_of(file: str) -> str:
    """By the name: parquet, json, excel, else csv."""
    suffixes = [s.lower() for s in Path(file).suffixes if s.lower() not in (".gz", ".zst")]
    kinds = {"parquet": (".parquet",), "json": (".json", ".ndjson", ".jsonl"), "excel": (".xlsx", ".xls", ".xlsm")}
    return next((kind for kind, names in kinds.items() if suffixes and suffixes[-1] in names), "csv")


def _csv(con: duckdb.DuckDBPyConnection, file: str, options: LoadOptions) -> str:
    told = ""
    if options.delimiter:
        told += f", delim = {quote_literal(_SIGNS.get(options.delimiter.lower(), options.delimiter))}"
    if options.decimal:
        told += f", decimal_separator = {quote_literal(options.decimal)}"
    if options.pivot:  # a tag T is no truth value, and how values are written is judged by tag
        names = describe(con, f"FROM read_csv({quote_literal(file)}, ignore_errors = true{told})")
        texts = {name for name in (options.pivot.tag, options.pivot.value) if name in names}
        told += f", types = {render(dict.fromkeys(sorted(texts), 'VARCHAR'))}" if texts else ""
    if options.on_bad == "skip":
        told += ", store_rejects = true, rejects_table = '__ml_rejects', rejects_scan = '__ml_scans'"
    return f"read_csv({quote_literal(file)}, sample_size = -1{told})"


def _sheet(file: str, sheet: str | None) -> object:
    try:
        import fastexcel
        import polars as pl
    except ImportError:
        raise MissingExtraError("Excel files need an extra.", remedy="pip install 'mfgsql[excel]'") from None
    try:
        frame = pl.read_excel(file, sheet_name=sheet) if sheet else pl.read_excel(file)
    except (ValueError, OSError, RuntimeError, fastexcel.FastExcelError) as error:
        raise SourceError(f"'{file}' can't be read: {error}") from None
    return frame.to_arrow()


def bad_line(con: duckdb.DuckDBPyConnection, file: str, options: LoadOptions, check: Callable[[], None]) -> str | None:
    """Where the first line is that does not fit, which DuckDB's sniffer leaves out when it gives up."""
    if options.on_bad == "skip" or kind_of(file) != "csv":
        return None
    try:
        with relation_of(con, file, replace(options, on_bad="skip"), [], check) as relation:
            con.execute(f"SELECT count(*) FROM (FROM {relation})").fetchall()
        row = con.execute("SELECT line, error_message, csv_line FROM __ml_rejects ORDER BY line").fetchone()
        con.execute("DROP TABLE __ml_rejects; DROP TABLE __ml_scans")
    except NOT_OF_THE_FILE:
        raise
    except duckdb.Error:
        return None
    if row is None:
        return None
    why = row[1].rstrip(" .")
    return f"{file} can't be loaded: line {row[0]}: {why}: {row[2]!r}. --on-bad skip leaves such lines out."


def uneven(
    con: duckdb.DuckDBPyConnection, table: str, file: str, options: LoadOptions, check: Callable[[], None]
) -> str | None:
    """What is wrong with a file whose lines have delimiters, and that was read as one column all the same."""
    names = list(describe(con, table))
    if len(names) != 1 or options.delimiter or options.pivot or kind_of(file) != "csv":
        return None
    column = quote_identifier(names[0])
    for sign in _DELIMITERS:
        row = con.execute(f"SELECT avg(contains({column}::VARCHAR, $1)::INT) FROM {table}", [sign]).fetchone()
        if sign in names[0] and row and (row[0] or 0.0) > 0.9:
            return bad_line(con, file, replace(options, delimiter=sign), check)  # None: texts that hold the sign
    return None


def count_rejected(con: duckdb.DuckDBPyConnection) -> int:
    """Lines that DuckDB's reader left out; its tables of them are dropped."""
    found = con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = '__ml_rejects'").fetchone()
    if not found or not found[0]:
        return 0
    row = con.execute("SELECT count(*) FROM (SELECT DISTINCT file_id, line FROM __ml_rejects)").fetchone()
    con.execute("DROP TABLE __ml_rejects; DROP TABLE __ml_scans")
    return int(row[0]) if row else 0
