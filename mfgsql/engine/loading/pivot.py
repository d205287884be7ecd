"""A historian's long form (entity, tag, time, value) made wide: a row an instant, a column a tag.

Everything stays in SQL: readings land in a temporary table, each tag is judged by all its values, and the wide rows
are one PIVOT over numbered tags (their names may differ by case only, or be anything at all).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from mfgsql.engine.loading.convert import family
from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.names import repair
from mfgsql.engine.loading.options import Pivot
from mfgsql.engine.loading.part import Column, Part, fold
from mfgsql.engine.loading.tags import Tag, judge, values_of
from mfgsql.engine.loading.unify import Schema, schema_of, select
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.errors import OptionError, SourceError, did_you_mean

_MOST_ROWS = 200_000_000


@dataclass(frozen=True)
class _Long:
    """The readings as they landed: a table of (e, t, tag, v), and what its columns were."""

    table: str
    time: str
    value: str
    entity: str | None


def pivot(job: Job, parts: Sequence[Part], how: Pivot) -> Part:
    """The one part that all files' readings become.

    Raises:
        OptionError: a column of the pivot is missing, or an interval can't be read.
        SourceError: times or tags are not what they should be.
    """
    every, limit = _interval(job, "every", how.every), _interval(job, "fill_limit", how.fill_limit)
    long = _land(job, parts, how)
    if (every or limit) and long.time not in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DATE"):
        raise SourceError(
            f"Column '{how.ts}' is {long.time}, no time, so that {'every' if every else 'fill_limit'} has no meaning.",
            remedy=f"If it counts since 1970, add --epoch '{how.ts}'.",
        )
    comma = all(part.comma for part in parts)
    tags = judge(job, long.table, long.value, how.tag, comma=comma)
    wide = _wide(job, long, tags, every, fill=how.fill == "last")
    filled = _filled(job, wide, tags, limit) if how.fill == "last" else wide
    return _part(job, filled, long, tags, how)


def _interval(job: Job, option: str, text: str | None) -> str | None:
    """SQL for the interval."""
    if text is None:
        return None
    sql = f"CAST({quote_literal(text)} AS INTERVAL)"
    try:
        positive = job.row(f"SELECT {sql} > INTERVAL 0 SECOND")[0]
    except duckdb.Error:
        positive = False
    if not positive:
        raise OptionError(f"{option} = {text!r} is no interval.", remedy="Such as '1 minute' or '12 hours'.")
    return sql


def _land(job: Job, parts: Sequence[Part], how: Pivot) -> _Long:
    """All readings in one temporary table, in the order of the files."""
    roles = {"tag": how.tag, "ts": how.ts, "value": how.value, **({"entity": how.entity} if how.entity else {})}
    _require(parts, roles)
    job.unsay(f"column '{how.value}' stays text")
    used = [Part(p.path, p.relation, tuple(c for c in p.columns if _role(c, roles)), p.comma) for p in parts]
    types = _types(job, used, how)
    schema: Schema = [(name, types[fold(name)]) for name in roles.values()]
    order = [quote_identifier(name) for name in roles.values()]
    table = job.table()
    names = ["tag", "t", "v", *(["e"] if how.entity else [])]
    for i, part in enumerate(used):
        query = f"SELECT {', '.join(f'{o} AS {n}' for o, n in zip(order, names, strict=True))} FROM ({select(job, part, schema)})"
        job.con.execute(f"INSERT INTO {table} {query}" if i else f"CREATE TEMP TABLE {_local(table)} AS {query}")
    _drop_nameless(job, table, how)
    entity = types[fold(how.entity)] if how.entity else None
    return _Long(table, types[fold(how.ts)], types[fold(how.value)], entity)
