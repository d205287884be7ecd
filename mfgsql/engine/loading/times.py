"""Times: counts since 1970 become timestamps, and local times of a zone become instants."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mfgsql.engine.loading.convert import family
from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.part import Column, Part, fold
from mfgsql.engine.quoting import quote_literal
from mfgsql.errors import OptionError, SourceError, did_you_mean

_WORDS = ("time", "date", "stamp", "epoch", "zeit", "datum", "unix", "fecha", "hora", "heure", "时间", "日期", "时刻")
_YEAR_2000, _YEAR_2100 = 946_684_800, 4_102_444_800  # seconds


@dataclass(frozen=True)
class Unit:
    """A unit of counting: what a note calls it, its size, and SQL for microseconds of ``$x``."""

    name: str
    per_second: int
    micros: str


UNITS = (
    Unit("seconds", 1, "CAST(round(CAST($x AS DOUBLE) * 1000000) AS BIGINT)"),
    Unit("milliseconds", 10**3, "CAST(round($x * 1000) AS BIGINT)"),
    Unit("microseconds", 10**6, "CAST(round($x) AS BIGINT)"),
    Unit("nanoseconds", 10**9, "(CAST($x AS BIGINT) // 1000)"),
)


def unit_of(largest: float) -> Unit:
    """The unit in which a count of that size is a year before 5138."""
    return next((unit for unit in UNITS if abs(largest) < 1e11 * unit.per_second), UNITS[-1])


def read_times(job: Job, parts: list[Part]) -> list[Part]:
    """The parts with epochs and zones applied.

    Raises:
        OptionError: a column named in ``epoch`` is in no file, or the zone is unknown.
        SourceError: a column named in ``epoch`` holds no numbers, or counts of two units.
    """
    if job.options.epoch == "auto":
        for part in parts:
            _note_candidates(job, part)
    for name in () if job.options.epoch == "auto" else job.options.epoch:
        _require(name, parts)
        parts = [_epoch(job, part, part.find(name)) for part in parts]
    if job.options.timezone is not None:
        zone = _zone(job, job.options.timezone)
        parts = [_zoned(job, part, zone) for part in parts]
    return parts


def _require(name: str, parts: list[Part]) -> None:
    if not any(part.find(name) for part in parts):
        names = dict.fromkeys(column.name for part in parts for column in part.columns)
        raise OptionError(
            f"epoch names the column '{name}', which is in no file.{did_you_mean(name, names)}",
            remedy=f"Columns are {', '.join(names)}.",
        )


def _epoch(job: Job, part: Part, column: Column | None) -> Part:
    if column is None:
        return part
    if family(column.type) != "number":
        raise SourceError(
            f"'{part.path}': column '{column.name}' is {column.type}, so that it can't count time since 1970.",
            remedy=f"Leave out --epoch {column.name}.",
        )
    x = column.sql
    low, high = job.row(f"SELECT min(abs({x})) FILTER ({x} <> 0), max(abs({x})) FROM {part.relation}")
    unit = unit_of(high or 0)
    if low is not None and unit_of(low) is not unit and unit_of(low * 10) is not unit:
        raise SourceError(
            f"'{part.path}': column '{column.name}' counts in two units: {low} would be "
            f"{unit_of(low).name} since 1970, {high} {unit.name}.",
            remedy=f"Mend the file, or load it without --epoch {column.name}.",
        )
    job.note(f"column '{column.name}' read as {unit.name} since 1970 (UTC)", part.path)
    naive = f"make_timestamp({unit.micros.replace('$x', x)})"
    if job.options.timezone is None:
        return part.having(Column(column.name, "TIMESTAMP", naive))
    return part.having(Column(column.name, "TIMESTAMP WITH TIME ZONE", f"timezone('UTC', {naive})"))


def _note_candidates(job: Job, part: Part) -> None:
    numbers = [column for column in part.columns if column.type in ("BIGINT", "UBIGINT", "DOUBLE")]
    if not numbers:
        return
    bounds = job.row(f"SELECT {', '.join(f'min({c.sql}), max({c.sql})' for c in numbers)} FROM {part.relation}")
    for column, low, high in zip(numbers, bounds[::2], bounds[1::2], strict=True):
        if low is None or not (unit := _plausible(column.name, low, high)):
            continue
        job.note(f"column '{column.name}' looks like epoch {unit.name}: add --epoch {column.name}", part.path)


def _plausible(name: str, low: float, high: float) -> Unit | None:
    """All values fall in 2000 to 2100. Counts of seconds are also the size of ids: there the name must agree."""
    telling = any(word in name.lower() for word in _WORDS) or fold(name) in ("ts", "t")
    for unit in UNITS if telling else UNITS[1:]:
        if _YEAR_2000 * unit.per_second <= low <= high < _YEAR_2100 * unit.per_second:
            return unit
    return None


def _zone(job: Job, name: str) -> str:
    zones = [row[0] for row in job.rows("SELECT name FROM pg_timezone_names()")]
    exact = next((zone for zone in zones if zone.lower() == name.lower()), None)
    if exact is None:
        raise OptionError(f"There is no time zone '{name}'.{did_you_mean(name, zones)}", remedy="Such as Europe/Berlin.")
    return str(exact)


def _zoned(job: Job, part: Part, zone: str) -> Part:
    local = [column for column in part.columns if column.type.startswith("TIMESTAMP") and "ZONE" not in column.type]
    for column in local:
        naive = f"CAST({column.sql} AS TIMESTAMP)"
        instant = f"timezone({quote_literal(zone)}, {naive})"
        _note_changes(job, part, column.name, naive, instant, zone)
        part = part.having(replace(column, type="TIMESTAMP WITH TIME ZONE", sql=instant, text=None))
    return part


def _note_changes(job: Job, part: Part, name: str, naive: str, instant: str, zone: str) -> None:
    """Says how many times a change of the clock leaves out, or has twice."""
    back = f"timezone({quote_literal(zone)}, {instant}"
    twice = " OR ".join(f"{back} {sign} INTERVAL {minutes} MINUTE) = {naive}" for sign in "+-" for minutes in (30, 60))
    gaps, doubles = job.row(
        f"SELECT count_if({back}) <> {naive}), count_if({twice}) FROM {part.relation}"
    )
    if gaps:
        job.note(f"column '{name}': {gaps} times do not exist in {zone} (the clock was put forward); "
                 "they are read an hour later", part.path)
    if doubles:
        job.note(f"column '{name}': {doubles} times exist twice in {zone} (the clock was put back); "
                 "they are read as the second, standard time", part.path)
