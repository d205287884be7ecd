"""What each tag of a historian is: a number or a text, by all its values; and which values say that there is none."""

from __future__ import annotations

from dataclasses import dataclass

from mfgsql.engine.loading.convert import family
from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.landing import Readings
from mfgsql.engine.loading.readings import (
    COMMA,
    GROUPED_COMMA,
    STATES,
    Reading,
    missing,
)
from mfgsql.engine.loading.readings import readings as known_readings
from mfgsql.engine.quoting import quote_literal
from mfgsql.errors import SourceError

_MOST = 5000
_STATE = f"(lower(trim(v)) IN ({', '.join(map(quote_literal, STATES))}))"


@dataclass(frozen=True)
class Tag:
    """One tag: its number among the tags, and its column's type."""

    name: str
    number: int
    type: str


@dataclass(frozen=True)
class Judged:
    """All tags of the readings.

    Attributes:
        tags: by name.
        table: a temporary table (tag, k, how) for the join.
        value: SQL for a reading's value, NULL where its quality is bad; text if the readings are.
    """

    tags: list[Tag]
    table: str
    value: str


def judge(job: Job, readings: Readings, column: str) -> Judged:
    """Looks at all values of each tag.

    Raises:
        SourceError: ``column`` has more different values than a table may have columns.
    """
    numbers = _numbers(job, readings)
    found = _count(job, readings, numbers)
    if len(found) > _MOST:
        raise SourceError(
            f"Column '{column}' names {len(found)} tags; a table of more than {_MOST} columns is no use.",
            remedy="Name the right column as the pivot's tag, or load the long form and select by SQL.",
        )
    judged = [_how(row, numbers) for row in found]
    table = job.table()
    rows = ", ".join(f"({quote_literal(row[0])}, {k}, {how})" for k, (row, how) in enumerate(zip(found, judged, strict=True)))
    job.con.execute(f"CREATE TABLE {table} AS SELECT * FROM (VALUES {rows}) AS tags(tag, k, how)")
    _note_bad(job, readings, table, numbers)
    tags = [Tag(row[0], k, _type(readings, how)) for k, (row, how) in enumerate(zip(found, judged, strict=True))]
    return Judged(tags, table, _value(readings, numbers))


def _numbers(job: Job, readings: Readings) -> list[Reading]:
    """The readings of numbers worth trying; none where the values have their types already."""
    if readings.value != "VARCHAR":
        return []
    known = known_readings(decimal=job.options.decimal, comma=readings.comma, date_format=None)
    return [reading for reading in known if reading.type == "DOUBLE"]


def _count(job: Job, readings: Readings, numbers: list[Reading]) -> list[tuple[str | int, ...]]:
    """A row a tag: name, values, gaps (words for "no value"), certain gaps, values that fit each reading."""
    if not numbers:
        return job.rows(f"SELECT tag FROM {readings.table} GROUP BY tag ORDER BY tag")
    sure = f"count_if({_STATE} OR lower(trim(v)) IN ('bad', ''))"
    fits = ", ".join(f"count_if({reading.fits('v')})" for reading in numbers)
    return job.rows(
        f"SELECT tag, count(v), count_if({missing('v')}), {sure}, {fits} FROM {readings.table} GROUP BY tag ORDER BY tag"
    )
