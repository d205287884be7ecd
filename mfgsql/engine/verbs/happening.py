"""``ml_events``: what had happened to each row's entity by then: counts in a stretch of time, and ages.

Events at the row's moment count, later ones never. All kinds are counted on one time line, cumulatively: a count is the
difference of two of its places, the row's own and the one a stretch before, so that kinds cost columns and no joins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from mfgsql.engine.clock import Span, read_span, read_unit
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.kept import column, kept, read_name
from mfgsql.engine.kinds import names_of, read_kinds
from mfgsql.engine.moments import Moments, Timeline, read_moments
from mfgsql.engine.planning import Args, at_place, planners, read_options
from mfgsql.engine.quoting import quote_identifier, quote_text
from mfgsql.engine.sources import read_source
from mfgsql.errors import OptionError
from mfgsql.options import check_options

_OPTIONS = ("field", "kinds", "within", "unit", "happened_at", "reset")
_WITHIN = "0 months 7 days 0 microseconds"


@dataclass(frozen=True)
class _Wanted:
    """Arguments that were understood.

    Attributes:
        tests: a condition on an event for each pair of columns, all events first. names: of these pairs.
        reset: of events that set ``age`` to 0.
    """

    rows: Timeline
    events: Moments
    within: Span
    per: float
    tests: list[str]
    names: list[str]
    reset: str | None

    @property
    def outputs(self) -> list[str]:
        """Columns of the result that are not the source's."""
        return [f"{name}_{what}" for name in self.names for what in ("count", "age")] + ["age"]


@planners.register("events")
def plan_events(engine: Engine, args: Args) -> str:
    """The source's rows, with what had happened by then."""
    cancellation = engine.cancellation(caller_id())
    with engine.cursor() as cursor, cancellation.calls(cursor.interrupt):
        wanted = _read(at_place(cursor, args), args)
    counts, ages = [], []
    per = f"CAST({wanted.per!r} AS DOUBLE)"
    for at, name in enumerate(wanted.names):
        count = f"coalesce(__ml_n{at}, 0) - coalesce(__ml_m{at}, 0)"
        counts.append(f"CASE WHEN __ml_first IS NOT NULL THEN {count} END AS {quote_identifier(f'{name}_count')}")
        ages.append(f"(__ml_at - __ml_t{at}) / {per} AS {quote_identifier(f'{name}_age')}")
    pairs = ", ".join(text for pair in zip(counts, ages, strict=True) for text in pair)
    since = "coalesce(__ml_reset, __ml_first)" if wanted.reset else "__ml_first"
    return (
        f"WITH __ml_line AS ({_line(wanted)}) SELECT {kept(wanted.outputs)}, {pairs}, "
        f"(__ml_at - {since}) / {per} AS age FROM ({_rows(wanted)}) "
        "ASOF LEFT JOIN __ml_line ON __ml_whose = __ml_entity AND __ml_when <= __ml_at "
        f"ASOF LEFT JOIN ({_before(wanted)}) ON __ml_theirs = __ml_entity "
        f"AND __ml_before <= __ml_at - {wanted.within.sql}"
    )


def _rows(wanted: _Wanted) -> str:
    known = "CASE WHEN __ml_entity IS NOT NULL AND __ml_at IS NOT NULL THEN "
    first = f"{known}min(__ml_at) OVER (PARTITION BY __ml_entity) END AS __ml_first"
    return f"SELECT *, {first} FROM ({wanted.rows.rows()})"


def _line(wanted: _Wanted) -> str:
    """For each entity and moment of an event: how many there were up to it, and when the last one was."""
    tests = [f"coalesce({test}, false) AS __ml_is{at}" for at, test in enumerate(wanted.tests)]
    tests += [f"coalesce({wanted.reset}, false) AS __ml_resets"] if wanted.reset else []
    events = wanted.rows.moments(wanted.events, "__ml_whose", "__ml_when", *tests)
    over = "OVER (PARTITION BY __ml_whose ORDER BY __ml_when)"
    sums = [f"count(*) FILTER (__ml_is{at}) AS __ml_c{at}" for at in range(len(wanted.tests))]
    lines = [
        f"CAST(sum(__ml_c{at}) {over} AS BIGINT) AS __ml_n{at}, "
        f"max(CASE WHEN __ml_c{at} > 0 THEN __ml_when END) {over} AS __ml_t{at}"
        for at in range(len(wanted.tests))
    ]
    if wanted.reset:
        sums.append("bool_or(__ml_resets) AS __ml_resets")
        lines.append(f"max(CASE WHEN __ml_resets THEN __ml_when END) {over} AS __ml_reset")
    grouped = f"SELECT __ml_whose, __ml_when, {', '.join(sums)} FROM ({events}) GROUP BY ALL"
    return f"SELECT __ml_whose, __ml_when, {', '.join(lines)} FROM ({grouped})"


def _before(wanted: _Wanted) -> str:
    counts = ", ".join(f"__ml_n{at} AS __ml_m{at}" for at in range(len(wanted.tests)))
    return f"SELECT __ml_whose AS __ml_theirs, __ml_when AS __ml_before, {counts} FROM __ml_line"


def _read(con: duckdb.DuckDBPyConnection, args: Args) -> _Wanted:
    options = read_options(args, "{'field': 'code'}")
    check_options(options, _OPTIONS)
    source = read_source(con, args.get("source"))
    within = read_span(con, "within", options.get("within", _WITHIN))
    order_by = read_name(args, "order_by", "ts")
    told = args.get("events"), "happened_at", options.get("happened_at")
    events = read_moments(con, "events", *told, order_by, remedy="Name the table of events.")
    field = _field(options)
    kinds = read_kinds(con, events.source, field, options.get("kinds"))
    tests = ["true", *(_is(field, kind) for kind in kinds)]
    names = ["events", *names_of(kinds, ["events"])]
    reset = None if options.get("reset") is None else _is(field, options["reset"])
    rows = Timeline(
        "ml_events", source, read_name(args, "entity", "machine_id"), order_by, within.numeric, "options.within"
    )
    per = read_unit(options.get("unit"), numeric=within.numeric)
    wanted = _Wanted(rows, events, within, per, tests, names, reset)
    for role in ("entity", "order_by"):
        read_name(args, role, "", outputs=wanted.outputs)
    return wanted


def _field(options: dict[str, Any]) -> str | None:
    field = options.get("field")
    if not isinstance(field, str | None):
        raise OptionError(f"field is the name of the events' column of kinds, not {field!r}.")
    if field is None and options.get("reset") is not None:
        raise OptionError("reset is a kind of event.", remedy="Name the column of kinds: options := {'field': 'code'}.")
    return field


def _is(field: str | None, kind: Any) -> str:
    """Whether an event is of a kind."""
    if field is None or isinstance(kind, list | dict):
        raise OptionError(f"reset is one kind of event, not {kind!r}.")
    return f"CAST({column('events', field)} AS VARCHAR) = {quote_text(str(kind))}"
