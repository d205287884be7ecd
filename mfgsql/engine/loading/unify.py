"""Several files, one table: columns by name, and one type for each."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from mfgsql.engine.loading.convert import checked_cast, family
from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.part import UNKNOWN, Column, Part, fold
from mfgsql.engine.quoting import quote_identifier
from mfgsql.errors import OptionError, SourceError, did_you_mean

Schema = list[tuple[str, str]]


def schema_of(job: Job, parts: Sequence[Part]) -> Schema:
    """The union of the parts' columns in order of appearance.

    Raises:
        OptionError: ``types`` names a column that no file has, or a type that does not exist.
        SourceError: a column is of two kinds.
    """
    names = {fold(column.name): column.name for part in reversed(parts) for column in reversed(part.columns)}
    ordered = dict.fromkeys(fold(column.name) for part in parts for column in part.columns)
    forced = _forced(job, names)
    for part in parts:
        lacking = [names[key] for key in ordered if not part.find(key)]
        if lacking:
            job.note(f"no column {', '.join(map(repr, lacking))}: NULL there", part.path)
    return [(names[key], forced.get(key) or _common(job, parts, key)) for key in ordered]


def select(job: Job, part: Part, schema: Schema, *, remedy: str = "") -> str:
    """The SELECT that gives the part's rows in that schema.

    Raises:
        SourceError: a value does not fit its column.
    """
    items = []
    for name, kind in schema:
        column = part.find(name) or Column(name, UNKNOWN, "NULL")
        hint = remedy or f"Take another type with --type, such as --type '{name}=VARCHAR'."
        items.append(f"{checked_cast(job, part, column, kind, remedy=hint)} AS {quote_identifier(name)}")
    return f"SELECT {', '.join(items)} FROM {part.relation}"


def _forced(job: Job, names: dict[str, str]) -> dict[str, str]:
    forced = {}
    for name, kind in job.options.types:
        if fold(name) not in names:
            hint = did_you_mean(name, names.values())
            raise OptionError(
                f"types names the column '{name}', which is in no file.{hint}",
                remedy=f"Columns are {', '.join(names.values())}.",
            )
        forced[fold(name)] = _canonical(job, kind)
    return forced


def _canonical(job: Job, kind: str) -> str:
    """DuckDB's own name of the type; text that is more than a type (an injection) is refused."""
    try:
        return str(job.con.dtype(kind))
    except (duckdb.Error, RuntimeError):
        raise OptionError(f"{kind!r} is no SQL type.", remedy="Such as VARCHAR, BIGINT, DOUBLE, TIMESTAMP.") from None


def _common(job: Job, parts: Sequence[Part], name: str) -> str:
    """The one type that holds the column's values of all files."""
    common, origin = UNKNOWN, parts[0]
    for part in parts:
        column = part.find(name)
        if column is None or column.type in (UNKNOWN, common):
            continue
        if common == UNKNOWN:
            common, origin = column.type, part
            continue
        common = _wider(job, common, column.type) or _conflict(job, (origin, part), name)
    return "VARCHAR" if common == UNKNOWN else common


def _wider(job: Job, one: str, other: str) -> str | None:
    if family(one) != family(other) and not (one.endswith("]") and other.endswith("]")):
        return None
    try:
        both = f"SELECT CAST(NULL AS {one}) AS x UNION ALL SELECT CAST(NULL AS {other})"
        return str(job.row(f"SELECT typeof(x) FROM ({both})")[0])
    except duckdb.Error:
        return None


def _conflict(job: Job, parts: tuple[Part, Part], name: str) -> str:
    told = []
    for part in parts:
        column = part.find(name)
        assert column is not None  # noqa: S101 - the caller found it in both
        told.append(f"{column.type} in '{part.path}' (such as {_example(job, part, column)!r})")
        name = column.name
    raise SourceError(
        f"Column '{name}' is {' but '.join(told)}.", remedy=f"Mend the file, or add --type '{name}=VARCHAR'."
    )


def _example(job: Job, part: Part, column: Column) -> object:
    """A value that tells: in a column of text one that is no number."""
    value = f"CAST({column.text or column.sql} AS VARCHAR)"
    return job.row(
        f"SELECT value FROM (SELECT {value} AS value FROM {part.relation}) WHERE value IS NOT NULL "
        "ORDER BY TRY_CAST(value AS DOUBLE) IS NOT NULL LIMIT 1"
    )[0]
