"""Builds PostgreSQL's catalog in memory, beside the plant's database: views and macros of ``sql/pg``.

Nothing of it is stored in the user's file. It must run before the instance is locked, since it attaches a database.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from mfgsql.engine.quoting import quote_literal
from mfgsql.resources import resource
from mfgsql.version import __version__

PLACE = "ml_pg"


def install(execute: Callable[[str], object], database: str) -> None:
    """Attach ``ml_pg`` and fill it with views over the database of that name.

    Args:
        execute: runs SQL, several statements at once.
        database: as DuckDB calls it, for a file its name without the ending.

    Raises:
        duckdb.Error: ``ml_pg`` is attached already, or the instance is locked.
    """
    values = {":plant": database, ":version": __version__, ":started": datetime.now(UTC).isoformat()}
    execute(f"ATTACH ':memory:' AS {PLACE}")
    for path in sorted(resource("sql/pg").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(name, quote_literal(value))
        execute(text)
