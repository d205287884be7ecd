"""Files into tables: CSV, Parquet, JSON and Excel, all or nothing."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from mfgsql.engine.encoding import as_utf8
from mfgsql.engine.pivoting import Pivot, check_column, pivot_rows
from mfgsql.engine.profiling import describe
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.readings import point_out_epochs, read_decimal_commas
from mfgsql.errors import MissingExtraError, OptionError, SourceError, did_you_mean

_NOT_OF_THE_FILE = (duckdb.InterruptException, duckdb.OutOfMemoryException)
_EPOCHS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0.0, 1.0))  # from this size on, this many to the second


@dataclass(frozen=True)
class LoadOptions:
    """How to read files; None lets DuckDB's sniffer decide.

    Attributes:
        append, replace: what to do with an existing table.
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


@dataclass(frozen=True)
class Loaded:
    """What was loaded, with notes in words."""

    table: str
    rows: int
    columns: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    rejected: int = 0


def load(con: duckdb.DuckDBPyConnection, paths: Sequence[str], table: str, options: LoadOptions) -> Loaded:
    """Load files (globs allowed) into a table, in one transaction.

    Raises:
        SourceError: a file is missing, unreadable or broken, or does not fit the table.
        OptionError: the table exists and neither ``append`` nor ``replace`` was said.
    """
    target = ".".join(quote_identifier(p) for p in table.split("."))
    exists = _exists(con, target)
    if exists and not (options.append or options.replace):
        raise OptionError(f"The table {table!r} exists.", remedy="Say --append to add rows, or --replace.")
    notes: list[str] = []
    files = [f for path in paths for f in _files(path)]
    con.execute("BEGIN")
    try:
        before = _count(con, target) if exists and options.append else 0
        _stage(con, files, options, notes)
        _shape(con, options, notes, csv=all(_kind(f) == "csv" for f in files))
        if exists and options.append:
            _append(con, table, target, notes)
        else:
            con.execute(f"CREATE OR REPLACE TABLE {target} AS FROM __ml_load")
        rows = _count(con, target) - before
        columns = list(describe(con, target).items())
        con.execute("DROP TABLE __ml_load")
        rejected = _rejected(con)
        con.execute("COMMIT")
    except BaseException as error:
        con.execute("ROLLBACK")
        if isinstance(error, duckdb.Error) and not isinstance(error, _NOT_OF_THE_FILE):
            words = _bad_line(con, files, options) or f"{files[0]} can't be loaded: {_words(error)}"
            raise SourceError(words) from None
        raise
    return Loaded(table, rows, columns, notes, rejected)


def _exists(con: duckdb.DuckDBPyConnection, target: str) -> bool:
    try:
        describe(con, target)
    except duckdb.CatalogException:
        return False
    return True


