"""Files into tables: CSV, Parquet, JSON and Excel, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import duckdb

from mfgsql.engine.encoding import never
from mfgsql.engine.engine import roll_back
from mfgsql.engine.pivoting import check_column, pivot_rows
from mfgsql.engine.profiling import describe
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.readings import point_out_epochs, read_epoch, read_padded_numbers, read_texts
from mfgsql.engine.relations import (
    NOT_OF_THE_FILE,
    LoadOptions,
    bad_line,
    count_rejected,
    files_of,
    kind_of,
    relation_of,
    uneven,
)
from mfgsql.errors import InputError, OptionError, SourceError

__all__ = ["LoadOptions", "Loaded", "load"]


@dataclass(frozen=True)
class Loaded:
    """What was loaded, with notes in words."""

    table: str
    rows: int
    columns: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    rejected: int = 0


@dataclass(frozen=True)
class _Job:
    """One load.

    Attributes:
        target: the table as SQL writes it. into: its columns where rows are appended to it, else none.
        check: called at every step; raises where the work shall stop.
    """

    con: duckdb.DuckDBPyConnection
    table: str
    target: str
    into: dict[str, str]
    options: LoadOptions
    check: Callable[[], None]
    notes: list[str] = field(default_factory=list)

    @property
    def texts(self) -> set[str]:
        """Names, in lower case, of the columns that hold text already."""
        return {name.lower() for name, kind in self.into.items() if kind == "VARCHAR"}


class _BrokenError(Exception):
    """DuckDB can't read this file."""

    def __init__(self, file: str, error: duckdb.Error) -> None:
        super().__init__(file)
        self.file, self.error = file, error


def load(
    con: duckdb.DuckDBPyConnection,
    paths: Sequence[str],
    table: str,
    options: LoadOptions,
    check: Callable[[], None] = never,
) -> Loaded:
    """Load files (globs allowed) into a table, in one transaction.

    Args:
        check: called at every step, and at every block of a text; raises where the work shall stop.

    Raises:
        SourceError: a file is missing, unreadable or broken, or does not fit the table.
        OptionError: the table exists and neither ``append`` nor ``replace`` was said.
    """
    target = ".".join(quote_identifier(p) for p in table.split("."))
    there = _columns(con, target)
    if there is not None and not (options.append or options.replace):
        raise OptionError(f"The table {table!r} exists.", remedy="Say --append to add rows, or --replace.")
    job = _Job(con, table, target, (there or {}) if options.append else {}, options, check)
    files = [f for path in paths for f in files_of(path)]
    con.execute("BEGIN")
    try:
        before = _count(con, target) if job.into else 0
        _fill(job, files)
        rows = _count(con, target) - before
        columns = list(describe(con, target).items())
        con.execute("DROP TABLE __ml_load")
        rejected = count_rejected(con)
        check()
        con.execute("COMMIT")
    except BaseException as error:
        roll_back(con)
        if words := _why(job, files, error):
            raise SourceError(words) from None
        raise
    return Loaded(table, rows, columns, list(dict.fromkeys(job.notes)), rejected)


def _columns(con: duckdb.DuckDBPyConnection, target: str) -> dict[str, str] | None:
    """Of a table; None: there is none."""
    try:
        return describe(con, target)
    except duckdb.CatalogException:
        return None


