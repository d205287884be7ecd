"""The verb: files in, one table out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb

from mfgsql.engine.loading.commit import commit, refuse_existing, refuse_open_transaction
from mfgsql.engine.loading.csv_ import read_csv
from mfgsql.engine.loading.excel import read_excel
from mfgsql.engine.loading.files import find_files
from mfgsql.engine.loading.formats import Format, format_of
from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.json_ import read_json
from mfgsql.engine.loading.options import Loaded, LoadOptions
from mfgsql.engine.loading.part import Part
from mfgsql.engine.loading.pivot import pivot
from mfgsql.engine.loading.relations import read_parquet
from mfgsql.engine.loading.target import find_target
from mfgsql.engine.loading.times import read_times
from mfgsql.errors import CancelledError, MfgsqlError, ResourceError, SourceError

_READERS: dict[Format, Callable[[Job, str], Part]] = {
    "csv": read_csv,
    "json": read_json,
    "parquet": read_parquet,
    "excel": read_excel,
}
_FULL = ("space", "too large", "could not write", "failed to write", "quota", "max_temp_directory_size", "invalidated")


def load(con: duckdb.DuckDBPyConnection, paths: Sequence[str], table: str, options: LoadOptions) -> Loaded:
    """Loads files (or patterns of files) into a table: all their rows, or none.

    Args:
        con: a connection without an open transaction.
        paths: CSV, TSV, TXT, JSON, NDJSON (also ``.gz``, ``.zst``), Parquet, Excel; patterns such as ``logs/*.csv``.
        table: ``table``, ``schema.table`` or ``database.schema.table``; parts may be quoted.

    Raises:
        SourceError: a file can't be read, or does not fit the table.
        OptionError: an option is unknown or contradicts the files.
        MissingExtraError: an Excel file without the extra ``excel``.
        ResourceError: the disk is full, or memory does not suffice.
        CancelledError: the connection was interrupted.
    """
    try:
        with Job(con, options) as job:
            return _load(job, paths, table)
    except duckdb.Error as error:
        raise _told(error) from error


def _load(job: Job, paths: Sequence[str], table: str) -> Loaded:
    refuse_open_transaction(job.con)
    target = find_target(job, table)
    refuse_existing(job, target)
    job.paths = find_files(paths)
    parts = [_read(job, path) for path in job.paths]
    filled = _filled(job, read_times(job, parts))
    if job.options.pivot is not None:
        filled = [pivot(job, filled, job.options.pivot)]
    return commit(job, target, filled)


def _read(job: Job, path: str) -> Part:
    try:
        return _READERS[format_of(path)](job, path)
    except duckdb.InterruptException:
        raise
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException, duckdb.SerializationException) as error:
        raise _told(error, path) from error


def _filled(job: Job, parts: list[Part]) -> list[Part]:
    """The parts that have rows; of several files some may have none (a day without production)."""
    filled = []
    for part in parts:
        if part.columns and job.rows(f"SELECT 1 FROM {part.relation} LIMIT 1"):
            filled.append(part)
        else:
            job.note("no rows", part.path)
    if not filled:
        which = f"'{parts[0].path}' has" if len(parts) == 1 else f"All {len(parts)} files have"
        raise SourceError(f"{which} a header, but no rows.", remedy="Export with rows, or make the table by SQL.")
    return filled


def _told(error: duckdb.Error, path: str | None = None) -> MfgsqlError:
    """DuckDB's error as one of this package: its first line, without what only DuckDB's own options mend."""
    text = str(error).strip().splitlines()[0].removesuffix(".")
    where = f"'{path}': " if path and path not in text else ""
    if isinstance(error, duckdb.InterruptException):
        return CancelledError("The load was interrupted; the table is as it was.")
    if isinstance(error, duckdb.OutOfMemoryException) or any(word in str(error).lower() for word in _FULL):
        return ResourceError(f"{where}{text}.", remedy="Make room on the disk, or raise the memory; nothing was loaded.")
    return SourceError(f"{where}{text}.", remedy="Nothing was loaded.")
