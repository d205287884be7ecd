"""How a COPY stream is written: its format and the characters that mean something in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mfgsql.wire.errors import WireError

SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
"""The first bytes of a binary stream; eight more follow, of flags and of an extension's length."""

_FORBIDDEN = "\\.abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class CopyLayout:
    """The options of a COPY, with PostgreSQL's defaults.

    Attributes:
        form: ``text``, ``csv`` or ``binary``.
        delimiter: between two values: a tab, in CSV a comma.
        null: what stands for NULL: ``\\N``, in CSV nothing.
        header: whether the first line holds the names.
        quote: around a value of CSV.
        escape: before a quote inside of one; the quote itself where it is not told.
        force_quote: columns of CSV that are always quoted, ``*`` for all.
        force_not_null: columns of CSV where no value means NULL.
        force_null: columns of CSV where a quoted value may mean NULL as well.

    Raises:
        WireError: options that exclude each other or are no single character (22023, 0A000).
    """

    form: str = "text"
    delimiter: str = ""
    null: str | None = None
    header: bool = False
    quote: str = '"'
    escape: str = ""
    force_quote: tuple[str, ...] | str = ()
    force_not_null: tuple[str, ...] | str = ()
    force_null: tuple[str, ...] | str = ()

    def __post_init__(self) -> None:
        csv = self.form == "csv"
        object.__setattr__(self, "delimiter", self.delimiter or ("," if csv else "\t"))
        object.__setattr__(self, "null", ("" if csv else "\\N") if self.null is None else self.null)
        object.__setattr__(self, "escape", self.escape or self.quote)
        for name in ("delimiter", "quote", "escape"):
            if len(getattr(self, name).encode()) != 1 or getattr(self, name) in "\r\n":
                raise WireError("22023", f"COPY {name} must be one byte, and no end of line.")
        if not csv and self.delimiter in _FORBIDDEN:
            raise WireError("22023", f"COPY delimiter can't be '{self.delimiter}'.", remedy="Take another, as '|'.")
        if csv and self.delimiter == self.quote:
            raise WireError("22023", "COPY delimiter and quote must differ.")
        if any(c in self.marker for c in "\r\n" + self.delimiter + (self.quote if csv else "")):
            raise WireError("22023", "COPY null can't hold the delimiter, a quote, or an end of line.")
        if self.form == "binary" and self.header:
            raise WireError("0A000", "COPY in binary has no header.")

    @property
    def marker(self) -> str:
        """What stands for NULL."""
        return self.null or ""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> CopyLayout:
        """From the options of a COPY statement, by their names in SQL; those that say nothing here are left out."""
        known = {k: v for k, v in options.items() if k in cls.__dataclass_fields__}
        return cls(form=str(options.get("format", "text")).lower(), **known)


def concerns(named: Sequence[str] | str, column: str) -> bool:
    """Whether a list of columns, or ``*``, names this one."""
    bare = [name[1:-1].replace('""', '"') if name.startswith('"') else name for name in named]
    return named == "*" or column.lower() in map(str.lower, bare)