def _count(con: duckdb.DuckDBPyConnection, target: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {target}").fetchone()
    return int(row[0]) if row else 0


def _rejected(con: duckdb.DuckDBPyConnection) -> int:
    """Lines that DuckDB's reader left out; its tables of them are dropped."""
    found = con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = '__ml_rejects'").fetchone()
    if not found or not found[0]:
        return 0
    count = _count(con, "(SELECT DISTINCT file_id, line FROM __ml_rejects)")
    con.execute("DROP TABLE __ml_rejects; DROP TABLE __ml_scans")
    return count


def _bad_line(con: duckdb.DuckDBPyConnection, files: list[str], options: LoadOptions) -> str | None:
    """Where the first line is that does not fit, which DuckDB's sniffer leaves out when it gives up."""
    if options.on_bad == "skip":
        return None
    for file in files:
        with _relation(con, file, replace(options, on_bad="skip"), []) as relation:
            if not relation.startswith("read_csv"):
                continue
            try:
                con.execute(f"SELECT count(*) FROM (FROM {relation})").fetchall()
                row = con.execute("SELECT line, error_message, csv_line FROM __ml_rejects ORDER BY line").fetchone()
                con.execute("DROP TABLE __ml_rejects; DROP TABLE __ml_scans")
            except duckdb.Error:
                continue
        if row:
            why = row[1].rstrip(" .")
            return f"{file} can't be loaded: line {row[0]}: {why}: {row[2]!r}. --on-bad skip leaves such lines out."
    return None


def _words(error: duckdb.Error) -> str:
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    return " ".join(lines[:4])


def _files(path: str) -> list[str]:
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


def _stage(con: duckdb.DuckDBPyConnection, files: list[str], options: LoadOptions, notes: list[str]) -> None:
    """All files by name into ``__ml_load``."""
    for number, file in enumerate(files):
        with _relation(con, file, options, notes) as relation:
            if number == 0:
                con.execute(f"CREATE OR REPLACE TEMP TABLE __ml_load AS FROM {relation}")
                continue
            con.execute(f"CREATE OR REPLACE TEMP TABLE __ml_next AS FROM __ml_load UNION ALL BY NAME FROM {relation}")
            con.execute("DROP TABLE __ml_load")
            con.execute("ALTER TABLE __ml_next RENAME TO __ml_load")


@contextmanager
def _relation(con: duckdb.DuckDBPyConnection, file: str, options: LoadOptions, notes: list[str]) -> Iterator[str]:
    """What stands behind FROM for a file."""
    kind = _kind(file)
    if kind == "parquet":
        yield f"read_parquet({quote_literal(file)})"
    elif kind == "json":
        yield f"read_json_auto({quote_literal(file)})"
    elif kind == "excel":
        con.register("__ml_sheet", _sheet(file, options.sheet))
        yield "__ml_sheet"
        con.unregister("__ml_sheet")
    else:
        packed = Path(file).suffix.lower() in (".gz", ".zst")
        with as_utf8(file, options.encoding, notes) if not packed else _same(file) as text:
            yield _csv(text, options)


def _kind(file: str) -> str:
    """By the name: parquet, json, excel, else csv."""
    suffixes = [s.lower() for s in Path(file).suffixes if s.lower() not in (".gz", ".zst")]
    kinds = {"parquet": (".parquet",), "json": (".json", ".ndjson", ".jsonl"), "excel": (".xlsx", ".xls", ".xlsm")}
    return next((kind for kind, names in kinds.items() if suffixes and suffixes[-1] in names), "csv")


@contextmanager
def _same(file: str) -> Iterator[str]:
    yield file


def _csv(file: str, options: LoadOptions) -> str:
    told = ""
    if options.delimiter:
        told += f", delim = {quote_literal(options.delimiter)}"
    if options.decimal:
        told += f", decimal_separator = {quote_literal(options.decimal)}"
    if options.on_bad == "skip":
        told += ", store_rejects = true, rejects_table = '__ml_rejects', rejects_scan = '__ml_scans'"
    return f"read_csv({quote_literal(file)}, sample_size = -1{told})"


def _sheet(file: str, sheet: str | None) -> object:
    try:
        import fastexcel  # noqa: F401
        import polars as pl
    except ImportError:
        raise MissingExtraError("Excel files need an extra.", remedy="pip install 'mfgsql[excel]'") from None
    try:
        frame = pl.read_excel(file, sheet_name=sheet) if sheet else pl.read_excel(file)
    except (ValueError, OSError, RuntimeError) as error:
        raise SourceError(f"'{file}' can't be read: {error}") from None
    return frame.to_arrow()


def _shape(con: duckdb.DuckDBPyConnection, options: LoadOptions, notes: list[str], *, csv: bool) -> None:
    """Numbers, times and the pivot, on ``__ml_load``."""
    if options.decimal is None and not options.pivot and not options.append and csv:
        read_decimal_commas(con, "__ml_load", notes)
    types = describe(con, "__ml_load")
    for name in options.epoch:
        check_column(name, types, "epoch")
        _from_epoch(con, name)
    if options.timezone:
        for name, kind in types.items():
            if kind == "TIMESTAMP" or name in options.epoch:
                zone = "UTC" if name in options.epoch else options.timezone
                column = quote_identifier(name)
                local = f"{column} AT TIME ZONE {quote_literal(zone)}"
                con.execute(f"ALTER TABLE __ml_load ALTER {column} TYPE TIMESTAMPTZ USING {local}")
    point_out_epochs(con, "__ml_load", notes)
    if options.pivot:
        pivot_rows(con, options.pivot, describe(con, "__ml_load"), notes)


def _from_epoch(con: duckdb.DuckDBPyConnection, name: str) -> None:
    column = quote_identifier(name)
    row = con.execute(f"SELECT max(abs({column}::DOUBLE)) FROM __ml_load").fetchone()
    size = float(row[0] or 0.0) if row else 0.0
    per_second = next(unit for least, unit in _EPOCHS if size >= least)
    micros = f"CAST({column}::DOUBLE / {per_second} * 1000000 AS BIGINT)"
    con.execute(f"ALTER TABLE __ml_load ALTER {column} TYPE TIMESTAMP USING make_timestamp({micros})")


def _append(con: duckdb.DuckDBPyConnection, table: str, target: str, notes: list[str]) -> None:
    """Rows behind those of an existing table, by column name; columns that the files lack are NULL."""
    there = {name.lower(): name for name in describe(con, target)}
    new = describe(con, "__ml_load")
    for name, kind in new.items():
        if name.lower() not in there:
            raise SourceError(
                f"The table {table!r} has no column {name!r}.",
                remedy=f"ALTER TABLE {target} ADD COLUMN {quote_identifier(name)} {kind};",
            )
    given = {name.lower() for name in new}
    if absent := [name for lower, name in there.items() if lower not in given]:
        notes.append(f"The new rows have no {', '.join(absent)}: NULL there.")
    con.execute(f"INSERT INTO {target} BY NAME FROM __ml_load")
