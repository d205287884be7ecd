"""Where a historian's readings land before they are made wide: one temporary table of (e, t, tag, v)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mfgsql.engine.loading.convert import family
from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.options import Pivot
from mfgsql.engine.loading.part import UNKNOWN, Column, Part, fold
from mfgsql.engine.loading.unify import schema_of, select
from mfgsql.engine.quoting import quote_identifier
from mfgsql.errors import OptionError, SourceError, did_you_mean


@dataclass(frozen=True)
class Readings:
    """The table of readings in the order of the files, and the types its columns had.

    Attributes:
        table: its quoted name; ``e`` is there if ``entity`` is.
        time, value, entity: types.
        comma: whether a comma in a text value may be a decimal sign.
    """

    table: str
    time: str
    value: str
    entity: str | None
    comma: bool


def land(job: Job, parts: Sequence[Part], how: Pivot) -> Readings:
    """Puts all files' readings into one table.

    Raises:
        OptionError: a file lacks a column of the pivot.
        SourceError: no reading has a tag and a time.
    """
    roles = {"tag": how.tag, "t": how.ts, "v": how.value} | ({"e": how.entity} if how.entity else {})
    used = [_used(job, part, roles) for part in parts]
    used = _alike(used)
    types = dict(zip(roles, (kind for _, kind in schema_of(job, used)), strict=True))
    table = job.table()
    for i, part in enumerate(used):
        query = select(job, part, list(types.items()))
        job.con.execute(f"INSERT INTO {table} {query}" if i else f"CREATE TABLE {table} AS {query}")
    _drop_nameless(job, table)
    return Readings(table, types["t"], types["v"], types.get("e"), all(part.comma for part in used))


def _used(job: Job, part: Part, roles: dict[str, str]) -> Part:
    """The part's columns that have a role, under the role's name."""
    columns = []
    for role, name in roles.items():
        column = part.find(name)
        if column is None:
            names = [c.name for c in part.columns]
            raise OptionError(
                f"'{part.path}' has no column '{name}' for the pivot.{did_you_mean(name, names)}",
                remedy=f"Its columns are {', '.join(names)}.",
            )
        columns.append(replace(column, name=role))
    taken = {fold(name) for name in roles.values()}
    if left := [c.name for c in part.columns if fold(c.name) not in taken]:
        job.note(f"columns without a place in the pivot are left out: {', '.join(map(repr, left))}", part.path)
    job.unsay(f"column '{columns[2].name}' stays text")
    return replace(part, columns=tuple(columns))


def _alike(parts: list[Part]) -> list[Part]:
    """Tags are text always, and values too where one file has text among them."""
    kinds = {family(column.type) for part in parts for column in part.columns if column.name == "v"} - {UNKNOWN}
    mixed = kinds != {"number"} and (len(kinds) > 1 or "text" in kinds)
    texts = ("tag", "v") if mixed else ("tag",)
    return [
        replace(part, columns=tuple(_text(c) if c.name in texts else c for c in part.columns)) for part in parts
    ]


def _text(column: Column) -> Column:
    sql = column.text or f"CAST({column.sql} AS VARCHAR)"
    return Column(column.name, "VARCHAR", sql, sql)


def _drop_nameless(job: Job, table: str) -> None:
    lost = job.row(f"DELETE FROM {table} WHERE tag IS NULL OR t IS NULL")[0]
    if lost:
        job.note(f"{lost} readings without a tag or a time are left out")
    if not job.rows(f"SELECT 1 FROM {table} LIMIT 1"):
        raise SourceError("No reading has both a tag and a time.", remedy="Look at the columns named in the pivot.")


def order_of(readings: Readings) -> str:
    """The columns that make a row of the wide table."""
    return ", ".join(quote_identifier(name) for name in (("e", "t") if readings.entity else ("t",)))
