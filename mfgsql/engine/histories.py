"""Histories among frozen rows: how a model is to read them, measured on the rows themselves."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import duckdb

from mfgsql.engine.planning import Args
from mfgsql.engine.quoting import quote_identifier
from mfgsql.errors import OptionError, SourceError
from mfgsql.features import History
from mfgsql.features.profile import NUMERIC_TYPES, TIME_TYPES, base_type
from mfgsql.manifest import Manifest
from mfgsql.tasks import ANOMALY, FORECAST, PROCESS
from mfgsql.tasks.anomaly import level_of, reach_of
from mfgsql.training import Recipe
from mfgsql.training.windows import HISTORY, MOMENT

LABELS = ("fails_within", "rul", "censored")  # columns that ml_labels writes: none tells another
_WINDOW = 64  # rows, where nothing is said
_OF_CASES = 32  # events, at most: what lies further back is told by the time that has passed
_FEWEST_ENTITIES = 5  # to judge by whole ones
_ROOM = 2.0  # times the time that windows usually span
_SHARED = 0.2  # of the rows have a moment of another's; more, and they are hardly of one machine
_LIVES = 50  # quantiles of lives that are kept
BLOCKS = "__ml_blocks"  # a split by stretches of time
_STRUCTURE = ("window", "patch", "memory", "fill", "shortest")


def reads_histories(args: Args, base: Manifest | None) -> bool:
    """Whether the model is to read windows: where a window is said, the task asks for one, or the base has one."""
    options = args.get("options") or {}
    asked = bool(options.get("window") or options.get("memory") or args.get("resample"))
    # A detector without an order may be one of pictures, which the rows tell.
    alone = args.get("task") == ANOMALY and (args.get("field") or not (args.get("order_by") or args.get("entity")))
    listed = args.get("task") in ("rul", FORECAST, PROCESS) or (args.get("task") == ANOMALY and not alone)
    return asked or listed or (base is not None and (base.history is not None or base.grid is not None))


def check_roles(args: Args, types: dict[str, str]) -> None:
    """See that there is an order.

    Raises:
        OptionError: order_by is missing, or text, which has an order of its own.
    """
    name = args.get("order_by")
    if not name:
        raise OptionError(
            "A model that reads histories needs the column of time.",
            remedy="Name it: order_by := 'ts', and the machine: entity := 'machine_id'.",
        )
    check_order(name, types[name])


def check_order(name: str, type_name: str) -> None:
    """Refuse to order by what has no order in time.

    Raises:
        OptionError: neither a time nor a number.
    """
    kind = base_type(type_name)
    if kind not in TIME_TYPES and kind not in NUMERIC_TYPES:
        quoted = quote_identifier(name)
        raise OptionError(
            f"Histories can't be ordered by {name!r}: it is {type_name}, no time and no number.",
            remedy=f"Cast it in the source: SELECT * REPLACE ({quoted}::TIMESTAMP AS {quoted}) FROM ...",
        )


def places(args: Args, types: dict[str, str]) -> str:
    """SQL of a row's history and moment, as `HISTORY` and `MOMENT`, behind a list of columns."""
    entity, name = args.get("entity"), args["order_by"]
    history = f"hash({quote_identifier(entity)}::VARCHAR)" if entity else "0::UBIGINT"
    return f", {history} AS {HISTORY}, {moment(name, types[name])} AS {MOMENT}"


def moment(name: str, type_name: str) -> str:
    """A time in seconds since 1970, or a number as it is."""
    quoted, kind = quote_identifier(name), base_type(type_name)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"CASE WHEN isfinite({quoted}) THEN epoch({quoted}) END"
    if kind in TIME_TYPES:
        return f"CASE WHEN isfinite({quoted}::TIMESTAMP) THEN epoch({quoted}::TIMESTAMP) END"
    return f"CASE WHEN isfinite({quoted}::DOUBLE) THEN {quoted}::DOUBLE END"


def leave_out_placeless(con: duckdb.DuckDBPyConnection, table: str, args: Args) -> int:
    """Leave out rows without a moment or an entity; how many there were."""
    lost = f"{MOMENT} IS NULL" + (f" OR {quote_identifier(args['entity'])} IS NULL" if args.get("entity") else "")
    row = con.execute(f"DELETE FROM {table} WHERE {lost}").fetchone()
    return int(row[0]) if row else 0


def choose_split(con: duckdb.DuckDBPyConnection, table: str, args: Args) -> str:
    """By entity where there are some, else by time: rows of one history drawn by chance would know each other."""
    row = con.execute(f"SELECT count(DISTINCT {HISTORY}) FROM {table}").fetchone()
    whole = args.get("entity") and args["entity"] != args.get("adapter_by")  # of whom no row would judge, or none teach
    if whole and row and row[0] >= _FEWEST_ENTITIES:
        return "entity"
    # Normal rows look neither forward nor back: each stretch of time judges by networks that learnt from the others.
    return BLOCKS if args.get("task") == ANOMALY else "time"