def _count(con: duckdb.DuckDBPyConnection, target: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {target}").fetchone()
    return int(row[0]) if row else 0


def _words(error: duckdb.Error) -> str:
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    return " ".join(lines[:4])


def _why(job: _Job, files: list[str], error: BaseException) -> str | None:
    """What is wrong with which file; None where it isn't a file's fault, or the error says so itself."""
    if isinstance(error, _BrokenError):
        words = bad_line(job.con, error.file, job.options, job.check)
        return words or f"{error.file} can't be loaded: {_words(error.error)}"
    if isinstance(error, duckdb.Error) and not isinstance(error, NOT_OF_THE_FILE):
        return f"{_culprit(job, files)} can't be loaded: {_words(error)}"
    return None


def _culprit(job: _Job, files: list[str]) -> str:
    """The first file that can't be loaded by itself, either; where each can: all of them."""
    for file in files if len(files) > 1 else []:
        job.con.execute("BEGIN")
        try:
            _fill(job, [file])
        except NOT_OF_THE_FILE:
            raise
        except (duckdb.Error, _BrokenError):
            return file
        except InputError:
            continue  # it alone lacks what others have
        finally:
            roll_back(job.con)
    return ", ".join(files)


def _fill(job: _Job, files: list[str]) -> None:
    """The files into a new table, or behind the rows of an old one."""
    con, pivot = job.con, job.options.pivot
    csv = all(kind_of(f) == "csv" for f in files)
    told = job.options.decimal if csv else None
    origin = _stage(job, files, told)
    if csv and told is None and not pivot:
        read_texts(con, "__ml_load", None, job.texts, job.notes)
    if csv and told is None and not pivot:
        read_padded_numbers(con, "__ml_load", job.table, job.texts, job.notes)
    job.check()
    _shape(con, job.options, job.notes)
    if pivot:
        pivot_rows(con, pivot, describe(con, "__ml_load"), told, job.texts, job.notes)
    job.check()
    if job.into:
        _append(job, origin)
    else:
        con.execute(f"CREATE OR REPLACE TABLE {job.target} AS FROM __ml_load")


def _stage(job: _Job, files: list[str], told: str | None) -> dict[str, str]:
    """All files by name into ``__ml_load``; the first file that has a column, by the column's name in lower case."""
    origin: dict[str, str] = {}
    for number, file in enumerate(files):
        job.check()
        try:
            _stage_one(job, file, told, first=number == 0)
        except NOT_OF_THE_FILE:
            raise
        except duckdb.Error as error:
            raise _BrokenError(file, error) from None
        for name in describe(job.con, "__ml_load"):
            origin.setdefault(name.lower(), file)
    return origin


def _stage_one(job: _Job, file: str, told: str | None, *, first: bool) -> None:
    con = job.con
    with relation_of(con, file, job.options, job.notes, job.check) as relation:
        job.check()
        con.execute(f"CREATE OR REPLACE TEMP TABLE __ml_file AS FROM {relation}")
    if words := uneven(con, "__ml_file", file, job.options, job.check):
        raise SourceError(words)
    if told and not job.options.pivot:  # file by file: the number of one, written as text, would be misread
        read_texts(con, "__ml_file", told, job.texts, job.notes)
    if told == "," and not first:
        _check_notation(con, file)
    if first:
        con.execute("DROP TABLE IF EXISTS __ml_load; ALTER TABLE __ml_file RENAME TO __ml_load")
        return
    con.execute("CREATE OR REPLACE TEMP TABLE __ml_next AS FROM __ml_load UNION ALL BY NAME FROM __ml_file")
    con.execute("DROP TABLE __ml_load; DROP TABLE __ml_file; ALTER TABLE __ml_next RENAME TO __ml_load")


def _check_notation(con: duckdb.DuckDBPyConnection, file: str) -> None:
    """Refuse to put numbers, which texts show with a point, beside texts that write them with a comma."""
    before = describe(con, "__ml_load")
    for name, kind in describe(con, "__ml_file").items():
        if {kind, before.get(name)} == {"DOUBLE", "VARCHAR"}:
            one, other = ("a number", "text") if kind == "DOUBLE" else ("text", "a number")
            raise SourceError(
                f"The column {name!r} is {one} in '{file}' and {other} in the files before it.",
                remedy="Mend the values that are no numbers, or load the files into two tables.",
            )


def _shape(con: duckdb.DuckDBPyConnection, options: LoadOptions, notes: list[str]) -> None:
    """Times, on ``__ml_load``."""
    types = describe(con, "__ml_load")
    for name in options.epoch:
        check_column(name, types, "epoch")
        read_epoch(con, "__ml_load", name)
    if options.timezone:
        for name, kind in types.items():
            if kind == "TIMESTAMP" or name in options.epoch:
                zone = "UTC" if name in options.epoch else options.timezone
                column = quote_identifier(name)
                local = f"{column} AT TIME ZONE {quote_literal(zone)}"
                con.execute(f"ALTER TABLE __ml_load ALTER {column} TYPE TIMESTAMPTZ USING {local}")
    point_out_epochs(con, "__ml_load", notes)


def _append(job: _Job, origin: dict[str, str]) -> None:
    """Rows behind those of an existing table, by column name; columns that the files lack are NULL."""
    there = {name.lower(): name for name in job.into}
    new = describe(job.con, "__ml_load")
    for name, kind in new.items():
        if name.lower() not in there:
            of = f", which '{origin[name.lower()]}' has" if name.lower() in origin else ""
            raise SourceError(
                f"The table {job.table!r} has no column {name!r}{of}.",
                remedy=f"ALTER TABLE {job.target} ADD COLUMN {quote_identifier(name)} {kind};",
            )
    given = {name.lower() for name in new}
    if absent := [name for lower, name in there.items() if lower not in given]:
        job.notes.append(f"The new rows have no {', '.join(absent)}: NULL there.")
    job.con.execute(f"INSERT INTO {job.target} BY NAME FROM __ml_load")
