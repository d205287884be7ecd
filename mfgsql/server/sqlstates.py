"""The one border at which an error becomes what a client is told: SQLSTATE, message, hint and position.

DuckDB's errors are known by their class's name and, where one class means several of PostgreSQL's, by their text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mfgsql import errors
from mfgsql.wire.errors import WireError

_OURS: tuple[tuple[type[errors.MfgsqlError], str], ...] = (
    (errors.AccessError, "42501"),
    (errors.CancelledError, "57014"),
    (errors.ClosedError, "57P01"),
    (errors.NotFoundError, "42704"),
    (errors.ResourceError, "53200"),
    (errors.CatalogError, "55000"),
    (errors.MissingExtraError, "0A000"),
    (errors.InputError, "22023"),
)
# By class and a pattern of the text: the first that fits counts.
_DUCKDB: dict[str, tuple[tuple[str, str], ...]] = {
    "CatalogException": (
        (r"already exists!?$", "42P07"), (r"^(Scalar|Aggregate|Table|Macro|Table Macro)?\s*Function", "42883"),
        (r"^Schema", "3F000"), (r"^Type", "42704"), (r"does not exist", "42P01"),
        (r"main key table|depend", "2BP01"), (r"", "42704"),
    ),
    "BinderException": (
        (r"No function matches|does not support|Could not choose", "42883"), (r"mbiguous", "42702"),
        (r"Referenced (column|table)|does not have a column|not found in FROM|column named", "42703"),
        (r"GROUP BY|aggregate", "42803"), (r"Cannot compare|Cannot mix|cast", "42804"), (r"parameter", "42P02"),
        (r"", "42P10"),
    ),
    "ParserException": ((r"", "42601"),),
    "SyntaxException": ((r"", "42601"),),
    "ConversionException": ((r"out of range|overflow", "22003"), (r"date|time|interval", "22007"), (r"", "22P02")),
    "OutOfRangeException": ((r"zero", "22012"), (r"", "22003")),
    "ConstraintException": (
        (r"NOT NULL", "23502"), (r"oreign key", "23503"), (r"CHECK", "23514"), (r"uplicate|unique|primary", "23505"),
        (r"", "23000"),
    ),
    "TransactionException": (
        (r"onstraint violation", "23505"), (r"aborted", "25P02"), (r"read-only", "25006"), (r"onflict", "40001"),
        (r"no transaction", "25P01"), (r"within a transaction", "25001"), (r"", "25000"),
    ),
    "TypeMismatchException": ((r"", "42804"),),
    "InvalidTypeException": ((r"", "42804"),),
    "InvalidInputException": ((r"parameter", "08P01"), (r"", "22023")),
    "OutOfMemoryException": ((r"", "53200"),),
    "IOException": ((r"[Nn]o space|disk", "53100"), (r"", "58030")),
    "PermissionException": ((r"", "42501"),),
    "InterruptException": ((r"", "57014"),),
    "NotImplementedException": ((r"", "0A000"),),
    "NotSupportedError": ((r"", "0A000"),),
    "DependencyException": ((r"", "2BP01"),),
    "SequenceException": ((r"", "2200H"),),
    "SerializationException": ((r"", "58000"),),
}  # fmt: skip
_PREFIX = re.compile(r"^[A-Z][A-Za-z ]* Error: ")
_PLACE = re.compile(r"^LINE (\d+): ", re.MULTILINE)
_OUTSIDE = re.compile(r'"(pg_\w+|ml_pg\.[^"]*)"')  # DuckDB's suggestions, of names that nobody has meant
CANCELLED = "canceling statement due to user request"
UNFORESEEN = "XX000"  # a fault of ours


@dataclass(frozen=True)
class Report:
    """What a client is told of an error.

    Attributes:
        fatal: the connection ends. position: in the statement, in characters from 1.
    """

    sqlstate: str
    message: str
    hint: str | None = None
    fatal: bool = False
    position: int | None = None
    routine: str | None = None

    @property
    def severity(self) -> str:
        """As PostgreSQL calls it."""
        return "FATAL" if self.fatal else "ERROR"


def report(error: BaseException, sql: str | None = None) -> Report:
    """What to tell of an error.

    Args:
        sql: the statement as the client wrote it, for the position.
    """
    if isinstance(error, WireError):
        return Report(error.sqlstate, error.message, error.remedy, error.fatal, error.position, error.routine)
    if isinstance(error, errors.CancelledError):
        return Report("57014", CANCELLED)
    if isinstance(error, errors.MfgsqlError):
        state = next((state for kind, state in _OURS if isinstance(error, kind)), UNFORESEEN)
        return Report(state, error.message, error.remedy)
    if errors.of_duckdb(error):
        return _of_duckdb(error, sql)
    if isinstance(error, MemoryError):
        return Report("53200", "Memory would not suffice.")
    return Report(UNFORESEEN, f"{type(error).__name__}: {error}")


def _of_duckdb(error: BaseException, sql: str | None) -> Report:
    name = next((c.__name__ for c in type(error).__mro__ if c.__name__ in _DUCKDB), "")
    if name == "InterruptException":
        return Report("57014", CANCELLED)
    text = _PREFIX.sub("", str(error).removeprefix("TransactionContext Error: ").strip())
    body, found, place = text.partition("\nLINE ")
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    said = lines[0] if lines else ""  # below it are suggestions
    state = next((s for pattern, s in _DUCKDB.get(name, ()) if re.search(pattern, said)), UNFORESEEN)
    hint = " ".join(line for line in lines[1:] if not _OUTSIDE.search(line)) or None
    if re.search(r'schema "?public"? does not exist|Schema with name public', said, re.IGNORECASE):
        hint = "The schema is called main."
    position = _position(f"LINE {place}", sql) if found and sql else None
    return Report(state, said or type(error).__name__, hint, position=position)


def _position(place: str, sql: str) -> int | None:
    """Where DuckDB's caret points. A long line is shown from its middle, which is found again in the statement."""
    match = _PLACE.match(place)
    shown, _, caret = place.partition("\n")
    if match is None or "^" not in caret:
        return None
    column = caret.index("^") - match.end()
    excerpt = shown[match.end() :]
    lines = sql.split("\n")
    number = int(match[1])
    if not 1 <= number <= len(lines):
        return None
    words = excerpt.strip(".").strip()
    start = lines[number - 1].find(words)
    if start < 0 or not words:
        return None
    within = column - excerpt.index(words)
    return sum(len(line) + 1 for line in lines[: number - 1]) + start + within + 1