def settle_history(
    con: duckdb.DuckDBPyConnection, table: str, types: dict[str, str], args: Args, recipe: Recipe, base: Manifest | None
) -> History:
    """How the model reads histories: as told, or as its base does, with what the rows themselves say.

    Raises:
        OptionError: window and patch don't fit, or are not those of the base.
    """
    kind = base_type(types[args["order_by"]])
    entity, timed, zoned = args.get("entity"), kind in TIME_TYPES, kind == "TIMESTAMP WITH TIME ZONE"
    if base is not None and base.history is not None:
        _check_base(args, recipe, base.history, timed)
        shape = replace(base.history, entity=entity, order_by=args["order_by"], timed=timed, zoned=zoned)
    else:
        process = args.get("task") == PROCESS
        window = recipe.window or (_usual_length(con, table) if process else _WINDOW)
        patch = recipe.patch or (1 if process else usual_patch(window))
        if window % patch or window // patch < 2:
            fits = [p for p in range(1, window // 2 + 1) if window % p == 0]
            raise OptionError(f"patch = {patch} doesn't part window = {window} into two or more: {_near(fits, patch)}.")
        resample = read_step(con, args.get("resample"), timed)
        shortest = recipe.shortest or (window if args.get("task") == ANOMALY else patch)
        smooth = 2 * reach_of(recipe.span or max(2, window // 3)) if args.get("task") == ANOMALY else 0
        shape = History(entity, args["order_by"], timed, window, patch, recipe.memory, 1.0, resample=resample,
                        fill=recipe.fill, shortest=min(shortest, window), smooth=smooth, zoned=zoned)  # fmt: skip
    return _measured(con, table, shape)


def _usual_length(con: duckdb.DuckDBPyConnection, table: str) -> int:
    """A window that holds most cases whole, as a power of two."""
    row = con.execute(
        f"SELECT quantile_cont(n, 0.9) FROM (SELECT count(*) AS n FROM {table} GROUP BY {HISTORY})"
    ).fetchone()
    longest = float(row[0] or 1) if row else 1.0
    return int(min(_OF_CASES, max(4, 2 ** math.ceil(math.log2(max(longest, 1.0))))))


def usual_patch(window: int) -> int:
    """The divisor nearest to an eighth."""
    return min((p for p in range(1, window // 2 + 1) if window % p == 0), key=lambda p: abs(p - window / 8), default=1)


def _near(fits: Iterable[int], patch: int) -> str:
    near = sorted(fits, key=lambda p: abs(p - patch))[:3]
    return f"take {', '.join(map(str, sorted(near)))}" if near else "take a larger window"


def _check_base(args: Args, recipe: Recipe, history: History, timed: bool) -> None:
    if history.entity and not args.get("entity"):
        raise OptionError(
            f"The base reads histories by {history.entity!r}, and without an entity all rows would be one.",
            remedy=f"Name it: entity := '{history.entity}'.",
        )
    if history.resample is not None and timed != history.timed:
        kinds = ("times", "numbers") if history.timed else ("numbers", "times")
        raise OptionError(f"The base steps through {kinds[0]}, and {args['order_by']!r} holds {kinds[1]}.")
    for name in _STRUCTURE:
        told, has = getattr(recipe, name), getattr(history, name)
        if told and told != has:
            raise OptionError(f"{name} = {told}, but the base has {has}: leave it out, or train another base.")
    if args.get("resample") is not None:
        raise OptionError("The base says how histories are resampled: leave out resample.")


def read_step(con: duckdb.DuckDBPyConnection, told: Any, timed: bool) -> float | None:
    """The step in seconds, or in the unit of the order."""
    if told is None:
        return None
    step = None
    if isinstance(told, int | float) and not isinstance(told, bool):
        step = float(told)
    elif timed:
        row = con.execute("SELECT epoch(TRY_CAST(? AS INTERVAL))", [str(told)]).fetchone()
        step = row[0] if row else None
    if step is None or not 0 < step < float("inf"):
        form = "an interval, as '1 minute'" if timed else "a number in the unit of order_by"
        raise OptionError(f"resample is {form}, not {told!r}.")
    return step


def _measured(con: duckdb.DuckDBPyConnection, table: str, shape: History) -> History:
    """With the usual step, and how far back windows go: twice what the longest but one in a hundred span."""
    span = shape.length + shape.smooth
    row = con.execute(
        f"SELECT median(step) FILTER (step > 0), quantile_cont(span, 0.99) FROM (SELECT "
        f"{MOMENT} - lag({MOMENT}) OVER w AS step, {MOMENT} - lag({MOMENT}, {span - 1}) OVER w AS span "
        f"FROM {table} WINDOW w AS (PARTITION BY {HISTORY} ORDER BY {MOMENT}))"
    ).fetchone()
    step, usual = row or (None, None)
    step = float(step or 1.0)
    if shape.resample is not None:
        reach = shape.resample * (span + max(shape.fill, 1))
    else:
        reach = _ROOM * max(float(usual or 0.0), step * span)
    return replace(shape, step=_rounded(step), reach=_rounded(reach))


def _rounded(value: float) -> float:
    return float(f"{value:.12g}")


def missing_labels(types: dict[str, str], target: str | None) -> list[str]:
    """Columns that were written together with the target, which they would give away."""
    if not target or target.lower() not in LABELS:
        return []
    return [n for n in types if n.lower() in LABELS and n.lower() != target.lower()]


def censored_column(args: Args, types: dict[str, str]) -> str | None:
    """The column that says whether a remaining life is a lower bound: as told, else ``censored``.

    Raises:
        SourceError: the source has no such column, or it is no BOOLEAN.
    """
    by_lower, told = {n.lower(): n for n in types}, args.get("censored")
    if args.get("task") not in ("rul", PROCESS):
        if told is not None:
            raise OptionError("censored is for task := 'rul' and 'process': leave it out.")
        return None
    name = by_lower.get(str(told if told is not None else "censored").lower())
    if name is None and told is None:
        return None
    if name is None or types[name] != "BOOLEAN":
        what = "has no such column" if name is None else f"has {types[name]} there"
        raise SourceError(f"censored = {told!r} is to name a BOOLEAN column, and the source {what}.")
    return name


def told_placeless(order_by: str, entity: str | None, placeless: int) -> list[str]:
    """What is said of rows that are left out for want of a time or an entity."""
    what = " or ".join(n for n in (order_by, entity) if n)
    return [f"{placeless:,} rows are left out: {what} is NULL in them."] if placeless else []


def warnings_of(con: duckdb.DuckDBPyConnection, table: str, history: History, placeless: int) -> list[str]:
    """What one would want to know of these histories."""
    found = told_placeless(history.order_by, history.entity, placeless)
    row = con.execute(f"SELECT 1 - count(DISTINCT ({HISTORY}, {MOMENT})) / count(*) FROM {table}").fetchone()
    if row and row[0] and row[0] > _SHARED:
        mend = "entity := 'machine_id'" if history.entity is None else "a finer order_by, or a finer entity"
        found.append(
            f"{row[0]:.0%} of the rows have the moment of another one of their history. Are these machines? {mend}."
        )
    row = con.execute(f"SELECT max(n) FROM (SELECT count(*) AS n FROM {table} GROUP BY {HISTORY})").fetchone()
    longest = int(row[0] or 0) if row else 0
    if history.resample is None and longest < history.window:
        found.append(
            f"No history has {history.window} rows, the longest {longest}: of each window a part is empty. "
            f"A smaller window learns faster: options := {{'window': {max(2, 1 << (longest.bit_length() - 1))}}}."
        )
    return found


def detection_level(args: Args, history: History, span: int) -> float | None:
    """The share of normal rows that may be alarms, by ``false_alarms_per_day``; None where that isn't said.

    Raises:
        OptionError: it is no number above 0, or the order is none of times.
    """
    told = args.get("false_alarms_per_day")
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < float("inf"):
        raise OptionError(f"false_alarms_per_day is a number above 0, such as 0.5, not {told!r}.")
    if not history.timed:
        raise OptionError(f"false_alarms_per_day needs times, and {history.order_by!r} holds numbers: leave it out.")
    return level_of(float(told), span, history.resample or history.step)


def whole_lives(con: duckdb.DuckDBPyConnection, table: str, target: str) -> tuple[float, ...]:
    """Quantiles of lives that were seen: one begins where its history does, or where what remains grows again."""
    number, steps = f"{quote_identifier(target)}::DOUBLE", [(i + 0.5) / _LIVES for i in range(_LIVES)]
    row = con.execute(
        f"SELECT quantile_cont(life, {steps}) FROM (SELECT {number} AS life, lag({number}) OVER w AS before "
        f"FROM {table} WHERE isfinite({number}) WINDOW w AS (PARTITION BY {HISTORY} ORDER BY {MOMENT})) "
        "WHERE life > 0 AND (before IS NULL OR life > before)"
    ).fetchone()
    return tuple(map(_rounded, row[0])) if row and row[0] else ()
