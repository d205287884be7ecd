"""The table a load fills: its name, and what is there already."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mfgsql.engine.loading.job import Job
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.errors import OptionError, SourceError

_PART = r'"(?:[^"]|"")+"|[^."]+'
_NAME = re.compile(rf"\s*({_PART})(?:\.({_PART}))?(?:\.({_PART}))?\s*")
_OWN = ("ml", "ml_catalog")


@dataclass(frozen=True)
class Target:
    """A table's place: database, schema, name."""

    database: str
    schema: str
    name: str

    @property
    def sql(self) -> str:
        """The whole name, quoted."""
        return ".".join(map(quote_identifier, (self.database, self.schema, self.name)))

    def __str__(self) -> str:
        """As a person writes it."""
        parts = (self.name,) if self.schema == "main" else (self.schema, self.name)
        return ".".join(part if re.fullmatch(r"[A-Za-z_]\w*", part) else quote_identifier(part) for part in parts)


def find_target(job: Job, text: str) -> Target:
    """The table that ``table``, ``schema.table`` or ``database.schema.table`` means; parts may be quoted.

    Raises:
        OptionError: the text is no name, the schema is missing, or is mfgsql's own.
    """
    match = _NAME.fullmatch(text)
    if not match or "\0" in text:
        raise OptionError(f"{text!r} is not a table's name.", remedy='Write name, schema.name or "any name".')
    *place, name = [_plain(part) for part in match.groups() if part is not None]
    database, schema = _place(job, place)
    if schema.lower() in _OWN:
        raise OptionError(f"Schema {schema} belongs to mfgsql itself.", remedy="Choose another schema.")
    return Target(database, schema, name)


def _plain(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part.strip()


def _place(job: Job, place: list[str]) -> tuple[str, str]:
    database, schema = job.row("SELECT current_database(), current_schema()")
    if not place:
        return database, schema
    known = {(d.lower(), s.lower()): (d, s) for d, s in
             job.rows("SELECT database_name, schema_name FROM duckdb_schemas()")}  # fmt: skip
    wanted = [place] if len(place) == 2 else [[database, place[0]], [place[0], "main"]]
    for pair in wanted:
        if found := known.get((pair[0].lower(), pair[1].lower())):
            return found
    quoted = ".".join(map(quote_identifier, place))
    raise OptionError(f"There is no schema {quoted}.", remedy=f"Make it first: CREATE SCHEMA {quoted};")


def existing_columns(job: Job, target: Target) -> list[tuple[str, str]] | None:
    """Names and types of the table's columns, or None when it isn't there.

    Raises:
        SourceError: it is a view.
    """
    where = (
        f"database_name = {quote_literal(target.database)} AND schema_name = {quote_literal(target.schema)} "
        f"AND lower({{}}) = lower({quote_literal(target.name)})"
    )
    if job.rows(f"SELECT 1 FROM duckdb_views() WHERE {where.format('view_name')}"):
        raise SourceError(f"{target} is a view.", remedy="Choose another name, or drop the view first.")
    columns = job.rows(
        f"SELECT column_name, data_type FROM duckdb_columns() WHERE {where.format('table_name')} ORDER BY column_index"
    )
    return columns or None
