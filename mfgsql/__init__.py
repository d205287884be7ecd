"""mfgsql: large models for manufacturing, inside the database, by SQL.

import mfgsql
s = mfgsql.connect('plant.duckdb')
s.execute("FROM ml_finetune('press_failure', 'labelled', target := 'failed')").fetchall()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfgsql.version import __version__

__all__ = ["Session", "__version__", "connect", "install"]

if TYPE_CHECKING:
    from mfgsql.engine import Session, connect, install


def __getattr__(name: str) -> Any:
    """The engine on first use: ``import mfgsql`` alone must stay light."""
    if name in ("Session", "connect", "install"):
        from mfgsql import engine

        return getattr(engine, name)
    raise AttributeError(f"module 'mfgsql' has no attribute {name!r}")
