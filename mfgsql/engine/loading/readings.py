"""The ways in which a cell of text can be read, from the narrowest to the widest.

A reading is a shape (a regular expression that RE2 and Python read alike) and an SQL expression; ``$x`` is the cell.
Shapes are strict where DuckDB's casts are not: '1.5' is no BIGINT, '007' and '1E5' are ids, and a date with an
offset is no naive TIMESTAMP.
"""

from __future__ import annotations

from dataclasses import dataclass

from mfgsql.engine.quoting import quote_literal

# What stands for "no value" in a column whose other cells are numbers or times: tables' words, then historians'.
STATES = (
    *("no data", "i/o timeout", "digital state", "bad input", "bad data", "bad quality", "comm fail", "pt created"),
    *("scan off", "scan timeout", "not connect", "not connected", "no result", "no sample", "calc failed"),
    *("calc timeout", "arc off-line", "under range", "over range", "configure", "intf shut", "out of serv"),
    *("[-11059] no good data for calculation", "#value!", "#n/a", "#ref!", "#div/0!", "#num!", "#name?"),
)
MISSING = (
    *("", "na", "n/a", "nan", "null", "none", "nil", "-", "--", "---", "?", "bad", "error", "err", "unknown", "invalid"),
    *STATES,
    *("shutdown", "-nan", "nan(ind)", "-nan(ind)", "-1.#ind", "1.#qnan", "(null)", "missing", "\\n", "."),
)

_INT = r"(0|[1-9][0-9]{0,17})"
_WHOLE = r"(0|[1-9][0-9]*)"
_FRACTION = rf"({_WHOLE}[.][0-9]*|[.][0-9]+)"
_DATE = r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_OFFSET = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)"


@dataclass(frozen=True)
class Reading:
    """One way to read text.

    Attributes:
        type: the SQL type it gives.
        shape: what a cell must look like, blanks around it apart.
        value: SQL for the value of ``$x``.
        name: how a note calls it.
        doubtful: another reading may fit the same cells and mean another day.
    """

    type: str
    shape: str
    value: str
    name: str
    doubtful: bool = False

    def fits(self, cell: str) -> str:
        """SQL: whether the cell can be read so."""
        shaped = f"regexp_full_match({cell}, {quote_literal(self.pattern)})"
        return shaped if self.type in ("BIGINT", "DOUBLE") else f"({shaped} AND {self.of(cell)} IS NOT NULL)"

    def of(self, cell: str) -> str:
        """SQL: the cell's value; NULL where it does not fit, or an error for a number."""
        return self.value.replace("$x", cell)

    @property
    def pattern(self) -> str:
        return rf"\s*({self.shape})\s*"


