"""The only place where DuckDB meets torch: sessions, the planner, the verbs."""

from mfgsql.engine.opening import connect, install
from mfgsql.engine.session import Session

__all__ = ["Session", "connect", "install"]
