"""Every error a caller can meet, in one tree.

    MfgsqlError
    ├── InputError (ValueError)        what the caller wrote can't be done
    │   ├── SourceError                the source is not readable, or not allowed here
    │   ├── OptionError                an argument or option is unknown or out of its range
    │   └── DataError                  the rows can't be learnt from (one class, five rows, ...)
    ├── NotFoundError (LookupError)    no such model, version, alias, run
    ├── CatalogError (RuntimeError)    the database is newer, damaged, or not initialised
    ├── ResourceError (MemoryError)    memory or disk would not suffice
    ├── MissingExtraError (ImportError)
    ├── CancelledError (RuntimeError)  the user stopped it
    ├── AccessError (PermissionError)  the role of who asks does not allow it
    └── ClosedError (RuntimeError)     the session is closed

A message says what happened and where; ``remedy`` is what mends it, as SQL or as a command.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MfgsqlError(Exception):
    """Root of all errors. ``str()`` is one paragraph: what happened, then the remedy."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message if remedy is None else f"{message} {remedy}")


class InputError(MfgsqlError, ValueError):
    """What the caller wrote can't be done."""


class SourceError(InputError):
    """The source is not readable, or not allowed here."""


class OptionError(InputError):
    """An argument or option is unknown or out of its range."""


class DataError(InputError):
    """The rows can't be learnt from."""


class NotFoundError(MfgsqlError, LookupError):
    """No such model, version, alias or run."""


class CatalogError(MfgsqlError, RuntimeError):
    """The database is newer than this package, damaged, or not initialised."""


class ResourceError(MfgsqlError, MemoryError):
    """Memory or disk would not suffice."""


class MissingExtraError(MfgsqlError, ImportError):
    """A feature needs packages of an extra that is not installed."""


class CancelledError(MfgsqlError, RuntimeError):
    """The user stopped it."""


class AccessError(MfgsqlError, PermissionError):
    """The role of who asks does not allow it, or a server allows it to nobody."""


class ClosedError(MfgsqlError, RuntimeError):
    """The session is closed."""


def of_duckdb(error: BaseException) -> bool:
    """Whether DuckDB raised it; by the class's module, for those who import no duckdb."""
    return type(error).__module__.split(".")[0] in ("duckdb", "_duckdb")


def one_of(words: Iterable[str]) -> str:
    """The words as a reader lists them: ``a, b or c``."""
    listed = list(words)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}" if listed else "none"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the closest known word, else an empty string."""
    lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f" Did you mean '{lower[close[0]]}'?" if close else ""
