"""What a statement that made a version leaves in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from mfgsql.catalog import add_event

BETTER = "better than the champion beyond chance, on rows that neither saw"
_FIGURES = ("verdict", "metric", "value", "baseline", "rows")


def record_created(
    con: duckdb.DuckDBPyConnection, result: Mapping[str, Any], verb: str, champion: int | None, run_id: str,
    reason: str | None = None,
) -> None:  # fmt: skip
    """Record a version that a run made, and that it is the champion where it is; inside the caller's transaction.

    Args:
        result: the run's row. champion: the one before. reason: why it won; None: the usual one.
    """
    model, version = result["model"], result["version"]
    detail = {"verb": verb, **{name: result[name] for name in _FIGURES}}
    add_event(con, model=model, version=version, event="created", detail=detail, run_id=run_id)
    if result["champion"]:
        record_won(con, model, version, champion, run_id, reason)


def record_won(
    con: duckdb.DuckDBPyConnection, model: str, version: int, champion: int | None, run_id: str | None,
    reason: str | None = None,
) -> None:  # fmt: skip
    """Record that a version is the champion now: the model's first, or one that won."""
    reason = reason or ("the first version" if champion is None else BETTER)
    add_event(con, model=model, version=version, event="promoted", previous=champion, reason=reason, run_id=run_id)
