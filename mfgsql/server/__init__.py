"""The database on PostgreSQL's wire: one process owns it, for BI tools and everybody who speaks SQL to a server."""

from mfgsql.server.options import Options
from mfgsql.server.server import Server

__all__ = ["Options", "Server"]
