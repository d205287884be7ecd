"""Places in time, said in SQL for any type that a column of order may have.

DuckDB knows a column's type while it binds and drops the branches of a CASE over ``typeof`` that are for other types.
So a plan need not read its source's schema: the source may be a CTE that only the caller sees. Times become
microseconds, and numbers (cycles, kilometres) stay what they are; both are DOUBLE, exact for microseconds until 2255.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from mfgsql.engine.quoting import quote_literal
from mfgsql.errors import OptionError, did_you_mean, one_of

UNITS = {"microsecond": 1e0, "millisecond": 1e3, "second": 1e6, "minute": 6e7, "hour": 3.6e9, "day": 8.64e10,
         "week": 6.048e11}  # fmt: skip
_ZONED = "'TIMESTAMP WITH TIME ZONE'"
_NAIVE = "'TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS', 'DATE'"
_NUMBERS = (
    "'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', "
    "'UHUGEINT', 'FLOAT', 'DOUBLE'"
)


@dataclass(frozen=True)
class Span:
    """A stretch of time in microseconds, or of a number that orders rows.

    Attributes:
        numeric: rows are ordered by a number, and so are positions.
    """

    amount: float
    numeric: bool

    @property
    def sql(self) -> str:
        """As a literal."""
        return f"CAST({self.amount!r} AS DOUBLE)"


def read_span(con: duckdb.DuckDBPyConnection, name: str, value: Any) -> Span:
    """An interval (the planner hands it on as text) or a number.

    Raises:
        OptionError: it is neither, not positive, or has months, which differ in length.
    """
    words = f"{name} is an interval, such as INTERVAL 24 HOUR, or a number where order_by is one"
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 < value < float("inf"):
            raise OptionError(f"{words}, above 0; not {value!r}.")
        return Span(float(value), True)
    if not isinstance(value, str):
        raise OptionError(f"{words}, not {value!r}.")
    try:
        asked = "SELECT year(i) * 12 + month(i), epoch_us(i) FROM (SELECT CAST(? AS INTERVAL) AS i)"
        months, amount = con.execute(asked, [value]).fetchall()[0]
    except duckdb.Error:
        raise OptionError(f"{words}, not {value!r}.") from None
    if months:
        raise OptionError(
            f"{name} has months or years, which differ in length.", remedy=f"Say it in days: {name} := INTERVAL 30 DAY."
        )
    if amount <= 0:
        raise OptionError(f"{words}, above 0; not {value!r}.")
    return Span(float(amount), False)


def read_unit(value: Any, *, numeric: bool) -> float:
    """What a difference of positions is divided by; hours by default.

    Raises:
        OptionError: no such unit, or one of time where rows are ordered by a number.
    """
    if value is None:
        return 1.0 if numeric else UNITS["hour"]
    if numeric:
        raise OptionError("unit is for times; where order_by is a number, results are in its own unit.")
    name = value.lower().removesuffix("s") if isinstance(value, str) else value
    if not isinstance(name, str) or name not in UNITS:
        hint = did_you_mean(str(value), UNITS)
        raise OptionError(f"unit is {one_of(UNITS)}, not {value!r}.{hint}")
    return UNITS[name]


def position(column: str, named: str, verb: str, *, numeric: bool, span: str) -> str:
    """A column of order as DOUBLE; NULL where it is NULL, NaN or infinite.

    Args:
        column: it as SQL. named: as errors name it. span: the argument that tells numbers from times.
    """
    number, naive, zoned = (f"CAST({column} AS {kind})" for kind in ("DOUBLE", "TIMESTAMP", "TIMESTAMPTZ"))
    numbers = f"WHEN {is_number(column)} THEN "
    times = f"WHEN typeof({column}) IN ({_NAIVE}, {_ZONED}) THEN "
    if numeric:
        right = f"{numbers}{_finite(number, number)} "
        wrong = times + _unfit(column, named, verb, f"and {span} is a number. Say INTERVAL 24 HOUR, for example")
    else:
        right = f"WHEN typeof({column}) = {_ZONED} THEN {_finite(zoned, f'epoch_us({zoned})')} "
        right += f"WHEN typeof({column}) IN ({_NAIVE}) THEN {_finite(naive, f'epoch_us({naive})')} "
        wrong = numbers + _unfit(column, named, verb, f"and {span} is an interval. Give a number in the same unit")
    cast = "which has no place in time. Cast it in a SELECT: CAST(... AS TIMESTAMP)"
    return (
        f"CASE {right}{wrong} WHEN typeof({column}) = '\"NULL\"' THEN NULL ELSE {_unfit(column, named, verb, cast)} END"
    )


def same_clock(column: str, named: str, other: str, other_named: str, verb: str) -> str:
    """A condition that is true, or an error where one column has a time zone and the other has none.

    Args:
        other: of the other source's type, such as ``(SELECT ts FROM t LIMIT 1)``; it is bound, and not evaluated.
    """
    text = (
        f"{verb}: one of {named} and {other_named} is a TIMESTAMP WITH TIME ZONE, the other is not. "
        "Cast one in a SELECT: ts AT TIME ZONE 'Europe/Rome'."
    )
    differ = f"(typeof({column}) = {_ZONED}) <> (typeof({other}) = {_ZONED})"
    return f"CASE WHEN {differ} THEN error({quote_literal(text)}) IS NULL ELSE true END"


def is_number(column: str) -> str:
    """Whether a column's type is a number's."""
    return f"(typeof({column}) IN ({_NUMBERS}) OR starts_with(typeof({column}), 'DECIMAL'))"


def _finite(value: str, result: str) -> str:
    return f"CASE WHEN isfinite({value}) THEN CAST({result} AS DOUBLE) END"


def _unfit(column: str, named: str, verb: str, words: str) -> str:
    before, behind = quote_literal(f"{verb}: {named} is "), quote_literal(f", {words}.")
    return f"error({before} || typeof({column}) || {behind})"


def orderable(column: str, named: str, verb: str) -> str:
    """A column of order as it is; an error where its type has no place in time: text would sort '10' before '9'."""
    cast = _unfit(column, named, verb, "which has no place in time. Cast it in a SELECT: CAST(... AS TIMESTAMP)")
    known = f"typeof({column}) IN ({_NAIVE}, {_ZONED}, '\"NULL\"') OR {is_number(column)}"
    return f"CASE WHEN {known} THEN {column} ELSE {cast} END"
