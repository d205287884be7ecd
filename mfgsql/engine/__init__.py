"""The only place where DuckDB meets torch: sessions, the planner, the verbs."""

from mfgsql.engine.session import Session, connect, install

__all__ = ["Session", "connect", "install"]
