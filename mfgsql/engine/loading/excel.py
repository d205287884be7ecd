"""Excel and OpenDocument sheets, by polars and calamine (the extra ``excel``)."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from mfgsql.engine.loading.infer import infer
from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.names import repair
from mfgsql.engine.loading.part import Part
from mfgsql.engine.loading.readings import readings
from mfgsql.engine.loading.relations import columns_of
from mfgsql.errors import MissingExtraError, OptionError, SourceError, did_you_mean, one_of


def read_excel(job: Job, path: str) -> Part:
    """The part of one sheet. It is held in memory; a sheet has at most 1,048,576 rows.

    Raises:
        MissingExtraError: fastexcel is not installed.
        OptionError: no sheet of that name.
        SourceError: the file is damaged or locked by a password.
    """
    book = _open(path)
    sheet = _sheet(job, path, book.sheet_names)
    frame = _frame(path, sheet)
    names, changes = repair(_header(book, sheet))
    for change in changes:
        job.note(change, path)
    relation = job.view(frame.rename(dict(zip(frame.columns, names, strict=True))).to_arrow())
    return _with_texts(job, Part(path, relation, columns_of(job, relation)))


def _header(book: Any, sheet: str) -> list[str]:
    """The first row as it is written; fastexcel's own names hide that one is missing or repeated."""
    row = book.load_sheet(sheet, header_row=None, n_rows=1, dtypes="string").to_arrow().to_pylist()[0]
    return [name or "" for name in row.values()]


def _with_texts(job: Job, part: Part) -> Part:
    """A column of numbers in which one cell is a word comes as text: it is read as a text file's would be."""
    cells = [(column.name, column.sql) for column in part.columns if column.type == "VARCHAR"]
    if not cells:
        return part
    known = readings(decimal=job.options.decimal, comma=True, date_format=job.options.date_format)
    found = {column.name: column for column in infer(job, part.path, part.relation, cells, known)}
    return replace(part, columns=tuple(found.get(column.name, column) for column in part.columns))


def _open(path: str) -> Any:
    try:
        import fastexcel
    except ImportError:
        raise MissingExtraError(
            f"'{path}' is an Excel file, and the package that reads those is not installed.",
            remedy="Try: pip install 'mfgsql[excel]'",
        ) from None
    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of each empty column
    try:
        return fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        raise _damaged(path, error) from None


def _sheet(job: Job, path: str, sheets: list[str]) -> str:
    wanted = job.options.sheet
    if wanted is None:
        if len(sheets) > 1:
            job.note(f"sheet '{sheets[0]}' is read, not {one_of(f'{name!r}' for name in sheets[1:])}", path)
        return sheets[0]
    if wanted not in sheets:
        raise OptionError(
            f"'{path}' has no sheet '{wanted}'.{did_you_mean(wanted, sheets)}",
            remedy=f"Name one of {', '.join(map(repr, sheets))}.",
        )
    return wanted


def _frame(path: str, sheet: str) -> Any:
    import polars as pl
    from polars.exceptions import NoDataError

    try:
        return pl.read_excel(path, sheet_name=sheet, engine="calamine", infer_schema_length=None, drop_empty_cols=False)
    except NoDataError:
        raise SourceError(f"'{path}', sheet '{sheet}' is empty.", remedy="Name another with --sheet.") from None
    except (ValueError, OSError, RuntimeError) as error:
        raise _damaged(path, error) from None


def _damaged(path: str, error: Exception) -> SourceError:
    first = str(error).splitlines()[0]
    return SourceError(f"'{path}' can't be read as Excel: {first}.", remedy="Save it again in Excel, unlocked.")
