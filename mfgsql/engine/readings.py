"""What texts and numbers of a loaded file mean: texts become numbers, counts of seconds times."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import duckdb

from mfgsql.engine.profiling import describe
from mfgsql.engine.quoting import quote_identifier, quote_literal

_NUMBER = r"\s*[-+]?\d+(,\d+)?([eE][-+]?\d+)?\s*"
_THOUSANDS = r"\s*[-+]?\d{1,3},\d{3}\s*"  # or three decimals: who knows
_GROUPED = r"\s*[-+]?[1-9]\d{0,2}(,\d{3})+\s*"  # of texts that nobody reads as numbers yet
_NUMBERLIKE = r"\s*[-+]?[.,]*\d[\d.,]*([eE][-+]?\d+)?\s*"
_PLAIN = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_NEARLY = 0.9  # share of a column's texts that are what it holds, the others are slips
_CODE = r"^[-+]?(0\d|\d{16})"  # zeros in front, or more digits than a DOUBLE keeps
_TIMELIKE = re.compile(r"(^|_)(ts|time|timestamp|epoch|millis|ms|date|datum|zeit)(_|$)", re.IGNORECASE)
_UNITS = (("seconds", 1.0), ("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9))
_EPOCHS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0.0, 1.0))  # from this size on, this many to the second
_FIRST, _LAST = 946_684_800, 4_102_444_800  # the years 2000 to 2100
_DOTTED = "['%d.%m.%Y %H:%M:%S', '%d.%m.%Y %H:%M', '%d.%m.%Y', '%d.%m.%Y %H:%M:%S.%f']"
_INTEGERS = ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE")


@dataclass(frozen=True)
class Reading:
    """How texts are to be read.

    Attributes:
        number: whether as numbers. note: what there is to say; None: nothing was to be decided.
    """

    number: bool
    note: str | None = None


class Notation:
    """How numbers are written.

    Args:
        decimal: the decimal sign where the user told it: then the other sign groups thousands. None: a decimal comma
            is read where it can't be anything else.
    """

    def __init__(self, decimal: str | None) -> None:
        self.decimal, self.told = decimal or ",", decimal is not None
        self.group = "." if self.decimal == "," else ","
        digits = rf"\d+|[1-9]\d{{0,2}}([{self.group}]\d{{3}})+"
        grouped = rf"\s*[-+]?(({digits})([{self.decimal}]\d*)?|[{self.decimal}]\d+)([eE][-+]?\d+)?\s*"
        self.pattern = grouped if self.told else _NUMBER

    def number(self, text: str) -> str:
        """SQL of the number in a text that fits."""
        ungrouped = f"replace({text}, {quote_literal(self.group)}, '')" if self.told else text
        return f"replace(nullif(trim({ungrouped}), ''), {quote_literal(self.decimal)}, '.')::DOUBLE"

    def judge(self, con: duckdb.DuckDBPyConnection, table: str, text: str, by: str = "''") -> dict[str, Reading]:
        """Whether all texts of each group fit; ``text`` and ``by`` are columns."""
        found = con.execute(
            "SELECT g, bool_and(fits), count(*) FILTER (regexp_matches(t, $marks) AND regexp_full_match(t, $like)), "
            "count(*) FILTER (contains(t, ',') AND NOT regexp_full_match(t, $thousands)), min(t) FILTER (NOT fits) "
            f"FROM (SELECT {by} AS g, {text} AS t, regexp_full_match(t, $pattern) AS fits "
            f"FROM {table} WHERE trim({text}) <> '') GROUP BY g ORDER BY g",
            {
                "pattern": self.pattern,
                "thousands": _THOUSANDS,
                "like": _NUMBERLIKE,
                "marks": f"[,{self.group}]" if self.told else ",",
            },
        ).fetchall()
        return {group: self._reading(*counts) for group, *counts in found}

    def _reading(self, fits: bool, marked: int, certain: int, misfit: str | None) -> Reading:
        signs = f"decimal '{self.decimal}' and thousands '{self.group}'"
        if not marked or (not fits and not self.told):
            return Reading(False)
        if not fits:
            return Reading(False, f"stays text: {misfit!r} is no number with {signs}.")
        if self.told:
            return Reading(True, f"is read with {signs}.")
        if not certain:
            return Reading(False, "stays text: '1,234' may be 1.234 or 1234; say --decimal ',' or --decimal '.'.")
        return Reading(True, "is read with a decimal comma.")


def read_texts(
    con: duckdb.DuckDBPyConnection, table: str, decimal: str | None, texts: Collection[str], notes: list[str]
) -> None:
    """Columns of text become what they hold, times or numbers; those named in ``texts`` (lower case) stay."""
    _read_dotted_dates(con, table, _texts(con, table, texts), notes)
    _read_numbers(con, table, decimal, _texts(con, table, texts), notes)


def _texts(con: duckdb.DuckDBPyConnection, table: str, without: Collection[str]) -> list[str]:
    return [name for name in _columns(con, table, ("VARCHAR",)) if name.lower() not in without]


def _read_numbers(
    con: duckdb.DuckDBPyConnection, table: str, decimal: str | None, names: list[str], notes: list[str]
) -> None:
    """Columns that hold nothing but numbers become DOUBLE."""
    notation = Notation(decimal)
    pointed, commas = _columns(con, table, ("DOUBLE",)), False
    for name in names:
        column = quote_identifier(name)
        for reading in notation.judge(con, table, column).values():
            if reading.number:
                con.execute(f"ALTER TABLE {table} ALTER {column} TYPE DOUBLE USING {notation.number(column)}")
                commas = True
            if reading.note:
                notes.append(f"{name} {reading.note}")
    if commas and not notation.told and pointed:
        notes.append(
            f"{', '.join(pointed)}: a point is read as the decimal sign; if it groups thousands, say --decimal ','."
        )


def _read_dotted_dates(con: duckdb.DuckDBPyConnection, table: str, names: list[str], notes: list[str]) -> None:
    """Columns that hold nothing but ``31.12.2024 23:59`` become TIMESTAMP: with points the day comes first."""
    for name in names:
        column = quote_identifier(name)
        moment = f"try_strptime(nullif(trim({column}), ''), {_DOTTED})"
        row = con.execute(
            f"SELECT count({moment}), count(nullif(trim({column}), '')) FROM {table} "
            f"HAVING bool_and(regexp_matches({column}, '^\\s*(\\d{{1,2}}\\.\\d{{1,2}}\\.\\d{{4}}|$)'))"
        ).fetchone()
        if row and row[0] and row[0] == row[1]:
            con.execute(f"ALTER TABLE {table} ALTER {column} TYPE TIMESTAMP USING {moment}")
            notes.append(f"{name} is read as day.month.year.")


@dataclass(frozen=True)
class NearlyNumbers:
    """A column of text that holds numbers, most of all.

    Attributes:
        texts, numbers: how many, without NULLs and what is empty. padded: whether there are spaces around any.
        misfit: a text that is no number, if there is one.
    """

    name: str
    texts: int
    numbers: int
    padded: bool
    misfit: str | None

    @property
    def words(self) -> str:
        """For a note or a warning."""
        return f"{self.misfit!r} is no number ({self.texts - self.numbers:,} of {self.texts:,} values aren't)"


def nearly_numbers(con: duckdb.DuckDBPyConnection, table: str, names: Collection[str]) -> list[NearlyNumbers]:
    """Those columns of text whose values are numbers but for one in ten at most; not where any looks like a code."""
    if not names:
        return []
    counts = ", ".join(map(_counts, names))
    row = con.execute(f"SELECT {counts} FROM {table}", {"plain": _PLAIN, "code": _CODE}).fetchone() or ()
    return [
        NearlyNumbers(name, texts, numbers, bool(padded), misfit)
        for name, (texts, numbers, padded, coded, misfit) in zip(names, row, strict=True)
        if texts and numbers >= _NEARLY * texts and not coded
    ]


def comma_numbers(con: duckdb.DuckDBPyConnection, table: str, names: Collection[str]) -> list[str]:
    """Those columns of text whose values are numbers with a decimal comma but for one in ten at most."""
    if not names:
        return []
    counts = ", ".join(
        f"(count({text}), count(*) FILTER (regexp_full_match({text}, $number)), "
        f"count(*) FILTER (contains({text}, ',') AND NOT regexp_full_match({text}, $thousands)))"
        for text in (f"nullif(trim({quote_identifier(name)}), '')" for name in names)
    )
    row = con.execute(f"SELECT {counts} FROM {table}", {"number": _NUMBER, "thousands": _GROUPED}).fetchone() or ()
    return [n for n, (texts, numbers, sure) in zip(names, row, strict=True) if sure and numbers >= _NEARLY * texts]


def moments(con: duckdb.DuckDBPyConnection, table: str, names: Collection[str]) -> dict[str, str]:
    """Those columns of text whose values are times but for one in ten at most, with the SQL that reads each."""
    if not names:
        return {}
    ways = {name: _as_moment(quote_identifier(name)) for name in names}
    counts = ", ".join(
        f"(count(nullif(trim({quote_identifier(name)}), '')), "
        f"{', '.join(f'count({way}) FILTER (length({quote_identifier(name)}) >= 8)' for way in found)})"
        for name, found in ways.items()
    )
    row = con.execute(f"SELECT {counts} FROM {table}").fetchone() or ()
    told = {}
    for name, (texts, *read) in zip(names, row, strict=True):
        best = max(range(len(read)), key=read.__getitem__)
        if texts and read[best] >= _NEARLY * texts:
            told[name] = ways[name][best]
    return told


def _as_moment(column: str) -> tuple[str, str]:
    return f"TRY_CAST({column} AS TIMESTAMP)", f"try_strptime({column}, {_DOTTED})"


def _counts(name: str) -> str:
    """Texts, numbers, whether any is padded, whether any looks like a code, and a misfit."""
    column = quote_identifier(name)
    text = f"nullif(trim({column}), '')"
    number = f"regexp_full_match({text}, $plain)"
    return (
        f"(count({text}), count(*) FILTER ({number}), bool_or({column} <> {text}), "
        f"bool_or({number} AND regexp_matches({text}, $code)), min({text}) FILTER (NOT {number}))"
    )


def read_padded_numbers(
    con: duckdb.DuckDBPyConnection, table: str, shown: str, texts: Collection[str], notes: list[str]
) -> None:
    """Columns of nothing but numbers with spaces around them become DOUBLE; those of nearly nothing else are told."""
    for column in nearly_numbers(con, table, _texts(con, table, texts)):
        quoted = quote_identifier(column.name)
        if column.misfit is None:
            if not column.padded:  # DuckDB had its reasons to take them for text
                continue
            made = f"TRY_CAST(nullif(trim({quoted}), '') AS DOUBLE)"
            con.execute(f"ALTER TABLE {table} ALTER {quoted} TYPE DOUBLE USING {made}")
            notes.append(f"{column.name} is read as numbers, without the spaces around them.")
        elif not any(note.startswith(f"{column.name} stays text") for note in notes):
            notes.append(
                f"{column.name} stays text: {column.words}. To read these as missing: "
                f"ALTER TABLE {shown} ALTER {quoted} TYPE DOUBLE USING TRY_CAST({quoted} AS DOUBLE);"
            )


def read_epoch(con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
    """A column of numbers since 1970 becomes TIMESTAMP; their size tells the unit."""
    column = quote_identifier(name)
    row = con.execute(f"SELECT max(abs({column}::DOUBLE)) FROM {table}").fetchone()
    size = float(row[0] or 0.0) if row else 0.0
    per_second = next(unit for least, unit in _EPOCHS if size >= least)
    micros = f"CAST({column}::DOUBLE / {per_second} * 1000000 AS BIGINT)"
    con.execute(f"ALTER TABLE {table} ALTER {column} TYPE TIMESTAMP USING make_timestamp({micros})")


def point_out_epochs(con: duckdb.DuckDBPyConnection, table: str, notes: list[str]) -> None:
    """Numbers named like a time that lie in this century when read as seconds (or ms, us, ns) since 1970."""
    for name in _columns(con, table, _INTEGERS):
        if not _TIMELIKE.search(name):
            continue
        column = quote_identifier(name)
        ends = con.execute(f"SELECT min({column})::DOUBLE, max({column})::DOUBLE FROM {table}").fetchone()
        if ends is None or ends[0] is None:
            continue
        low, high = ends
        units = [unit for unit, per in _UNITS if low / per >= _FIRST and high / per <= _LAST]
        if units:
            notes.append(f"{name} looks like {units[0]} since 1970; to make it a time, load it with --epoch {name}.")


def _columns(con: duckdb.DuckDBPyConnection, table: str, types: tuple[str, ...]) -> list[str]:
    return [name for name, kind in describe(con, table).items() if kind in types]
