"""What a load may be told, and what it says afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mfgsql.errors import OptionError


@dataclass(frozen=True)
class Pivot:
    """A historian's long form (one row a reading) made wide (one row an instant, one column a tag).

    Attributes:
        tag, ts, value: the three columns of the long form.
        entity: the column of the machine, when one export holds several.
        every: an interval such as ``1 minute``: the last known value of each bucket, labelled with its start.
        fill: ``last`` carries the last known value forward (and, with ``every``, gives each bucket between an
            entity's first and last a row); ``none`` leaves NULL.
        fill_limit: the longest interval over which a value is carried.
    """

    tag: str = "tag"
    ts: str = "ts"
    value: str = "value"
    entity: str | None = None
    every: str | None = None
    fill: Literal["last", "none"] = "last"
    fill_limit: str | None = None

    def __post_init__(self) -> None:
        _one_of("fill", self.fill, ("last", "none"))
        roles = [name.lower() for name in (self.tag, self.ts, self.value, self.entity) if name is not None]
        if len(set(roles)) < len(roles):
            raise OptionError(
                f"A column has two roles in the pivot: {', '.join(roles)}.", remedy="Name each once."
            )
        if self.fill_limit is not None and self.fill == "none":
            raise OptionError("fill_limit has no use with fill = 'none'.", remedy="Take fill = 'last'.")


@dataclass(frozen=True)
class LoadOptions:
    """How files are read, and what becomes of a table that is already there.

    Attributes:
        append, replace: what to do when the table exists; with neither that is an error.
        encoding: ``auto`` (or None): a byte order mark, else UTF-8, else GB18030 or Latin-1 by their letters.
        delimiter: of a text file; None finds it. ``tab`` and ``\\t`` are words for the tab.
        decimal: ``,`` or ``.``; None finds it column by column (a comma only where it is no delimiter).
        epoch: numeric columns that count s, ms, us or ns since 1970; ``auto`` only notes candidates.
        timezone: the zone of times that name none, such as ``Europe/Berlin``; they become TIMESTAMPTZ.
        sheet: of an Excel file; None takes the first.
        pivot: turns long readings wide.
        on_bad: a text row that can't be read is an ``error``, or is left out (``skip``) and noted.
        types: columns whose SQL type the caller decides, as pairs ``(name, type)``.
        header: whether the first row names the columns; None looks.
        date_format: a strptime format for dates that could be read in two ways.
    """

    append: bool = False
    replace: bool = False
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[",", "."] | None = None
    epoch: tuple[str, ...] | Literal["auto"] = "auto"
    timezone: str | None = None
    sheet: str | None = None
    pivot: Pivot | None = None
    on_bad: Literal["error", "skip"] = "error"
    types: tuple[tuple[str, str], ...] = ()
    header: bool | None = None
    date_format: str | None = None

    def __post_init__(self) -> None:
        if self.append and self.replace:
            raise OptionError("append and replace exclude each other.", remedy="Choose one of the two.")
        _one_of("on_bad", self.on_bad, ("error", "skip"))
        if self.decimal is not None:
            _one_of("decimal", self.decimal, (",", "."))
        if (
            self.delimiter is not None
            and self.delimiter not in ("tab", "\\t")
            and (len(self.delimiter) != 1 or self.delimiter in '"\r\n\0')
        ):
            raise OptionError(
                f"delimiter = {self.delimiter!r} is not one character.", remedy="Such as ; or tab."
            )
        if self.delimiter == "," == self.decimal:
            raise OptionError(
                "A comma can't be both delimiter and decimal sign.", remedy="Name the other delimiter."
            )

    @property
    def separator(self) -> str | None:
        """The delimiter as the file has it."""
        return "\t" if self.delimiter in ("tab", "\\t") else self.delimiter


@dataclass
class Loaded:
    """What a load did.

    Attributes:
        table: the table's full name, quoted as SQL writes it.
        rows: rows this load added.
        columns: names and SQL types of the table.
        notes: what the reader decided, or a person should look at, one sentence each.
        rejected: lines of text left out (``on_bad = 'skip'``).
    """

    table: str
    rows: int
    columns: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    rejected: int = 0


def _one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise OptionError(
            f"{option} = {value!r} is unknown.", remedy=f"Write one of {', '.join(map(repr, known))}."
        )
