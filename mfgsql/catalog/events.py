"""The audit: what happened to versions, who did it, and why. An event is committed with what it tells of."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import duckdb

from mfgsql.catalog.migrate import SCHEMA
from mfgsql.errors import OptionError

# The user of a server for whom this thread works, as `engine.access` knows them; None: embedded use.
acting: ContextVar[str | None] = ContextVar("mfgsql_acting", default=None)
_LONGEST = 10_000  # characters of a reason


def add_event(
    con: duckdb.DuckDBPyConnection,
    *,
    model: str,
    version: int | None,
    event: str,
    previous: int | None = None,
    reason: str | None = None,
    detail: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    who: str | None = None,
) -> None:
    """Record an event, inside the transaction that does the thing.

    Args:
        event: created, promoted, rolled_back, refused, dropped, imported, exported, adapted, reverted.
        previous: the champion before. reason: in somebody's words. detail: facts, as JSON can hold them.
        who: None: who asks.
    """
    told = None if detail is None else json.dumps(dict(detail), default=str, ensure_ascii=False)
    con.execute(
        f"INSERT INTO {SCHEMA}.events VALUES (now(), ?, ?, ?, ?, ?, ?, ?, ?)",
        [who or acting.get() or _user(), model, version, event, previous, reason, told, run_id],
    )


def read_reason(told: Any) -> str | None:
    """A reason as somebody gives it; None where there is none.

    Raises:
        OptionError: it is no text, or a very long one.
    """
    if told is not None and (not isinstance(told, str) or len(told) > _LONGEST):
        raise OptionError(f"reason is a text of up to {_LONGEST:,} characters, as 'new alloy', not {str(told)[:60]!r}.")
    return told.strip() or None if told is not None else None


def _user() -> str:
    """Of the operating system; a container may run as a number without a name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
