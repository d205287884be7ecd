"""A column in another type, where that loses nothing; else the row and the value that stand against it."""

from __future__ import annotations

import duckdb

from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.part import UNKNOWN, Column, Part
from mfgsql.engine.loading.readings import missing
from mfgsql.errors import SourceError

_FAMILIES = {
    "number": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
               "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
    "instant": ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"),
    "time": ("TIMESTAMP", "DATE"),
    "text": ("VARCHAR",),
}  # fmt: skip


def family(kind: str) -> str:
    """``number``, ``instant`` (knows its offset), ``time`` (does not), ``text``, or the type itself."""
    if kind.endswith("]"):
        return kind
    return next((name for name, begins in _FAMILIES.items() if kind.startswith(begins)), kind)


def cast(column: Column, target: str) -> str:
    """SQL for the column in the target type."""
    if column.type == UNKNOWN:
        return f"CAST(NULL AS {target})"
    if column.type == target:
        return column.sql
    return f"CAST({_source(column, target)} AS {target})"


def checked_cast(job: Job, part: Part, column: Column, target: str, *, remedy: str) -> str:
    """The same, after a look at all rows.

    Raises:
        SourceError: a value would be lost or changed; the message names its row.
    """
    if column.type not in (UNKNOWN, target) and not _widening(column.type, target):
        _refuse_zones(part, column, target, remedy)
        _look(job, part, column, target, remedy)
    return cast(column, target)


def _source(column: Column, target: str) -> str:
    """What is cast: the file's own letters where text is wanted, or where no type fitted them."""
    if column.text is None:
        return column.sql
    if target == "VARCHAR":
        return column.text
    if column.type != "VARCHAR":
        return column.sql
    return f"CASE WHEN NOT {missing(column.text)} THEN trim({column.spelt or column.text}) END"


def _widening(kind: str, target: str) -> bool:
    """Types between which no value is lost, so that no row need be looked at."""
    if target == "VARCHAR" or (target == "DOUBLE" and family(kind) == "number"):
        return True
    return (kind, target) in (("BIGINT", "HUGEINT"), ("INTEGER", "BIGINT"), ("DATE", "TIMESTAMP"))


def _refuse_zones(part: Part, column: Column, target: str, remedy: str) -> None:
    pair = {family(column.type), family(target)}
    if pair == {"instant", "time"}:
        zoned = family(column.type) == "instant"
        raise SourceError(
            f"'{part.path}': the times of column '{column.name}' {'have offsets' if zoned else 'name no time zone'}, "
            f"but the column is {target}.",
            remedy=remedy if zoned else "Say whose clock they are, such as --timezone Europe/Berlin.",
        )


def _look(job: Job, part: Part, column: Column, target: str, remedy: str) -> None:
    """Finds the first value that the type can't hold."""
    source = _source(column, target)
    condition = f"{source} IS NOT NULL AND ({_lost(column, source, target)})"
    search = (
        f"SELECT row, CAST(value AS VARCHAR) FROM (SELECT row_number() OVER () AS row, {column.text or column.sql} "
        f"AS value, {condition} AS lost FROM {part.relation}) WHERE lost LIMIT 1"
    )
    try:
        found = job.rows(search) if job.row(f"SELECT count_if({condition}) FROM {part.relation}")[0] else []
    except duckdb.BinderException:
        raise SourceError(
            f"'{part.path}': column '{column.name}' is {column.type}, which can't become {target}.", remedy=remedy
        ) from None
    if found:
        row, value = found[0]
        raise SourceError(
            f"'{part.path}', data row {row}: column '{column.name}' has {value!r}, which {target} can't hold.", remedy=remedy
        )


def _lost(column: Column, source: str, target: str) -> str:
    """SQL: the value is not castable, or a whole number or a date would cut something off it."""
    tried = f"TRY_CAST({source} AS {target})"
    tests = [f"{tried} IS NULL"]
    if family(target) == "number" and target not in ("DOUBLE", "FLOAT") and not target.startswith("DECIMAL"):
        tests.append(f"TRY_CAST({source} AS DOUBLE) <> CAST({tried} AS DOUBLE)")
    if target == "DATE":
        tests.append(f"TRY_CAST({source} AS TIMESTAMP) <> CAST({tried} AS TIMESTAMP)")
    return " OR ".join(tests)
