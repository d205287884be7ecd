"""Every public verb is a table macro over one planner: arguments in, a plain SELECT out.

Planning is pure. It reads the catalog and judges the arguments; a verb that acts returns a SELECT over ``_ml_run``,
which acts when it is executed. So EXPLAIN, PREPARE and CREATE VIEW change nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from mfgsql.engine import verbs
from mfgsql.engine.access import admit_verb, asked_by, read_job, who_asks, write_job
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.errors import CancelledError, OptionError
from mfgsql.registry import Registry

if TYPE_CHECKING:
    from mfgsql.cancellation import Cancellation
    from mfgsql.engine.engine import Engine

Args = dict[str, Any]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Action:
    """What a verb does when it is executed: its result's columns with types, and the function."""

    columns: Mapping[str, str]
    run: Callable[[Engine, Args], Rows]


planners: Registry[Callable[[Engine, Args], str]] = Registry("verb", verbs.load)
actions: Registry[Action] = Registry("action", verbs.load)


def plan(engine: Engine, verb: str, args: Args) -> str:
    """The SELECT that does what the verb says.

    Raises:
        InputError, NotFoundError: the arguments can't be done.
        AccessError: they can't be by whom asks.
    """
    identity, planner = who_asks(engine), planners[verb]
    admit_verb(identity, verb)
    with asked_by(identity, engine.guarded):
        return planner(engine, plain(args))


def run(engine: Engine, job: str) -> str:
    """Execute a job that a plan holds; its rows as JSON. In a served engine it must carry the seal of a plan.

    Raises:
        AccessError: it carries none.
    """
    read, identity = read_job(engine, job)
    with asked_by(identity, engine.guarded):
        return json.dumps(actions[read["action"]].run(engine, read["args"]), default=str, ensure_ascii=False)


def acting_plan(action: str, args: Args, columns: Mapping[str, str] | None = None) -> str:
    """The plan of an action: one evaluation of ``_ml_run``, its rows typed.

    Args:
        columns: of the result, where they are not the action's own but the source's.
    """
    job = write_job({"action": action, "args": args})
    return json_rows(f"_ml_run({quote_literal(job)})", actions[action].columns if columns is None else columns)


@contextmanager
def stoppable(engine: Engine, args: Args) -> Iterator[tuple[duckdb.DuckDBPyConnection, Cancellation]]:
    """A cursor for an action, whose statements stop with the session that asked, and what tells of that.

    Raises:
        CancelledError: it was stopped.
    """
    cancellation = engine.cancellation(args.get("session"))
    try:
        with engine.cursor() as cursor, cancellation.calls(cursor.interrupt):
            yield cursor, cancellation
    except duckdb.InterruptException:
        raise CancelledError("Cancelled.") from None


def json_rows(call: str, columns: Mapping[str, str], source: str | None = None) -> str:
    """A SELECT of the rows that a call returns as a JSON list. The subquery keeps the call to one evaluation."""
    schema = json.dumps([dict(columns)], ensure_ascii=False)
    behind = f" FROM {source}" if source else ""
    return (
        f"SELECT __ml.* FROM (SELECT unnest(from_json(__json, {quote_literal(schema)})) AS __ml "
        f"FROM (SELECT {call} AS __json{behind}))"
    )


def at_place(con: duckdb.DuckDBPyConnection, args: Args) -> duckdb.DuckDBPyConnection:
    """The cursor, resolving names where the caller does (after ``USE other``)."""
    if place := args.get("place"):
        con.execute(f"USE {'.'.join(quote_identifier(p) for p in place)}")
    return con


def read_options(args: Args, example: str) -> dict[str, Any]:
    """A copy of the ``options`` struct, empty where none was given.

    Raises:
        OptionError: it is no struct; the message shows one.
    """
    options = args.get("options") or {}
    if not isinstance(options, dict):
        raise OptionError(f"options is a struct, as {example}, not {options!r}.")
    return dict(options)


def read_exclude(names: Any) -> list[str]:
    """Columns to leave out, of a list or of a text with commas.

    Raises:
        OptionError: it is neither.
    """
    return read_names(names, "exclude is a list of columns, as {'exclude': ['column']}")


def read_names(told: Any, form: str) -> list[str]:
    """Names of columns, of a list or of a text with commas; none of NULL.

    Args:
        form: what it is, in words.

    Raises:
        OptionError: it is neither.
    """
    names = [name.strip() for name in told.split(",")] if isinstance(told, str) else told
    if not isinstance(names, list | None) or not all(isinstance(n, str) for n in names or ()):
        raise OptionError(f"{form}, not {told!r}.")
    return names or []


def finite(value: float) -> float | None:
    """A number of a result's row; NULL where it is none."""
    return float(value) if math.isfinite(value) else None


def plain(value: Any) -> Any:
    """Arguments as JSON can hold them: decimals as floats, intervals and times as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, pa.MonthDayNano):
        return f"{value.months} months {value.days} days {value.nanoseconds // 1000} microseconds"
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
