"""PostgreSQL's catalog over a DuckDB database: what clients ask about tables, answered from DuckDB's own lists."""

from mfgsql.server.catalog.installing import install
from mfgsql.server.catalog.rewriting import rewrite

__all__ = ["install", "rewrite"]