BOOLEAN = Reading("BOOLEAN", "(?i:true|false)", "TRY_CAST(trim($x) AS BOOLEAN)", "a truth value")
BIGINT = Reading("BIGINT", rf"[+-]?{_INT}", "CAST($x AS BIGINT)", "a whole number")
DOUBLE = Reading(
    "DOUBLE",
    rf"[+-]?({_INT}|{_WHOLE}[.][0-9]*|[.][0-9]+|({_WHOLE}|{_FRACTION})[eE][+-][0-9]{{1,3}}|{_FRACTION}[eE][0-9]{{1,3}}"
    r"|(?i:inf(inity)?))",
    "CAST($x AS DOUBLE)",
    "a number",
)
COMMA = Reading(
    "DOUBLE",
    rf"[+-]?({_INT}|{_WHOLE},[0-9]+([eE][+-]?[0-9]{{1,3}})?|[1-9][0-9]{{0,2}}([.][0-9]{{3}})+,[0-9]+)",
    "CAST(replace(replace($x, '.', ''), ',', '.') AS DOUBLE)",
    "a number with decimal comma",
)
GROUPED_COMMA = Reading(
    "DOUBLE",
    rf"{COMMA.shape}|[+-]?[1-9][0-9]{{0,2}}([.][0-9]{{3}})+",
    COMMA.value,
    COMMA.name,
)
GROUPED_POINT = Reading(
    "DOUBLE",
    rf"{DOUBLE.shape}|[+-]?[1-9][0-9]{{0,2}}(,[0-9]{{3}})+([.][0-9]+)?",
    "CAST(replace($x, ',', '') AS DOUBLE)",
    "a number",
)
_ISO = (
    Reading("DATE", _DATE, "TRY_CAST(trim($x) AS DATE)", "a date"),
    Reading("TIMESTAMP", rf"{_DATE}([T ]+{_CLOCK})?", "TRY_CAST(trim($x) AS TIMESTAMP)", "a time"),
    Reading(
        "TIMESTAMP WITH TIME ZONE",
        rf"{_DATE}[T ]{_CLOCK} ?{_OFFSET}",
        "TRY_CAST(replace(replace(trim($x), ' +', '+'), ' Z', 'Z') AS TIMESTAMPTZ)",
        "a time with its offset",
    ),
    Reading("TIME", _CLOCK, "TRY_CAST(trim($x) AS TIME)", "a time of day"),
)
_CLOCKS = (" %H:%M:%S", " %H:%M:%S.%f", " %H:%M:%S,%f", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
_LOCAL_CLOCK = r"( +[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,6})?)?( ?[AaPp][Mm])?)?"
_D = "[0-9]{1,2}"
_Y = "([0-9]{4}|[0-9]{2})"
_DAYS: tuple[tuple[str, tuple[str, ...], bool], ...] = (  # '%y' goes first: '%Y' takes '24' for the year 24
    (rf"{_D}[.]{_D}[.]{_Y}", ("%d.%m.%y", "%d.%m.%Y"), False),
    (rf"{_D}/{_D}/{_Y}", ("%d/%m/%y", "%d/%m/%Y"), True),
    (rf"{_D}/{_D}/{_Y}", ("%m/%d/%y", "%m/%d/%Y"), True),
    (rf"{_D}-{_D}-{_Y}", ("%d-%m-%y", "%d-%m-%Y"), True),
    (rf"{_D}-{_D}-{_Y}", ("%m-%d-%y", "%m-%d-%Y"), True),
    (rf"{_D}-[A-Za-z]{{3}}-{_Y}", ("%d-%b-%y", "%d-%b-%Y"), False),
    (rf"{_D} [A-Za-z]{{3}} {_Y}", ("%d %b %y", "%d %b %Y"), False),
    (rf"[0-9]{{4}}年{_D}月{_D}日", ("%Y年%m月%d日",), False),
)


def dated(formats: tuple[str, ...], shape: str, name: str, *, doubtful: bool = False, type_: str) -> Reading:
    """A reading by strptime formats, the first that fits a cell."""
    listed = ", ".join(quote_literal(text) for text in formats)
    value = f"CAST(try_strptime(trim($x), [{listed}]) AS {type_})"
    return Reading(type_, shape, value, name, doubtful)


def _day_and_clock(shape: str, formats: tuple[str, ...], doubtful: bool) -> tuple[Reading, Reading]:
    """A day alone is a DATE; with a clock it is a TIMESTAMP, of which midnight may be left out."""
    clocked = tuple(day + clock for clock in (*_CLOCKS, "") for day in formats)
    name = formats[-1]
    return (
        dated(formats, shape, f"a date as {name}", doubtful=doubtful, type_="DATE"),
        dated(clocked, shape + _LOCAL_CLOCK, f"a time as {name}", doubtful=doubtful, type_="TIMESTAMP"),
    )


TEMPORAL = (*_ISO, *(reading for day in _DAYS for reading in _day_and_clock(*day)))


def readings(*, decimal: str | None, comma: bool, date_format: str | None) -> tuple[Reading, ...]:
    """The readings of one file; ``comma`` says whether an unnamed decimal sign may be one."""
    if decimal is None:
        numbers = (DOUBLE, COMMA) if comma else (DOUBLE,)
    else:
        numbers = (GROUPED_COMMA,) if decimal == "," else (GROUPED_POINT,)
    if date_format is None:
        return (BOOLEAN, BIGINT, *numbers, *TEMPORAL)
    return (BOOLEAN, BIGINT, *numbers, *_own(date_format), *_ISO)


def _own(date_format: str) -> tuple[Reading, ...]:
    if any(directive in date_format for directive in ("%H", "%I", "%c", "%X")):
        return (dated((date_format,), r"[\s\S]+", f"a time as {date_format}", type_="TIMESTAMP"),)
    day, clocked = _day_and_clock(r"[\s\S]+?", (date_format,), False)
    return day, clocked


def missing(cell: str) -> str:
    """SQL: whether the cell is one of the words for "no value"."""
    return f"(lower(trim({cell})) IN ({', '.join(map(quote_literal, MISSING))}))"
